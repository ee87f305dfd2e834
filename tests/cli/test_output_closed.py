"""Whoever reads the output may go away: the work goes on, and an answer that nobody reads ends quietly."""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path

import pytest
from golden import Golden
from soak import only_in_soak
from warehouse.shop import COMMAND, Shop

from armazem.build.run import BuildRequest, build
from armazem.config import Settings

pytestmark = pytest.mark.xdist_group("interrupted")


@pytest.fixture(scope="module")
def shop(golden: Golden, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return golden.once(tmp_path_factory.mktemp("shop"))


def shell(shop: Shop, line: str) -> subprocess.CompletedProcess[str]:
    """Run a line of bash in which `armazem` is the command on this home; its code is that of the command."""
    armazem = f"{shlex.quote(str(COMMAND))} --home {shlex.quote(str(shop.path))}"
    line = line.replace("armazem", armazem)
    return subprocess.run(
        ["bash", "-c", f"{line}; exit ${{PIPESTATUS[0]}}"],
        capture_output=True, text=True, timeout=120, env=os.environ | {"HOME": str(shop.path)},
    )  # fmt: skip


@pytest.mark.parametrize(
    "output",
    [
        pytest.param("2>&1 | head -1", id="head"),
        pytest.param("2>&1 >/dev/null | true", id="true", marks=[only_in_soak, pytest.mark.slow]),  # in small: head
        pytest.param("2>/dev/full", id="full", marks=[only_in_soak, pytest.mark.slow]),  # in small: closed
        pytest.param(">&- 2>&-", id="closed"),
    ],
)
def test_a_build_that_nobody_listens_to_is_published(shop: Shop, output: str) -> None:
    before = set(shop.home.builds.glob("*Z.duckdb"))
    done = shell(shop, f"armazem build --select agg_sales_trend {output}")
    assert done.returncode == 0, done
    assert len(set(shop.home.builds.glob("*Z.duckdb")) - before) == 1
    assert "Traceback" not in done.stderr + done.stdout


def test_a_listener_that_fails_does_not_hold_a_build_up(shop: Shop) -> None:
    """It is called in a thread of dbt, which dbt waits for."""

    def fails(name: str, number: int, total: int) -> None:
        raise RuntimeError("the listener is broken")

    report = build(Settings(home=shop.path), BuildRequest(select="agg_sales_trend"), on_node=fails)
    assert report.record is not None and report.record.status == "published"
    assert "RuntimeError: the listener is broken" in (shop.home.logs / "dbt.log").read_text()


@pytest.mark.parametrize("format_", ["table", "csv", "json"])
@pytest.mark.parametrize("rows", [1, 20_000])
def test_an_answer_may_be_read_in_part(shop: Shop, format_: str, rows: int) -> None:
    done = shell(shop, f"armazem sql 'select * from range({rows})' --format {format_} | head -1 >/dev/null")
    assert (done.returncode, done.stderr) == (0, "")
    done = shell(shop, f"armazem sql 'select * from range({rows})' --format {format_} | true")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("format_", ["table", "csv", "json"])
@pytest.mark.parametrize("rows", [1, 20_000])
def test_an_answer_that_does_not_get_there_is_an_error(shop: Shop, format_: str, rows: int) -> None:
    done = shell(shop, f"armazem sql 'select * from range({rows})' --format {format_} >/dev/full")
    assert done.returncode == 1
    first, *hint = done.stderr.splitlines()
    assert first == "error: the answer could not be written: No space left on device"
    assert len(hint) == 1 and "standard output" in hint[0]


@pytest.mark.parametrize("command", ["--version", "--help", "kpi --help", "builds", "status", "kpi sales_trend"])
def test_other_answers(shop: Shop, command: str) -> None:
    assert (lambda done: (done.returncode, done.stderr))(shell(shop, f"armazem {command} | true")) == (0, "")
    full = shell(shop, f"armazem {command} >/dev/full")
    assert full.returncode == 1
    assert "No space left on device" in full.stderr and "Traceback" not in full.stderr
    closed = shell(shop, f"armazem {command} >&-")
    assert "Traceback" not in closed.stderr


def test_ingest_goes_on(shop: Shop, tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    file.write_bytes(b"no event\n" * 1000)
    done = shell(shop, f"armazem ingest {file} 2>&1 | true")
    assert done.returncode == 1  # as without the pipe: everything was refused
    ledger = shop.armazem("status", "--ledger", "--format", "json")
    assert '"dead_letters":1000' in ledger.out.replace(" ", ""), ledger.out
