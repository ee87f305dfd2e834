"""Ingest: messages in, an answer once what became of each of them is on the disk."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import ExitStack, suppress
from datetime import datetime
from types import TracebackType
from typing import Any
from zoneinfo import ZoneInfo

from armazem.config import Settings
from armazem.disk.lock import journal_lock
from armazem.errors import HomeError
from armazem.home import Home
from armazem.intake.commit import Committer
from armazem.intake.queue import Intake, Outcome, Rejection, Submission
from armazem.journal.dead_letters import DeadLetters
from armazem.journal.earlier import EarlierEvents
from armazem.journal.errors import DiskFull, JournalBroken, JournalError, QueueFull
from armazem.journal.journal import Journal, utc_now
from armazem.journal.ledger import Ledger, load_ledger
from armazem.journal.recovery import recover
from armazem.journal.seen.ids import SeenIds
from armazem.journal.upgrade import upgrade

__all__ = ["DiskFull", "Ingest", "JournalError", "Outcome", "QueueFull", "Rejection"]

_logger = logging.getLogger(__name__)
_TICK = 1.0  # seconds between two looks at what is due

OnCommit = Callable[[Sequence[bytes]], None]


class Ingest:
    """The one writer of a home folder's journal and dead letters, for the time of a `with` block.

    One thread takes all that waits, and acknowledges it together after one write to the disk, during which it encodes
    what comes next where that is a full commit. `on_commit` is given the lines of each commit, in that thread; what it
    raises is logged. `failed`: why that thread has ended before its time.
    """

    def __init__(
        self,
        home: Home,
        settings: Settings,
        *,
        on_commit: OnCommit | None = None,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self.failed: BaseException | None = None
        self.recovered = 0
        self._home = home
        self._settings = settings
        self._on_commit = on_commit
        self._clock = clock
        self._intake = Intake(settings.queue_megabytes * 2**20)
        self._last_commit: dict[str, Any] = {"seconds": 0.0, "events": 0, "error": None}
        self._taken: list[Submission] = []  # and not answered yet
        self._stack = ExitStack()

    def __enter__(self) -> Ingest:
        """Take the lock, repair what a crash left, start. Raises HomeError, at once where another process writes."""
        with ExitStack() as stack:
            stack.enter_context(journal_lock(self._home))
            try:
                self._open(stack)
            except OSError as error:
                raise HomeError(
                    f"cannot use the journal of {self._home.root}: {error.strerror or error}",
                    "check the permissions and the free space there",
                ) from error
            self._thread.start()
            self._stack = stack.pop_all()
        return self

    def _open(self, stack: ExitStack) -> None:
        home, settings = self._home, self._settings
        before = load_ledger(home)
        letters = DeadLetters(home, settings, at_least=before.last_dead_letter)
        stack.callback(letters.close)
        self.recovered = recover(home, letters, self._clock(), after_crash=before.reserved_seq > 0)
        zone = ZoneInfo(settings.time_zone)
        upgrade(home, zone)
        self._ledger = Ledger(home)
        self._journal = Journal(home, settings, at_least=max(self._ledger.last_seq, before.reserved_seq))
        # A clean end before the first event is to know of the numbers that a crash had reserved.
        self._ledger.last_seq = self._journal.next_seq - 1
        stack.callback(self._journal.close)
        seen = SeenIds.open(home)
        stack.callback(seen.close)
        earlier = EarlierEvents(home)
        stack.callback(earlier.close)
        self._committer = Committer(self._journal, letters, self._ledger, seen, earlier, zone)
        stack.callback(self._committer.close)
        self._write_ledger()
        self._thread = threading.Thread(target=self._run, name="committer", daemon=True)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Write what waits, and give the journal up."""
        self._intake.close()
        self._thread.join()  # where a second Ctrl-C comes here, the thread still writes, and keeps files and lock
        with self._stack:
            if self.failed is None:  # else its counts may be of half a commit; the files tell them
                self._write_ledger(ending=True)

    def submit(self, messages: Sequence[bytes], source: str) -> Future[Outcome]:
        """Queue messages of one sender; the future is done when all of them are on the disk.

        It fails with DiskFull or JournalError where they could not be written; they may be sent again. Raises
        QueueFull at once where too much waits, JournalError where nothing is written any more.
        """
        future: Future[Outcome] = Future()
        future.set_running_or_notify_cancel()  # a sender that goes away cannot take its messages back
        if not self._intake.put(Submission(messages, source, sum(map(len, messages)), future)):
            raise self._ended()
        return future

    @property
    def home(self) -> Home:
        return self._home

    @property
    def journal(self) -> Journal:
        return self._journal

    def stats(self) -> Mapping[str, Any]:
        """Figures of now: the queue, the last commit, counts per source, refused messages per code."""
        messages, size = self._intake.depth
        return {
            "queue_messages": messages,
            "queue_bytes": size,
            "queue_max_bytes": self._intake.max_bytes,
            "last_commit_seconds": self._last_commit["seconds"],
            "last_commit_events": self._last_commit["events"],
            "last_error": self._last_commit["error"],
            "last_seq": self._ledger.last_seq,
            "sources": {
                row.source: {
                    "received": row.received,
                    "accepted": row.accepted,
                    "duplicates": row.duplicates,
                    "dead_letters": row.dead_letters,
                }
                for row in self._ledger.rows()
            },
            "refused": dict(self._committer.codes),
            "failed": str(self.failed) if self.failed else None,
        }

    def _run(self) -> None:
        try:
            while not self._intake.ended:
                self._commit(self._intake.take(0 if self._committer.busy else _TICK))
                if time.monotonic() - self._ledger_written >= _TICK:
                    self._write_ledger()
            self._commit([])
        except BaseException as error:
            self.failed = error
            self._intake.close()
            while waiting := self._taken + self._intake.take(0):
                for submission in waiting:
                    if not submission.future.done():
                        submission.future.set_exception(self._ended())
                self._taken = []
            if not isinstance(error, JournalBroken):
                raise
            _logger.critical("%s; %s", error, error.hint)

    def _commit(self, submissions: list[Submission]) -> None:
        """Encode them, finish the commit under way, and write them; without waiting where the next one is there."""
        self._taken += submissions
        batch = None
        if submissions:
            batch = self._committer.encode(submissions, self._clock(), self._finish_if_written)
        if self._committer.busy:
            self._finish()
        if batch is None:
            self._journal.close_if_due(self._clock())
            return
        in_background = self._intake.full_commit
        self._committer.start(batch, in_background=in_background)
        if not in_background:
            self._finish()

    def _finish_if_written(self) -> None:
        if self._committer.is_written:
            self._finish()

    def _finish(self) -> None:
        batch, outcomes = self._committer.finish()
        seconds = time.perf_counter() - batch.begun
        lines = self._committer.written.splitlines(keepends=True) if self._on_commit else []
        errors = [outcome for outcome in outcomes if isinstance(outcome, JournalError)]
        self._last_commit = {
            "seconds": seconds,
            "events": sum(outcome.accepted for outcome in outcomes if isinstance(outcome, Outcome)),
            "error": str(errors[0]) if errors else None,
        }
        self._intake.done(batch.submissions, seconds)
        for submission, outcome in zip(batch.submissions, outcomes, strict=True):
            if isinstance(outcome, JournalError):
                submission.future.set_exception(outcome)
            else:
                submission.future.set_result(outcome)
        del self._taken[: len(batch.submissions)]
        if errors:
            with suppress(OSError):  # where there is room for it: which numbers are gone, should this process end now
                self._ledger.write()
        if broken := next((error for error in errors if isinstance(error, JournalBroken)), None):
            raise broken
        if lines and self._on_commit:
            try:
                self._on_commit(lines)
            except Exception:  # whatever a listener does, the journal goes on
                _logger.exception("a listener failed on %d lines of the journal", len(lines))

    def _write_ledger(self, *, ending: bool = False) -> None:
        self._ledger_written = time.monotonic()
        try:
            self._ledger.write(reserve=0 if ending else None)
        except OSError as error:  # such as a full disk; it is counted again from the files
            _logger.warning("the ledger could not be written: %s", error)

    def _ended(self) -> JournalError:
        why = self.failed if isinstance(self.failed, JournalBroken) else repr(self.failed)
        reason = f"the journal is not written any more: {why}" if self.failed else "the journal is closed"
        return JournalError(reason, "start it again, then send the messages again")
