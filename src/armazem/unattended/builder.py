"""Builds what is new when it is due, beside a server, and holds back loads that fail their audit."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any

from armazem.build.project import project_of
from armazem.config import Settings
from armazem.errors import ArmazemError
from armazem.journal.reading import last_seq
from armazem.targets.duckdb import landed, versions
from armazem.targets.records import PUBLISHED
from armazem.unattended.children import Children, Ended
from armazem.unattended.inbox import Inbox
from armazem.unattended.isolate import isolate
from armazem.unattended.loader import Loader
from armazem.unattended.memory import Memory
from armazem.unattended.notices import Notice
from armazem.unattended.pauses import Pause
from armazem.unattended.schedule import Schedule

_logger = logging.getLogger(__name__)

_AUDIT_FAILED = 3
_TICK = 0.5
_STOP_SECONDS = 40.0
_OFTEN = timedelta(minutes=1)
_HELD_AGAIN = 3600.0


@dataclass(frozen=True, slots=True)
class Standing:
    """What the builder is at. Times in UTC.

    `doing`: in words, "" while it waits. `next_build`: when one is due; it is left out where nothing is new. `failing`:
    why the last build was not published, None where it was; `paused`: why none is made. `held`: loads that readers do
    not get, and why; `refused`: files in the inbox that could not be loaded, `waiting`: those that could not yet.
    `inbox_error`: why it cannot be read. `builds`: how many there were since the start, by outcome.
    """

    inbox: str = ""
    doing: str = ""
    next_build: datetime | None = None
    last_published: datetime | None = None
    last_seconds: float = 0.0
    failing: str | None = None
    paused: str | None = None
    inbox_error: str | None = None
    held: dict[str, str] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    waiting: dict[str, str] = field(default_factory=dict)
    builds: dict[str, int] = field(default_factory=dict)
    loads: int = 0

    @property
    def problems(self) -> list[str]:
        """What somebody should look at, a line each. It may quote data."""
        found = [text for text in (self.failing, self.paused, self.inbox_error) if text]
        found += [f"load {load} is held back: {why}" for load, why in self.held.items()]
        found += [f"{path} was not loaded: {why}" for path, why in self.refused.items()]
        return found + [f"{path} waits: {why}" for path, why in self.waiting.items()]

    @property
    def summary(self) -> list[str]:
        """The same without names and data, for who asks without the token."""
        told = (
            (self.failing, "the last build was not published"),
            (self.paused, "no builds since a rollback"),
            (self.inbox_error, "the inbox cannot be read"),
            (self.held, f"{len(self.held)} held back after a failed audit: loads"),
            (self.refused, f"{len(self.refused)} not loaded: files of the inbox"),
            (self.waiting, f"{len(self.waiting)} not loaded yet: files of the inbox"),
        )
        return [text for given, text in told if given]


class _Unfinished(Exception):
    """A build did not get as far as its audit, or must not be made: what it was for is tried again later."""

    def __init__(self, ended: Ended | None) -> None:
        super().__init__()
        self.ended = ended


class Builder:
    """A `with` block runs it in a thread. `standing` may be read from any other."""

    def __init__(
        self,
        settings: Settings,
        schedule: Schedule,
        inbox: Inbox | None,
        *,
        notify: Callable[[Notice], None] = lambda notice: None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.standing = Standing(inbox.place if inbox else "")
        self._settings = settings
        self._home = settings.home_folder
        self._schedule = schedule
        self._notify = notify
        self._clock = clock
        often = schedule.every is not None and schedule.every <= _OFTEN
        self._children = Children(settings, ready=often)
        self._memory = Memory(self._home.root / "inbox.json")
        self._loader: Loader | None = None
        if inbox is not None:
            settle = settings.inbox_settle_seconds
            self._loader = Loader(self._home, inbox, self._memory, self._children, settle, notify)
        self._begun = self._before_the_start()
        self._built: object = None
        self._pause = Pause()
        self._told: object = None
        self._held_again = time.monotonic() + _HELD_AGAIN
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="builder", daemon=True)

    def __enter__(self) -> Builder:
        self._tell()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()
        self._children.stop()
        self._thread.join(_STOP_SECONDS)

    def end(self) -> None:
        """Begin nothing more, and tell what runs to end."""
        self._stopping.set()
        self._children.terminate()

    @property
    def broken(self) -> bool:
        """Whether its thread has died by a mistake of ours; the log says why."""
        return not self._stopping.is_set() and not self._thread.is_alive()

    def _run(self) -> None:
        while not self._stopping.wait(_TICK):
            if self._loader is not None:
                self._loader.look(lambda doing: self._tell(doing=doing))
                self._tell()
            try:
                self._children.get_ready()
                self._build_if_due()
            except (ArmazemError, OSError) as error:
                self._bad("build_failed", f"the builder could not go on: {error}", type(error))
                self._pause.failed()

    # When, and whether

    def _before_the_start(self) -> datetime | None:
        """When the last build began, for a time of day; None for an interval: what came meanwhile need not wait."""
        if self._schedule.every is not None:
            return None
        if self._memory.turn:
            return datetime.fromisoformat(self._memory.turn)
        published = versions.published_builds(self._home)
        return datetime.strptime(published[-1], "%Y%m%dT%H%M%S%fZ").replace(tzinfo=UTC) if published else None

    def _build_if_due(self) -> None:
        now = self._clock()
        due = self._schedule.due(now, self._begun)
        if due != self.standing.next_build:
            self._tell(next_build=due)
        if due > now or self._pause.lasts:
            return
        if paused := self._rolled_back():
            self._tell(paused=paused)
            return
        state = self._state()
        if state == self._built or not (state[0] or state[1]):  # nothing is new, or nothing there at all
            self._tell(paused=None, failing=None)
            self._ended(now)
            return
        self._tell(paused=None)
        try:
            self._build()
        except _Unfinished as unfinished:
            if not self._stopping.is_set() and unfinished.ended is not None:
                self._pause.failed()
            return
        self._built = (*state[:3], frozenset(self._memory.held))
        self._ended(now)

    def _ended(self, begun: datetime) -> None:
        self._pause.over()
        self._begun = begun
        if self._schedule.every is None:
            self._memory.ended(begun.isoformat())

    def _rolled_back(self) -> str | None:
        """Why nothing is to be built, where somebody went back to an older version: a build would undo that."""
        current = versions.current_build(self._home)
        published = [record.build_id for record in versions.read_records(self._home) if record.status == PUBLISHED]
        newest = max(published, default=None)
        if current is None or newest is None or newest <= current:
            return None
        return f"rolled back from {newest} to {current}: `armazem build` goes on"

    def _state(self) -> tuple[frozenset[str], int, str, frozenset[str]]:
        """Is another one where a build would have something to do."""
        code = project_of(self._settings, self._home.root / "dbt").fingerprint()
        loads = frozenset(row.load_id for row in landed.loads(self._settings))
        held = self._memory.held
        still = {load: why for load, why in held.items() if load in loads and code == self._memory.code}
        if still != held or code != self._memory.code:
            self._hold(still, code)
        return loads, last_seq(self._home), code, frozenset(still)

    # Builds

    def _build(self) -> None:
        """Build all that is new; what fails its audit is held back. Raises _Unfinished."""
        held = list(self._memory.held)
        ended = self._attempt(without=held)
        new: list[str] = list(ended.report.get("new_loads", ()))
        if ended.code == _AUDIT_FAILED:
            self._build_in_parts(ended, new)
        # A right extract may have come, beside which a wrong one does no harm; or what it belongs to. But that is a
        # full refresh each time, as they are older than what is published.
        elif held and (time.monotonic() > self._held_again or ended.report.get("status") == "unchanged"):
            self._hold_what_fails(held, dict(self._memory.held))
        self._well()

    def _build_in_parts(self, ended: Ended, new: list[str]) -> None:
        if not new or self._attempt(without=[*self._memory.held, *new]).code == _AUDIT_FAILED:
            # Events alone fail, so that no load is to blame: somebody has to look.
            self._bad("audit_failed", ended.error, _failed_tests(ended))
            raise _Unfinished(ended)
        before = dict(self._memory.held)
        self._hold_what_fails(new, before | dict.fromkeys(new, _failed_tests(ended)), known_to_fail=True)
        for load in self._memory.held.keys() - before.keys():
            hint = f"`armazem unload {load}`, then load a right one; `armazem sql --failed` shows the failing rows"
            self._notify(Notice("audit_failed", f"load {load} is held back: {self._memory.held[load]}", hint))

    def _hold_what_fails(self, loads: Sequence[str], reasons: dict[str, str], *, known_to_fail: bool = False) -> None:
        """Publish as many of these loads as pass, and hold the others."""

        def attempt(tried: Sequence[str]) -> bool:
            ended = self._attempt(only=tried)
            if ended.code == _AUDIT_FAILED:
                reasons.update(dict.fromkeys(tried, _failed_tests(ended)))
            return ended.code == 0

        self._held_again = time.monotonic() + _HELD_AGAIN
        failing = isolate(loads, attempt) if known_to_fail or not attempt(loads) else []
        others = [load for load in self._memory.held if load not in loads]
        self._hold({load: reasons[load] for load in [*others, *failing]}, self._memory.code)

    def _attempt(self, *, only: Sequence[str] = (), without: Collection[str] = ()) -> Ended:
        """One build. Raises _Unfinished where it came to no verdict."""
        if self._stopping.is_set() or self._rolled_back():
            raise _Unfinished(None)
        arguments = [part for load in only for part in ("--only-load", load)]
        arguments += [part for load in without for part in ("--except-load", load)]
        self._tell(doing="building")
        try:
            ended = self._children.run("build", "--no-changes", *arguments)
        finally:
            self._tell(doing="")
        if self._stopping.is_set():
            raise _Unfinished(None)
        outcome = str(ended.report.get("status", "error"))
        self._tell(builds={**self.standing.builds, outcome: self.standing.builds.get(outcome, 0) + 1})
        if outcome == PUBLISHED:
            self._tell(last_published=self._clock(), last_seconds=float(ended.report.get("seconds", 0)))
        if ended.code not in (0, _AUDIT_FAILED):
            text = ended.error or f"the build ended with exit code {ended.code}"
            self._bad("build_failed", text, _failed_tests(ended) or text)
            raise _Unfinished(ended)
        return ended

    # What is told

    def _hold(self, held: dict[str, str], code: str) -> None:
        self._memory.hold(held, code)
        self._tell()

    def _well(self) -> None:
        if self._told is not None:
            self._notify(Notice("recovered", "builds are published again", ""))
        self._told = None
        self._tell(failing=None)

    def _bad(self, kind: str, text: str, what: object) -> None:
        """`what` is the same where the same went wrong again: that is told once."""
        self._tell(failing=text)
        if (kind, what) != self._told:
            self._told = (kind, what)
            self._notify(Notice(kind, text, "readers keep the version they have; `armazem builds` lists the builds"))

    def _tell(self, **changed: Any) -> None:
        if (loader := self._loader) is not None:
            changed |= {"inbox_error": loader.error, "waiting": dict(loader.waiting), "loads": loader.loads}
        memory = self._memory
        self.standing = replace(self.standing, held=dict(memory.held), refused=dict(memory.refused), **changed)


def _failed_tests(ended: Ended) -> str:
    """Which tests and models failed and how, in words."""
    report = ended.report
    failed = [
        f"{test['test']}: {test['failed_checks'] or str(test['failures']) + ' rows'}"
        for test in report.get("tests", ())
        if test["status"] in ("fail", "error")
    ]
    failed += [model["model"] for model in report.get("models", ()) if model["status"] == "error"]
    return "; ".join(failed[:3])
