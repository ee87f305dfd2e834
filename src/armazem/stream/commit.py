"""One commit: messages through the core, new events into the journal, refused ones into the dead letters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from itertools import chain, compress, groupby, islice
from zoneinfo import ZoneInfo

from armazem.contract.events import Accepted, Refused, journal_lines, process_batch
from armazem.stream.dead_letters import DeadLetters, Refusal
from armazem.stream.errors import JournalError
from armazem.stream.intake import Outcome, Rejection, Submission
from armazem.stream.journal import Journal, received_at
from armazem.stream.ledger import Ledger
from armazem.stream.seen import SeenIds

# Messages through the core at a time: its objects for so many stay in the processor's cache. All 5,000 of a commit
# at once take twice as long per message.
_CACHED = 256


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
        results = self._results([m for submission in submissions for m in submission.messages], now)
        parts = _split(results, submissions)
        accepted = [[r for r in part if type(r) is Accepted] for part in parts]
        fresh = self._fresh(accepted)
        self.written = b""
        try:
            self._append(fresh, self._numbered(submissions, fresh, now), now)
        except JournalError as error:
            return [error] * len(submissions)
        refused = [
            [(i, r) for i, r in enumerate(part) if type(r) is Refused] if len(good) < len(part) else []
            for part, good in zip(parts, accepted, strict=True)
        ]
        failure = self._bury(submissions, refused, now)
        outcomes: list[Outcome | JournalError] = []
        for submission, good, new, bad in zip(submissions, accepted, fresh, refused, strict=True):
            row = self._ledger.of(submission.source)
            row.accepted += len(new)
            if failure and bad:
                row.received += len(new)
                outcomes.append(failure)
                continue
            row.received += len(submission.messages)
            row.duplicates += len(good) - len(new)
            row.dead_letters += len(bad)
            self.codes.update(r.code for _, r in bad)
            rejections = [Rejection(i, r.code, r.path, r.message) for i, r in bad]
            outcomes.append(Outcome(len(new), len(good) - len(new), rejections))
        self._ledger.last_seq = self._journal.next_seq - 1
        self._ledger.last_dead_letter = self._letters.last
        return outcomes

    def _results(self, messages: Sequence[bytes], now: datetime) -> list[Accepted | Refused]:
        results: list[Accepted | Refused] = []
        for start in range(0, len(messages), _CACHED):
            results += process_batch(messages[start : start + _CACHED], now, self._zone)
        return results

    def _fresh(self, accepted: Sequence[Sequence[Accepted]]) -> list[list[Accepted]]:
        """The events, without those whose id came before."""
        flags = iter(self._seen.check([event.event_id for event in chain.from_iterable(accepted)]))
        return [list(compress(part, islice(flags, len(part)))) for part in accepted]

    def _numbered(
        self, submissions: Sequence[Submission], fresh: Sequence[Sequence[Accepted]], now: datetime
    ) -> list[bytes]:
        """The lines of the new events, many in one piece."""
        time = received_at(now)
        pieces: list[bytes] = []
        seq = self._journal.next_seq
        for source, parts in groupby(zip(submissions, fresh, strict=True), key=lambda pair: pair[0].source):
            events = [event for _, part in parts for event in part]
            for start in range(0, len(events), _CACHED):
                some = events[start : start + _CACHED]
                pieces.append(journal_lines(some, seq, time, source))
                seq += len(some)
        return pieces

    def _append(self, fresh: Sequence[Sequence[Accepted]], pieces: Sequence[bytes], now: datetime) -> None:
        """Write the lines. Their ids count as seen once they are on the disk. Raises JournalError."""
        ids = [event.event_id for part in fresh for event in part]
        if ids:
            written = b"".join(pieces)
            self._seen.commit(ids, self._journal.append(written, len(ids), now))
            self.written = written

    def _bury(
        self, submissions: Sequence[Submission], refused: Sequence[Sequence[tuple[int, Refused]]], now: datetime
    ) -> JournalError | None:
        refusals = [
            Refusal(submission.source, r.code, r.path, r.message, r.raw, r.event_id)
            for submission, bad in zip(submissions, refused, strict=True)
            for _, r in bad
        ]
        if not refusals:
            return None
        try:
            self._letters.append(refusals, now)
        except JournalError as error:
            return error
        return None


def _split(
    results: Sequence[Accepted | Refused], submissions: Sequence[Submission]
) -> list[Sequence[Accepted | Refused]]:
    rest = iter(results)
    return [list(islice(rest, len(submission.messages))) for submission in submissions]
