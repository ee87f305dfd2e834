"""Dead letters through the core once more, after a fix of the code, of the reference or of the message."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from zoneinfo import ZoneInfo

import msgspec

from armazem.contract import RejectCode
from armazem.contract.dead_letters import DeadLetter, LetterCount
from armazem.contract.events import Accepted, process_batch
from armazem.errors import ArmazemError, HomeError
from armazem.home import Home
from armazem.intake.queue import Outcome
from armazem.intake.sending import Send
from armazem.journal.appending import AppendFile
from armazem.journal.dead_letters import read_dead_letters
from armazem.journal.errors import write_error
from armazem.journal.lines import read_lines

MARKS_FILE = "replayed.jsonl"
SOURCE = "replay"
_BATCH_BYTES = 1 << 20
_BATCH_MESSAGES = 1_000


class _Mark(msgspec.Struct):
    """A line of the marks: this dead letter has become an event."""

    id: str
    replayed_at: datetime


@dataclass(slots=True)
class Replayed:
    """What became of dead letters. `refused`: they stay, by code; `why`: id to code, path and message."""

    accepted: int = 0
    duplicates: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    why: dict[str, str] = field(default_factory=dict)


def replayed_ids(home: Home) -> set[str]:
    """The dead letters that have become events. Raises HomeError."""
    path = home.dead_letters / MARKS_FILE
    marks = set()
    try:
        for line in read_lines(path):
            try:
                marks.add(msgspec.json.decode(line.content, type=_Mark).id)
            except (msgspec.DecodeError, UnicodeDecodeError):
                continue  # cut off by a crash: replayed again, it is a duplicate
    except FileNotFoundError:
        return set()
    except OSError as error:
        raise HomeError(f"{path} cannot be read: {error.strerror or error}", "check the permissions there") from error
    return marks


def select_letters(
    home: Home, *, ids: Sequence[str] = (), code: str | None = None, source: str | None = None, everything: bool = False
) -> Iterator[DeadLetter]:
    """Dead letters, oldest first: with these ids, of this code and source; `everything`: also what was replayed.

    Raises HomeError.
    """
    wanted, done = set(ids), set() if everything else replayed_ids(home)
    try:
        for letter in read_dead_letters(home):
            if (
                (not wanted or letter.id in wanted)
                and (code is None or letter.code == code)
                and (source is None or letter.source == source)
                and letter.id not in done
            ):
                yield letter
    except OSError as error:
        raise HomeError(
            f"{home.dead_letters} cannot be read: {error.strerror or error}", "check the permissions there"
        ) from error


def newest_letters(
    home: Home, *, code: str | None, source: str | None, everything: bool, limit: int | None
) -> tuple[list[DeadLetter], int]:
    """The newest dead letters, newest first, and how many there are in all. Raises HomeError."""
    newest: deque[DeadLetter] = deque(maxlen=limit)
    total = 0
    for letter in select_letters(home, code=code, source=source, everything=everything):
        newest.append(letter)
        total += 1
    return list(reversed(newest)), total


class LetterBox(Protocol):
    """Where dead letters lie, and what became of them. Raises an ArmazemError where it cannot be read or written."""

    def select(
        self, *, ids: Sequence[str] = (), code: str | None = None, source: str | None = None, everything: bool = False
    ) -> Iterator[DeadLetter]:
        """Dead letters, oldest first: with these ids, of this code and source; `everything`: also what was replayed."""

    def newest(
        self, *, code: str | None, source: str | None, everything: bool, limit: int | None
    ) -> tuple[list[DeadLetter], int]:
        """The newest dead letters, newest first, without their bytes where that is cheaper; and how many there are."""

    def counts(self, since: datetime) -> list[LetterCount]:
        """Those that were not replayed, by code, most first; which of them came at `since`, with its zone, or later."""

    def replayed(self) -> set[str]:
        """The ids of those that have become events."""

    def mark(self, ids: Sequence[str], now: datetime) -> None:
        """Remember that these have become events."""


class HomeLetters:
    """Those of a home folder."""

    def __init__(self, home: Home) -> None:
        self._home = home

    def select(
        self, *, ids: Sequence[str] = (), code: str | None = None, source: str | None = None, everything: bool = False
    ) -> Iterator[DeadLetter]:
        return select_letters(self._home, ids=ids, code=code, source=source, everything=everything)

    def newest(
        self, *, code: str | None, source: str | None, everything: bool, limit: int | None
    ) -> tuple[list[DeadLetter], int]:
        return newest_letters(self._home, code=code, source=source, everything=everything, limit=limit)

    def counts(self, since: datetime) -> list[LetterCount]:
        found: dict[str, LetterCount] = {}
        for letter in select_letters(self._home):
            had = found.get(letter.code, LetterCount(letter.code, 0, 0, letter.received_at))
            newest = max(had.newest, letter.received_at)
            new = had.new + (letter.received_at >= since)
            found[letter.code] = LetterCount(letter.code, had.messages + 1, new, newest)
        return sorted(found.values(), key=lambda count: (-count.messages, count.code))

    def replayed(self) -> set[str]:
        return replayed_ids(self._home)

    def mark(self, ids: Sequence[str], now: datetime) -> None:
        mark(self._home, ids, now)


class Replay:
    """Replays dead letters through `send`, and marks those that are events now. `send=None`: only look.

    What would be refused again is not sent, so it makes no second dead letter: that includes what has the id of
    another event, unless it was repaired. What turns out to have one now lies there anew, and is marked.
    """

    def __init__(self, box: LetterBox, zone: ZoneInfo, send: Send | None, now: datetime, *, anew: bool = False) -> None:
        """`anew`: what is refused where it is sent becomes a dead letter of the same box, so the old one is marked."""
        self.result = Replayed()
        self._anew = anew
        self._box = box
        self._zone = zone
        self._send = send
        self._now = now

    def run(self, letters: Iterator[DeadLetter], *, repaired: bytes | None = None) -> Replayed:
        """Replay letters; `repaired` instead of the bytes of the one. Raises ArmazemError; run it again then."""
        batch: list[tuple[DeadLetter, bytes]] = []
        size = 0
        for letter in letters:
            batch.append((letter, letter.content if repaired is None else repaired))
            size += len(batch[-1][1])
            if size >= _BATCH_BYTES or len(batch) >= _BATCH_MESSAGES:
                self._replay(batch)
                batch, size = [], 0
        if batch:
            self._replay(batch)
        return self.result

    def _replay(self, batch: list[tuple[DeadLetter, bytes]]) -> None:
        results = process_batch([content for _, content in batch], self._now, self._zone)
        good: list[tuple[DeadLetter, bytes]] = []
        for item, result in zip(batch, results, strict=True):
            letter, content = item
            if letter.code == RejectCode.CONFLICTING_EVENT_ID and content == letter.content:
                self._stays(letter, letter.code, letter.path, letter.message)
            elif isinstance(result, Accepted):
                good.append(item)
            else:
                self._stays(letter, result.code, result.path, result.message)
        if self._send is None:
            self.result.accepted += len(good)
        elif good:
            self._settle(good, self._send([content for _, content in good]).result())

    def _settle(self, sent: list[tuple[DeadLetter, bytes]], outcome: Outcome) -> None:
        self.result.accepted += outcome.accepted
        self.result.duplicates += outcome.duplicates
        staying = {rejection.index for rejection in outcome.rejected}
        for rejection in outcome.rejected:  # by a server that knows other rules, or with the id of another event
            letter, content = sent[rejection.index]
            self._stays(letter, rejection.code, rejection.path, rejection.message)
            if self._anew or (rejection.code == RejectCode.CONFLICTING_EVENT_ID and content == letter.content):
                staying.remove(rejection.index)
        self._box.mark([letter.id for at, (letter, _) in enumerate(sent) if at not in staying], self._now)

    def _stays(self, letter: DeadLetter, code: str, path: str, message: str) -> None:
        self.result.refused[code] += 1
        self.result.why[letter.id] = f"{code} at {path}: {message}"


def mark(home: Home, ids: Sequence[str], now: datetime) -> None:
    """Remember that these dead letters are events now. Raises JournalError."""
    if not ids:
        return
    path = home.dead_letters / MARKS_FILE
    lines = b"".join(msgspec.json.encode(_Mark(id_, now)) + b"\n" for id_ in ids)
    try:
        file = AppendFile(path)
        try:
            file.append(b"\n" + lines if file.size else lines)  # the last line may have been cut off
        finally:
            file.close()
    except OSError as error:
        raise write_error(error, path) from error


def check_ids(box: LetterBox, ids: Sequence[str]) -> None:
    """Raises ArmazemError where a dead letter does not exist."""
    known = {letter.id for letter in box.select(ids=ids, everything=True)} if ids else set()
    if missing := [id_ for id_ in ids if id_ not in known]:
        raise ArmazemError(f"there is no dead letter {', '.join(missing)}", "see `armazem dead-letters list --all`")
