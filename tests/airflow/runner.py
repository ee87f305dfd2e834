"""Airflow as the tests use it: its real command with a database of its own, our DAGs, and what became of runs."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime
from datetime import time as time_of_day
from pathlib import Path
from typing import Any, Self
from zoneinfo import ZoneInfo

import yaml

# The Python of Airflow's environment: `make airflow` sets it.
PYTHON = "AIRFLOW_PYTHON"
ROOT = Path(__file__).parents[2]
PROJECT = ROOT / "dags"
_OURS = ("ARMAZEM_", "WAREHOUSE_", "AIRFLOW_", "PYTHONPATH", "VIRTUAL_ENV")


@dataclass(frozen=True, slots=True)
class Run:
    """A run of a DAG that ended. `states`: of its tasks; `log`: what was written meanwhile."""

    code: int
    state: str
    states: dict[str, str]
    log: str

    def tables(self, state: str) -> set[str]:
        """Return the tables whose tasks have this state."""
        return {name.removeprefix("tables.") for name, is_ in self.states.items() if "tables." in name and is_ == state}

    def steps(self) -> dict[str, str]:
        """Return the states of the tasks that are no tables."""
        return {name: state for name, state in self.states.items() if not name.startswith("tables.")}


class Airflow:
    """One metadata database in `folder`. `command`: the executable that the DAGs are to call."""

    def __init__(self, folder: Path, command: Path) -> None:
        self.folder = folder
        self.log = folder / "log"
        self.base = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)} | {
            "AIRFLOW_HOME": str(folder),
            "AIRFLOW__CORE__DAGS_FOLDER": str(PROJECT / "dags"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
            "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
            "DO_NOT_TRACK": "1",
            "PYTHONPATH": str(PROJECT),
            "WAREHOUSE_COMMAND": str(command),
            "WAREHOUSE_WAIT_SECONDS": "0",
            "WAREHOUSE_RETRY_SECONDS": "0.1",
        }
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "session-errors").open("w") as errors:
            self._process = subprocess.Popen(
                [os.environ[PYTHON], "-P", Path(__file__).with_name("session.py")],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                bufsize=1,
                env=self.base,
                cwd=self.folder,
            )
        assert self.run(["db", "migrate"])[0] == 0, self.log.read_text()
        for pool in settings_of_project()["pools"]:
            made = [pool["pool_name"], str(pool["pool_slot"]), pool["pool_description"]]
            assert self.run(["pools", "set", *made])[0] == 0, self.log.read_text()
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(30)

    def run(self, arguments: Sequence[str], environment: Mapping[str, str] | None = None) -> tuple[int, str]:
        """Run `airflow ARGUMENTS`; exit code, and what it wrote."""
        assert self._process is not None
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        start = self.log.stat().st_size if self.log.exists() else 0
        request = {"arguments": list(arguments), "environment": dict(environment or {}), "log": str(self.log)}
        self._process.stdin.write(json.dumps(request) + "\n")
        answer = self._process.stdout.readline()
        assert answer, (self.folder / "session-errors").read_text()
        with self.log.open(encoding="utf-8", errors="replace") as log:
            log.seek(start)
            return json.loads(answer)["code"], log.read()

    def dags_test(
        self, dag: str, environment: Mapping[str, str], day: date | None = None, conf: Mapping[str, str] | None = None
    ) -> Run:
        """`airflow dags test`, for the run that is due at 23:00 in São Paulo."""
        due = [datetime.combine(day, time_of_day(23), ZoneInfo("America/Sao_Paulo")).isoformat()] if day else []
        arguments = ["dags", "test", dag, *due]
        code, log = self.run([*arguments, *(["--conf", json.dumps(conf)] if conf else [])], environment)
        [[run_id, state]] = self.rows(
            "select run_id, state from dag_run where dag_id = ? order by id desc limit 1", dag
        )
        return Run(code, state, self.states(dag, run_id), log)

    def when_logged(self, words: str, do: Callable[[], object], seconds: float = 60) -> None:
        """Do something once these words were written, from now on."""
        start, until = self.log.stat().st_size, time.monotonic() + seconds
        while time.monotonic() < until:
            if words.encode() in self.log.read_bytes()[start:]:
                do()
                return
            time.sleep(0.1)

    def states(self, dag: str, run_id: str) -> dict[str, str]:
        found: dict[str, str] = {}
        for task, index, state in self.rows(
            "select task_id, map_index, state from task_instance where dag_id = ? and run_id = ?", dag, run_id
        ):
            found[task if index < 0 else f"{task}[{index}]"] = state
        return found

    def events(self) -> list[tuple[str, str]]:
        """Return the events of assets so far, oldest first: table and build."""
        return [
            (name.removeprefix("armazem."), json.loads(extra)["build_id"])
            for name, extra in self.rows(
                "select asset.name, asset_event.extra from asset_event join asset on asset.id = asset_event.asset_id "
                "order by asset_event.id"
            )
        ]

    def rows(self, sql: str, *values: object) -> list[Any]:
        """Ask the metadata database."""
        with closing(sqlite3.connect(f"file:{self.folder}/airflow.db?mode=ro", uri=True, timeout=30)) as connection:
            return connection.execute(sql, values).fetchall()


def settings_of_project() -> dict[str, Any]:
    """Return what Astronomer's command sets up: the pool above all."""
    return yaml.safe_load((PROJECT / "airflow_settings.yaml").read_text(encoding="utf-8"))["airflow"]


def command_here(folder: Path) -> Path:
    """Return an executable `armazem` that is the one under test, whatever finds its modules for this process."""
    path = folder / "armazem"
    modules = os.environ.get("PYTHONPATH", "")
    path.write_text(f'#!/bin/sh\nPYTHONPATH="{modules}" exec "{sys.executable}" -m armazem "$@"\n', encoding="utf-8")
    path.chmod(0o755)
    return path
