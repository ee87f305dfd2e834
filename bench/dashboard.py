"""`python -m bench.dashboard`: the API for KPIs and the dashboard at full size, while events come in.

Client, browser and server share this machine.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import duckdb
import uvloop
from playwright.sync_api import Browser, Page

from armazem.home import Home
from armazem.targets.duckdb import versions
from bench.__main__ import Report
from bench.dashboard_browser import Change, choose, chromium, load, opened, window
from bench.dashboard_readers import reading
from bench.http import Server
from bench.http_client import events
from bench.kpi_client import Questions, Times, ask, ask_raw

PAGES = ("/", "/products", "/sellers", "/customers", "/forecast", "/live", "/data")
_CLIENTS = 8
_TITLE = "## Measured"
_CATEGORIES = (
    "select coalesce(product_category_name_english, product_category_name) as category from marts.fact_sales "
    "join marts.dim_products using (product_id) where category is not null group by 1 order by count(*) desc limit ?"
)
_STATES = (
    "select customer_state from marts.fact_orders where customer_state is not null group by 1 order by count(*) desc "
    "limit ?"
)


@contextmanager
def serving(home: Path) -> Iterator[Server]:
    server = Server(home)
    try:
        yield server
        server.stop()
    finally:
        server.process.kill()


@contextmanager
def simulating(server: Server, home: Path, rate: int) -> Iterator[list[str]]:
    """Events in so many a second meanwhile; afterwards the list has what was sent, in words."""
    said: list[str] = []
    command = [sys.executable, "-m", "armazem", "--home", str(home), "simulate", "--rate", str(rate), "--to"]
    sender = subprocess.Popen([*command, server.url, "--quiet", "--format", "json"], stdout=subprocess.PIPE, text=True)
    time.sleep(5)
    try:
        yield said
    finally:
        sender.send_signal(signal.SIGINT)
        output, _ = sender.communicate(timeout=60)
    totals = json.loads(output)[0]
    if totals["unacknowledged"]:
        raise SystemExit(f"{totals['unacknowledged']} events were not acknowledged")
    said.append(f"{totals['messages_per_second']:,.0f}, over {totals['seconds']:,.0f} s, all acknowledged")


def bench_kpis(report: Report, server: Server, version: Path, count: int) -> None:
    questions = Questions(version, seed=1)
    uvloop.run(ask(server.port, questions.take(_CLIENTS * 8), _CLIENTS))
    fresh, again, raw, single = Times(), Times(), Times(), Times()
    for turn in range(3):
        asked = questions.take(count // 3)
        raw += ask_raw(version, asked, _CLIENTS)
        fresh += uvloop.run(ask(server.port, asked, _CLIENTS))
        again += uvloop.run(ask(server.port, Random(turn).choices(asked[-80:], k=len(asked)), _CLIENTS))
        single += ask_raw(version, asked[::8], 1)
    report.add(
        f"KPI tables with filters, {_CLIENTS} clients, each question new", f"{fresh}; slowest: {fresh.slowest}",
        "p95 50 ms", fresh.percentile(0.95) < 50,
    )  # fmt: skip
    report.add(f"the same queries in raw DuckDB, {_CLIENTS} threads", f"{raw}; slowest: {raw.slowest}")
    report.add("the same queries in raw DuckDB, one after the other", str(single))
    report.add("questions that were asked before", str(again), "p95 50 ms", again.percentile(0.95) < 50)


def bench_first(report: Report, home: Path) -> None:
    found = []
    with chromium() as browser:
        for _ in range(3):
            with serving(home) as server:
                time.sleep(2)
                found.append(load(browser, server.url + "/"))
    middle = statistics.median(found)
    report.add(
        "the very first load of `/`, two seconds after the start of the server",
        f"median {middle:,.0f} ms, worst {max(found):,.0f} ms", "1.5 s", middle < 1500,
    )  # fmt: skip


def bench_loads(report: Report, browser: Browser, server: Server, paths: Sequence[str], times: int) -> None:
    for path in paths:
        load(browser, server.url + path)
        found = [load(browser, server.url + path) for _ in range(times)]
        middle = statistics.median(found)
        report.add(
            f"first load of `{path}`, until every panel is filled",
            f"median {middle:,.0f} ms, worst {max(found):,.0f} ms",
            "1.5 s", middle < 1500,
        )  # fmt: skip


def bench_filters(report: Report, browser: Browser, server: Server, version: Path, paths: Sequence[str]) -> None:
    with duckdb.connect(str(version), read_only=True) as connection:
        states, categories = (
            [str(row[0]) for row in connection.execute(sql, [5]).fetchall()] for sql in (_STATES, _CATEGORIES)
        )
    for path in paths:
        changes: list[Change] = []
        for label, values in (("State", states), ("Category", categories)):
            with window(browser) as page:
                opened(page, server.url + path)
                changes += [choose(page, label, value) for value in values]
        drawn = sorted(change.drawn for change in changes)
        card = sorted(change.card for change in changes)
        middle = statistics.median(drawn)
        report.add(
            f"filter of `{path}`, 5 states and 5 categories not asked before: click to new text on the cards",
            f"median {statistics.median(card):,.0f} ms, worst {card[-1]:,.0f} ms",
        )
        report.add(
            f"filter of `{path}`: click to all panels drawn", f"median {middle:,.0f} ms, worst {drawn[-1]:,.0f} ms",
            "300 ms", middle < 300,
        )  # fmt: skip


def bench_open(report: Report, browser: Browser, server: Server, paths: Sequence[str], count: int, what: str) -> None:
    """One of them in the browser, which would take all of the processor with all of them."""
    before = server.memory
    others = [paths[number % len(paths)] for number in range(count - 1)]
    with window(browser) as page, reading(server.url, others) as received:
        opened(page, server.url + "/live")
        time.sleep(5)
        busy, begun, size = _cpu(server), time.perf_counter(), received.size
        time.sleep(30)
        seconds = time.perf_counter() - begun
        share, rate = (_cpu(server) - busy) / seconds, (received.size - size) / seconds
        after = server.memory
        delays = [until_visible(server, page, number) for number in range(10)]
        after = max(after, server.memory)
        lost = received.lost
    of = f"{count} dashboards open, {what}"
    report.add(
        f"{of}: memory of the server", f"{after:,.0f} MiB, before {before:,.0f} MiB", "1 GB", after * 2**20 < 1e9
    )
    report.add(f"{of}: the server's share of a core", f"{100 * share:.0f} %, and it sends {rate / 1e6:.1f} MB a second")
    report.add(
        f"{of}: from `POST /v1/events` to its line on the one in the browser",
        f"median {statistics.median(delays):.1f} s, worst {max(delays):.1f} s; connections lost: {lost}",
        "2 s",
        max(delays) < 2 and not lost,
    )


def until_visible(server: Server, page: Page, number: int) -> float:
    """Seconds from sending an order until the page lists it."""
    event = json.loads(next(events(time.time_ns() + number)))
    at = datetime.now(UTC) + timedelta(seconds=30)  # the newest of all by its own time
    event["timestamp"] = at.isoformat(timespec="milliseconds")
    request = urllib.request.Request(
        server.url + "/v1/events", json.dumps(event).encode(), {"Content-Type": "application/json"}
    )
    begun = time.perf_counter()
    urllib.request.urlopen(request, timeout=10).close()
    page.wait_for_selector(f'span[title="{event["data"]["orders"]["order_id"]}"]', state="attached", timeout=30_000)
    return time.perf_counter() - begun


def _cpu(server: Server) -> float:
    """Seconds that the server has computed."""
    fields = Path(f"/proc/{server.process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def registered(server: Server) -> list[str]:
    """Those of the pages that the dashboard has."""
    found = []
    for path in PAGES:
        try:
            server.get(path)
            found.append(path)
        except urllib.error.HTTPError:
            print(f"{path} is left out: there is no such page")
    return found


def section(report: Report, sent: str, loads: str, orders: int) -> str:
    """As Markdown, without the title."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    lines = [
        f"By `make bench-dashboard` on {datetime.now(UTC).date()}: {orders:,} orders; {sent}; {os.cpu_count()} cores "
        f"and {memory:.0f} GiB, shared by server, sender and browser; {platform.system()}, "
        f"Python {platform.python_version()}.",
        f"Load average of 1 minute {loads}: more than the number of cores is other work on the same machine, too"
        f"{f', at less priority (nice {niceness} here)' if (niceness := os.nice(0)) < 0 else ''}.",
        "A first load is of a browser without cache, from the start of the navigation until every panel is filled. "
        "A change of a filter counts from the click until the page has stopped changing. Both as Chromium sees it, "
        "without a graphics card. Of the open dashboards one is in the browser; the others send and receive what it "
        "would.",
        "",
        "| what | figure | limit | holds |",
        "|---|---|---|---|",
        *(f"| {' | '.join(row)} |" for row in report.rows),
    ]
    return "\n".join(lines) + "\n"


def write(page: Path, text: str) -> None:
    """Put the text in place of the section of this title, or at the end."""
    old = page.read_text(encoding="utf-8") if page.exists() else "# The dashboard\n"
    before, _, after = old.partition(f"{_TITLE}\n")
    following = re.search(r"^## ", after, re.MULTILINE)
    rest = "\n" + after[following.start() :] if following else ""
    page.write_text(f"{before.rstrip()}\n\n{_TITLE}\n\n{text}{rest}", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.dashboard", description=__doc__)
    parser.add_argument("--home", type=Path, help="a home folder with a build, which is copied; else one is generated")
    parser.add_argument("--orders", type=int, help="to generate; those of Olist without it")
    parser.add_argument("--rate", type=int, default=1000, help="events a second meanwhile")
    parser.add_argument("--questions", type=int, default=3000, help="to the API for KPIs")
    parser.add_argument("--loads", type=int, default=10, help="of each page")
    parser.add_argument("--open", type=int, default=50, help="dashboards at once")
    parser.add_argument("--only", nargs="*", default=[], help="of kpis, loads, filters, open, live")
    parser.add_argument("--write", type=Path, help="put the figures into this file, such as docs/dashboard.md")
    arguments = parser.parse_args()
    report = Report()
    with tempfile.TemporaryDirectory(prefix="armazem-bench-") as name:
        home = Path(name) / "home"
        if arguments.home:
            shutil.copytree(arguments.home, home, symlinks=True)
        else:
            orders = ["--orders", str(arguments.orders)] if arguments.orders else []
            command = [
                sys.executable,
                "-m",
                "armazem",
                "--home",
                str(home),
                "up",
                "--no-serve",
                "--until",
                "2018-10-17",
                *orders,
            ]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        current = versions.current_build(Home(home))
        assert current is not None
        version = versions.version_file(Home(home), current)
        with duckdb.connect(str(version), read_only=True) as connection:
            row = connection.execute("select count(*) from marts.fact_orders").fetchone()
        loads = [os.getloadavg()[0]]
        wanted = arguments.only or ["kpis", "loads", "filters", "open", "live"]
        if "loads" in wanted:
            bench_first(report, home)
        with serving(home) as server, simulating(server, home, arguments.rate) as sent:
            paths = registered(server)
            if "kpis" in wanted:
                bench_kpis(report, server, version, arguments.questions)
                loads.append(os.getloadavg()[0])
            with chromium() as browser:
                if "loads" in wanted:
                    bench_loads(report, browser, server, paths, arguments.loads)
                    loads.append(os.getloadavg()[0])
                if "filters" in wanted:
                    filtered = [path for path in paths if path not in ("/live", "/data")]
                    bench_filters(report, browser, server, version, filtered)
                    loads.append(os.getloadavg()[0])
                if "open" in wanted:
                    bench_open(report, browser, server, paths, arguments.open, "all pages in turn")
                    loads.append(os.getloadavg()[0])
                if "live" in wanted:
                    bench_open(report, browser, server, ["/live"], arguments.open, "all of them `/live`")
                    loads.append(os.getloadavg()[0])
    loaded = f"{min(loads):.1f} to {max(loads):.1f}"
    events_sent = f"{arguments.rate:,} events a second meanwhile ({sent[0]})"
    print(f"{events_sent}; load {loaded}")
    if arguments.write:
        write(arguments.write, section(report, events_sent, loaded, row[0] if row else 0))


if __name__ == "__main__":
    main()
