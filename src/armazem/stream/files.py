"""Messages out of files: JSON lines, gzipped or not, or one JSON object over several lines."""

from __future__ import annotations

import gzip
import sys
import zlib
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import IO, cast

import msgspec

from armazem.errors import SourceError

KEPT_BYTES = 16 * 2**20
"""Of a longer line only so many bytes are read into memory, and kept as a dead letter."""

_BLOCK = 1 << 20
_BATCH_BYTES = 1 << 20
_BATCH_MESSAGES = 1_000
_BOM = b"\xef\xbb\xbf"


def read_messages(name: str) -> Iterator[bytes]:
    """The messages of a file, unpacked where its name ends in .gz; `-` is standard input.

    They are its lines without the blank ones, or its one JSON object. Streams, with memory for one line of at most
    KEPT_BYTES; the rest of a longer line is dropped. Raises SourceError.
    """
    try:
        with _open(name) as file:
            yield from _messages(file)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise SourceError(f"{name} is no whole gzip file: {error}", "get it again; what came before is kept") from error
    except OSError as error:
        raise SourceError(f"{name} cannot be read: {error.strerror or error}", "check the path") from error


def _open(name: str) -> AbstractContextManager[IO[bytes]]:
    if name == "-":
        return nullcontext(sys.stdin.buffer)
    path = Path(name)
    return cast("IO[bytes]", gzip.open(path)) if path.suffix == ".gz" else path.open("rb")


def _messages(file: IO[bytes]) -> Iterator[bytes]:
    head = file.read(_BLOCK).removeprefix(_BOM)
    first = head.lstrip().split(b"\n", 1)[0]
    if first.startswith(b"{") and not _is_json(first):
        head += file.read(KEPT_BYTES - len(head))
        if len(head) < KEPT_BYTES and _is_json(head):
            yield head.strip()
            return
    for line in _lines(head, file):
        if line and not line.isspace():
            yield line


def batches(messages: Iterable[bytes]) -> Iterator[list[bytes]]:
    """Messages in lists of about a mebibyte."""
    batch: list[bytes] = []
    size = 0
    for message in messages:
        batch.append(message)
        size += len(message)
        if size >= _BATCH_BYTES or len(batch) >= _BATCH_MESSAGES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _lines(head: bytes, file: IO[bytes]) -> Iterator[bytes]:
    pieces: list[bytes] = []
    kept = 0
    block = head
    while block:
        first, *others = block.split(b"\n")
        if kept < KEPT_BYTES:
            pieces.append(first[: KEPT_BYTES - kept])
            kept += len(first)
        if others:
            yield b"".join(pieces)
            yield from others[:-1]
            pieces, kept = [others[-1]], len(others[-1])
        block = file.read(_BLOCK)
    if pieces:
        yield b"".join(pieces)


def _is_json(content: bytes) -> bool:
    try:
        msgspec.json.decode(content, type=msgspec.Raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False
    return True
