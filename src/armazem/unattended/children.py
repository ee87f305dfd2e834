"""Commands that run beside the server, below it in priority: its answers do not wait for a build."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import threading
from dataclasses import dataclass
from typing import Any

from armazem.config import Settings

_logger = logging.getLogger(__name__)

_NICE = 10
_STOP_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Ended:
    """What a command did. `report`: the JSON that it printed; `error`: the line that it said why it failed."""

    code: int
    report: dict[str, Any]
    error: str


class Children:
    """One command at a time; `stop` ends the one that runs, and no more begin.

    `ready`: keep a process that has imported what a build takes, for one that is wanted often; some 200 MiB.
    """

    def __init__(self, settings: Settings, *, ready: bool = False) -> None:
        self._home = str(settings.home_folder.root)
        self._lock = threading.Lock()
        self._keeps_ready = ready
        self._stopped = False
        self._process: subprocess.Popen[str] | None = None
        self._ready: subprocess.Popen[str] | None = None

    @property
    def stopped(self) -> bool:
        return self._stopped

    def get_ready(self) -> None:
        """Start a process for the next build, where there is none."""
        with self._lock:
            if self._keeps_ready and not self._stopped and (self._ready is None or self._ready.poll() is not None):
                self._ready = _start("armazem.cli.ready")

    def run(self, *arguments: str) -> Ended:
        """Run `armazem ARGUMENTS --format json` and wait for it. Raises OSError where it cannot be started."""
        given = ["--home", self._home, *arguments, "--format", "json"]
        with self._lock:
            if self._stopped:
                return Ended(-1, {}, "the server is stopping")
            line = None
            if self._ready is not None and self._ready.poll() is None and arguments[0] == "build":
                self._process, self._ready, line = self._ready, None, json.dumps(given) + "\n"
            else:
                self._process = _start("armazem", *given)
            process = self._process
        out, err = process.communicate(line)
        return Ended(process.returncode, _report(out), _error(err))

    def stop(self) -> None:
        """End what runs. Takes at most half a minute, and leaves nothing half done."""
        self.terminate()
        for process in (self._process, self._ready):
            if process is not None:
                try:
                    process.wait(_STOP_SECONDS)
                except subprocess.TimeoutExpired:
                    process.kill()

    def terminate(self) -> None:
        """Tell what runs to end, without waiting for it."""
        with self._lock:
            self._stopped = True
            for process in (self._process, self._ready):
                if process is not None and process.poll() is None:
                    process.terminate()


def _start(module: str, *arguments: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A warehouse on BigQuery may be set for other commands: the server's lies in the home folder.
        env={**os.environ, "ARMAZEM_TARGET": "duckdb"},
        start_new_session=True,  # Ctrl-C at the terminal is for the server, which ends it
    )
    try:
        os.setpriority(os.PRIO_PROCESS, process.pid, _NICE)
    except PermissionError as error:
        _logger.warning("builds run at the priority of the server: %s", error)
    except ProcessLookupError:  # it has ended
        pass
    return process


def _report(out: str) -> dict[str, Any]:
    try:
        found = json.loads(out.strip().rpartition("\n")[2] or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _error(err: str) -> str:
    lines = [line.strip() for line in err.splitlines() if line.strip()]
    said = [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]
    return (said or lines or [""])[-1]
