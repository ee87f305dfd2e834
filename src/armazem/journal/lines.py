"""Reads files of lines piece by piece, and tells a whole line from one that was cut off."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

_BLOCK = 1 << 18  # stays in the processor's cache


class Line(NamedTuple):
    """`offset`: of its first byte. `content`: without the line break. `whole`: it had one."""

    offset: int
    content: bytes
    whole: bool


class Block(NamedTuple):
    """Lines that follow one another, `offset` of the first byte; all `whole`, or one that is not."""

    offset: int
    contents: list[bytes]
    whole: bool

    def lines(self) -> Iterator[Line]:
        offset = self.offset
        for content in self.contents:
            yield Line(offset, content, self.whole)
            offset += len(content) + 1


def read_blocks(path: Path) -> Iterator[Block]:
    """Yield the lines of a file, in order, with memory for less than a MiB and the longest line. Raises OSError."""
    with path.open("rb", buffering=0) as file:
        offset = 0
        pieces: list[bytes] = []
        while block := file.read(_BLOCK):
            first, *others = block.split(b"\n")
            pieces.append(first)
            if not others:
                continue
            contents = [b"".join(pieces), *others[:-1]]
            yield Block(offset, contents, True)
            offset += sum(map(len, contents)) + len(contents)
            pieces = [others[-1]]
        if rest := b"".join(pieces):
            yield Block(offset, [rest], False)


def read_lines(path: Path) -> Iterator[Line]:
    """Yield the same, line by line."""
    for block in read_blocks(path):
        yield from block.lines()
