"""The journal as builds and the live views see it: what is new in it, and what comes after a build."""

from __future__ import annotations

from pathlib import Path

import duckdb

from armazem.contract.event_record import event_columns
from armazem.contract.events import event_key
from armazem.disk.sql import sql_path, sql_text
from armazem.home import Home
from armazem.journal.reading import (
    FORMAT,
    LONGEST_LINE,
    event_key_at,
    journal_format,
    last_seq,
    reading,
    relation,
    segments,
)
from armazem.targets.plan import Journal, State

_NONE = "none"  # a pattern must match a file


def journal_after(home: Home, before: State | None) -> Journal:
    """Where the events end, and of which types those are that a version does not have yet."""
    last = last_seq(home)
    position = before.journal_seq if before else 0
    if before and _is_other(home, before):
        return Journal(last, is_other=True)
    if last <= position:
        return Journal(last)

    def run() -> frozenset[str]:
        with duckdb.connect() as connection:
            rows = connection.execute(
                f"select distinct event_type from {relation(home, after=position, up_to=last)}"
            ).fetchall()
        return frozenset(str(row[0]) for row in rows)

    return Journal(last, reading(home, run))


def _is_other(home: Home, before: State) -> bool:
    """Whether the last event of the version has become another one.

    Numbers are given again where a journal was restored from an older copy, and where a line was read that never came
    to the disk. A line that is damaged now is no other event.
    """
    if before.last_event is None:
        return False
    seq, key = before.last_event
    try:
        return event_key_at(home, seq) not in (None, key)
    except duckdb.Error:  # a damaged segment; what is read of it to be built says so
        return False


def last_event(connection: duckdb.DuckDBPyConnection) -> tuple[int, str] | None:
    """Position and key of the last event in a version; None without events, or where an older armazem built it."""
    there = connection.execute(
        "select 1 from duckdb_columns() "
        "where schema_name = 'staging' and table_name = 'stg_events' and column_name = 'sender'"
    ).fetchone()
    if there is None:
        return None
    row = connection.execute(
        "select seq, event_id, sender from staging.stg_events order by seq desc limit 1"
    ).fetchone()
    return None if row is None or row[0] is None else (int(row[0]), event_key(row[1], row[2]))


def new_event_count(connection: duckdb.DuckDBPyConnection) -> int:
    """How many distinct events the build took in; 0 where it did not get that far."""
    there = connection.execute(
        "select 1 from duckdb_tables() where schema_name = 'intermediate' and table_name = 'int_new_events'"
    ).fetchone()
    if there is None:
        return 0
    row = connection.execute("select count(*) from intermediate.int_new_events").fetchone()
    return int(row[0]) if row else 0


def events_since(home: Home, position: int) -> str:
    """A DuckDB table expression of the events after this position, whenever it is evaluated.

    It goes into the published views, so it names no file: it lists the journal anew each time, and opens those files
    that may hold something. A segment and what it was compacted to may both be there for a minute: who uses this
    must not mind an event twice. The variable `armazem_journal` names the folder where it has moved.
    """
    _create_nothing(home)
    first = max((segment.first for segment in segments(home) if segment.first <= position + 1), default=0)
    folder = f"coalesce(getvariable('armazem_journal'), {sql_path(home.journal)})"
    where = f"where parse_filename(_file, true) >= '{first:016d}' and seq > {position} and event_id is not null"
    names = ", ".join(f'cast("{name}" as {type_}) as "{name}"' for name, type_ in event_columns().items())
    types = ", ".join(f"{sql_text(name)}: {sql_text(type_)}" for name, type_ in event_columns().items())
    lines = (
        f"read_json({folder} || '/**/*.jsonl', format = 'newline_delimited', columns = {{{types}}}, "
        f"ignore_errors = true, maximum_object_size = {LONGEST_LINE}, filename = '_file', hive_partitioning = false)"
    )
    # By name where some may have no senders of events: then the footer of each is read beforehand. Else all are read
    # as the first one is: so that is one of now, since a struct that an older armazem wrote may have fields less.
    by_name = str(journal_format(home) < FORMAT).lower()
    compacted = (
        f"read_parquet([{folder} || '/{_NONE}.parquet', {folder} || '/**/*.parquet'], union_by_name = {by_name}, "
        "filename = '_file', hive_partitioning = false)"
    )
    return f"(select {names} from {lines} {where} union all select {names} from {compacted} {where})"


def _has_all_columns(connection: duckdb.DuckDBPyConnection, file: Path) -> bool:
    nothing = connection.execute(f"describe {_no_events()}").fetchall()
    return file.exists() and connection.execute(f"describe from read_parquet({sql_path(file)})").fetchall() == nothing


def _no_events() -> str:
    columns = ", ".join(f'cast(null as {type_}) as "{name}"' for name, type_ in event_columns().items())
    return f"select {columns} where false"


def _create_nothing(home: Home) -> None:
    """An empty file of either kind."""
    lines, compacted = (home.journal / f"{_NONE}.{suffix}" for suffix in ("jsonl", "parquet"))
    lines.touch()
    with duckdb.connect() as connection:
        if not _has_all_columns(connection, compacted):
            temporary = compacted.with_suffix(".tmp")
            connection.execute(f"copy ({_no_events()}) to {sql_text(temporary)} (format parquet)")
            temporary.replace(compacted)
