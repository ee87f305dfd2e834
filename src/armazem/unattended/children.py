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
    """One command at a time; `stop` ends the one that runs, and no more begin."""

    def __init__(self, settings: Settings) -> None:
        self._home = str(settings.home_folder.root)
        self._lock = threading.Lock()
        self._stopped = False
        self._process: subprocess.Popen[str] | None = None

    @property
    def stopped(self) -> bool:
        return self._stopped

    def run(self, *arguments: str) -> Ended:
        """Run `armazem ARGUMENTS --format json` and wait for it. Raises OSError where it cannot be started."""
        command = [sys.executable, "-m", "armazem", "--home", self._home, *arguments, "--format", "json"]
        with self._lock:
            if self._stopped:
                return Ended(-1, {}, "the server is stopping")
            self._process = process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
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
            _logger.warning("a build runs at the priority of the server: %s", error)
        except ProcessLookupError:  # it has ended
            pass
        out, err = process.communicate()
        return Ended(process.returncode, _report(out), _error(err))

    def stop(self) -> None:
        """End what runs. Takes at most half a minute, and leaves nothing half done."""
        self.terminate()
        if (process := self._process) is not None:
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()

    def terminate(self) -> None:
        """Tell what runs to end, without waiting for it."""
        with self._lock:
            self._stopped = True
            if self._process is not None and self._process.poll() is None:
                self._process.terminate()


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
