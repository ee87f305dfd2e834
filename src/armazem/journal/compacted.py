"""The Parquet file of a journal segment: written from its lines, and read back before it counts."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import duckdb
import msgspec

from armazem.contract.event_record import event_columns
from armazem.disk.causes import first_line
from armazem.disk.durable import put_in_place
from armazem.disk.sql import sql_path, sql_text
from armazem.journal.journal import JournalLine, decode_line
from armazem.journal.lines import Line, read_lines
from armazem.journal.reading import lines_source, parquet_source

_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "threads": 1,
    "memory_limit": "512MB",
    "temp_directory": "",  # nothing here needs to spill, and nothing is to be left by a kill
    "autoinstall_known_extensions": False,
}


class NotCompacted(Exception):
    """A segment that stays as it is, and why. Readers read it as before."""


class Content(NamedTuple):
    """What events are known by. `checksum` is over all columns, whatever the order of the events."""

    events: int
    first_seq: int | None
    last_seq: int | None
    checksum: str


def write_compacted(lines: Path, events: int, source: Path, target: Path) -> None:
    """Write `target` from the file `lines`, which has this many events and is all or part of segment `source`.

    It is whole and on the disk under its name, or not there. Raises NotCompacted where a value would be lost,
    OSError or duckdb.Error from the disk.
    """
    temporary = target.with_name(target.name + ".tmp")
    try:
        with closing(duckdb.connect(config=_CONFIG)) as connection:
            rows = lines_source([lines], strict=True)
            content = _content(connection, rows)
            if content.events != events:
                raise NotCompacted(f"{events} events, but DuckDB reads {content.events}")
            _copy(connection, rows, {**content._asdict(), "source_bytes": source.stat().st_size}, temporary)
            if _content(connection, parquet_source([temporary])) != content:
                raise NotCompacted("its Parquet file does not read back as its lines")
        put_in_place(temporary, target)
    except (duckdb.InvalidInputException, duckdb.ConversionException) as error:
        raise NotCompacted(first_line(error)) from error
    finally:
        temporary.unlink(missing_ok=True)


def events_with_raw(target: Path) -> tuple[bool, list[JournalLine]]:
    """Whether a Parquet file has senders of events, and its events that have the message as it came, without `data`.

    Raises duckdb.Error.
    """
    with closing(duckdb.connect(config=_CONFIG)) as connection:
        connection.execute("set timezone = 'UTC'")
        columns = connection.execute(f"describe from read_parquet({sql_path(target)})").fetchall()
        rows = connection.execute(
            "select seq, received_at, source, event_type, event_id, timestamp, raw "
            f"from {parquet_source([target])} where raw is not null order by seq"
        ).fetchall()
    nothing = msgspec.Raw(b"{}")
    return "sender" in [row[0] for row in columns], [
        JournalLine(seq, received_at, source, event_type, event_id, timestamp, nothing, raw)
        for seq, received_at, source, event_type, event_id, timestamp, raw in rows
    ]


def rewrite_compacted(target: Path, changed: Path | None, seqs: Collection[int]) -> None:
    """Replace events of a Parquet file by the lines of file `changed`, which have these numbers.

    Raises NotCompacted where something would be lost, OSError or duckdb.Error from the disk; then it stands as it was.
    """
    temporary = target.with_name(target.name + ".tmp")
    names = ", ".join(f'cast("{name}" as {type_}) as "{name}"' for name, type_ in event_columns().items())
    rows = f"select {names} from {parquet_source([target])}"
    try:
        with closing(duckdb.connect(config=_CONFIG)) as connection:
            before = _content(connection, parquet_source([target]))
            if changed is not None:
                connection.execute("create temp table changed as select unnest(?::bigint[]) as seq", [list(seqs)])
                rows += " where seq not in (from changed)"
                rows += f" union all select {names} from {lines_source([changed], strict=True)}"
            rows = f"(select * from ({rows}) order by seq)"
            content = _content(connection, rows)
            if content[:3] != before[:3]:
                raise NotCompacted("it does not have the same events after it was brought up to date")
            known = {**content._asdict(), **_source_bytes(connection, target)}
            _copy(connection, rows, known, temporary)
            if _content(connection, parquet_source([temporary])) != content:
                raise NotCompacted("it does not read back as it was brought up to date")
        put_in_place(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)


def _source_bytes(connection: duckdb.DuckDBPyConnection, target: Path) -> dict[str, str]:
    rows = connection.execute(f"select key, value from parquet_kv_metadata({sql_path(target)})").fetchall()
    return {name: bytes(value).decode() for key, value in rows if (name := bytes(key).decode()) == "source_bytes"}


def _copy(connection: duckdb.DuckDBPyConnection, rows: str, known: dict[str, object], target: Path) -> None:
    pairs = ", ".join(f"{name}: {sql_text(value)}" for name, value in known.items())
    options = f"format parquet, compression zstd, kv_metadata {{{pairs}}}"
    connection.execute(f"copy (from {rows}) to {sql_text(target)} ({options})")


def is_whole(target: Path, source: Path) -> bool:
    """Whether a Parquet file can be read to its end and has what was written into it, from `source` as it is now."""
    try:
        with closing(duckdb.connect(config=_CONFIG)) as connection:
            rows = connection.execute(f"select key, value from parquet_kv_metadata({sql_path(target)})").fetchall()
            known = {bytes(key).decode(): bytes(value).decode() for key, value in rows}
            content = _content(connection, parquet_source([target]))
    except duckdb.Error:
        return False
    expected = {name: str(value) for name, value in content._asdict().items()}
    return known == {**expected, "source_bytes": str(source.stat().st_size)}


def _content(connection: duckdb.DuckDBPyConnection, source: str) -> Content:
    row = connection.execute(
        "select count(*) filter (seq is not null and event_id is not null), min(seq), max(seq), "
        f"coalesce(sum(hash(events)::hugeint), 0)::varchar from {source} as events"
    ).fetchone()
    assert row is not None  # an aggregate
    return Content(*row)


def examine(segment: Path) -> tuple[int, list[Line]]:
    """How many events a segment has, and its damaged lines. Raises OSError."""
    events = 0
    damaged: list[Line] = []
    for line in read_lines(segment):
        if _is_event(line):
            events += 1
        else:
            damaged.append(line._replace(content=b""))  # its place is enough
    return events, damaged


def copy_events(segment: Path, good: Path) -> None:
    """Write the lines of a segment that are events into file `good`. Raises OSError."""
    with good.open("wb") as file:
        file.writelines(line.content + b"\n" for line in read_lines(segment) if _is_event(line))


def _is_event(line: Line) -> bool:
    return line.whole and decode_line(line.content) is not None
