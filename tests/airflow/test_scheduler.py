"""A real scheduler: days backfilled at once in any order, workers killed in the middle, and all of it once more."""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import date
from pathlib import Path

import pytest
from golden import Golden
from soak import only_in_soak
from warehouse.history import Tables
from warehouse.shop import Shop, differing

from .conftest import Inbox, days_with
from .extracts import as_one, send
from .runner import PYTHON, Airflow, command_here

pytestmark = [pytest.mark.slow, only_in_soak, pytest.mark.xdist_group("airflow")]

SECONDS = 1200


@pytest.fixture
def inbox(golden: Golden, tmp_path: Path) -> Inbox:
    """One for each test."""
    return Inbox(tmp_path / "inbox", golden.once(tmp_path / "home"))


@pytest.fixture
def scheduled(airflow: Airflow, inbox: Inbox, tmp_path: Path) -> Airflow:
    """Another Airflow, whose DAGs know this inbox from the start; `airflow` says whether there is one at all."""
    port, *logs = free_ports(3)
    other = Airflow(tmp_path / "airflow", command_here(tmp_path))
    other.base |= inbox.environment | {
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{other.folder}/airflow.db?timeout=120",
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
        "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(logs[0]),
        "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(logs[1]),
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__PARALLELISM": "6",
        "WAREHOUSE_RETRY_SECONDS": "2",
    }
    return other


@pytest.mark.parametrize("seed", [1, 2])
def test_days_at_once_with_kills_and_again(
    scheduled: Airflow,
    inbox: Inbox,
    days: dict[date, Tables],
    golden: Golden,
    seed: int,
    report: Callable[..., None],
) -> None:
    rng = random.Random(seed)
    wanted = [day for day in days if day <= days_with(days)[3]]  # four with orders, and one without among them
    for day in wanted:
        send(inbox.folder, day, days[day])
    began = time.monotonic()
    backfill = ["backfill", "create", "--dag-id", "warehouse_daily", "--max-active-runs", "5"]
    backfill += ["--from-date", f"{wanted[0]}T23:00:00-03:00", "--to-date", f"{wanted[-1]}T23:00:00-03:00"]
    backfill += ["--run-backwards"] * rng.choice([0, 1])
    with scheduled:
        # Before the scheduler starts: SQLite has one writer, and the command does not wait for it.
        for command in (["dags", "reserialize"], backfill):
            code, said = scheduled.run(command)
            assert code == 0, said
        with standalone(scheduled):
            kills = kill_workers(inbox, rng, kills=3, until=lambda: all_ended(scheduled, len(wanted)))
        assert states(scheduled) == ["success"] * len(wanted), scheduled.rows(
            "select task_id, state from task_instance"
        )
        assert kills > 0
        tables, version = inbox.shop.checksums(), inbox.shop.current
        assert features(scheduled), "the dimensions changed"

        code, said = scheduled.run([*backfill, "--reprocess-behavior", "completed"])
        assert code == 0, said
        assert set(states(scheduled)) == {"queued"}
        with standalone(scheduled):
            wait_until(lambda: all_ended(scheduled, len(wanted)))
        assert states(scheduled) == ["success"] * len(wanted)
        assert (inbox.shop.checksums(), inbox.shop.current) == (tables, version)

    at_once = Shop(inbox.folder.parent / "at-once")
    at_once.load(golden.first)
    at_once.load(as_one([days[day] for day in wanted], inbox.folder.parent / "one"))
    at_once.build()
    assert differing(tables, at_once.checksums()) == []
    assert inbox.shop.armazem("build", "--full-refresh").code == 0
    assert differing(inbox.shop.checksums(), tables) == []
    report(
        "days at once by Airflow's scheduler",
        seed=seed, days=len(wanted), workers_killed=kills, seconds=round(time.monotonic() - began),
    )  # fmt: skip


@contextmanager
def standalone(airflow: Airflow) -> Iterator[None]:
    """Scheduler, triggerer, DAG processor and API server, with their own log."""
    with (airflow.folder / "standalone.log").open("wb") as log:
        process = subprocess.Popen(
            [Path(os.environ[PYTHON]).with_name("airflow"), "standalone"],
            env=airflow.base | {"PATH": f"{Path(os.environ[PYTHON]).parent}:{os.environ['PATH']}"},
            stdout=log, stderr=log, start_new_session=True, cwd=airflow.folder,
        )  # fmt: skip
        try:
            wait_until(lambda: answers(airflow))
            wait_until(lambda: bool(airflow.rows("select 1 from serialized_dag where dag_id = 'warehouse_daily'")))
            yield
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                process.wait(30)
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def free_ports(count: int) -> list[int]:
    with ExitStack() as opened:
        sockets = [opened.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def answers(airflow: Airflow) -> bool:
    """Whether the API server is there: without it no task starts."""
    with suppress(OSError):
        port = airflow.base["AIRFLOW__API__PORT"]
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v2/monitor/health", timeout=5) as answer:
            return bool(json.load(answer)["scheduler"]["status"] == "healthy")
    return False


def kill_workers(inbox: Inbox, rng: random.Random, *, kills: int, until: Callable[[], bool]) -> int:
    """Kill tasks while their command runs, some with it and some without, at most one of a kind at a time."""
    done, killed = 0, set[int]()

    def step() -> bool:
        nonlocal done
        if done < kills:
            for command, task in running(inbox):
                if task not in killed and rng.random() < 0.15:
                    with suppress(ProcessLookupError):
                        os.kill(task, signal.SIGKILL)
                        if rng.random() < 0.5:
                            os.kill(command, signal.SIGKILL)
                        done += 1
                    killed.add(task)
                    break
        return until()

    wait_until(step)
    return done


def running(inbox: Inbox) -> list[tuple[int, int]]:
    """The commands that tasks are running on this home folder: process of the command, process of the task."""
    found = []
    for entry in Path("/proc").iterdir():
        with suppress(OSError, ValueError, IndexError):
            words = (entry / "cmdline").read_bytes().split(b"\0")
            environment = (entry / "environ").read_bytes()
            if (
                b"armazem" in words
                and {b"load", b"build", b"publish"} & set(words)
                and (f"ARMAZEM_HOME={inbox.shop.path}\0".encode() in environment)
            ):
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                if Path(f"/proc/{parent}/cmdline").read_bytes().startswith(b"airflow worker"):
                    found.append((int(entry.name), parent))
    return found


def states(airflow: Airflow) -> list[str]:
    return [
        state
        for (state,) in airflow.rows(
            "select state from dag_run where dag_id = 'warehouse_daily' and run_type = 'backfill'"
        )
    ]


def all_ended(airflow: Airflow, count: int) -> bool:
    """Whether all days have, and the scheduler knows that the backfill has; and the files for features are written."""
    ended = states(airflow) + features(airflow)
    return (
        len(states(airflow)) == count
        and set(ended) <= {"success", "failed"}
        and airflow.rows("select 1 from backfill where completed_at is null") == []
    )


def features(airflow: Airflow) -> list[str]:
    return [state for (state,) in airflow.rows("select state from dag_run where dag_id = 'warehouse_features'")]


def wait_until(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < until, "it takes too long"
        time.sleep(0.5)
