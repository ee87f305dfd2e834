"""Messages out of files: JSON lines, a JSON array, or one JSON object over several lines; gzipped or not."""

from __future__ import annotations

import gzip
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import cast

from armazem.errors import SourceError
from armazem.journal.elements import Elements, begins_array, is_value
from armazem.journal.foreign import foreign

KEPT_BYTES = 16 * 2**20
"""Of a longer line only so many bytes are read into memory, and kept as a dead letter."""

_BLOCK = 1 << 19
_BOM = b"\xef\xbb\xbf"
_GZIP = b"\x1f\x8b"


@contextmanager
def open_batches(name: str) -> Iterator[Iterator[list[bytes]]]:
    """The messages of a file, unpacked where it is a gzip file; `-` is standard input.

    They are its lines without the blank ones, the elements of its JSON array, or its one JSON object. They come in
    lists of what half a mebibyte holds, or of what a pipe has by now. Memory: one message of at most KEPT_BYTES; the
    rest of a longer one is dropped. Raises SourceError; for a file of another kind before the first message is taken.
    """
    try:
        with _open(name) as file:
            head = file.peek(_BLOCK)
            if name.endswith(".gz") and not head.startswith(_GZIP) and head:
                raise gzip.BadGzipFile("it does not begin like one")
            if not head.startswith(_GZIP):
                _check_kind(name, head)
                yield _messages(file)
                return
            with gzip.GzipFile(fileobj=file) as packed:
                unpacked = cast(BufferedReader, packed)
                _check_kind(name, unpacked.peek(_BLOCK))
                yield _messages(unpacked)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise SourceError(f"{name} is no whole gzip file: {error}", "get it again; what came before is kept") from error
    except OSError as error:
        raise SourceError(f"{name} cannot be read: {error.strerror or error}", "check the path") from error


@contextmanager
def _open(name: str) -> Iterator[BufferedReader]:
    if name != "-":
        with Path(name).open("rb") as file:
            yield file
        return
    stdin = sys.stdin.buffer
    yield stdin if isinstance(stdin, BufferedReader) else BufferedReader(cast("BufferedReader", stdin))


def _check_kind(name: str, head: bytes) -> None:
    if kind := foreign(head):
        file = "standard input" if name == "-" else name
        raise SourceError(f"{file} is {kind.what}, no JSON lines; nothing of it was taken", kind.hint.format(name=name))


def _messages(file: BufferedReader) -> Iterator[list[bytes]]:
    for batch in _batches(file):
        if messages := [message for message in batch if message and not message.isspace()]:
            yield messages


def _batches(file: BufferedReader) -> Iterator[list[bytes]]:
    head = _first_line(file)
    if begins_array(head):
        yield from _array(head, file)
        return
    if head.lstrip().startswith(b"{") and not is_value(head.split(b"\n", 1)[0]):
        head += file.read(max(0, KEPT_BYTES - len(head)))
        if len(head) < KEPT_BYTES and is_value(head):
            yield [head.strip()]
            return
    yield from _lines(head, file)


def _lines(block: bytes, file: BufferedReader) -> Iterator[list[bytes]]:
    pieces: list[bytes] = []
    kept = 0
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


def _array(block: bytes, file: BufferedReader) -> Iterator[list[bytes]]:
    """The elements of one array after another, and the lines that follow them."""
    elements = Elements(KEPT_BYTES)
    while block:
        yield elements.feed(block)
        if elements.rest is None:
            block = file.read1(_BLOCK)
            continue
        block = elements.rest.lstrip()
        while not block and (more := file.read1(_BLOCK)):
            block = more.lstrip()
        if not begins_array(block):
            yield from _lines(block, file)
            return
        elements = Elements(KEPT_BYTES)
    yield elements.finish()


def _first_line(file: BufferedReader) -> bytes:
    """The beginning of a file, with the first line that is not blank; of a very long one, or an array, less of it."""
    head = b""
    while b"\n" not in head and len(head) < (_BLOCK if head.startswith(b"[") else KEPT_BYTES):
        block = file.read1(_BLOCK)
        if not block:
            break
        head += block
        head = head.removeprefix(_BOM).lstrip()
    return head
