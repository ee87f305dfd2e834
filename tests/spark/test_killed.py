"""A job that is killed leaves no half load: the load is there as a whole, or not at all, and the next one works."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from lake.worlds import land, opened, raw
from landing.data import csv, single
from soak import only_in_soak

from armazem.config import Settings
from armazem.contract import TABLES
from armazem.errors import SparkError
from armazem.lake.landing import announced
from armazem.lake.partitions import partitions
from armazem.shop.history import generate

from .conftest import JARS, SHORT_LIVED

if TYPE_CHECKING:
    from conftest import Numbers
    from pyspark.sql import SparkSession

SCRIPT = Path(__file__).with_name("killed.py")


def killed(where: str, source: Path, settings: Settings, environment: dict[str, str], *jars: str) -> int:
    process = subprocess.Popen(
        [sys.executable, SCRIPT, where, source, settings.home, *jars],
        env={**os.environ, **SHORT_LIVED, **environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    _, errors = process.communicate(timeout=900)
    assert process.returncode in (0, -signal.SIGKILL), errors.decode()
    return process.returncode


def check(settings: Settings, source: Path, before: int, *, landed: bool) -> None:
    """Readers have what was there, or all of the load; the next load clears up and lands what is missing."""
    rows = raw(settings)
    assert len({row[0] for of_table in rows.values() for row in of_table}) == before + landed
    if landed:
        assert all(rows[table.name] for table in TABLES if (source / table.file).exists())
    after = land(settings, source, partial=True)
    assert (after.load_id is None) == landed
    lake = opened(settings)
    assert announced(lake) == []
    known = {row[0] for of_table in raw(settings).values() for row in of_table}
    for name in rows:
        assert set(partitions(lake.table(name))) <= known
    assert len(known) == before + 1


@pytest.mark.parametrize(
    ("where", "landed"),
    [("in append 1", False), ("after append 3", False), ("before record", False), ("after record", True)],
)
def test_a_driver_that_is_killed(
    where: str, landed: bool, spark: SparkSession, settings: Settings, tmp_path: Path
) -> None:
    land(settings, single(tmp_path / "first", "products", csv("products")))
    for name in ("orders", "order_payments", "sellers", "customers"):
        second = single(tmp_path / "second", name, csv(name)).parent
    gateway = spark.sparkContext._gateway
    assert gateway is not None
    environment = {
        "PYSPARK_GATEWAY_PORT": str(gateway.gateway_parameters.port),
        "PYSPARK_GATEWAY_SECRET": str(gateway.gateway_parameters.auth_token),
    }
    assert killed(where, second, settings, environment) == -signal.SIGKILL
    check(settings, second, 1, landed=landed)


@pytest.mark.slow
@only_in_soak
def test_ctrl_c_leaves_nothing_and_says_so(settings: Settings, tmp_path: Path) -> None:
    source = tmp_path / "in"
    generate(source, orders=100, seed=3)
    process = subprocess.Popen(
        [sys.executable, "-m", "armazem", "lake", "load", source],
        env={**os.environ, **SHORT_LIVED, "ARMAZEM_HOME": str(settings.home), "ARMAZEM_SPARK_JARS": JARS},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    # Rows are in the lake, and more to come.
    while process.poll() is None and not list(settings.home_folder.lake.glob("warehouse/raw/*/data/**/*.parquet")):
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=900)
    assert process.returncode == 128 + signal.SIGINT, errors
    assert "Traceback" not in errors and "ERROR" not in errors
    assert errors.splitlines()[-1] == "interrupted; nothing is left half done"
    check(settings, source, 0, landed=False)


def test_java_is_killed_while_it_works() -> None:
    from pyspark.java_gateway import launch_gateway

    from armazem.spark.failures import job_errors

    gateway = launch_gateway()
    jvm = gateway.jvm
    end = threading.Timer(0.5, gateway.proc.kill)
    end.start()
    for _ in ("under way", "gone"):
        with (
            pytest.raises(SparkError, match="reading x stopped: the Java of Spark has ended") as error,
            job_errors("reading x"),
        ):
            jvm.java.lang.Thread.sleep(600_000)
        assert "ARMAZEM_SPARK_MEMORY" in error.value.hint
    end.join()


@pytest.mark.slow
def test_a_job_that_is_killed_with_its_java(settings: Settings, tmp_path: Path, numbers: Numbers) -> None:
    """At named moments, and at any."""
    if not numbers.spark_kills:
        pytest.skip("each kill starts a Java: `make soak` does it")
    chance = random.Random(21)
    moments = ["before append 1", "in append 2", "after append 8", "before record", "after record"]
    moments += [f"{chance.uniform(0, 12):.2f}" for _ in range(max(0, numbers.spark_kills - len(moments)))]
    for number, where in enumerate(moments[: numbers.spark_kills]):
        source = tmp_path / f"in{number}"
        generate(source, orders=200, seed=number)
        ended = killed(where, source, settings, {}, JARS)
        rows = raw(settings)
        loads = {row[0] for of_table in rows.values() for row in of_table}
        check(settings, source, number, landed=len(loads) > number)
        assert ended == -signal.SIGKILL or len(loads) > number
