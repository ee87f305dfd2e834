"""One commit: messages through the core, new events into the journal, refused ones into the dead letters."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence
from datetime import datetime
from itertools import compress, islice
from typing import NamedTuple
from zoneinfo import ZoneInfo

from armazem.contract.events import Refused, journal_batch, renumbered
from armazem.stream.dead_letters import DeadLetters, Refusal
from armazem.stream.errors import JournalError
from armazem.stream.intake import Outcome, Rejection, Submission
from armazem.stream.journal import Journal, received_at
from armazem.stream.ledger import Ledger
from armazem.stream.seen import SeenIds

# Messages that are decoded, checked, encoded and given up together: their objects stay in the processor's cache.
# With all of a commit at once each step takes half as long again.
_CACHED = 256


class _Batch(NamedTuple):
    """The messages of a commit: good ones as lines, numbered as if all were new; refused ones with their position."""

    event_ids: list[str]
    lines: list[bytes]  # many in one piece
    refused: list[tuple[int, Refused]]


class _Share(NamedTuple):
    """What became of the messages of one submission; refused ones with their position in it."""

    accepted: int
    duplicates: int
    refused: list[tuple[int, Refused]]


class Committer:
    """Writes submissions. Used by one thread.

    `codes`: refused messages per code since the start. `written`: the lines that the last commit put into the journal.
    """

    def __init__(self, journal: Journal, letters: DeadLetters, ledger: Ledger, seen: SeenIds, zone: ZoneInfo) -> None:
        self.codes: Counter[str] = Counter()
        self.written = b""
        self._journal = journal
        self._letters = letters
        self._ledger = ledger
        self._seen = seen
        self._zone = zone

    def commit(self, submissions: Sequence[Submission], now: datetime) -> list[Outcome | JournalError]:
        """Bring submissions to the disk; for each what became of it, or why nobody may rely on it.

        The journal is written first. Where the dead letters cannot be written after that, the submissions that
        have some fail; sent again, their accepted events are duplicates.
        """
        batch = self._encoded(submissions, now)
        new = self._seen.check(batch.event_ids)
        self.written = b""
        try:
            self._append(batch, new, now)
        except JournalError as error:
            return [error] * len(submissions)
        shares = _shares(submissions, batch.refused, new)
        failure = self._bury(submissions, shares, now)
        outcomes: list[Outcome | JournalError] = []
        for submission, share in zip(submissions, shares, strict=True):
            row = self._ledger.of(submission.source)
            row.accepted += share.accepted
            if failure and share.refused:
                row.received += share.accepted
                outcomes.append(failure)
                continue
            row.received += len(submission.messages)
            row.duplicates += share.duplicates
            row.dead_letters += len(share.refused)
            self.codes.update(r.code for _, r in share.refused)
            rejections = [Rejection(i, r.code, r.path, r.message) for i, r in share.refused]
            outcomes.append(Outcome(share.accepted, share.duplicates, rejections))
        self._ledger.last_seq = self._journal.next_seq - 1
        self._ledger.last_dead_letter = self._letters.last
        return outcomes

    def _encoded(self, submissions: Sequence[Submission], now: datetime) -> _Batch:
        messages = [message for submission in submissions for message in submission.messages]
        sources = [submission.source for submission in submissions for _ in submission.messages]
        time = received_at(now)
        batch = _Batch([], [], [])
        for start in range(0, len(messages), _CACHED):
            some = slice(start, start + _CACHED)
            first_seq = self._journal.next_seq + len(batch.event_ids)
            event_ids, lines, refused = journal_batch(messages[some], sources[some], first_seq, time, now, self._zone)
            batch.event_ids.extend(event_ids)
            batch.lines.append(lines)
            batch.refused.extend((start + at, why) for at, why in refused)
        return batch

    def _append(self, batch: _Batch, new: Sequence[bool], now: datetime) -> None:
        """Write the lines of the new events. Their ids count as seen once they are on the disk. Raises JournalError."""
        event_ids, lines = batch.event_ids, b"".join(batch.lines)
        if not all(new):
            event_ids = list(compress(event_ids, new))
            lines = renumbered(compress(lines.splitlines(keepends=True), new), self._journal.next_seq)
        if event_ids:
            self._seen.commit(event_ids, self._journal.append(lines, len(event_ids), now))
            self.written = lines

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
