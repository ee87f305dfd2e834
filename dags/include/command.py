"""Running `armazem`, which has an environment of its own: its packages and Airflow's do not go together."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from include.settings import COMMAND

# Exit codes: see docs/cli.md.
DONE, FAILED, WRONG_USE, AUDIT_FAILED = range(4)


@dataclass(frozen=True, slots=True)
class Answer:
    """How a command ended. `report`: what it printed, out of JSON, if it did; `error`: why it failed."""

    code: int
    report: Any
    error: str


class Command:
    """One command that runs, and can be stopped by `stop` from a signal handler."""

    def __init__(self, arguments: Sequence[str], on_line: Callable[[str], None]) -> None:
        self.arguments = [COMMAND, *arguments]
        self._on_line = on_line
        self._process: subprocess.Popen[str] | None = None

    def run(self) -> Answer:
        """Wait for its end; what it remarks meanwhile goes to `on_line`."""
        lines: list[str] = []
        with tempfile.TemporaryFile("w+", encoding="utf-8") as answer:
            self._process = subprocess.Popen(
                self.arguments,
                stdin=subprocess.DEVNULL,
                stdout=answer,
                stderr=subprocess.PIPE,
                text=True,
                errors="replace",
                env=environment(),
                start_new_session=True,  # one signal, by `stop`, and not a second one to the worker's group
            )
            assert self._process.stderr is not None
            for line in self._process.stderr:
                lines = [*lines[-19:], line.rstrip()]
                self._on_line(line.rstrip())
            code = self._process.wait()
            answer.seek(0)
            text = answer.read()
        return Answer(code, json.loads(text) if text.strip() else None, _error(code, lines))

    def stop(self) -> None:
        """End it as SIGTERM does: nothing is left half done."""
        if self._process is not None and self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGTERM)


def _error(code: int, lines: Sequence[str]) -> str:
    """What it said last of an error, with the hint below it."""
    starts = [number for number, line in enumerate(lines) if line.lower().startswith("error:")]
    said = " ".join(line.strip() for line in (lines[starts[-1] :] if starts else lines[-1:]))
    return f"exit code {code}: {said}"


def environment() -> dict[str, str]:
    """Return the variables for the command: without those by which Airflow finds its own packages."""
    return {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
