"""One source file to one typed Parquet file: encoding, header, then the fast way or else the exact one."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import duckdb

from armazem.errors import SourceError
from armazem.landing.fast import NotPlain, copy_fast
from armazem.landing.form import Format, windows_1252
from armazem.landing.header import Header, read_header
from armazem.landing.prescan import CHUNK, Scan
from armazem.landing.rejects import DECIMAL_COMMA, RejectWriter
from armazem.landing.tokenizer import Lines
from armazem.sources.files import SourceFile
from armazem.sources.foreign import foreign_by_content


@dataclass(frozen=True, slots=True)
class Converted:
    """What came of a file. `first_reject`: where and why the first reject, empty without; `hint`: what may help."""

    accepted: int
    rejected: int
    encoding: str
    seconds: float
    first_reject: str
    hint: str
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Paths:
    """Where a file goes: its good rows, its rejects; `work` is for temporary files."""

    target: Path
    rejects: Path
    work: Path


def convert(
    connection: duckdb.DuckDBPyConnection,
    file: SourceFile,
    scan: Scan,
    form: Format,
    paths: Paths,
    on_rows: Callable[[int], None],
) -> Converted:
    """Write the good rows of a file to `paths.target` and the others to `paths.rejects`.

    Raises SourceError where the file as a whole cannot be used.
    """
    started = time.perf_counter()
    if scan.size == 0:
        raise SourceError(f"{file.name} is empty (0 bytes)", "a source file has at least its header line")
    writer = RejectWriter(paths.rejects, file.name)
    try:
        if file.kind == "parquet":
            from armazem.landing.parquet import copy_parquet  # brings pyarrow, as below

            accepted, warnings = copy_parquet(connection, file, paths, writer, form.written, on_rows)
            encoding = "utf-8"
        else:
            accepted, warnings, encoding = _text(connection, file, scan, form, paths, writer, on_rows)
    finally:
        writer.close()
    check_unchanged(file, scan)
    if not accepted and not writer.count:
        warnings.append(f"{file.name} has a header and no rows")
    if writer.count > accepted:
        warnings.append(
            f"{writer.count:,} of {accepted + writer.count:,} rows of {file.name} were rejected, most of them as "
            f"{writer.commonest}" + (f"; {DECIMAL_COMMA}" if writer.decimal_commas else "")
        )
    return Converted(
        accepted,
        writer.count,
        encoding,
        round(time.perf_counter() - started, 3),
        writer.first,
        DECIMAL_COMMA if writer.decimal_commas else "",
        tuple(warnings),
    )


def _text(
    connection: duckdb.DuckDBPyConnection,
    file: SourceFile,
    scan: Scan,
    form: Format,
    paths: Paths,
    writer: RejectWriter,
    on_rows: Callable[[int], None],
) -> tuple[int, list[str], str]:
    """A file of lines: how many rows were good, the warnings, and the encoding."""
    foreign = foreign_by_content(file.path)
    if foreign is not None:
        raise SourceError(f"{file.name} is not a CSV file: it is {foreign.what}", foreign.hint)
    encoding = scan.encoding() if form.encoding == "auto" else form.encoding
    warnings = []
    if encoding != "utf-8" and form.encoding == "auto":
        warnings.append(f"{file.name} is not UTF-8: read as Windows-1252 (--encoding says otherwise)")
    source, start, delimiter = file.path, scan.bom, form.between(file)
    if encoding != "utf-8":
        source, start = _transcoded(file.path, scan.bom, paths.work / "transcoded.csv"), 0
    header = _header(source, start, file, delimiter)
    try:
        if encoding == "utf-8" and scan.invalid:
            raise NotPlain
        accepted = copy_fast(
            connection, source, paths.target, file.table, header, scan, delimiter, paths.work, form.written
        )
    except NotPlain:
        with source.open("rb") as opened:
            opened.seek(start)
            lines = Lines(opened, file.name)
            read_header(lines, file.table, file.name, delimiter)
            from armazem.landing.exact import copy_exact  # brings pyarrow, which most loads and no query need

            accepted = copy_exact(
                connection, lines, paths.target, file.table, header, writer, delimiter, on_rows, form.written
            )
    return accepted, [*header.warnings, *warnings], encoding


def check_unchanged(file: SourceFile, scan: Scan) -> None:
    """Raise SourceError where a file is no longer what was scanned."""
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
            new.write(windows_1252(chunk).encode("utf-8"))
    return target
