"""`python -m bench.spark`: `lake load` by Spark beside `load` into the same lake: CPU, wall time, memory, at two sizes.

Run it in the environment of `make spark`. Each load is a process of its own, with the processes that it starts; from
the two sizes follow what a load costs before the first row, and what each order more costs.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from armazem.shop.history import generate

ROOT = Path(__file__).parents[1]
JARS = Path(sys.prefix) / "jars"
SIZES = (20_000, 99_441)
_TICKS = os.sysconf("SC_CLK_TCK")
_EVERY = 0.1  # seconds between two looks at the processes


@dataclass(frozen=True, slots=True)
class Cost:
    """Of a load: seconds of CPU and of waiting, and the most memory at a time, in MiB."""

    cpu: float
    wall: float
    memory: float


def cost(arguments: list[str], home: Path) -> Cost:
    """Run a command of ours and watch it with all that it starts. Raises CalledProcessError where it fails."""
    environment = {**os.environ, "ARMAZEM_HOME": str(home), "ARMAZEM_LANDING": "lake"}
    if any(JARS.glob("*.jar")):
        environment.setdefault("ARMAZEM_SPARK_JARS", str(JARS))
    begun = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "armazem", *arguments],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    cpu: dict[int, float] = {}
    memory = 0.0
    while process.poll() is None:
        held = 0.0
        for pid in family(process.pid):
            seconds, resident = used(pid)
            cpu[pid] = max(seconds, cpu.get(pid, 0.0))
            held += resident
        memory = max(memory, held)
        time.sleep(_EVERY)
    wall = time.perf_counter() - begun
    if process.returncode:
        assert process.stderr is not None
        sys.stderr.write(process.stderr.read().decode())
        raise subprocess.CalledProcessError(process.returncode, arguments)
    return Cost(sum(cpu.values()), wall, memory)


def family(pid: int) -> list[int]:
    """A process and those that it has started."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except (OSError, ValueError):  # it has just ended
                continue
    found = [pid]
    for one in found:
        found += [child for child, parent in parents.items() if parent == one]
    return found


def used(pid: int) -> tuple[float, float]:
    """Seconds of CPU and MiB of memory of a process; nothing of one that has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0, 0.0
    return (int(fields[11]) + int(fields[12])) / _TICKS, int(fields[21]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs=2, default=SIZES, metavar="ORDERS")
    sizes: list[int] = parser.parse_args().sizes
    costs: dict[str, list[Cost]] = {"load": [], "lake load": []}
    with tempfile.TemporaryDirectory() as work:
        for size in sizes:
            source = Path(work) / str(size)
            generate(source, orders=size, seed=42)
            for name, found in costs.items():
                found.append(cost([*name.split(), str(source)], Path(work) / f"{name}-{size}"))
                one = found[-1]
                print(f"{name:10} {size:>8,} orders: {one.cpu:6.1f} s CPU {one.wall:6.1f} s {one.memory:6,.0f} MiB")
    print()
    more = sizes[1] - sizes[0]
    slopes = {}
    for name, (small, large) in costs.items():
        slopes[name] = (large.cpu - small.cpu) / more
        fixed = small.cpu - slopes[name] * sizes[0]
        print(f"{name:10} {fixed:6.1f} s CPU for itself, {slopes[name] * 1e6:6.1f} s for each million orders")
    ratio = slopes["lake load"] / slopes["load"]
    print(f"an order costs Spark {ratio:.1f} times the CPU: with fewer cores than that it is slower at every size")


if __name__ == "__main__":
    main()
