"""Files that hold no JSON lines, told by how they begin, before a single line of them is taken for a bad event."""

from __future__ import annotations

import re
from typing import NamedTuple

_UNPACK = "unpack it, or pipe it: {tool} {name} | armazem ingest -"
_LOAD = "if it is a table of the shop: armazem load {name}; events come as JSON lines"


class Foreign(NamedTuple):
    """What a file is instead, and what to do about it."""

    what: str
    hint: str


def _packed(what: str, tool: str) -> Foreign:
    return Foreign(what, _UNPACK.replace("{tool}", tool))


_EXCEL = Foreign("an Excel workbook", "save it as CSV; " + _LOAD)
_UTF_16 = Foreign("text in UTF-16", "write it in UTF-8: iconv -f UTF-16 -t UTF-8 {name} | armazem ingest -")
_CSV = Foreign("a CSV file", _LOAD)
_MAGIC: tuple[tuple[bytes, Foreign], ...] = (
    (b"\x1f\x8b", _packed("a gzip file within a gzip file", "zcat {name} | zcat")),
    (b"PK\x05\x06", Foreign("an empty zip file", "pack it again, or give the file with the events")),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", _EXCEL),
    (b"PAR1", Foreign("a Parquet file", _LOAD)),
    (b"Obj\x01", Foreign("an Avro file", "convert it to JSON lines")),
    (b"ORC", Foreign("an ORC file", "convert it to JSON lines")),
    (b"SQLite format 3\0", Foreign("an SQLite database", "export its events as JSON lines")),
    (b"\x28\xb5\x2f\xfd", _packed("packed with zstd", "zstd -dc")),
    (b"\xfd7zXZ\0", _packed("packed with xz", "xz -dc")),
    (b"BZh", _packed("packed with bzip2", "bzip2 -dc")),
    (b"7z\xbc\xaf\x27\x1c", _packed("a 7z archive", "7z x -so")),
    (b"%PDF-", Foreign("a PDF", "export the events as JSON lines")),
)
_ZIP = b"PK\x03\x04"
_OF_EXCEL = (b"[Content_Types].xml", b"_rels/", b"xl/", b"docProps/")
_NAME_IN_ZIP = 30  # bytes of the local header before the name of the first member
_OF_PAGES = (b"<!doctype", b"<html", b"<?xml")
_BOM = b"\xef\xbb\xbf"
_COLUMN = re.compile(r'\s*"?[^\W\d][\w .:/()%-]*"?\s*')


def foreign(head: bytes) -> Foreign | None:
    """Return what a file that begins like this is, where it is surely none of events. `{name}` in the hint is its
    name.
    """
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return kind
    if head.startswith(_ZIP):
        excel = head[_NAME_IN_ZIP:].startswith(_OF_EXCEL)
        return _EXCEL if excel else _packed("a zip file", "unzip -p")
    if _is_utf_16(head):
        return _UTF_16
    lines = [line for line in head.removeprefix(_BOM).splitlines() if line.strip()]
    if not lines or any(line.lstrip()[:1] in (b"{", b"[") for line in lines):
        return None
    if lines[0].lstrip().lower().startswith(_OF_PAGES):
        return Foreign("a page of HTML or XML", "look at it: a server may have answered with an error")
    return _CSV if _is_table(lines) else None


def _is_utf_16(head: bytes) -> bool:
    """With its mark, or without: then every second byte of plain text is zero."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return b"\0" in head[2:]
    start = [byte == 0 for byte in head[:4]]
    return start in ([False, True] * 2, [True, False] * 2)


def _is_table(lines: list[bytes]) -> bool:
    """Whether the first line names columns, two or more, and the second may have a value for each.

    A line alone is not enough: from a pipe a bad line may come before the good ones.
    """
    header, *rows = (line.decode("utf-8", "replace") for line in lines[:2])
    return any(
        rows
        and 0 < header.count(delimiter) <= rows[0].count(delimiter)
        and all(map(_COLUMN.fullmatch, header.split(delimiter)))
        for delimiter in (",", ";", "\t", "|")
    )
