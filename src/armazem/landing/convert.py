"""One source file to one typed Parquet file: encoding, header, then the fast way or else the exact one."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import duckdb

from armazem.errors import SourceError
from armazem.landing.fast import NotPlain, copy_fast
from armazem.landing.header import Header, read_header
from armazem.landing.prescan import CHUNK, Scan
from armazem.landing.rejects import RejectWriter
from armazem.landing.tokenizer import Lines
from armazem.sources.files import SourceFile

ENCODINGS = ("auto", "utf-8", "latin-1")
_NEVER_BETWEEN = "\"' \r\n\0_-+.:"


@dataclass(frozen=True, slots=True)
class Format:
    """How the files are written: one delimiter byte; encoding `auto`, `utf-8` or `latin-1`."""

    delimiter: bytes
    encoding: str

    @classmethod
    def of(cls, delimiter: str, encoding: str) -> Format:
        """The format a user asked for. Raises SourceError where it makes no sense."""
        delimiter = "\t" if delimiter in ("\\t", "tab") else delimiter
        # Characters of values, quotes and line ends cannot separate values.
        if len(delimiter) != 1 or not delimiter.isascii() or delimiter.isalnum() or delimiter in _NEVER_BETWEEN:
            raise SourceError(f"{delimiter!r} cannot separate columns", "use one character: ',' ';' '|' or '\\t'")
        if encoding not in ENCODINGS:
            raise SourceError(f"{encoding!r} is not an encoding that can be read", f"use one of {', '.join(ENCODINGS)}")
        return cls(delimiter.encode("ascii"), encoding)


@dataclass(frozen=True, slots=True)
class Converted:
    """What came of a file. `first_reject`: line and reason of the first reject, empty without."""

    accepted: int
    rejected: int
    encoding: str
    seconds: float
    first_reject: str
    warnings: tuple[str, ...]


def convert(
    connection: duckdb.DuckDBPyConnection,
    file: SourceFile,
    scan: Scan,
    form: Format,
    target: Path,
    rejects: Path,
    work: Path,
    on_rows: Callable[[int], None],
) -> Converted:
    """Write the good rows of a file to `target` and the others to `rejects`; `work` is for temporary files.

    Raises SourceError where the file as a whole cannot be used.
    """
    started = time.perf_counter()
    _check_bytes(file, scan)
    encoding = scan.encoding() if form.encoding == "auto" else form.encoding
    warnings = []
    if encoding != "utf-8" and form.encoding == "auto":
        warnings.append(f"{file.name} is not UTF-8: read as Latin-1 (--encoding says otherwise)")
    source, start = file.path, scan.bom
    if encoding == "latin-1":
        source, start = _transcoded(file.path, scan.bom, work / "transcoded.csv"), 0
    header = _header(source, start, file, form.delimiter)
    writer = RejectWriter(rejects, file.name)
    try:
        if encoding == "utf-8" and scan.invalid:
            raise NotPlain
        accepted = copy_fast(connection, source, target, file.table, header, scan, form.delimiter, work)
    except NotPlain:
        with source.open("rb") as opened:
            opened.seek(start)
            lines = Lines(opened, file.name)
            read_header(lines, file.table, file.name, form.delimiter)
            from armazem.landing.exact import copy_exact  # brings pyarrow, which most loads and no query need

            accepted = copy_exact(connection, lines, target, file.table, header, writer, form.delimiter, on_rows)
    finally:
        writer.close()
    _check_unchanged(file, scan)
    if not accepted and not writer.count:
        warnings.append(f"{file.name} has a header and no rows")
    return Converted(
        accepted,
        writer.count,
        encoding,
        round(time.perf_counter() - started, 3),
        writer.first,
        (*header.warnings, *warnings),
    )


def _check_bytes(file: SourceFile, scan: Scan) -> None:
    if scan.size == 0:
        raise SourceError(f"{file.name} is empty (0 bytes)", "a source file has at least its header line")
    foreign = scan.foreign()
    if foreign:
        raise SourceError(f"{file.name} is not a CSV file: it is {foreign}", "export it as CSV in UTF-8")


def _check_unchanged(file: SourceFile, scan: Scan) -> None:
    # Its hash is already in the ledger: a file that grew meanwhile would never be loaded again.
    now = file.path.stat()
    if (now.st_size, now.st_mtime_ns) != (scan.size, scan.modified_ns):
        raise SourceError(f"{file.name} changed while it was read", "load it when it is complete")


def _header(source: Path, start: int, file: SourceFile, delimiter: bytes) -> Header:
    with source.open("rb") as opened:
        opened.seek(start)
        return read_header(Lines(opened, file.name), file.table, file.name, delimiter)


def _transcoded(source: Path, start: int, target: Path) -> Path:
    with source.open("rb") as old, target.open("wb") as new:
        old.seek(start)
        while chunk := old.read(CHUNK):
            new.write(chunk.decode("latin-1").encode("utf-8"))
    return target
