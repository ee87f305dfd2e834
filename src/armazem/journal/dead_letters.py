"""Dead letters: what was refused, with its bytes, where it came from and why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

import msgspec

from armazem.config import Settings
from armazem.contract.dead_letters import DeadLetter, Refusal, dead_letter
from armazem.home import Home
from armazem.journal.errors import write_error
from armazem.journal.lines import read_lines
from armazem.journal.segments import SegmentWriter, list_segments

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
        numbered = enumerate(refusals, self._writer.next_number)
        lines = [_ENCODER.encode(dead_letter(str(number), now, refusal)) + b"\n" for number, refusal in numbered]
        try:
            self._writer.append(b"".join(lines), len(lines), now)
        except OSError as error:
            raise write_error(error, self._folder, uncertain=self._writer.uncertain) from error

    def close(self) -> None:
        self._writer.close()


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
