"""`/metrics`, for Prometheus."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram, Info, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from armazem import __version__
from armazem.intake.ingest import Ingest
from armazem.live.service import LiveState
from armazem.unattended.builder import Standing

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Metrics:
    """A registry of its own: tests start many servers in one process."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        Info("armazem_build", "Version that runs.", registry=self._registry).info(
            {"version": __version__, "python": platform.python_version()}
        )
        self._requests = Counter(
            "armazem_event_requests", "Answers of POST /v1/events.", ["status"], registry=self._registry
        )
        self._seconds = Histogram(
            "armazem_event_request_seconds",
            "From the first byte of a POST /v1/events to its answer.",
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._commits = Histogram(
            "armazem_commit_seconds",
            "A commit: validation, duplicates, append, fsync.",
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._by_status: dict[int, Counter] = {}

    def request(self, status: int, seconds: float) -> None:
        """Count an answer of `POST /v1/events`."""
        counter = self._by_status.get(status)
        if counter is None:
            counter = self._by_status[status] = self._requests.labels(str(status))
        counter.inc()
        self._seconds.observe(seconds)

    def commit(self, seconds: float) -> None:
        """Note how long a commit took."""
        self._commits.observe(seconds)

    def watch(
        self,
        ingest: Ingest,
        live: LiveState,
        connections: Callable[[], int],
        standing: Callable[[], Standing | None] = lambda: None,
    ) -> None:
        """Show the figures of these, which they keep themselves."""
        self._registry.register(_Figures(ingest, live, connections))
        self._registry.register(_Builds(standing))

    def page(self) -> bytes:
        return generate_latest(self._registry)


class _Figures(Collector):
    def __init__(self, ingest: Ingest, live: LiveState, connections: Callable[[], int]) -> None:
        self._ingest = ingest
        self._live = live
        self._connections = connections

    def collect(self) -> Iterator[Metric]:
        stats = self._ingest.stats()
        messages = CounterMetricFamily(
            "armazem_messages", "Messages since the first, by what became of them.", labels=["source", "outcome"]
        )
        for source, counts in stats["sources"].items():
            for outcome in ("accepted", "duplicates", "dead_letters"):
                messages.add_metric([source, outcome], counts[outcome])
        yield messages
        refused = CounterMetricFamily("armazem_dead_letters", "Refused since the start.", labels=["code"])
        for code, count in stats["refused"].items():
            refused.add_metric([code], count)
        yield refused
        gauges = {
            "armazem_queue_messages": ("Messages that wait to be written.", stats["queue_messages"]),
            "armazem_queue_bytes": ("Their bytes.", stats["queue_bytes"]),
            "armazem_queue_max_bytes": ("Beyond it senders are told to wait.", stats["queue_max_bytes"]),
            "armazem_journal_seq": ("Number of the last line of the journal.", stats["last_seq"]),
            "armazem_commit_failed": (
                "1 if the last commit failed, as on a full disk.",
                int(bool(stats["last_error"])),
            ),
            "armazem_live_lag_seconds": ("From acceptance to the live figures.", self._live.lag_seconds),
            "armazem_live_failed": ("1 if the live figures are not those of now.", int(self._live.error is not None)),
            "armazem_connections": ("Open connections.", self._connections()),
        }
        for name, (description, value) in gauges.items():
            yield GaugeMetricFamily(name, description, value=value)


class _Builds(Collector):
    """Of a server that builds by itself; nothing for one that does not."""

    def __init__(self, standing: Callable[[], Standing | None]) -> None:
        self._standing = standing

    def collect(self) -> Iterator[Metric]:
        found = self._standing()
        if found is None:
            return
        builds = CounterMetricFamily("armazem_builds", "Builds since the start, by outcome.", labels=["outcome"])
        for outcome, count in sorted(found.builds.items()):
            builds.add_metric([outcome], count)
        yield builds
        yield CounterMetricFamily("armazem_inbox_loads", "Loads from the inbox since the start.", value=found.loads)
        published = found.last_published.timestamp() if found.last_published else 0
        gauges = {
            "armazem_build_failing": ("1 if the last build was not published.", int(found.failing is not None)),
            "armazem_build_paused": ("1 if a rollback keeps it from building.", int(found.paused is not None)),
            "armazem_build_running": ("1 while one runs.", int(found.doing == "building")),
            "armazem_build_last_seconds": ("Time that the last published build took.", found.last_seconds),
            "armazem_build_last_published_timestamp_seconds": (
                "When this server last published; 0 if it has not.",
                published,
            ),
            "armazem_loads_held": ("Loads that are held back, as they failed their audit.", len(found.held)),
            "armazem_inbox_refused": ("Files in the inbox that could not be loaded.", len(found.refused)),
            "armazem_inbox_waiting": ("Files in the inbox that could not be loaded yet.", len(found.waiting)),
            "armazem_inbox_failing": ("1 if the inbox cannot be read.", int(found.inbox_error is not None)),
        }
        for name, (description, value) in gauges.items():
            yield GaugeMetricFamily(name, description, value=value)
