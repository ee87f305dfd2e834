"""One commit: messages through the core, new events into the journal, refused ones into the dead letters."""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from itertools import chain, compress, islice, repeat
from typing import NamedTuple
from zoneinfo import ZoneInfo

from armazem.contract import RejectCode
from armazem.contract.dead_letters import Refusal
from armazem.contract.event_values import Horizon
from armazem.contract.events import Refused, journal_batch, renumbered
from armazem.intake.queue import Outcome, Rejection, Submission
from armazem.journal.conflicts import find_conflicts
from armazem.journal.dead_letters import DeadLetters
from armazem.journal.earlier import EarlierEvents
from armazem.journal.errors import JournalError, write_error
from armazem.journal.journal import Journal, received_at
from armazem.journal.ledger import Ledger
from armazem.journal.seen.ids import SeenIds

# Messages that are decoded, checked, encoded and given up together: their objects stay in the processor's cache.
# With all of a commit at once each step takes half as long again.
_CHUNK = 256


class Batch(NamedTuple):
    """The messages of a commit: good ones as lines, numbered as if all were new; refused ones with their position.

    `begun`: when it was begun, in the seconds of time.perf_counter.
    """

    submissions: Sequence[Submission]
    now: datetime
    begun: float
    first_seq: int
    keys: list[str]
    lines: list[bytes]  # many in one piece
    refused: list[tuple[int, Refused]]


class _Writing(NamedTuple):
    """A commit whose new events are on their way to the disk; `write` has the last number once they are there."""

    batch: Batch
    new: Sequence[bool]
    first_seq: int
    keys: Sequence[str]
    lines: bytes
    write: Future[int]


class _Share(NamedTuple):
    """What became of the messages of one submission; refused ones with their position in it."""

    accepted: int
    duplicates: int
    refused: list[tuple[int, Refused]]


class Committer:
    """Brings submissions to the disk: `encode`, `start`, `finish`. Used by one thread, with one commit at a time.

    While one is written in a second thread, the next can be encoded. `codes`: refused messages per code since the
    start. `written`: the lines that the last commit put into the journal.
    """

    def __init__(
        self,
        journal: Journal,
        letters: DeadLetters,
        ledger: Ledger,
        seen: SeenIds,
        earlier: EarlierEvents,
        zone: ZoneInfo,
    ) -> None:
        self.codes: Counter[str] = Counter()
        self.written = b""
        self._journal = journal
        self._letters = letters
        self._ledger = ledger
        self._seen = seen
        self._earlier = earlier
        self._zone = zone
        self._disk = ThreadPoolExecutor(1, "journal")
        self._writing: _Writing | None = None

    def close(self) -> None:
        """Let a write end that nobody has waited for."""
        self._disk.shutdown()

    @property
    def busy(self) -> bool:
        """Whether a commit was started and not finished."""
        return self._writing is not None

    @property
    def is_written(self) -> bool:
        """Whether `finish` would not wait."""
        return self._writing is not None and self._writing.write.done()

    def encode(self, submissions: Sequence[Submission], now: datetime, meanwhile: Callable[[], None]) -> Batch:
        """Their messages decoded, checked and encoded; nothing is kept of them. Calls `meanwhile` every moment."""
        messages = list(chain.from_iterable(submission.messages for submission in submissions))
        sources = list(chain.from_iterable(repeat(one.source, len(one.messages)) for one in submissions))
        received = received_at(now)
        batch = Batch(submissions, now, time.perf_counter(), self._following(), [], [], [])
        for start in range(0, len(messages), _CHUNK):
            some = slice(start, start + _CHUNK)
            first_seq = batch.first_seq + len(batch.keys)
            keys, lines, refused = journal_batch(messages[some], sources[some], first_seq, received, now, self._zone)
            batch.keys.extend(keys)
            batch.lines.append(lines)
            batch.refused.extend((start + at, why) for at, why in refused)
            meanwhile()
        return batch

    def start(self, batch: Batch, *, in_background: bool) -> None:
        """Write its new events into the journal, at once or in the other thread."""
        keys, lines = batch.keys, b"".join(batch.lines)
        new, first_seq = self._seen.check(keys), self._journal.next_seq
        if not all(new) or batch.first_seq != first_seq:
            apart = lines.splitlines(keepends=True)
            keys, lines = list(compress(keys, new)), renumbered(compress(apart, new), first_seq)
            if not all(new):
                batch, new = self._without_conflicts(batch, apart, new)
        if unreserved := self._reserve(first_seq + len(keys) - 1):
            write: Future[int] = Future()
            write.set_exception(unreserved)
        elif in_background:
            running = threading.Event()
            write = self._disk.submit(self._append, lines, len(keys), batch.now, running)
            # The other thread needs the interpreter to get to the write; this one would not give it up for 5 ms.
            running.wait()
        else:
            write = Future()
            try:
                write.set_result(self._append(lines, len(keys), batch.now))
            except JournalError as error:
                write.set_exception(error)
        self._writing = _Writing(batch, new, first_seq, keys, lines, write)

    def finish(self) -> tuple[Batch, list[Outcome | JournalError]]:
        """Wait for the write; what became of each submission of the batch, or why nobody may rely on it.

        The journal is written first. Where the dead letters cannot be written after that, the submissions that
        have some fail; sent again, their accepted events are duplicates.
        """
        if self._writing is None:
            raise ValueError("no commit was started")
        done, self._writing, self.written = self._writing, None, b""
        try:
            last_seq = done.write.result()
        except JournalError as error:
            # Somebody may have read the lines before they were taken back: after a restart too their numbers are gone.
            self._ledger.last_seq = self._journal.next_seq - 1
            return done.batch, [error] * len(done.batch.submissions)
        if done.keys:
            self._seen.commit(done.keys, last_seq)  # seen is what is on the disk
            self.written = done.lines
        return done.batch, self._counted(done.batch, done.new)

    def _following(self) -> int:
        """The number of the first line after the commit under way, unless that one cannot even be begun."""
        if self._writing is None:
            return self._journal.next_seq
        return self._writing.first_seq + len(self._writing.keys)

    def _without_conflicts(self, batch: Batch, lines: list[bytes], new: list[bool]) -> tuple[Batch, list[bool]]:
        """The batch with those refused that have the key of another event; which of the others are new."""
        horizon = Horizon.at(batch.now, self._zone)
        conflicts = find_conflicts(batch.keys, lines, new, self._seen.found, self._earlier, horizon)
        if not conflicts:
            return batch, new
        messages = list(chain.from_iterable(submission.messages for submission in batch.submissions))
        bad = {position for position, _ in batch.refused}
        good = [position for position in range(len(messages)) if position not in bad]
        code = RejectCode.CONFLICTING_EVENT_ID.value
        refused = batch.refused + [
            (good[one.at], Refused(code, "$.event_id", one.message, messages[good[one.at]], one.event_id))
            for one in conflicts
        ]
        apart = {one.at for one in conflicts}
        return (
            batch._replace(refused=sorted(refused, key=lambda pair: pair[0])),
            [is_new for at, is_new in enumerate(new) if at not in apart],
        )

    def _reserve(self, seq: int) -> JournalError | None:
        """See to it that numbers up to this are not given again; why that could not be done."""
        try:
            self._ledger.reserve(seq)
        except OSError as error:
            return write_error(error, self._journal.folder)
        return None

    def _append(self, lines: bytes, count: int, now: datetime, running: threading.Event | None = None) -> int:
        if running:
            running.set()
        return self._journal.append(lines, count, now) if count else self._journal.next_seq - 1

    def _counted(self, batch: Batch, new: Sequence[bool]) -> list[Outcome | JournalError]:
        shares = _shares(batch.submissions, batch.refused, new)
        failure = self._bury(batch.submissions, shares, batch.now)
        outcomes: list[Outcome | JournalError] = []
        for submission, share in zip(batch.submissions, shares, strict=True):
            row = self._ledger.of(submission.source)
            if failure and share.refused:
                row.received += share.accepted
                row.accepted += share.accepted
                outcomes.append(failure)
                continue
            row.received += len(submission.messages)
            row.accepted += share.accepted
            row.duplicates += share.duplicates
            row.dead_letters += len(share.refused)
            self.codes.update(r.code for _, r in share.refused)
            rejections = [Rejection(i, r.code, r.path, r.message) for i, r in share.refused]
            outcomes.append(Outcome(share.accepted, share.duplicates, rejections))
        self._ledger.last_seq = self._journal.next_seq - 1
        self._ledger.last_dead_letter = self._letters.last
        return outcomes

    def _bury(self, submissions: Sequence[Submission], shares: Sequence[_Share], now: datetime) -> JournalError | None:
        refusals = [
            Refusal(submission.source, r.code, r.path, r.message, r.raw, r.event_id)
            for submission, share in zip(submissions, shares, strict=True)
            for _, r in share.refused
        ]
        if not refusals:
            return None
        try:
            self._letters.append(refusals, now)
        except JournalError as error:
            return error
        return None


def _shares(
    submissions: Sequence[Submission], refused: Sequence[tuple[int, Refused]], new: Sequence[bool]
) -> list[_Share]:
    shares: list[_Share] = []
    left, flags = deque(refused), iter(new)
    start = 0
    for submission in submissions:
        bad: list[tuple[int, Refused]] = []
        while left and left[0][0] < start + len(submission.messages):
            at, why = left.popleft()
            bad.append((at - start, why))
        good = len(submission.messages) - len(bad)
        accepted = sum(islice(flags, good))
        shares.append(_Share(accepted, good - accepted, bad))
        start += len(submission.messages)
    return shares
