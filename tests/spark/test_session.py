"""Starting Spark: what is missing is said in words; spark-submit starts the same command; the request for Dataproc."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from lake.worlds import raw
from landing.data import csv, single
from warehouse.shop import armazem

from armazem.cli import spark_submit
from armazem.config import Settings, load_settings
from armazem.errors import SparkError, UnsupportedError
from armazem.lake.place import Place
from armazem.spark.catalog import catalog_options
from armazem.spark.dataproc import batch
from armazem.spark.jars import ICEBERG, PACKAGES, SPARK, check_java, named_jars

from .conftest import JARS, SHORT_LIVED

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

REST = {"lake_catalog": "https://biglake.example/iceberg", "lake_warehouse": "gs://shop/lake"}
IMAGE, MAIN = "southamerica-east1-docker.pkg.dev/my-project/images/armazem-spark:1", "gs://shop/armazem/spark_submit.py"


def test_there_is_no_java(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SparkError, match="Spark needs Java 17 or 21, and there is none on this machine"):
        check_java()
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(SparkError, match=f"{tmp_path}/bin/java does not run"):
        check_java()


def test_the_java_is_too_old(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    java = tmp_path / "bin" / "java"
    java.parent.mkdir()
    java.write_text("#!/bin/sh\necho 'openjdk version \"11.0.22\" 2024-01-16' >&2\n")
    java.chmod(0o755)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(SparkError, match="is Java 11"):
        check_java()


def test_jars_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(SparkError, match="is no jar and no folder with jars") as error:
        named_jars(str(tmp_path))
    assert ICEBERG in error.value.hint
    (tmp_path / "one.jar").touch()
    assert named_jars(f"{tmp_path}, {tmp_path}/one.jar") == [tmp_path / "one.jar"] * 2


def test_the_jar_of_iceberg_is_made_for_the_spark_that_is_installed() -> None:
    import pyspark

    assert pyspark.__version__.startswith(f"{SPARK}.")
    assert f"spark-runtime-{SPARK}_" in ICEBERG


def test_a_catalog_whose_driver_is_missing(spark: SparkSession) -> None:
    from armazem.spark.session import on_lake

    with pytest.raises(SparkError, match=r"has no org\.postgresql\.Driver"):
        on_lake(spark, Place("postgresql+psycopg://me:secret@db/lake", "gs://shop/lake"))


def test_spark_is_told_of_the_catalog_that_pyiceberg_opens() -> None:
    options = catalog_options(Place("postgresql+psycopg://me:se%40cret@db:5433/lake?sslmode=require", "gs://shop/lake"))
    named = {name.removeprefix("spark.sql.catalog.lake."): value for name, value in options.items()}
    assert named["uri"] == "jdbc:postgresql://db:5433/lake?sslmode=require"
    assert (named["jdbc.user"], named["jdbc.password"], named["type"]) == ("me", "se@cret", "jdbc")
    options = catalog_options(Place("https://host/catalog", "shop", {"token": "t"}))
    assert {name.rpartition("lake.")[2]: value for name, value in options.items() if "lake." in name} == {
        "type": "rest", "uri": "https://host/catalog", "warehouse": "shop", "cache-enabled": "false", "token": "t",
    }  # fmt: skip


def test_spark_submit_starts_the_same_command(settings: Settings, tmp_path: Path, spark: SparkSession) -> None:
    single(tmp_path / "in", "sellers", csv("sellers"))
    source = single(tmp_path / "in", "orders", csv("orders") + b"o9,c9,gone,2018-01-02 10:56:33,,,,\n").parent
    command: list[Any] = [Path(sys.executable).with_name("spark-submit"), "--master", "local[1]"]
    command += ["--driver-memory", "700m", "--conf", "spark.ui.enabled=false", "--conf", "spark.driver.host=127.0.0.1"]
    command += ["--jars", ",".join(map(str, Path(JARS).glob("*.jar")))] if JARS else ["--packages", ",".join(PACKAGES)]

    def submitted(*arguments: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*map(str, command), spark_submit.__file__, *map(str, arguments)],
            env={**os.environ, **SHORT_LIVED, "ARMAZEM_HOME": str(settings.home), "PYSPARK_PYTHON": sys.executable},
            capture_output=True, text=True, timeout=900, check=False,
        )  # fmt: skip

    done = submitted(source, "--partial", "--format", "json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout.splitlines()[-1])
    assert {file["table"]: file["rows_accepted"] for file in report["files"]}["orders"] == 2
    assert {name: len(rows) for name, rows in raw(settings).items()}["orders"] == 2
    assert "Traceback" not in done.stderr and "WARN" not in done.stderr.partition("starting Spark")[2]


def test_the_request_for_dataproc_is_one_that_its_api_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataproc = pytest.importorskip("google.cloud.dataproc_v1", reason="google-cloud-dataproc is not here: `make spark`")
    from google.protobuf import json_format

    for name, value in REST.items():
        monkeypatch.setenv(f"ARMAZEM_{name.upper()}", value)
    answer = armazem(
        "lake", "load", "gs://shop-exports/2018-08-29", "--strict", "--decimal", ",", "--as-of", "2018-08-29T06:00",
        "--dataproc", "my-project/southamerica-east1", "--image", IMAGE, "--main", MAIN,
        "--service-account", "loader@my-project.iam.gserviceaccount.com", home=tmp_path,
    )  # fmt: skip
    assert answer.code == 0, answer.err
    # Strictly: a field that Batch does not have is an error.
    request = json_format.Parse(answer.out, dataproc.Batch.pb(dataproc.Batch()), ignore_unknown_fields=False)
    read = dataproc.Batch.wrap(request)
    assert read.pyspark_batch.main_python_file_uri == MAIN
    path, *options = read.pyspark_batch.args
    assert path == "gs://shop-exports/2018-08-29"
    assert sorted(options) == ["--as-of=2018-08-29T09:00:00+00:00", "--decimal=,", "--encoding=auto", "--strict"]
    assert read.runtime_config.container_image == IMAGE
    told = {
        name.rpartition(".")[2]: value for name, value in read.runtime_config.properties.items() if "ARMAZEM" in name
    }
    assert told["ARMAZEM_LAKE_CATALOG"] == REST["lake_catalog"]
    assert read.environment_config.execution_config.service_account.startswith("loader@")
    # The arguments are those of the command.
    from armazem.cli.spark import load

    load.make_context("load", list(read.pyspark_batch.args))


@pytest.mark.parametrize(
    ("path", "place", "changed", "words"),
    [
        ("gs://b/x", "nowhere", {}, "is no place of Dataproc"),
        ("/data/x", "my-project/us-east1", {}, "cannot read /data/x"),
        ("gs://b/x", "my-project/us-east1", {"lake_catalog": ""}, "cannot use a catalog on SQLite"),
        ("gs://b/x", "my-project/us-east1", {"lake_catalog": "postgresql://me:secret@db/lake"}, "the password in"),
    ],
)
def test_what_dataproc_cannot_do(path: str, place: str, changed: dict[str, str], words: str, tmp_path: Path) -> None:
    settings = load_settings(home=tmp_path, **(REST | changed))
    with pytest.raises(UnsupportedError, match=words) as error:
        batch(settings, place, path, {}, image=IMAGE, main=MAIN)
    assert "secret" not in f"{error.value} {error.value.hint}"
    with pytest.raises(UnsupportedError, match="needs --image"):
        batch(load_settings(home=tmp_path, **REST), "my-project/us-east1", "gs://b/x", {})


def test_options_of_dataproc_alone_are_wrong_use(tmp_path: Path) -> None:
    answer = armazem("lake", "load", single(tmp_path, "sellers", csv("sellers")), "--image", IMAGE, home=tmp_path)
    assert answer.code == 2
    assert "--image is for --dataproc" in answer.err
