"""Reads files of lines piece by piece, and tells a whole line from one that was cut off."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

_BLOCK = 1 << 22


class Line(NamedTuple):
    """`offset`: of its first byte. `content`: without the line break. `whole`: it had one."""

    offset: int
    content: bytes
    whole: bool


def read_lines(path: Path) -> Iterator[Line]:
    """The lines of a file, in order, with memory for a few MiB and the longest line. Raises OSError."""
    with path.open("rb", buffering=0) as file:
        offset = 0
        pieces: list[bytes] = []
        while block := file.read(_BLOCK):
            first, *others = block.split(b"\n")
            pieces.append(first)
            if not others:
                continue
            for content in (b"".join(pieces), *others[:-1]):
                yield Line(offset, content, True)
                offset += len(content) + 1
            pieces = [others[-1]]
        if rest := b"".join(pieces):
            yield Line(offset, rest, False)
