"""A training set of all orders at their purchase, and the export for feature stores: by the commands of a user."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Protocol

from bench.measure import Run, armazem, median

CPU_SECONDS = 10
"""Of a training set of Olist's size, 99,441 orders."""

EXPORT_CPU_SECONDS, EXPORT_MEBIBYTES = 30, 1000
"""Of the features of every entity and day of so many; they are made piece by piece, whatever the orders."""

OLIST_ORDERS = 99_441


class Report(Protocol):
    def add(self, what: str, figure: str, limit: str = "", holds: bool | None = None) -> None: ...


def bench_features(report: Report, home: Path, orders: int, runs: int) -> None:
    """Measure what is published in this home folder, which has so many orders."""
    with tempfile.TemporaryDirectory(prefix="armazem-bench-features-") as folder:
        out = Path(folder) / "training.parquet"
        done = [armazem(home, "features", "get", "--orders", "purchase", "--out", str(out)) for _ in range(runs)]
        features = Path(folder) / "features"
        exports = [armazem(home, "export", "feast", str(features), "--force") for _ in range(runs)]
        size = sum(path.stat().st_size for path in features.rglob("*.parquet")) / 1e6
    cpu = median(done, _cpu)
    limit = CPU_SECONDS * max(1.0, orders / OLIST_ORDERS)
    peak = median(done, lambda run: run.peak)
    report.add(
        f"`features get --orders purchase`, {orders:,} orders, 225 features",
        f"{cpu:.1f} s of processor, {median(done):.1f} s, peak {peak:,.0f} MiB", f"{limit:.0f} s of processor",
        cpu <= limit,
    )  # fmt: skip
    cpu, limit = median(exports, _cpu), EXPORT_CPU_SECONDS * max(1.0, orders / OLIST_ORDERS)
    peak = median(exports, lambda run: run.peak)
    report.add(
        f"`export feast`, {orders:,} orders, every day of five entities",
        f"{cpu:.1f} s of processor, {median(exports):.1f} s, {size:,.0f} MB, peak {peak:,.0f} MiB",
        f"{limit:.0f} s of processor, {EXPORT_MEBIBYTES:,} MiB", cpu <= limit and peak <= EXPORT_MEBIBYTES,
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
