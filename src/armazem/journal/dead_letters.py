"""Dead letters: what was refused, with its bytes, where it came from and why."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec

from armazem.config import Settings
from armazem.home import Home
from armazem.journal.errors import write_error
from armazem.journal.lines import read_lines
from armazem.journal.segments import SegmentWriter, list_segments


class DeadLetter(msgspec.Struct, omit_defaults=True, gc=False):
    """One refused message. `id`: its number. `path`: JSON path of what is wrong; `raw_base64` where it is no text."""

    id: str
    received_at: datetime
    source: str
    code: str
    path: str
    message: str
    event_id: str | None = None
    raw: str | None = None
    raw_base64: str | None = None

    @property
    def content(self) -> bytes:
        """The message as it came."""
        return base64.b64decode(self.raw_base64) if self.raw_base64 is not None else (self.raw or "").encode()


class Refusal(NamedTuple):
    """A message to be kept as a dead letter."""

    source: str
    code: str
    path: str
    message: str
    raw: bytes
    event_id: str | None = None


_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(DeadLetter)


class DeadLetters:
    """The writing end, held by the writer of the journal. `last`: number of the last dead letter."""

    def __init__(self, home: Home, settings: Settings, *, at_least: int = 0) -> None:
        self._folder = home.dead_letters
        self._writer = SegmentWriter(
            home.dead_letters,
            max(at_least, last_number(home)) + 1,
            max_bytes=settings.segment_megabytes * 2**20,
            max_seconds=float("inf"),
        )

    @property
    def last(self) -> int:
        return self._writer.next_number - 1

    def append(self, refusals: Sequence[Refusal], now: datetime) -> None:
        """Bring dead letters to the disk. Raises DiskFull or JournalError, and then none of them is kept."""
        lines = [_line(number, refusal, now) for number, refusal in enumerate(refusals, self._writer.next_number)]
        try:
            self._writer.append(b"".join(lines), len(lines), now)
        except OSError as error:
            raise write_error(error, self._folder, uncertain=self._writer.uncertain) from error

    def close(self) -> None:
        self._writer.close()


def _line(number: int, refusal: Refusal, now: datetime) -> bytes:
    source, code, path, message, raw, event_id = refusal
    letter = DeadLetter(str(number), now, source, code, path, message, event_id)
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:  # neither text nor something that databases take as text
        letter.raw_base64 = base64.b64encode(raw).decode()
    else:
        letter.raw = text
    return _ENCODER.encode(letter) + b"\n"


def read_dead_letters(home: Home, *, after: int = 0) -> Iterator[DeadLetter]:
    """Dead letters with a number above `after`, oldest first, also while somebody writes. Raises OSError.

    A line that was cut off by a crash is passed over: nobody was told that it was kept.
    """
    for segment in list_segments(home.dead_letters, after=after):
        for line in read_lines(segment.path):
            if (letter := _decode(line.content)) and int(letter.id) > after:
                yield letter


def last_number(home: Home) -> int:
    """The number of the newest dead letter; 0 where there is none."""
    segments = list_segments(home.dead_letters)
    if not segments:
        return 0
    letters = (_decode(line.content) for line in read_lines(segments[-1].path))
    return max([segments[-1].first - 1, *(int(letter.id) for letter in letters if letter)])


def _decode(line: bytes) -> DeadLetter | None:
    try:
        letter = _DECODER.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return letter if letter.id.isdecimal() else None
