"""Splits the bytes of a CSV file into records, exactly, with the physical line on which each begins.

RFC 4180, and what real files add: lines may end in LF, CRLF or CR, also mixed; spaces around a quoted field
are skipped; empty fields beyond the last column are dropped (a delimiter at the end of each line); a quote
inside an unquoted field is a character like any other. What cannot be a record becomes a `Broken` with its
bytes, and reading goes on at the next line.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from armazem.contract import RejectCode
from armazem.errors import SourceError

MAX_RECORD = 1 << 20
# A physical line beyond this cannot be held in memory as a reject: such a file is no CSV file.
MAX_LINE = 64 << 20
_CHUNK = 1 << 20
_NEWLINES = b"\r\n"


class Record(NamedTuple):
    """One record: the physical line on which it begins (the first is 1), its bytes without the line end."""

    line: int
    raw: bytes
    fields: list[bytes]


class Broken(NamedTuple):
    """Bytes that are no record, and why."""

    line: int
    raw: bytes
    code: RejectCode
    message: str


class Lines:
    """The physical lines of a file, with their ends, and the possibility to give some of them back."""

    def __init__(self, file: BinaryIO, name: str, number: int = 1) -> None:
        self._file = file
        self._name = name
        self._waiting: deque[bytes] = deque()
        self._rest = b""
        self._ended = False
        self.number = number

    def next(self) -> bytes | None:
        """Return the next line, None at the end of the file. `number` is then that of the line after it."""
        while not self._waiting:
            if self._ended:
                return None
            self._fill()
        self.number += 1
        return self._waiting.popleft()

    def give_back(self, lines: list[bytes]) -> None:
        """Undo `next` for these lines, in their order in the file."""
        self._waiting.extendleft(reversed(lines))
        self.number -= len(lines)

    def _fill(self) -> None:
        chunk = self._file.read(_CHUNK)
        lines = (self._rest + chunk).splitlines(keepends=True)
        self._rest = b""
        if not chunk:
            self._ended = True
        elif not lines[-1].endswith(b"\n"):
            # The line may go on in the next chunk, and a CR may be the half of a CRLF.
            self._rest = lines.pop()
            if len(self._rest) > MAX_LINE:
                raise SourceError(
                    f"{self._name} has a line of over {MAX_LINE >> 20} MiB: line {self.number + len(lines)}",
                    "is it a CSV file?",
                )
        self._waiting.extend(lines)


def records(lines: Lines, delimiter: bytes, columns: int | None) -> Iterator[Record | Broken]:
    """Yield the records from here on; blank lines are skipped. Without `columns` any number of fields will do."""
    while (line := lines.next()) is not None:
        number = lines.number - 1
        if b'"' not in line and len(line) <= MAX_RECORD:
            raw = line.rstrip(_NEWLINES)
            if raw:
                fields = raw.split(delimiter)
                # Most records of most files end here, so it is not left to _counted.
                yield Record(number, raw, fields) if len(fields) == columns else _counted(number, raw, fields, columns)
            continue
        yield _careful(lines, line, number, delimiter, columns)


def _counted(number: int, raw: bytes, fields: list[bytes], columns: int | None) -> Record | Broken:
    if columns is None or len(fields) == columns:
        return Record(number, raw, fields)
    if len(fields) > columns and not any(fields[columns:]):
        return Record(number, raw, fields[:columns])
    message = f"{len(fields)} fields, the header has {columns}"
    return Broken(number, raw, RejectCode.WRONG_COLUMN_COUNT, message)


def _careful(lines: Lines, line: bytes, number: int, delimiter: bytes, columns: int | None) -> Record | Broken:
    """The record that begins with `line`, which has a quote in it or is very long."""
    if len(line) > MAX_RECORD:
        return Broken(number, line.rstrip(_NEWLINES), RejectCode.TOO_LARGE, _too_large(len(line)))
    parser = _Parser(delimiter)
    taken = [line]
    size = len(line)
    parser.feed(line)
    while parser.open:
        more = lines.next()
        if more is None or size + len(more) > MAX_RECORD:
            # A forgotten quote must not swallow the rest of the file: only this line is refused.
            lines.give_back(taken[1:] + ([more] if more is not None else []))
            return Broken(
                number,
                line.rstrip(_NEWLINES),
                RejectCode.UNTERMINATED_QUOTE,
                "a quoted field is never closed",
            )
        taken.append(more)
        size += len(more)
        parser.feed(more)
    if parser.bad and len(taken) > 1:
        # Text after a closing quote some lines on: that quote was the opening one of a later record.
        lines.give_back(taken[1:])
        return Broken(number, line.rstrip(_NEWLINES), RejectCode.UNTERMINATED_QUOTE, "a quoted field is not closed")
    raw = b"".join(taken).rstrip(_NEWLINES)
    if parser.bad:
        return Broken(number, raw, RejectCode.BAD_QUOTE, "text after the closing quote of a field")
    return _counted(number, raw, parser.fields, columns)


def _too_large(size: int) -> str:
    return f"the record has {size} bytes, the limit is {MAX_RECORD}"


class _Parser:
    """Fields of one record, fed with one physical line after the other while a quoted field is open."""

    def __init__(self, delimiter: bytes) -> None:
        self.fields: list[bytes] = []
        self.open = False
        self.bad = False
        self._delimiter = delimiter
        self._parts: list[bytes] = []

    def feed(self, line: bytes) -> None:
        end = len(line.rstrip(_NEWLINES))
        position = self._quoted(line, 0, end) if self.open else self._field(line, 0, end)
        while position <= end and not self.open and not self.bad:
            position = self._field(line, position, end)

    def _field(self, line: bytes, position: int, end: int) -> int:
        """Read the field that begins at `position`; the position of the next one, beyond `end` after the last."""
        first = position
        while line[first : first + 1] == b" ":
            first += 1
        if line[first : first + 1] == b'"':
            self._parts = []
            return self._quoted(line, first + 1, end)
        stop = line.find(self._delimiter, position, end)
        if stop < 0:
            stop = end
        self.fields.append(line[position:stop])
        return stop + 1

    def _quoted(self, line: bytes, position: int, end: int) -> int:
        while True:
            quote = line.find(b'"', position)
            self.open = quote < 0
            if self.open:
                self._parts.append(line[position:])
                return end + 1
            self._parts.append(line[position:quote])
            if line[quote + 1 : quote + 2] != b'"':
                break
            self._parts.append(b'"')
            position = quote + 2
        self.fields.append(b"".join(self._parts))
        stop = quote + 1
        while line[stop : stop + 1] == b" ":
            stop += 1
        self.bad = stop < end and line[stop : stop + 1] != self._delimiter
        return stop + 1
