"""Compacts closed journal segments beside the server, in a child process that yields to everything else."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from typing import ClassVar

from armazem.home import Home

_NICE = 15
_STOP_SECONDS = 5.0


class Compactor:
    """`with Compactor(home):` runs `python -m armazem.journal.compaction` every two minutes if there is work for it.

    `every_seconds`: between two looks. A child that is killed, with the server or at its end, loses nothing: the
    next one starts over.
    """

    every_seconds: ClassVar[float] = 120.0

    def __init__(self, home: Home) -> None:
        self._home = home
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="compactor", daemon=True)

    def __enter__(self) -> Compactor:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopped.wait(self.every_seconds):
            if self._has_work():
                self._compact()

    def _has_work(self) -> bool:
        """Whether there is a segment besides the one that grows."""
        return len([path for path in self._home.journal.glob("date=*/*.jsonl") if path.stem.isdecimal()]) > 1

    def _compact(self) -> None:
        self._home.logs.mkdir(exist_ok=True)
        with (self._home.logs / "compaction.log").open("wb") as log:
            child = subprocess.Popen(
                [sys.executable, "-m", "armazem.journal.compaction", str(self._home.root)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        os.setpriority(os.PRIO_PROCESS, child.pid, _NICE)
        while child.poll() is None:
            if self._stopped.wait(0.2):
                child.terminate()
                try:
                    child.wait(_STOP_SECONDS)
                except subprocess.TimeoutExpired:
                    child.kill()
                    child.wait()
