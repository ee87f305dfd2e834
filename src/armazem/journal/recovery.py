"""Before the journal is written again: what a crash or a bad disk left in it goes to the dead letters."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from datetime import datetime

from armazem.contract import RejectCode
from armazem.contract.dead_letters import Refusal
from armazem.disk.durable import put_in_place, sync_path
from armazem.errors import HomeError
from armazem.home import Home
from armazem.journal.dead_letters import DeadLetters, read_dead_letters
from armazem.journal.journal import are_lines, decode_line
from armazem.journal.lines import Line, read_blocks
from armazem.journal.segments import Segment, list_segments

SOURCE = "journal"
"""Source of the dead letters that come from the journal itself."""

_PIECE = 1 << 24  # a damaged stretch without a line break may be as long as its segment


def recover(home: Home, letters: DeadLetters, now: datetime, *, after_crash: bool = False) -> int:
    """Repair the segments that are not compacted yet; the number of dead letters that it took.

    Bytes after the last line break are the tail of a write that was cut off, and acknowledged to nobody: they go
    to the dead letters and out of the segment. A damaged line in the middle goes to the dead letters once, and
    stays: readers pass over it. `after_crash`: the last segment is brought to the disk once more, as its lines may be
    in the memory of the machine alone. The caller holds `journal_lock`. Raises HomeError.
    """
    if after_crash:
        _settle(home)
    count = 0
    known: set[str] | None = None
    for segment in list_segments(home.journal):
        if segment.compacted:
            continue
        try:
            for line in _damaged(segment):
                known = _known(home) if known is None else known
                new = [refusal for refusal in _refusals(segment, line) if refusal.message not in known]
                if new:
                    letters.append(new, now)
                count += len(new)
                if not line.whole:
                    _cut(segment, line.offset)
            if not segment.path.stat().st_size:
                segment.path.unlink()
        except OSError as error:
            raise HomeError(
                f"{segment.path} cannot be repaired: {error}", "check the disk and its permissions"
            ) from error
    return count


def _settle(home: Home) -> None:
    """Write the last segment anew: after an error a disk may take for written what it has dropped."""
    last = list_segments(home.journal)[-1:]
    try:
        for leftover in home.journal.glob("date=*/*.settling"):
            leftover.unlink()
        for segment in last:
            if not segment.compacted:
                copy = segment.path.with_suffix(".settling")
                shutil.copyfile(segment.path, copy)
                put_in_place(copy, segment.path)
    except OSError as error:
        raise HomeError(f"{last[0].path} cannot be written: {error}", "check the disk and its space") from error


def _damaged(segment: Segment) -> Iterator[Line]:
    for block in read_blocks(segment.path):
        if not block.whole or not are_lines(block.contents):  # nearly all are: line by line takes half as long again
            for line in block.lines():
                if not line.whole or decode_line(line.content) is None:
                    yield line


def _refusals(segment: Segment, line: Line) -> Iterator[Refusal]:
    what = "a line that is no event" if line.whole else "a last line that was cut off"
    for start in range(0, max(1, len(line.content)), _PIECE):
        place = f"{segment.path.parent.name}/{segment.path.name}, byte {line.offset + start}"
        content = line.content[start : start + _PIECE]
        yield Refusal(SOURCE, RejectCode.NOT_JSON, "$", f"{place}: {what}", content)


def _known(home: Home) -> set[str]:
    """A damaged line is known by its place, which its message names."""
    return {letter.message for letter in read_dead_letters(home) if letter.source == SOURCE}


def _cut(segment: Segment, size: int) -> None:
    os.truncate(segment.path, size)
    sync_path(segment.path)
