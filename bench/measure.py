"""Times whole processes from outside: wall seconds, CPU seconds and peak memory, as the kernel counts them."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Run:
    """One finished process. `wall`, `cpu` in seconds, `peak` resident memory in MiB."""

    wall: float
    cpu: float
    peak: float


def run(command: Sequence[str], home: Path) -> Run:
    """Run a command on this home folder; SystemExit with its output where it fails."""
    log = home.parent / f"{home.name}.log"
    with log.open("wb") as output:
        started = time.perf_counter()
        process = subprocess.Popen(
            command, stdout=output, stderr=subprocess.STDOUT, env={**os.environ, "ARMAZEM_HOME": str(home)}
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"{' '.join(command)} failed:\n{log.read_text(errors='replace')[-3000:]}")
    return Run(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def armazem(home: Path, *arguments: str) -> Run:
    """Run one command of armazem, from the environment that runs the benchmark."""
    return run([str(Path(sys.executable).with_name("armazem")), *arguments], home)


def module(home: Path, name: str, *arguments: str) -> Run:
    """Run one module of this package as a process of its own."""
    return run([sys.executable, "-m", name, *arguments], home)


def median(runs: Sequence[Run], figure: Callable[[Run], float] = lambda run: run.wall) -> float:
    return statistics.median(figure(run) for run in runs)
