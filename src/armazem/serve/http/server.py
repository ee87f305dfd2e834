"""`armazem serve`: one process, one port. Opens journal and live state, serves, and drains the queue at the end."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import functools
import gc
import logging
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from types import FrameType
from zoneinfo import ZoneInfo

import uvicorn
from starlette.types import ASGIApp
from uvicorn.server import HANDLED_SIGNALS

from armazem import interrupts
from armazem.config import Settings
from armazem.errors import ArmazemError
from armazem.features.online import Online
from armazem.intake.ingest import Ingest
from armazem.intake.receivers import Receiver, receiver_of
from armazem.intake.sinks import JournalSink
from armazem.live.service import LiveState
from armazem.live.start import LiveStart
from armazem.serve.dashboard.app import build_dashboard
from armazem.serve.dashboard.frame import Sources
from armazem.serve.dashboard.login import Login
from armazem.serve.dashboard.warm import Warm
from armazem.serve.http.access import Access
from armazem.serve.http.app import Application, build_api
from armazem.serve.http.broadcast import Broadcast
from armazem.serve.http.compactor import Compactor
from armazem.serve.http.events_api import EventsEndpoint
from armazem.serve.http.features_api import FeatureVectors
from armazem.serve.http.guard import Guard
from armazem.serve.http.headers import ON_EVERY_ANSWER
from armazem.serve.http.kpi_api import KpiTables
from armazem.serve.http.metrics import Metrics
from armazem.serve.http.protocol import LimitedProtocol
from armazem.targets.duckdb.landed import ledger
from armazem.targets.duckdb.query import Published
from armazem.unattended.builder import Builder, Standing
from armazem.unattended.inbox import inbox_of
from armazem.unattended.notices import Notices
from armazem.unattended.schedule import Schedule

_BACKLOG = 4096
_SPARE_FILES = 200  # descriptors that connections leave to the journal, DuckDB and the compactor
_SHUTDOWN_SECONDS = 4
_RETRY_SECONDS = 10
_BUILD_EVERY = "5m"


class ServeError(ArmazemError):
    """The server cannot start: the port is taken, or the address is not of this machine."""


class Server(uvicorn.Server):
    """uvicorn that says when it is ready, ends endless answers first, and leaves with code 0 after a signal."""

    def __init__(self, config: uvicorn.Config, *, on_ready: Callable[[], None], on_stop: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_ready = on_ready
        self._on_stop = on_stop

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        # Half a million objects of the imports stay for ever: looking through them again and again cost the
        # slowest requests 30 ms.
        gc.collect()
        gc.freeze()
        self._on_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._on_stop()
        expiring = asyncio.create_task(self._expire_connections())
        await super().shutdown(sockets)
        expiring.cancel()

    async def on_tick(self, counter: int) -> bool:
        if counter % 10 == 0:
            self._expire()
        return await super().on_tick(counter)

    async def _expire_connections(self) -> None:
        while True:
            await asyncio.sleep(1)
            self._expire()

    def _expire(self) -> None:
        now = asyncio.get_running_loop().time()
        for connection in list(self.server_state.connections):
            if isinstance(connection, LimitedProtocol):
                connection.expire(now)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        # uvicorn raises the signal again at the end, and the process would leave with its code.
        before = {number: signal.signal(number, self.handle_exit) for number in HANDLED_SIGNALS}
        try:
            with interrupts.owned():
                yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self.should_exit and sig == signal.SIGINT:
            interrupts.leave()
        interrupts.finished(sig)
        super().handle_exit(sig, frame)


def serve(
    settings: Settings,
    *,
    host: str,
    port: int,
    on_ready: Callable[[str], None],
    on_stop: Callable[[], None] = lambda: None,
    source: str | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT. `on_ready` gets the URL when events are taken; live figures may come later.

    `on_stop` is called as the end begins. `source`: the URL of a receiver whose messages are taken as well.

    Raises ServeError where the port is taken, GuardError for hosts or proxies without a meaning, HomeError where
    another process writes the journal,
    KeyboardInterrupt where a second SIGINT cut the end short.
    """
    access = Access(settings.token, Guard.of(settings, host))
    LimitedProtocol.max_connections = raise_file_limit() - _SPARE_FILES
    with contextlib.closing(listening_socket(host, port)) as listener, contextlib.ExitStack() as opened:
        home = settings.home_folder.open()
        metrics = Metrics()

        def committed(lines: Sequence[bytes]) -> None:
            live.add(lines)
            metrics.commit(ingest.stats()["last_commit_seconds"])

        def dead_letters() -> int:
            return sum(counts["dead_letters"] for counts in ingest.stats()["sources"].values())

        ingest = opened.enter_context(Ingest(home, settings, on_commit=committed))
        live = LiveState(home, settings, dead_letters=dead_letters)
        start = opened.enter_context(LiveStart(live))
        receiver = opened.enter_context(_receiving(source, ingest, settings))
        opened.enter_context(Compactor(home))
        builder = opened.enter_context(_building(settings))
        published = opened.enter_context(contextlib.closing(Published(home)))
        online = opened.enter_context(contextlib.closing(Online(home)))

        def standing() -> Standing | None:
            return builder.standing if builder else None

        zone = ZoneInfo(settings.time_zone)
        landed = None if settings.landing == "home" else lambda: ledger(settings)
        sources = Sources(published, live, lambda: start.missing, zone, standing, landed)
        opened.enter_context(Warm(sources))
        runner = opened.enter_context(asyncio.Runner(loop_factory=_loop_factory()))
        broadcast = Broadcast(live)
        stopping = threading.Event()

        def not_ready() -> list[str]:
            stats = ingest.stats()
            # Only while it is fresh: a balancer that sends nothing any more would never see it go away.
            disk = stats["last_error"] if time.monotonic() - events.failed_at < _RETRY_SECONDS else None
            ending = "the server is stopping" if stopping.is_set() else None
            broken = "the builder has stopped; the log says why" if builder and builder.broken else None
            reasons = (stats["failed"], disk, _why_not_received(receiver), broken, ending)
            return [reason for reason in reasons if reason]

        def stop() -> None:
            stopping.set()
            on_stop()
            if builder:
                builder.end()
            broadcast.close()

        events = EventsEndpoint(
            ingest.submit,
            access=access,
            max_request_bytes=settings.max_request_megabytes * 2**20,
            reading_bytes=max(settings.queue_megabytes, settings.max_request_megabytes) * 2**20,
            observe=metrics.request,
            loop=runner.get_loop(),
        )
        tables = KpiTables(published)
        vectors = FeatureVectors(online, zone)
        api = build_api(live, start, broadcast, metrics, not_ready, tables, vectors, standing)
        dashboard = Login(build_dashboard(sources), settings.token, access)
        config = _config(Application(events, tables, vectors, access, api, dashboard))
        server = Server(config, on_ready=functools.partial(on_ready, _url(host, listener)), on_stop=stop)
        metrics.watch(ingest, live, lambda: len(server.server_state.connections), standing)
        runner.run(server.serve(sockets=[listener]))
        if server.force_exit:
            raise KeyboardInterrupt


@contextlib.contextmanager
def _building(settings: Settings) -> Iterator[Builder | None]:
    """Loads and builds by itself, where the settings say so. It ends before the journal does."""
    schedule = Schedule.of(settings.build_every, settings.build_at, ZoneInfo(settings.time_zone))
    if settings.inbox and schedule is None:
        schedule = Schedule.of(_BUILD_EVERY, "", ZoneInfo(settings.time_zone))
    if schedule is None:
        yield None
        return
    inbox = inbox_of(settings.inbox, settings.home_folder.root) if settings.inbox else None
    with (
        Notices.of(settings) as notices,
        Builder(settings, schedule, inbox, notify=notices.send) as builder,
        interrupts.last_act(builder.end),  # a second Ctrl-C leaves at once
    ):
        yield builder


def _config(application: ASGIApp) -> uvicorn.Config:
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)  # what clients do wrong is answered, not logged
    return uvicorn.Config(
        application,
        http=LimitedProtocol,
        ws="websockets-sansio",
        lifespan="on",
        interface="asgi3",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        headers=list(ON_EVERY_ANSWER),
        backlog=_BACKLOG,
        timeout_keep_alive=int(LimitedProtocol.request_seconds),
        timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
    )


@contextlib.contextmanager
def _receiving(source: str | None, ingest: Ingest, settings: Settings) -> Iterator[Receiver | None]:
    """The messages of a receiver go into the same journal. It ends before the journal does."""
    if source is None:
        yield None
        return
    receiver = receiver_of(source, JournalSink(ingest), settings)
    try:
        yield receiver
    finally:
        receiver.stop()


def _why_not_received(receiver: Receiver | None) -> str | None:
    try:
        if receiver is not None:
            receiver.check()
    except ArmazemError as error:
        return str(error)
    return None


def listening_socket(host: str, port: int) -> socket.socket:
    """A socket bound to the address, where 0 is a free port. Raises ServeError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except (OSError, OverflowError) as error:
        if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
            raise ServeError(
                f"port {port} of {host} is taken by another program", "stop it, or give --port another number"
            ) from error
        raise ServeError(
            f"cannot listen at {host}, port {port}: {getattr(error, 'strerror', None) or error}",
            "give --host an address of this machine and --port a number from 1024 to 65535",
        ) from error


def raise_file_limit() -> int:
    """Let the process open as many files as it may at all, each connection being one; how many that is."""
    if sys.platform == "win32":
        return 8192
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        with contextlib.suppress(ValueError, OSError):  # macOS refuses what it reports as its limit
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
            soft = hard
    return 1_000_000 if soft == resource.RLIM_INFINITY else soft


def _url(host: str, listener: socket.socket) -> str:
    port = listener.getsockname()[1]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    if sys.platform == "win32":
        return asyncio.new_event_loop
    import uvloop

    return uvloop.new_event_loop
