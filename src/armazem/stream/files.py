"""Messages out of files: JSON lines, gzipped or not, or one JSON object over several lines."""

from __future__ import annotations

import gzip
import sys
import zlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from io import BufferedReader
from pathlib import Path
from typing import cast

import msgspec

from armazem.errors import SourceError

KEPT_BYTES = 16 * 2**20
"""Of a longer line only so many bytes are read into memory, and kept as a dead letter."""

_BLOCK = 1 << 19
_BOM = b"\xef\xbb\xbf"


def read_batches(name: str) -> Iterator[list[bytes]]:
    """The messages of a file, unpacked where its name ends in .gz; `-` is standard input.

    They are its lines without the blank ones, or its one JSON object. They come in lists of what half a mebibyte
    holds, or of what a pipe has by now. Memory: one line of at most KEPT_BYTES; the rest of a longer line is
    dropped. Raises SourceError.
    """
    try:
        with _open(name) as file:
            for lines in _batches(file):
                if messages := [line for line in lines if line and not line.isspace()]:
                    yield messages
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise SourceError(f"{name} is no whole gzip file: {error}", "get it again; what came before is kept") from error
    except OSError as error:
        raise SourceError(f"{name} cannot be read: {error.strerror or error}", "check the path") from error


def _open(name: str) -> AbstractContextManager[BufferedReader]:
    if name == "-":
        return nullcontext(cast(BufferedReader, sys.stdin.buffer))
    path = Path(name)
    return cast(BufferedReader, gzip.open(path)) if path.suffix == ".gz" else path.open("rb")


def _batches(file: BufferedReader) -> Iterator[list[bytes]]:
    head = _first_line(file)
    if head.lstrip().startswith(b"{") and not _is_json(head.split(b"\n", 1)[0]):
        head += file.read(max(0, KEPT_BYTES - len(head)))
        if len(head) < KEPT_BYTES and _is_json(head):
            yield [head.strip()]
            return
    pieces: list[bytes] = []
    kept = 0
    block = head
    while block:
        first, *others = block.split(b"\n")
        if kept < KEPT_BYTES:
            pieces.append(first[: KEPT_BYTES - kept])
            kept += len(first)
        if others:
            yield [b"".join(pieces), *others[:-1]]
            pieces, kept = [others[-1]], len(others[-1])
        block = file.read1(_BLOCK)
    yield [b"".join(pieces)]


def _first_line(file: BufferedReader) -> bytes:
    """The beginning of a file, with the first line that is not blank; of a very long one the beginning."""
    head = b""
    while b"\n" not in head and len(head) < KEPT_BYTES:
        block = file.read1(_BLOCK)
        if not block:
            break
        head += block
        head = head.removeprefix(_BOM).lstrip()
    return head


def _is_json(content: bytes) -> bool:
    try:
        msgspec.json.decode(content, type=msgspec.Raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False
    return True
