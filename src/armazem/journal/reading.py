"""Reading the journal: which files hold which events, and a DuckDB expression over them.

Readers take no lock. A segment grows, is replaced by its Parquet file and vanishes under their eyes; what a
statement that has begun may meet of it: `reading` begins it again.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import TypeVar

import duckdb

from armazem.contract.event_record import event_columns
from armazem.contract.events import event_key
from armazem.disk.sql import sql_name, sql_path, sql_text
from armazem.home import Home
from armazem.journal.errors import unreadable
from armazem.journal.journal import decode_line
from armazem.journal.lines import read_lines
from armazem.journal.segments import Segment, list_segments

T = TypeVar("T")

LONGEST_LINE = 1 << 24
"""Bytes. A line is an event of 1 MiB at most with its text beside it; DuckDB gives up on lines over twice this."""

FORMAT = 2
"""Of the journal: 1 had no senders of events, and other rules for identifiers. `upgrade` makes the one of the other."""
FORMAT_FILE = "format"

_IDS = ("event_id", "seq", "sender")
_ATTEMPTS = 3
_BLOCK = 1 << 16
_ROWS = 10_000


def journal_format(home: Home) -> int:
    """In which format the journal is, wholly. Raises OSError."""
    try:
        return int((home.journal / FORMAT_FILE).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return 1


def segments(home: Home) -> list[Segment]:
    """The files of the journal, by number of their first event; the Parquet file where a segment has both."""
    return list_segments(home.journal)


def relation(home: Home, *, after: int = 0, up_to: int | None = None, columns: Collection[str] | None = None) -> str:
    """A DuckDB table expression over the events with after < seq <= up_to, in journal order.

    `columns`: names of the event's record (all of them by default), or names with the types that they are read as:
    of a STRUCT fewer fields than it has, say. It names the files of now: whoever keeps it sees nothing of later
    segments, and fails once a file of it is compacted and removed; see `reading`.
    Garbage and a torn last line are passed over.
    """
    types = event_columns() | (dict(columns) if isinstance(columns, Mapping) else {})
    names = list(types) if columns is None else list(columns)
    until = "" if up_to is None else f" and seq <= {int(up_to)}"
    condition = f"seq > {int(after)}{until} and event_id is not null"
    parts = [
        f"select {', '.join(_selected(name, types[name]) for name in names)} from {source} where {condition}"
        for source in _sources(
            list_segments(home.journal, after=after, up_to=up_to), {name: types[name] for name in (*names, *_IDS)}
        )
    ]
    if not parts:
        empty = ", ".join(f'cast(null as {types[name]}) as "{name}"' for name in names)
        parts = [f"select {empty} where false"]
    return f"({' union all '.join(parts)})"


def _sources(found: Iterable[Segment], needed: Mapping[str, str]) -> Iterator[str]:
    for compacted, group in groupby(found, key=lambda segment: segment.compacted):
        paths = [segment.path for segment in group]
        yield parquet_source(paths) if compacted else lines_source(paths, needed)


def parquet_source(paths: Sequence[Path]) -> str:
    """A DuckDB table expression over compacted segments; those from before events had senders have null there."""
    files = ", ".join(map(sql_path, paths))
    rows = f"read_parquet([{files}], union_by_name = true, hive_partitioning = false)"
    return f"(select * from {rows} union all by name select cast(null as varchar) as sender where false)"


def lines_source(paths: Sequence[Path], columns: Mapping[str, str] | None = None, *, strict: bool = False) -> str:
    """A DuckDB table function over files of journal lines; `columns`: names and types, those of the event's record.

    A line that is no JSON is a row of nulls, a value that does not fit its column is null. With `strict` each of them
    fails the statement.
    """
    types = event_columns() if columns is None else columns
    pairs = ", ".join(f"{sql_text(name)}: {sql_text(type_)}" for name, type_ in types.items())
    return (
        f"read_json([{', '.join(map(sql_path, paths))}], format = 'newline_delimited', columns = {{{pairs}}}, "
        f"ignore_errors = {str(not strict).lower()}, maximum_object_size = {LONGEST_LINE}, "
        "compression = 'uncompressed', hive_partitioning = false)"
    )


def _selected(name: str, type_: str) -> str:
    # A struct written before a column was added to the contract has one field less; the cast adds it as null.
    return f"cast({sql_name(name)} as {type_}) as {sql_name(name)}" if type_.startswith("STRUCT") else sql_name(name)


def reading(home: Home, run: Callable[[], T]) -> T:
    """What `run` returns. It is run again where a file that it had listed was compacted and removed meanwhile.

    `run` asks for `relation` itself, so that it has a fresh list each time. Raises what `run` raises.
    """
    for _ in range(_ATTEMPTS - 1):
        before = segments(home)
        try:
            return run()
        except duckdb.IOException:
            if all(segment.path.exists() for segment in before):
                raise
    return run()


def event_keys(home: Home, *, after: int = 0) -> Iterator[tuple[list[str], list[int]]]:
    """The keys of the events with seq > after, in journal order: lists of them, each with their numbers.

    Unlike `relation` it gets over garbage of any length. Raises HomeError where a compacted segment is damaged: its
    ids are nowhere else.
    """
    ids = {name: event_columns()[name] for name in _IDS}
    with duckdb.connect(config={"memory_limit": "1GB", "threads": 2}) as connection:
        for segment in list_segments(home.journal, after=after):
            path = segment.path if segment.path.exists() else segment.path.with_suffix(".parquet")
            compacted = path.suffix == ".parquet"
            source = parquet_source([path]) if compacted else lines_source([path], ids)
            try:
                result = connection.execute(
                    f"select event_id, seq, sender from {source} where seq > {after} and event_id is not null"
                )
                while rows := result.fetchmany(_ROWS):
                    after = rows[-1][1]
                    yield [event_key(row[0], row[2]) for row in rows], [row[1] for row in rows]
            except duckdb.Error as error:
                if compacted or not isinstance(error, duckdb.InvalidInputException):
                    raise unreadable(path, error) from error
                for line in read_lines(path):  # one is longer than twice LONGEST_LINE
                    if (record := decode_line(line.content)) and record.seq > after:
                        after = record.seq
                        yield [event_key(record.event_id, record.sender)], [after]


def event_key_at(home: Home, seq: int) -> str | None:
    """The key of the event with this number. Raises duckdb.Error."""

    def query() -> tuple[str, str | None] | None:
        with duckdb.connect() as connection:
            relation_ = relation(home, after=seq - 1, up_to=seq, columns=("event_id", "sender"))
            return connection.execute(f"from {relation_}").fetchone()

    row = reading(home, query)
    return event_key(*row) if row else None


def last_seq(home: Home) -> int:
    """The highest seq of a whole line in the journal, 0 where there is none. Reads the end of the last file."""
    for segment in reversed(segments(home)):
        found = _last_compacted(segment.path) if segment.compacted else _last_line(segment.path)
        if found:
            return found
    return 0


def _last_compacted(path: Path) -> int:
    with duckdb.connect() as connection:
        row = connection.execute(f"select max(seq) from {parquet_source([path])}").fetchone()
    return int(row[0]) if row and row[0] is not None else 0


def _last_line(path: Path) -> int:
    with path.open("rb") as file:
        end = file.seek(0, os.SEEK_END)
        tail = b""
        whole = False  # whether a line break follows `tail`
        block = _BLOCK
        while end > 0:
            start = max(0, end - block)
            block *= 2  # a long line is not read again and again
            file.seek(start)
            tail = file.read(end - start) + tail
            end = start
            first, *lines = tail.split(b"\n")
            if start == 0:
                lines.insert(0, first)
            complete = lines if whole else lines[:-1]
            for line in reversed(complete):
                if record := decode_line(line):
                    return record.seq
            if lines:
                tail, whole = first, True
    return 0
