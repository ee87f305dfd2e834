"""`make bench`: every figure of docs/benchmarks.md, measured again on this machine."""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import sys
import tempfile
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from bench.features import OLIST_ORDERS, bench_features
from bench.measure import Run, armazem, median, module

UNTIL = "2018-10-17"  # the same bytes each time


@dataclass
class Report:
    """Rows of the report: what, figure, limit, whether it holds."""

    rows: list[tuple[str, str, str, str]] = field(default_factory=list)

    def add(self, what: str, figure: str, limit: str = "", holds: bool | None = None) -> None:
        verdict = "" if holds is None else "yes" if holds else "**no**"
        self.rows.append((what, figure, limit, verdict))
        print(f"{what}: {figure}" + (f" (limit {limit}: {verdict})" if limit else ""), flush=True)


def bench_generate(report: Report, folder: Path, orders: int) -> None:
    out = folder / "generated"
    runs = []
    for _ in range(3):
        shutil.rmtree(out, ignore_errors=True)
        runs.append(armazem(folder / "none", "generate", str(out), "--orders", str(orders), "--until", UNTIL))
    limit = 15 * orders / OLIST_ORDERS
    wall = median(runs)
    report.add(f"`generate`, {orders:,} orders", f"{wall:.1f} s, {_peak(runs)}", f"{limit:.0f} s", wall <= limit)


def bench_load(report: Report, folder: Path, source: Path, pairs: int) -> None:
    ours, raw = [], []
    for number in range(pairs):
        home = folder / f"load-{number}"
        raw.append(module(home, "bench.raw_load", str(source), str(folder / "raw-parquet")))
        ours.append(armazem(home, "load", str(source)))
        shutil.rmtree(home, ignore_errors=True)
    ratio = _ratio(ours, raw)
    report.add("raw DuckDB, CSV to Parquet", f"{median(raw):.2f} s, {_peak(raw)}")
    report.add("`load`", f"{median(ours):.2f} s, {_peak(ours)}")
    report.add("`load` / raw DuckDB", f"{ratio:.2f}", "2", ratio <= 2)


def bench_build(report: Report, folder: Path, orders: int, pairs: int) -> Run:
    """Full and incremental builds of the data in `folder` beside raw DuckDB; the full build of the last pair."""
    day = folder / "day"
    home = folder / "build"
    armazem(home, "load", str(folder / "history"))
    armazem(home, "build")
    full, incremental, raw, shares = [], [], [], []
    base = folder / "base"
    shutil.copytree(home, base, symlinks=True)
    for _ in range(pairs):
        shutil.rmtree(home)
        shutil.copytree(base, home, symlinks=True)
        armazem(home, "load", str(day), "--partial")
        incremental.append(armazem(home, "build"))
        full.append(armazem(home, "build", "--full-refresh"))
        module(home, "bench.raw_build", str(home))
        raw.append(float((folder / "build.log").read_text().split()[-1]))
        shares.append(full[-1].wall / raw[-1])
    seconds, ratio = median(full), sorted(shares)[len(shares) // 2]
    limit = 20 * max(1.0, orders / OLIST_ORDERS)
    report.add("its SQL in raw DuckDB", f"{sorted(raw)[len(raw) // 2]:.1f} s")
    report.add(
        "`build --full-refresh`, all tests", f"{seconds:.1f} s, {_peak(full)}", f"{limit:.0f} s", seconds <= limit
    )
    report.add("`build --full-refresh` / its SQL in raw DuckDB", f"{ratio:.2f}", "3", ratio <= 3)
    report.add("`build` after one more day", f"{median(incremental):.1f} s, {_peak(incremental)}")
    share = _ratio(incremental, full)
    report.add("`build` after one more day / full refresh", f"{share:.2f}", "0.5", share <= 0.5)
    return full[-1]


def _ratio(ours: list[Run], others: list[Run]) -> float:
    """The median of the ratios pair by pair: it holds when the machine's speed drifts."""
    ratios = sorted(mine.wall / other.wall for mine, other in zip(ours, others, strict=True))
    return ratios[len(ratios) // 2]


def _peak(runs: list[Run]) -> str:
    return f"peak {median(runs, lambda run: run.peak):,.0f} MiB"


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")


def _page(report: Report, command: str) -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    lines = [
        "# Benchmarks",
        "",
        f"Measured on {datetime.now(UTC).date()} by `{command}` on {len(os.sched_getaffinity(0))} cores "
        f"({_processor()}), {memory:.0f} GiB, "
        f"{platform.system()}, Python {platform.python_version()}, DuckDB {version('duckdb')}.",
        "Whole processes, wall time, the median of the runs; a ratio is the median of the ratios of pairs that ran "
        "one after the other.",
        "",
        "| what | figure | limit | holds |",
        "|---|---|---|---|",
    ]
    lines += [f"| {' | '.join(row)} |" for row in report.rows]
    lines += [
        "",
        "Why a small increment is not cheaper: [decisions](decisions.md#an-incremental-build-costs-what-dbt-costs).",
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--orders", type=int, default=OLIST_ORDERS)
    parser.add_argument("--pairs", type=int, default=3, help="runs of each measurement")
    parser.add_argument("--scale", type=int, default=10, help="second size, as a multiple; 1 leaves it out")
    parser.add_argument("--write", type=Path, help="write the page to this file, such as docs/benchmarks.md")
    arguments = parser.parse_args()
    report = Report()
    with tempfile.TemporaryDirectory(prefix="armazem-bench-") as name:
        folder = Path(name)
        bench_generate(report, folder, arguments.orders)
        module(folder / "none", "bench.data", str(folder), str(arguments.orders))
        bench_load(report, folder, folder / "whole", arguments.pairs)
        one = bench_build(report, folder, arguments.orders, arguments.pairs)
        bench_features(report, folder / "build", arguments.orders, arguments.pairs)
        if arguments.scale > 1:
            orders = arguments.orders * arguments.scale
            report.add(f"**at {arguments.scale} times the size**", f"{orders:,} orders")
            large = folder / "large"
            large.mkdir()
            module(folder / "none", "bench.data", str(large), str(orders))
            many = bench_build(report, large, orders, 1)
            bench_features(report, large / "build", orders, 1)
            growth = many.wall / one.wall
            report.add(
                f"full refresh, {arguments.scale} times the orders", f"{growth:.1f} times the wall time",
                str(arguments.scale), growth <= arguments.scale,
            )  # fmt: skip
    if arguments.write:
        command = " ".join(["python -m bench", *sys.argv[1:]])
        arguments.write.write_text(_page(report, command), encoding="utf-8")


if __name__ == "__main__":
    main()
