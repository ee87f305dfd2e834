"""Memory and time of the accepted ids: `python -m bench.seen --ids 5000000`, in batches as ingest has them."""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

from armazem.home import Home
from armazem.journal.digests import digests_of
from armazem.journal.seen.ids import SeenIds

_SMALL = (1, 5, 30)


def resident() -> float:
    """Resident memory of this process, in MiB."""
    pages = int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def ids(first: int, count: int) -> list[str]:
    return [f"{number:032x}" for number in range(first, first + count)]


def measure(home: Home, total: int, batch: int) -> None:
    """Accept new ids without a journal: only the ids are measured. CPU seconds are those of the caller's thread."""
    before = resident()
    seen = SeenIds.open(home)
    every = max(1_000_000 // batch * batch, batch)
    wall = cpu = bare = slowest = 0.0
    titles = ("MiB", "CPU µs/id", "digest alone", "wall µs/id", "slowest ms", "runs")
    print(f"{'ids':>10} " + " ".join(f"{title:>12}" for title in titles))
    for first in range(0, total, batch):
        new = ids(first, batch)
        used = time.thread_time()
        digests_of(new)
        bare += time.thread_time() - used
        started, used = time.perf_counter(), time.thread_time()
        if not all(seen.check(new)):
            raise SystemExit("a new id was taken for one that was seen")
        seen.commit(new, first + batch)
        took = time.perf_counter() - started
        cpu += time.thread_time() - used
        wall += took
        slowest = max(slowest, took)
        done = first + batch
        if done % every == 0 or done >= total:
            part = (done - 1) % every + 1
            runs = len(list((home.journal / "seen").glob("*.run")))
            figures = [
                resident() - before,
                *(seconds / part * 1e6 for seconds in (cpu, bare, wall)),
                slowest * 1e3,
                runs,
            ]
            print(f"{done:>10,} " + " ".join(f"{figure:>12.2f}" for figure in figures))
            wall = cpu = bare = slowest = 0.0
    for count in _SMALL:
        batches = [ids(total + number * count, count) for number in range(1000)]
        used = time.thread_time()
        for new in batches:
            seen.check(new)
            seen.commit(new, total)
        print(f"{count} new ids at a time: {(time.thread_time() - used) * 1e3:.1f} µs a batch")
    old = [ids(first, batch) for first in range(0, min(total, 100_000), batch)]
    used = time.thread_time()
    if any(any(seen.check(known)) for known in old):
        raise SystemExit("an id that was seen was taken for new")
    print(f"old duplicates: {(time.thread_time() - used) / len(old) / batch * 1e6:.2f} µs/id")
    seen.close()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.seen", description=__doc__)
    parser.add_argument("--ids", type=int, default=5_000_000)
    parser.add_argument("--batch", type=int, default=500)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="armazem-bench-") as name:
        measure(Home(Path(name) / "home").open(), arguments.ids, arguments.batch)


if __name__ == "__main__":
    main()
