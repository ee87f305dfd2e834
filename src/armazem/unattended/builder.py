"""Loads what comes into the inbox, builds what is new when it is due, and holds back what fails its audit."""

from __future__ import annotations

import logging
import shutil
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

from armazem.build.project import project_of
from armazem.config import Settings
from armazem.errors import ArmazemError
from armazem.journal.reading import last_seq
from armazem.landing import read_ledger
from armazem.sources.archives import ARCHIVES
from armazem.targets.duckdb import versions
from armazem.targets.records import PUBLISHED
from armazem.unattended.children import Children, Ended
from armazem.unattended.drops import Drop, Settling, drops
from armazem.unattended.inbox import ChangedMeanwhile, Inbox
from armazem.unattended.isolate import isolate
from armazem.unattended.memory import Memory
from armazem.unattended.notices import Notice
from armazem.unattended.schedule import Schedule

_logger = logging.getLogger(__name__)

_AUDIT_FAILED = 3
_FIRST_PAUSE, _LONGEST_PAUSE = 10.0, 3600.0
_PAUSE = 0.2
_TICK = 0.5


@dataclass(frozen=True, slots=True)
class Standing:
    """What the builder is at. Times in UTC.

    `doing`: in words, "" while it waits. `next_build`: when one is due; it is left out where nothing is new. `failing`:
    why the last build was not published, None where it was. `held`: loads that readers do not get, and why; `refused`:
    files in the inbox that could not be loaded. `inbox_error`: why it cannot be read. `builds`: how many there were
    since the start, by outcome.
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
    builds: dict[str, int] = field(default_factory=dict)
    loads: int = 0

    @property
    def problems(self) -> list[str]:
        """What somebody should look at, a line each."""
        found = [text for text in (self.failing, self.paused, self.inbox_error) if text]
        found += [f"load {load} is held back: {why}" for load, why in self.held.items()]
        return found + [f"{path} was not loaded: {why}" for path, why in self.refused.items()]


class Builder:
    """A `with` block runs it in a thread. `standing` may be read from any other."""

    def __init__(
        self,
        settings: Settings,
        schedule: Schedule | None,
        inbox: Inbox | None,
        *,
        notify: Callable[[Notice], None] = lambda notice: None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.standing = Standing(inbox.place if inbox else "")
        self._settings = settings
        self._home = settings.home_folder
        self._schedule = schedule
        self._inbox = inbox
        self._notify = notify
        self._clock = clock
        self._children = Children(settings)
        self._settling = Settling(settings.inbox_settle_seconds)
        self._file = self._home.root / "inbox.json"
        self._memory = Memory.read(self._file)
        self._last: datetime | None = None
        self._built: object = None
        self._failures = 0
        self._not_before = 0.0
        self._load_failures = 0
        self._load_not_before = 0.0
        self._look_at = 0.0
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="builder", daemon=True)

    def __enter__(self) -> Builder:
        self._tell()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._children.stop()
        self._thread.join()

    @property
    def broken(self) -> bool:
        """Whether its thread has died by a mistake of ours; the log says why."""
        return not self._stopping.is_set() and not self._thread.is_alive()

    def _run(self) -> None:
        while not self._stopping.wait(_TICK):
            try:
                self._look()
                self._build_if_due()
            except (ArmazemError, OSError) as error:
                self._say(f"the builder could not go on: {error}")
                self._failed()

    # The inbox

    def _look(self) -> None:
        now = time.monotonic()
        if self._inbox is None or now < max(self._look_at, self._load_not_before):
            return
        self._look_at = now + self._inbox.look_seconds
        try:
            items = self._inbox.items()
        except ArmazemError as error:
            self._tell(inbox_error=f"the inbox {self._inbox.place} cannot be read: {error}")
            return
        self._forget(there={item.path for item in items})
        for drop in self._settling.whole(drops(items, self._memory.handled, ARCHIVES), now):
            if self._stopping.is_set() or not self._load(self._inbox, drop):
                return
        self._tell(inbox_error=None)

    def _load(self, inbox: Inbox, drop: Drop) -> bool:
        """Load it; whether to go on with others."""
        work = self._home.root / "inbox-work"
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir()
        self._tell(doing=f"loading {drop.place or ', '.join(item.path for item in drop.items)}")
        try:
            ended = self._children.run("load", str(inbox.copy(drop, work)), "--partial")
        except ChangedMeanwhile:
            return True  # it is not whole yet
        except ArmazemError as error:
            ended = Ended(1, {}, f"{error}")
        finally:
            shutil.rmtree(work, ignore_errors=True)
            self._tell(doing="")
        if self._stopping.is_set():
            return False
        refused = ended.report.get("refused")
        if ended.code and not refused:  # such as a full disk: it may go better later
            self._load_failures += 1
            self._load_not_before = time.monotonic() + _pause(self._load_failures)
            self._tell(inbox_error=f"{drop.place or drop.items[0].path} could not be loaded yet: {ended.error}")
            return False
        self._load_failures = 0
        for item in drop.items:
            self._memory.handled[item.path] = item.version
            self._memory.refused.pop(item.path, None)
            if refused:
                self._memory.refused[item.path] = str(refused)
        self._remember()
        if refused:
            where = drop.place or drop.items[0].path
            self._notify(
                Notice("load_refused", f"{where} was not loaded: {refused}", str(ended.report.get("hint", "")))
            )
        elif ended.report.get("load_id"):
            self._tell(loads=self.standing.loads + 1)
        return True

    def _forget(self, there: set[str]) -> None:
        """Files that are gone: if they come again, they are looked at again."""
        gone = self._memory.handled.keys() - there
        for path in gone:
            del self._memory.handled[path]
            self._memory.refused.pop(path, None)
        if gone:
            self._remember()

    # Builds

    def _build_if_due(self) -> None:
        if self._schedule is None or time.monotonic() < self._not_before:
            return
        due = self._schedule.due(self._clock(), self._last_begin())
        if due != self.standing.next_build:
            self._tell(next_build=due)
        if due > self._clock():
            return
        self._last = self._clock()
        current = versions.current_build(self._home)
        if newer := self._rolled_back(current):
            self._tell(paused=f"rolled back from {newer} to {current}: `armazem build` goes on")
            return
        state = self._state()
        if state == self._built or not (state[0] or state[1]):
            return  # nothing is new, or nothing there at all
        self._tell(paused=None)
        if self._build():
            self._failures = 0
            self._built = state
        elif not self._stopping.is_set():
            self._failed()

    def _last_begin(self) -> datetime | None:
        """When a build began: of this server, or of another process before it."""
        if self._last is None and (recorded := versions.recorded_builds(self._home)):
            self._last = datetime.strptime(recorded[-1], "%Y%m%dT%H%M%S%fZ").replace(tzinfo=UTC)
            if self._schedule is not None and self._schedule.every is not None:
                self._last = None  # what came while no server ran need not wait
        return self._last

    def _state(self) -> tuple[frozenset[str], int, str]:
        """Is another one where a build would have something to do."""
        project = project_of(self._settings, self._home.root / "dbt")
        code = project.fingerprint()
        loads = {row.load_id for row in read_ledger(self._home)}
        if code != self._memory.code or self._memory.held.keys() - loads:
            held = {load: why for load, why in self._memory.held.items() if load in loads and code == self._memory.code}
            self._memory.held, self._memory.code = held, code
            self._remember()
        return frozenset(loads), last_seq(self._home), code

    def _rolled_back(self, current: str | None) -> str | None:
        """The version from which somebody went back, if so: building would bring it again."""
        published = [record.build_id for record in versions.read_records(self._home) if record.status == PUBLISHED]
        newest = max(published, default=None)
        return newest if current is not None and newest is not None and newest > current else None

    def _build(self) -> bool:
        """Build all that is new; what fails its audit is held back. Whether all that can be published is."""
        ended = self._attempt(without=self._memory.held)
        if ended.code == 0:
            if self._memory.held and ended.report.get("new_loads"):
                self._try_held_again()
            self._well()
            return True
        new: list[str] = list(ended.report.get("new_loads", ()))
        if ended.code != _AUDIT_FAILED or not new:
            self._bad("build_failed" if ended.code != _AUDIT_FAILED else "audit_failed", ended)
            return False
        # Events first: they do not wait for a file that somebody has to correct.
        if (alone := self._attempt(without=[*self._memory.held, *new])).code:
            self._bad("audit_failed", alone)
            return False
        reasons = {load: _failed_tests(ended) for load in new}

        def attempt(loads: Sequence[str]) -> bool:
            tried = self._attempt(only=loads)
            if tried.code == _AUDIT_FAILED:
                reasons.update(dict.fromkeys(loads, _failed_tests(tried)))
            return tried.code == 0

        held = isolate(new, attempt)
        if self._stopping.is_set():
            return False
        self._memory.held |= {load: reasons[load] for load in held}
        self._remember()
        for load in held:
            hint = f"`armazem unload {load}`, then load a right one; `armazem sql --failed` shows the failing rows"
            self._notify(Notice("audit_failed", f"load {load} is held back: {reasons[load]}", hint))
        self._well()
        return True

    def _try_held_again(self) -> None:
        """A right extract may have come since, beside which the wrong one does no harm."""
        if self._attempt().code == 0:
            self._memory.held = {}
            self._remember()

    def _attempt(self, *, only: Sequence[str] = (), without: Sequence[str] | dict[str, str] = ()) -> Ended:
        arguments = [part for load in only for part in ("--only-load", load)]
        arguments += [part for load in without for part in ("--except-load", load)]
        self._tell(doing="building")
        try:
            ended = self._children.run("build", *arguments)
        finally:
            self._tell(doing="")
        if not self._stopping.is_set():
            outcome = str(ended.report.get("status", "error"))
            counts = {**self.standing.builds, outcome: self.standing.builds.get(outcome, 0) + 1}
            self._tell(builds=counts)
            if outcome == PUBLISHED:
                self._tell(last_published=self._clock(), last_seconds=float(ended.report.get("seconds", 0)))
        return ended

    # What is told

    def _well(self) -> None:
        if self.standing.failing is not None:
            self._notify(Notice("recovered", "builds are published again", ""))
        self._tell(failing=None)

    def _bad(self, kind: str, ended: Ended) -> None:
        if self._stopping.is_set():
            return
        text = ended.error or f"the build ended with exit code {ended.code}"
        first = self.standing.failing != text
        self._tell(failing=text)
        if first:
            self._notify(Notice(kind, text, "readers keep the version they have; `armazem builds` lists the builds"))

    def _failed(self) -> None:
        self._failures += 1
        self._not_before = time.monotonic() + _pause(self._failures)

    def _say(self, text: str) -> None:
        _logger.warning(text)
        self._tell(failing=text)

    def _remember(self) -> None:
        try:
            self._memory.write(self._file)
        except OSError as error:  # what is not written is found out again
            _logger.warning("%s cannot be written: %s", self._file, error)
        self._tell()

    def _tell(self, **changed: Any) -> None:
        memory = self._memory
        self.standing = replace(self.standing, held=dict(memory.held), refused=dict(memory.refused), **changed)


def _failed_tests(ended: Ended) -> str:
    """Which tests failed and how, in words."""
    report = ended.report
    failed = [
        f"{test['test']}: {test['failed_checks'] or str(test['failures']) + ' rows'}"
        for test in report.get("tests", ())
        if test["status"] in ("fail", "error")
    ]
    failed += [model["model"] for model in report.get("models", ()) if model["status"] == "error"]
    return "; ".join(failed[:3]) or ended.error


def _pause(failures: int) -> float:
    """Seconds until the next try after so many failures: twice as long each time, an hour in the end."""
    pause: float = _FIRST_PAUSE * 2 ** min(failures - 1, 20)
    return min(pause, _LONGEST_PAUSE)
