"""`python -m bench.unattended`: a server that builds by itself, while events and files come in.

How old the published KPIs get, how long the API takes meanwhile, and how much memory that is. Client and server share
this machine.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from bisect import bisect_right
from pathlib import Path

from armazem.home import Home
from armazem.shop.history import generate
from armazem.targets.duckdb import versions
from bench.__main__ import UNTIL, Report
from bench.features import OLIST_ORDERS
from bench.http import Server

_KPI = "/v1/kpis/sales_trend?grain=month&limit=24"


class Watch(threading.Thread):
    """How old the oldest accepted event is that readers do not see, twice a second; and memory."""

    def __init__(self, server: Server, home: Home) -> None:
        super().__init__(daemon=True)
        self.ages: list[float] = []
        self.server_mib = self.builder_mib = 0.0
        self.ended = threading.Event()
        self._server = server
        self.home = home
        self._accepted: list[int] = []
        self._at: list[float] = []

    def run(self) -> None:
        while not self.ended.wait(0.5):
            now = time.monotonic()
            [line] = [
                x for x in self._server.get("/metrics").decode().splitlines() if x.startswith("armazem_journal_seq ")
            ]
            self._accepted.append(int(float(line.split()[1])))
            self._at.append(now)
            # The first moment at which an event was there that the published version does not have.
            place = bisect_right(self._accepted, self._published())
            self.ages.append(now - self._at[place] if place < len(self._at) else 0.0)
            self.server_mib = max(self.server_mib, self._server.memory)
            self.builder_mib = max(self.builder_mib, _children(self._server.process.pid))

    def _published(self) -> int:
        current = versions.current_build(self.home)
        record = self.home.builds / f"{current}.json"
        return int(json.loads(record.read_text())["journal_seq"]) if record.is_file() else self._accepted[-1]


def _children(pid: int) -> float:
    """Resident memory of the processes that this one started, by whichever of its threads, in MiB."""
    found = 0.0
    threads = Path(f"/proc/{pid}/task").glob("*/children")
    for child in (child for thread in threads for child in thread.read_text().split()):
        try:
            status = Path(f"/proc/{child}/status").read_text(encoding="ascii")
        except OSError:
            continue
        found += int(status.partition("VmRSS:")[2].split()[0]) / 1024 if "VmRSS" in status else 0
    return found


class Reader(threading.Thread):
    """Asks for a KPI ten times a second."""

    def __init__(self, server: Server) -> None:
        super().__init__(daemon=True)
        self.seconds: list[float] = []
        self.ended = threading.Event()
        self._server = server

    def run(self) -> None:
        while not self.ended.wait(0.1):
            begun = time.perf_counter()
            self._server.get(_KPI)
            self.seconds.append(time.perf_counter() - begun)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.unattended", description=__doc__)
    parser.add_argument("--orders", type=int, default=OLIST_ORDERS)
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--rate", type=int, default=1_000, help="events a second")
    parser.add_argument("--every", default="10s")
    arguments = parser.parse_args()
    report = Report()
    with tempfile.TemporaryDirectory(prefix="armazem-bench-") as name:
        folder = Path(name)
        home = Home(folder / "home")
        armazem = [sys.executable, "-m", "armazem", "--home", str(home.root)]
        up = ["up", "--no-serve", "--orders", str(arguments.orders), "--until", UNTIL]
        subprocess.run([*armazem, *up], check=True, capture_output=True)
        (inbox := folder / "inbox").mkdir()
        os.environ |= {
            "ARMAZEM_INBOX": str(inbox),
            "ARMAZEM_BUILD_EVERY": arguments.every,
            "ARMAZEM_INBOX_SETTLE_SECONDS": "2",
        }
        server = Server(home.root)
        watch, reader = Watch(server, home), Reader(server)
        simulate = [
            *armazem,
            "simulate",
            "--rate",
            str(arguments.rate),
            "--duration",
            str(arguments.seconds),
            "--quiet",
        ]
        sender = subprocess.Popen(
            [*simulate, "--format", "json", "--to", server.url], stdout=subprocess.PIPE, text=True
        )
        watch.start()
        reader.start()
        _drop_files(folder, inbox, arguments.seconds)
        totals = json.loads(sender.communicate()[0])[0]
        watch.ended.set()
        reader.ended.set()
        time.sleep(30)
        standing = json.loads(server.get("/readyz"))["build"]
        server.stop()
        _tell(report, arguments, watch, reader, totals, standing)


def _drop_files(folder: Path, inbox: Path, seconds: int) -> None:
    """Four extracts over the time; the second one has orders from the future, which stops any build."""
    for number in range(4):
        generate(folder / f"extract{number}", orders=200, seed=50 + number)
        if number == 1:
            file = folder / "extract1" / "olist_orders_dataset.csv"
            file.write_text(re.sub(r"(?m),20\d\d-", ",2099-", file.read_text()))
    for number in range(4):
        time.sleep(seconds / 5)
        (folder / f"extract{number}").rename(inbox / f"day{number}")
    time.sleep(seconds / 5)


def _tell(
    report: Report,
    arguments: argparse.Namespace,
    watch: Watch,
    reader: Reader,
    totals: dict[str, float],
    standing: list[str],
) -> None:
    ages, seconds = sorted(watch.ages), sorted(reader.seconds)
    p95, oldest = seconds[int(0.95 * (len(seconds) - 1))] * 1000, ages[-1]
    report.add(
        "events", f"{totals['messages_per_second']:,.0f}/s, {totals['unacknowledged']} not acknowledged",
        "none lost", not totals["unacknowledged"],
    )  # fmt: skip
    report.add(
        f"age of the published KPIs at --build-every {arguments.every}, {arguments.orders:,} orders",
        f"median {ages[len(ages) // 2]:.1f} s, worst {oldest:.1f} s", "30 s", oldest <= 30,
    )  # fmt: skip
    report.add(
        f"{_KPI} meanwhile", f"p50 {seconds[len(seconds) // 2] * 1000:.0f} ms, p95 {p95:.0f} ms", "p95 50 ms", p95 < 50
    )
    took = sorted(record.seconds for record in versions.read_records(watch.home))
    report.add("a build", f"median {took[len(took) // 2]:.1f} s, worst {took[-1]:.1f} s, {len(took)} of them")
    report.add("memory", f"server {watch.server_mib:,.0f} MiB, a build {watch.builder_mib:,.0f} MiB")
    report.add("of four extracts, one poisoned", f"{len(standing)} held back", "1", len(standing) == 1)


if __name__ == "__main__":
    main()
