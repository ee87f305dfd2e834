"""A training set of all orders at their purchase: five entities, every feature, by the command of a user."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Protocol

from bench.measure import Run, armazem, median

CPU_SECONDS = 10
"""Of a training set of Olist's size, 99,441 orders."""

OLIST_ORDERS = 99_441


class Report(Protocol):
    def add(self, what: str, figure: str, limit: str = "", holds: bool | None = None) -> None: ...


def bench_features(report: Report, home: Path, orders: int, runs: int) -> None:
    """Measure what is published in this home folder, which has so many orders."""
    with tempfile.TemporaryDirectory(prefix="armazem-bench-features-") as folder:
        out = Path(folder) / "training.parquet"
        done = [armazem(home, "features", "get", "--orders", "purchase", "--out", str(out)) for _ in range(runs)]
    cpu = median(done, _cpu)
    limit = CPU_SECONDS * max(1.0, orders / OLIST_ORDERS)
    peak = median(done, lambda run: run.peak)
    report.add(
        f"`features get --orders purchase`, {orders:,} orders, 225 features",
        f"{cpu:.1f} s of processor, {median(done):.1f} s, peak {peak:,.0f} MiB", f"{limit:.0f} s of processor",
        cpu <= limit,
    )  # fmt: skip


def _cpu(run: Run) -> float:
    return run.cpu


def main() -> None:
    from bench.__main__ import Report as Printed

    parser = argparse.ArgumentParser(prog="python -m bench.features", description=__doc__)
    parser.add_argument("home", type=Path, help="a home folder with a published build")
    parser.add_argument("--orders", type=int, default=OLIST_ORDERS, help="that it has")
    parser.add_argument("--runs", type=int, default=3)
    arguments = parser.parse_args()
    bench_features(Printed(), arguments.home, arguments.orders, arguments.runs)


if __name__ == "__main__":
    main()
