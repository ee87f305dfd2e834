"""A model in a new folder of the project is a layer of its own, without another line anywhere: on both targets.

So is one of the user's own, in the folder beside the home folder.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from emulator import Emulator, client
from soak import LONG, NUMBERS

from armazem.home import Home
from armazem.shop.history import generate
from armazem.targets.duckdb.versions import current_build

from .twins import PREFIX, Cloud

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("publishing on bigquery")]

ROOT = Path(__file__).parents[2]
SQL = """\
with sellers as (
    select * from {{ ref('fact_sales') }}
)

select
    seller_id,
    count(*) as units
from sellers
group by seller_id
"""
YAML = """\
models:
  - name: seller_scores
    description: One row per seller with a sale.
    columns:
      - {name: seller_id, description: The seller.}
      - {name: units, description: Units sold.}
"""


OWN = """\
models:
  - name: units_by_state
    description: One row per state with a sale.
    config: {meta: {kpi: {title: Units by state, order_by: [-units]}}}
    columns:
      - name: customer_state
        description: State of the customer.
        data_tests: [unique]
      - {name: units, description: Units sold.}
      - {name: gmv, description: Their prices.}
      - {name: last_day, description: Day of the last sale.}
    data_tests:
      - audit: {name: units_by_state_audit, arguments: {key: [customer_state]}}
"""
OWN_SQL = """\
select
    customer_state,
    count(*) as units,
    {{ decimal('sum(price)') }} as gmv,
    max(cast(order_purchase_timestamp as date)) as last_day
from {{ ref('fact_sales') }}
where customer_state is not null
group by customer_state
"""


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The code, with one model more."""
    folder = tmp_path_factory.mktemp("checkout")
    for part in ("src", "dbt", "tools"):
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__", "parsed"))
    (folder / "dbt" / "models" / "scores").mkdir()
    (folder / "dbt" / "models" / "scores" / "seller_scores.sql").write_text(SQL, encoding="utf-8")
    (folder / "dbt" / "models" / "scores" / "seller_scores.yml").write_text(YAML, encoding="utf-8")
    (folder / "models").mkdir()
    (folder / "models" / "units_by_state.sql").write_text(OWN_SQL, encoding="utf-8")
    (folder / "models" / "units_by_state.yml").write_text(OWN, encoding="utf-8")
    generate(folder / "in", orders=100, seed=1)
    return folder


def run(checkout: Path, *arguments: str, **settings: str) -> str:
    """A Python program of this checkout, in its folder; its answer."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("ARMAZEM_")}
    paths = os.pathsep.join(str(path) for path in (checkout / "src", checkout))
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=checkout,
        env=ours | {"PYTHONPATH": paths, "ARMAZEM_HOME": str(checkout / "home")} | settings,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def cloud(emulator: Emulator) -> dict[str, str]:
    return {
        "ARMAZEM_TARGET": "bigquery",
        "ARMAZEM_BIGQUERY_PROJECT": emulator.project,
        "ARMAZEM_BIGQUERY_ENDPOINT": emulator.url,
        "ARMAZEM_BIGQUERY_DATASET_PREFIX": PREFIX,
    }


def test_on_a_home_folder(checkout: Path) -> None:
    run(checkout, "-m", "armazem", "load", "in")
    run(checkout, "-m", "armazem", "build")
    assert current_build(Home(checkout / "home")) is not None
    listed = run(checkout, "-m", "armazem", "sql", "show all tables", "--format", "csv")
    assert "scores,seller_scores" in listed
    both = "select sum(units) as units, (select count(*) from marts.fact_sales) as sold from scores.seller_scores"
    [row] = json.loads(run(checkout, "-m", "armazem", "sql", both, "--format", "json"))
    assert row["units"] == row["sold"] > 0
    run(checkout, "-m", "armazem", "export", "parquet", "out")
    assert list((checkout / "out").glob("**/*seller_scores*"))
    program = (
        "from armazem.config import load_settings; from tools.warehouse import read_warehouse\n"
        "from tools.dictionary import data_dictionary\n"
        "print('\\n'.join(data_dictionary(read_warehouse(load_settings()))))"
    )
    assert "### `scores.seller_scores`" in run(checkout, "-c", program)


def test_on_bigquery(checkout: Path, emulator: Emulator) -> None:
    settings = cloud(emulator)
    Cloud.of(emulator, checkout / "home").emptied()
    run(checkout, "-m", "armazem", "load", "in", **settings)
    run(checkout, "-m", "armazem", "build", **settings)
    google = client(emulator.url, emulator.project)
    both = "select sum(units), (select count(*) from shop_marts.fact_sales) from shop_scores.seller_scores"
    [[units, sold]] = [list(row.values()) for row in google.query(both).result()]
    assert units == sold > 0
    # An own model is the same as in the home folder, by all that is asked of it.
    sql = ("sql", "select test from {}meta.test_results where model = 'units_by_state' order by 1", "--format", "json")
    kpi = ("kpi", "units_by_state", "--to", "2100-01-01", "--limit", "5", "--format", "json")
    here, there = (
        [json.loads(run(checkout, "-m", "armazem", *(part.format(prefix) for part in command), **of)) for command in
         (sql, kpi)]
        for prefix, of in (("", {}), ("shop_", settings))
    )  # fmt: skip
    assert here == there
    assert len(here[0]) == 2 and len(here[1]) > 2
    tests = "select count(*) from shop_meta.models where layer = 'own' and is_published"
    assert [list(row.values()) for row in google.query(tests).result()] == [[1]]


def test_a_selection_beside_a_model_that_was_never_built(checkout: Path, emulator: Emulator) -> None:
    """It has no table yet, on either target (here in the soak): it is not counted, kept or published."""
    late = checkout / "dbt" / "models" / "scores" / "late_scores.sql"
    late.write_text(SQL, encoding="utf-8")
    try:
        for settings in ({}, cloud(emulator)) if NUMBERS is LONG else ({},):
            run(checkout, "-m", "armazem", "build", "--select", "agg_sales_trend", **settings)
            run(checkout, "-m", "armazem", "build", "--select", "agg_monthly_growth", **settings)
    finally:
        late.unlink()
    listed = run(checkout, "-m", "armazem", "sql", "select name from meta.models", "--format", "csv")
    assert "seller_scores" in listed
    assert "late_scores" not in listed
