# The project's own environment; everything runs from it: with what running needs, or with what development needs too.
VENV := .venv
BIN := $(VENV)/bin
RUNS := $(VENV)/.ready-run
READY := $(VENV)/.ready
# Beam wants an older pyarrow than the rest has: an environment of its own.
BEAM := .venv-beam
BEAM_READY := $(BEAM)/.ready
# What checks deploy/ and the workflows; and checkov, which wants older versions of what the others have.
DEPLOY := .venv-deploy
DEPLOY_READY := $(DEPLOY)/.ready
CHECKOV := .venv-checkov
CHECKOV_READY := $(CHECKOV)/.ready
ACTIONLINT := github.com/rhysd/actionlint/cmd/actionlint@v1.7.12
KUBE_SCORE := github.com/zegl/kube-score/cmd/kube-score@v1.20.0
HCLFMT := github.com/hashicorp/hcl/v2/cmd/hclfmt@v2.24.0
# Airflow's packages and ours do not go together: its environment has nothing of ours, and calls the command.
AIRFLOW := .venv-airflow
AIRFLOW_READY := $(AIRFLOW)/.ready
# Feast too: it reads what `export feast` writes.
FEAST := .venv-feast
FEAST_READY := $(FEAST)/.ready
# Spark is half a gigabyte, Snowflake's packages want an older DuckDB.
SPARK := .venv-spark
SPARK_READY := $(SPARK)/.ready
SNOWFLAKE := .venv-snowflake
SNOWFLAKE_READY := $(SNOWFLAKE)/.ready
# The jars of a Kafka broker for the tests.
KAFKA := .kafka/.ready
PYTHON ?= python3
ARGS ?=
# Three workers, as two leave a third of two processors idle; tests/conftest.py says which tests come first.
BESIDE := -n 3 --dist loadgroup --no-loadscope-reorder

.DEFAULT_GOAL := help
.PHONY: help setup up test beam airflow airflow-image feast spark snowflake kafka deploy lint soak bench bench-live bench-dashboard docs \
	wheel release-files lock clean

help:  ## Show the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 17

setup: $(READY)  ## Make the whole environment: what `up` needs, Google Cloud and Tableau, tests and linters

$(RUNS): requirements-run.lock pyproject.toml
	@$(PYTHON) tools/environment.py $(VENV) requirements-run.lock
	@touch $@

$(READY): requirements.lock $(RUNS)
	@$(PYTHON) tools/environment.py $(VENV) requirements.lock
	@touch $@

$(BEAM_READY): requirements-beam.lock pyproject.toml
	@$(PYTHON) tools/environment.py $(BEAM) requirements-beam.lock
	@touch $@

$(AIRFLOW_READY): requirements-airflow.lock
	@$(PYTHON) tools/environment.py $(AIRFLOW) --uv pip sync --quiet --python $(AIRFLOW)/bin/python requirements-airflow.lock
	@touch $@

$(FEAST_READY): requirements-feast.lock
	@$(PYTHON) tools/environment.py $(FEAST) --uv pip sync --quiet --python $(FEAST)/bin/python requirements-feast.lock
	@touch $@

$(SPARK_READY): requirements-spark.lock pyproject.toml src/armazem/spark/jars.py
	@$(PYTHON) tools/environment.py $(SPARK) requirements-spark.lock
	@$(SPARK)/bin/python -m tools.spark_jars $(SPARK)/jars
	@touch $@

$(SNOWFLAKE_READY): requirements-snowflake.lock
	@$(PYTHON) tools/environment.py $(SNOWFLAKE) --uv pip sync --quiet --python $(SNOWFLAKE)/bin/python requirements-snowflake.lock
	@touch $@

# Linters in Go are built where there is Go; the tests of the others say which they went without.
$(DEPLOY_READY): requirements-deploy.lock pyproject.toml
	@$(PYTHON) tools/environment.py $(DEPLOY) requirements-deploy.lock
	@if command -v go >/dev/null; then \
		for tool in $(ACTIONLINT) $(KUBE_SCORE) $(HCLFMT); do GOBIN=$(CURDIR)/$(DEPLOY)/bin go install $$tool || exit 1; done; fi
	@touch $@

$(CHECKOV_READY): requirements-checkov.lock
	@$(PYTHON) tools/environment.py $(CHECKOV) requirements-checkov.lock
	@touch $@

up: $(RUNS)  ## The main job: data, load, build, serve (ARGS="--orders 5000", ARGS="--data PATH", ARGS=--no-serve)
	$(BIN)/armazem up $(ARGS)

test: setup  ## All tests, with the static checks beside them (ARGS="-k allocation")
	$(BIN)/python -m armazem.build.project
	$(BIN)/python -m pytest $(BESIDE) --with-lint $(ARGS)

beam: setup $(BEAM_READY)  ## The tests of the pipeline for Dataflow, in the environment of Beam (ARGS="-k options")
	BIGQUERY_EMULATOR_PYTHON=$(CURDIR)/$(BIN)/python $(BEAM)/bin/python -m pytest tests/beam $(ARGS)

airflow: setup $(AIRFLOW_READY)  ## The tests of the DAGs, with Airflow in an environment of its own (ARGS="-k poisoned")
	AIRFLOW_PYTHON=$(CURDIR)/$(AIRFLOW)/bin/python $(BIN)/python -m pytest $(BESIDE) tests/airflow $(ARGS)

airflow-image: wheel  ## Put what the image of the Astronomer project needs into dags/
	cp dist/armazem-*.whl requirements-run.lock dags/

feast: setup $(FEAST_READY)  ## The tests of `export feast` with Feast, in an environment of its own (ARGS="-k past")
	FEAST_PYTHON=$(CURDIR)/$(FEAST)/bin/python $(BIN)/python -m pytest tests/feast $(ARGS)

$(KAFKA): tests/kafka_broker/pom.xml
	@mvn --quiet --batch-mode -f $< dependency:copy-dependencies -DoutputDirectory=$(CURDIR)/$(@D)
	@touch $@

kafka: setup $(KAFKA)  ## The tests with a real Kafka broker: its jars by Maven, it takes Java 17 (ARGS="-k fenced")
	$(BIN)/python -m armazem.build.project
	$(BIN)/python -m pytest tests/kafka $(ARGS)

snowflake: setup $(SNOWFLAKE_READY)  ## The dbt project on fakesnow, in an environment of its own, compared with DuckDB (ARGS="-k compiled")
	SNOWFLAKE_PYTHON=$(CURDIR)/$(SNOWFLAKE)/bin/python $(BIN)/python -m pytest tests/snowflake $(ARGS)

spark: setup $(SPARK_READY)  ## The tests of `lake load` with Spark, in an environment of its own (ARGS="-k parity")
	$(BIN)/python -m armazem.build.project
	SPARK_JARS=$(CURDIR)/$(SPARK)/jars $(SPARK)/bin/python -m pytest tests/spark $(ARGS)

deploy: $(DEPLOY_READY) $(CHECKOV_READY)  ## Check deploy/ and the workflows by their linters (ARGS="-k terraform")
	CHECKOV=$(CURDIR)/$(CHECKOV)/bin/checkov $(DEPLOY)/bin/python -m pytest tests/deploy $(ARGS)

lint: setup  ## Static checks: ruff, mypy, import-linter, sqlfluff
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	cd dbt && DBT_TARGET_PATH=../$(VENV)/dbt DBT_LOG_PATH=../$(VENV)/dbt ARMAZEM_DBT_DUCKDB_PATH=../$(VENV)/lint.duckdb \
		../$(BIN)/sqlfluff lint --config ../pyproject.toml --processes 2 models tests

# Those of Spark in its own environment; 5 is none that ARGS chooses.
soak: setup $(AIRFLOW_READY) $(KAFKA) $(SPARK_READY)  ## The long versions of the kill, fuzz and property tests; figures into docs/reliability.md
	rm -f .soak.jsonl
	$(BIN)/python -m armazem.build.project
	ARMAZEM_SOAK=1 ARMAZEM_SOAK_REPORT=$(CURDIR)/.soak.jsonl AIRFLOW_PYTHON=$(CURDIR)/$(AIRFLOW)/bin/python $(BIN)/python -m pytest $(BESIDE) -m slow $(ARGS)
	ARMAZEM_SOAK=1 ARMAZEM_SOAK_REPORT=$(CURDIR)/.soak.jsonl SPARK_JARS=$(CURDIR)/$(SPARK)/jars $(SPARK)/bin/python -m pytest tests/spark \
		-m slow $(ARGS) || test $$? -eq 5
	$(BIN)/python -m tools.reliability .soak.jsonl

bench: setup  ## Benchmarks with their limits; figures into docs/benchmarks.md
	$(BIN)/python -m bench --write docs/benchmarks.md $(ARGS)

bench-live: setup $(KAFKA)  ## Benchmarks of live events: ingest, HTTP, live figures, look-ups of features, known ids, Pub/Sub, Kafka, BigQuery, and a server that builds by itself
	for part in event_core ingest http live lookup seen pubsub kafka cloud unattended; do $(BIN)/python -m bench.$$part || exit 1; done

bench-dashboard: setup  ## The dashboard and its API at full size, while events come in; figures into docs/dashboard.md
	$(BIN)/python -m bench.dashboard --write docs/dashboard.md $(ARGS)

docs: setup  ## Render the parts of docs/ and dbt/ that come from the contract and the models
	$(BIN)/python -m tools.render
	$(BIN)/armazem graph > dags/include/graph.json

wheel: setup  ## The package, with the dbt project parsed in it, into dist/
	$(BIN)/python -m armazem.build.project
	$(PYTHON) tools/environment.py $(VENV) --uv build --wheel --quiet

release-files: wheel $(DEPLOY_READY)  ## The wheel, looked at as PyPI does, and what it is made of as an SBOM, into dist/
	$(DEPLOY)/bin/twine check --strict dist/*.whl
	$(DEPLOY)/bin/check-wheel-contents dist/*.whl
	$(DEPLOY)/bin/cyclonedx-py requirements --pyproject pyproject.toml --mc-type library --output-reproducible \
		--output-file dist/sbom.cdx.json deploy/server/requirements.txt

lock: setup  ## Compile all lock files anew
	$(PYTHON) tools/environment.py $(VENV) --uv pip compile --quiet --universal --no-emit-index-url --python-version 3.11 \
		pyproject.toml -o requirements-run.lock
	$(PYTHON) tools/environment.py $(VENV) --uv pip compile --quiet --group dev --extra bigquery --extra iceberg --extra kafka --extra lineage --extra ml --extra pubsub --extra tableau \
		-c requirements-run.lock --no-emit-index-url --python-version 3.11 pyproject.toml -o requirements.lock
	$(PYTHON) tools/environment.py $(VENV) --uv pip compile --quiet --universal --group beam --extra beam \
		--no-emit-index-url --python-version 3.11 pyproject.toml -o requirements-beam.lock
	$(PYTHON) tools/environment.py $(VENV) --uv pip compile --quiet --universal --group airflow \
		--no-emit-index-url --python-version 3.11 -o requirements-airflow.lock
	$(PYTHON) tools/environment.py $(VENV) --uv pip compile --quiet --universal --group feast \
		--no-emit-index-url --python-version 3.11 -o requirements-feast.lock
	$(PYTHON) tools/environment.py $(VENV) --uv pip compile --quiet --universal --group spark --extra spark --extra iceberg \
		-c requirements.lock --no-emit-index-url --python-version 3.11 pyproject.toml -o requirements-spark.lock
	$(PYTHON) tools/environment.py $(VENV) --uv pip compile --quiet --no-config --universal --group snowflake \
		--no-emit-index-url --python-version 3.11 -o requirements-snowflake.lock
	$(PYTHON) tools/environment.py $(VENV) --uv pip compile --quiet --universal -c requirements-beam.lock \
		--no-emit-index-url --python-version 3.11 deploy/dataflow/requirements-worker.in \
		-o deploy/dataflow/requirements-worker.txt
	$(PYTHON) tools/environment.py $(VENV) --uv pip compile --quiet --generate-hashes --extra bigquery --extra pubsub \
		-c requirements.lock --no-emit-index-url --python-version 3.11 pyproject.toml -o deploy/server/requirements.txt
	$(PYTHON) tools/environment.py $(VENV) --uv pip compile --quiet --universal --group deploy \
		--no-emit-index-url --python-version 3.11 pyproject.toml -o requirements-deploy.lock
	$(PYTHON) tools/environment.py $(VENV) --uv pip compile --quiet --universal --group checkov \
		--no-emit-index-url --python-version 3.11 -o requirements-checkov.lock

clean:  ## Remove the environment and caches, not the data
	rm -rf $(VENV) $(BEAM) $(AIRFLOW) $(FEAST) $(SPARK) $(SNOWFLAKE) $(DEPLOY) $(CHECKOV) $(dir $(KAFKA)) .mypy_cache .ruff_cache .pytest_cache .hypothesis
