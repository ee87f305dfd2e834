"""Ctrl-C in a build on BigQuery: it ends within seconds, and the next build finds no lock and nothing half done."""

from __future__ import annotations

import random
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from emulator import Emulator
from warehouse.shop import ended, start

from armazem.shop.history import generate

from .twins import Cloud

if TYPE_CHECKING:
    from conftest import Numbers

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("publishing on bigquery")]
SAID = "interrupted; nothing is left half done"


def test_interrupted(
    emulator: Emulator, cloud_home: Path, tmp_path: Path, numbers: Numbers, report: Callable[..., None]
) -> None:
    cloud = Cloud.of(emulator, cloud_home, bigquery_retry_seconds=2.0).emptied()
    generate(tmp_path / "shop", orders=60, seed=3)
    cloud.load(tmp_path / "shop")
    cloud.build()
    before = cloud.tables("marts", "kpis")
    given = cloud.settings.model_dump(exclude={"home"}, exclude_unset=True)
    environment = {f"ARMAZEM_{name.upper()}": value for name, value in given.items()}
    rng = random.Random()
    interrupted = 0
    for _ in range(numbers.interrupts):
        process = start(
            "--home", cloud_home, "build", "--full-refresh", "--target", "bigquery", "--wait", "0", env=environment
        )
        moment = rng.uniform(1.5, 8)
        try:
            process.wait(moment)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT)
            done = ended(process, numbers.seconds_to_end)
            assert (done.code, done.err.splitlines()[-1]) == (130, SAID), (moment, done)
            interrupted += 1
        else:
            ended(process)
    cloud.build()  # nobody holds the lock
    after = cloud.tables("marts", "kpis")
    assert {name for name in before if before[name] != after[name]} <= {"marts.audit_fact_sales"}
    report("interrupted builds on BigQuery", interrupted=interrupted, tried=numbers.interrupts, failures=0)
