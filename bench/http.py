"""`python -m bench.http`: events over HTTP, client and server on this machine, against the limits of the contract."""

from __future__ import annotations

import argparse
import asyncio
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

import uvloop

from bench.__main__ import Report
from bench.http_client import Measured, batches, events, run, until_counted, until_visible

_BATCH = 500
_COMMAND = [sys.executable, "-m", "armazem"]


class Server:
    """`armazem serve` on a home folder.

    `start_seconds`: from its start until it takes events; `ready_seconds`: until there are live figures too.
    """

    def __init__(self, home: Path) -> None:
        started = time.perf_counter()
        self.process = subprocess.Popen(
            [*_COMMAND, "--home", str(home), "serve", "--port", "0"], stderr=subprocess.PIPE, text=True
        )
        assert self.process.stderr is not None
        said = ""
        while not said.startswith("serving "):
            said = self.process.stderr.readline()
            if not said:
                raise SystemExit("the server did not start")
            print(said, end="", file=sys.stderr)
        self.url = said.split()[1]
        self.start_seconds = time.perf_counter() - started
        while not self._shown():
            time.sleep(0.01)
        self.shown_seconds = time.perf_counter() - started
        self.port = int(self.url.rpartition(":")[2])

    def stop(self) -> float:
        """Stop it in an orderly way; seconds that took."""
        started = time.perf_counter()
        self.process.send_signal(signal.SIGTERM)
        if self.process.wait(120) != 0:
            raise SystemExit(f"the server ended with {self.process.returncode}")
        return time.perf_counter() - started

    def _shown(self) -> bool:
        """Whether the live figures are there."""
        try:
            return bool(self.get("/v1/live"))
        except urllib.error.HTTPError:
            return False

    def get(self, path: str) -> bytes:
        with urllib.request.urlopen(self.url + path, timeout=10) as answer:
            return bytes(answer.read())

    @property
    def memory(self) -> float:
        """Resident memory in MiB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def measure(port: int, requests: list[bytes], connections: int) -> Measured:
    measured = uvloop.run(run(port, requests, connections))
    if measured.refused or len(measured.latencies) != len(requests):
        raise SystemExit(f"{measured.refused} of {len(requests)} requests refused, {len(measured.latencies)} answered")
    return measured


def bench_single(report: Report, server: Server, count: int) -> None:
    measured = measure(server.port, batches(events(1), 1, count), 64)
    report.add(
        "`POST /v1/events`, one event each, 64 connections", f"{measured.rate:,.0f}/s", "5,000", measured.rate >= 5000
    )
    p50, p99 = (1000 * measured.percentile(share) for share in (0.5, 0.99))
    report.add("from send to acknowledgement", f"p50 {p50:.1f} ms, p99 {p99:.1f} ms", "p99 50 ms", p99 <= 50)


def bench_batched(report: Report, server: Server, count: int, before: int) -> None:
    measured = measure(server.port, batches(events(2), _BATCH, count // _BATCH), 8)
    rate = _BATCH * measured.rate
    report.add(f"`POST /v1/events`, {_BATCH} JSON lines each", f"{rate:,.0f} events/s", "40,000", rate >= 40_000)
    report.add("from send to acknowledgement", f"p99 {1000 * measured.percentile(0.99):.0f} ms")
    lag = uvloop.run(until_counted(server.port, before + count))
    report.add("then until `/v1/live` has all of them", f"{lag:.1f} s")


def bench_visible(report: Report, server: Server, seconds: int, before: int) -> None:
    size, rate = 50, 5000
    requests = batches(events(3), size, seconds * rate // size)
    delays = uvloop.run(until_visible(server.port, requests, size, rate, before))
    p50, p99 = (delays[int(share * (len(delays) - 1))] for share in (0.5, 0.99))
    report.add(
        f"from send to `/v1/live` at {rate:,} events/s", f"p50 {p50:.2f} s, p99 {p99:.2f} s", "p99 1 s", p99 <= 1
    )


def bench_idle(report: Report, server: Server, count: int) -> None:
    async def held() -> float:
        opened = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(count)]
        await asyncio.sleep(0.5)
        memory = server.memory
        for _, writer in opened:
            writer.close()
        return memory

    before = server.memory
    after = uvloop.run(held())
    report.add(
        f"{count:,} idle connections", f"{after - before:.0f} MiB, {1024 * (after - before) / count:.1f} KiB each"
    )


def bench_start(report: Report, home: Path, count: int) -> None:
    server = Server(home)
    measured = measure(server.port, batches(events(4), _BATCH, count // _BATCH), 8)
    report.add(f"{count:,} events sent", f"{_BATCH * measured.rate:,.0f} events/s, then {server.memory:,.0f} MiB")
    server.process.kill()
    server.process.wait()
    for what in ("after a kill", "again", "without what was saved of the live figures"):
        if what.startswith("without"):
            shutil.rmtree(home / "live")
        server = Server(home)
        took = f"{server.start_seconds:.1f} s, /v1/live after {server.shown_seconds:.1f} s, {server.memory:,.0f} MiB"
        report.add(f"start {what}, journal of {count:,}", took, "10 s", server.shown_seconds <= 10)
        server.stop()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.http", description=__doc__)
    parser.add_argument("--single", type=int, default=50_000, help="requests of one event")
    parser.add_argument("--batched", type=int, default=400_000, help="events in batches")
    parser.add_argument("--seconds", type=int, default=20, help="of events that are looked for in the live figures")
    parser.add_argument("--connections", type=int, default=5_000, help="idle connections")
    parser.add_argument(
        "--journal", type=int, default=2_000_000, help="events in the journal of the last start; 0: none"
    )
    arguments = parser.parse_args()
    report = Report()
    with tempfile.TemporaryDirectory(prefix="armazem-bench-") as name:
        server = Server(Path(name) / "home")
        report.add("start, empty home", f"{server.start_seconds:.2f} s, {server.shown_seconds:.2f} s until /v1/live")
        bench_single(report, server, arguments.single)
        bench_batched(report, server, arguments.batched, arguments.single)
        bench_visible(report, server, arguments.seconds, arguments.single + arguments.batched)
        bench_idle(report, server, arguments.connections)
        report.add("stop", f"{server.stop():.1f} s")
        if arguments.journal:
            bench_start(report, Path(name) / "large", arguments.journal)


if __name__ == "__main__":
    main()
