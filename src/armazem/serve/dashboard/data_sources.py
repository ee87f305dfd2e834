"""What the home folder and the published version tell of builds, loads, rejects and dead letters.

Every function reads afresh, in a thread of the caller's, and raises ArmazemError where it cannot.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import duckdb

from armazem.disk.causes import first_line
from armazem.disk.sql import sql_name, sql_text
from armazem.errors import ArmazemError, HomeError
from armazem.home import Home
from armazem.journal.reading import last_seq, lines_source, reading
from armazem.journal.segments import list_segments
from armazem.landing import LedgerRow
from armazem.serve.dashboard.components import Ask
from armazem.serve.dashboard.queries import Query
from armazem.targets.duckdb import versions
from armazem.targets.duckdb.landed import Ledger, home_ledger
from armazem.targets.records import BuildRecord
from armazem.targets.rows import Rows

EXAMPLES = 3
_RAW = 400  # characters of an example
_REJECT = {"file": "VARCHAR", "line": "BIGINT", "column": "VARCHAR", "code": "VARCHAR", "message": "VARCHAR",
           "raw": "VARCHAR", "raw_base64": "VARCHAR"}  # fmt: skip
_LETTER = {"id": "VARCHAR", "received_at": "TIMESTAMPTZ", "source": "VARCHAR", "code": "VARCHAR", "path": "VARCHAR",
           "message": "VARCHAR", "raw": "VARCHAR", "raw_base64": "VARCHAR"}  # fmt: skip
# The struct has the columns that the version has: one that an older armazem built lacks the newest.
NEWEST_BUILD = Query("select b as build from meta.builds b where status = 'published' order by build_id desc limit 1")
_TAKEN_IN = Query("select distinct load_id from meta.loads")
_NEWEST_ORDER = Query("select max(order_purchase_timestamp) from marts.fact_orders")
_TABLES = Query(
    "select schema_name, table_name from duckdb_tables() where database_name = current_database() order by all"
)
TESTS = Query(
    "select test, model, status, failures, failed_checks, severity, seconds, description, sql from meta.test_results "
    "where build_id = (select max(build_id) from meta.test_results) "
    "order by case status when 'warn' then 1 when 'pass' then 2 when 'skipped' then 3 else 0 end, failures desc, test"
)


# What reads the ledger of the loads; None: that of the home folder.
Landed = Callable[[], Ledger] | None


def _landed(home: Home, read: Landed) -> Ledger:
    return home_ledger(home) if read is None else read()


@contextmanager
def readable(what: str) -> Iterator[None]:
    """Whatever reading it raises as an ArmazemError: a part of the page says so, and the others stand."""
    try:
        yield
    except ArmazemError:
        raise
    except (OSError, ValueError, KeyError, TypeError, duckdb.Error) as error:
        raise HomeError(
            f"{what} cannot be read: {first_line(error)}", "look at the home folder and its disk"
        ) from error


@dataclass(frozen=True, slots=True)
class Standing:
    """Where things stand. `build` is the published one; `failed` the newest one, where that failed and what it was
    for is still not built. `why` of it; `kept`: its tables can be looked at. `loads_withdrawn`: the published tables
    still have them.
    """

    build: dict[str, Any] | None
    failed: BuildRecord | None
    why: tuple[str, ...]
    kept: bool
    loads: int
    loads_not_built: int
    loads_withdrawn: int
    newest_load: datetime | None
    newest_order: datetime | None
    events: int
    events_not_built: int


def standing(home: Home, ask: Ask, landed: Landed = None) -> Standing:
    with readable("the home folder"):
        loads = {row.load_id: row.loaded_at for row in _landed(home, landed).rows}
        last = last_seq(home)
        records = versions.read_records(home)
        build, newest_order, taken_in = None, None, set()
        if versions.current_build(home) is not None:
            build = ask(NEWEST_BUILD).rows[0][0]
            newest_order = ask(_NEWEST_ORDER).rows[0][0]
            taken_in = {row[0] for row in ask(_TAKEN_IN).rows}
        loads_waiting = len(loads.keys() - taken_in)
        events_waiting = max(0, last - int((build or {}).get("journal_seq") or 0))
        kept = failed_kept(home)
        failed = records[-1] if records and records[-1].status == "failed" else None
        if failed and not (kept or loads_waiting or events_waiting):
            failed = None  # the load for which it failed was withdrawn
        return Standing(
            build,
            failed,
            failures(home, failed) if failed else (),
            kept,
            len(loads),
            loads_waiting,
            len(taken_in - loads.keys()),
            datetime.fromisoformat(loads[max(loads)]) if loads else None,
            newest_order,
            last,
            events_waiting,
        )


def failures(home: Home, record: BuildRecord) -> tuple[str, ...]:
    """Why a build was not published, a line each; of one that an older armazem made, how much failed."""
    known = versions.read_failures(home, record.build_id)
    if known or record.status == "published":
        return tuple(known)
    counted = ((record.models_failed, "model"), (record.tests_failed, "test"))
    return tuple(f"{count} {name}{'' if count == 1 else 's'} failed" for count, name in counted if count)


def failed_kept(home: Home) -> bool:
    """Whether the tables of a failed build are there to be looked at."""
    return (home.builds / versions.FAILED_FILE).is_file()


def builds(home: Home) -> Rows:
    """The builds, newest first."""
    with readable("the records of the builds"):
        current, kept = versions.current_build(home), set(versions.published_builds(home))
        found = []
        for record in reversed(versions.read_records(home)):
            state = "kept" if record.build_id in kept else record.status
            found.append(
                (
                    record.build_id,
                    "current" if record.build_id == current else state,
                    record.finished_at,
                    record.seconds,
                    "full" if record.full_refresh else "incremental",
                    record.new_loads,
                    record.new_events,
                    record.models,
                    record.tests_passed,
                    record.tests_warned,
                    record.tests_failed,
                    "; ".join(failures(home, record)),
                )
            )
    columns = ("build_id", "state", "finished_at", "seconds", "kind", "new_loads", "new_events", "models", "passed",
               "warned", "failed", "why")  # fmt: skip
    return Rows(columns, tuple(found))


def loads(home: Home, ask: Ask, landed: Landed = None) -> Rows:
    """The files of the loads, newest first, and whether the published build has them."""
    with readable("the ledger of the loads"):
        rows = sorted(_landed(home, landed).rows, key=lambda row: (row.load_id, row.table), reverse=True)
        built = {row[0] for row in ask(_TAKEN_IN).rows} if versions.current_build(home) else set()
        columns = ("loaded_at", "table", "path", "rows_read", "rows_accepted", "rows_rejected", "size_bytes", "seconds",
                   "encoding", "built", "load_id")  # fmt: skip
        return Rows(columns, tuple(_load(row, row.load_id in built) for row in rows))


def _load(row: LedgerRow, built: bool) -> tuple[Any, ...]:
    return (
        datetime.fromisoformat(row.loaded_at), row.table, row.path, row.rows_read, row.rows_accepted,
        row.rows_rejected, row.size_bytes, row.seconds, row.encoding, built, row.load_id,
    )  # fmt: skip


def rejects(home: Home, landed: Landed = None) -> Rows:
    """Per table, reason and column: how many rows, in how many files, the newest load, and examples of it."""
    with readable("the rejected rows"):
        ledger = _landed(home, landed)
        there = {row.load_id for row in ledger.rows}
        merged: dict[tuple[str, str, str], list[Any]] = {}
        for path in sorted(home.rejects.glob("*/*.jsonl"), reverse=True):  # the newest load first
            load = path.parent.name
            state = "loaded" if load in there else "withdrawn" if load in ledger.withdrawn else "refused"
            for column, code, count, examples in _count_rejects(path, path.stat().st_size):
                entry = merged.setdefault((path.stem, code, column), [0, 0, load, state, examples])
                entry[0] += count
                entry[1] += 1
    rows = sorted(merged.items(), key=lambda item: (-item[1][0], item[0]))
    columns = ("table", "code", "column", "rows", "files", "load_id", "state", "examples")
    return Rows(columns, tuple((*key, *values) for key, values in rows))


@lru_cache(maxsize=2000)
def _count_rejects(path: Path, size: int) -> list[tuple[Any, ...]]:
    """Of one file, which is never written again: a million rows take a second, so they are counted once."""
    del size
    raw = f"left(coalesce(raw, 'base64 ' || raw_base64), {_RAW})"
    example = f"file || ', line ' || line || ': ' || message || chr(10) || {raw}"
    with duckdb.connect(config={"threads": 1, "memory_limit": "256MB"}) as connection:
        return connection.execute(
            f"select coalesce(\"column\", ''), code, count(*), min_by({example}, line, {EXAMPLES}) "
            f"from {lines_source([path], _REJECT)} where code is not null group by all"
        ).fetchall()


def dead_letters(home: Home) -> Rows:
    """Per reason and source: how many, when the last came, and examples of the newest."""
    with readable("the dead letters"):
        found = reading(home, lambda: _count_letters([segment.path for segment in list_segments(home.dead_letters)]))
    return Rows(("code", "source", "messages", "last", "examples"), tuple(found))


def _count_letters(paths: Sequence[Path]) -> list[tuple[Any, ...]]:
    if not paths:
        return []
    example = (
        "'no. ' || id || case when path = '' then '' else ' at ' || path end || ': ' || message || chr(10) || "
        f"left(coalesce(raw, 'base64 ' || raw_base64), {_RAW})"
    )
    with duckdb.connect(config={"threads": 1, "memory_limit": "256MB"}) as connection:
        return connection.execute(
            "set timezone = 'UTC'; "
            f"select code, source, count(*) as messages, max(received_at), max_by({example}, "
            f"cast(id as bigint), {EXAMPLES}) from {lines_source(paths, _LETTER)} where id is not null "
            f"group by all order by messages desc, code, source"
        ).fetchall()


def tables(home: Home, ask: Ask) -> Rows:
    """Rows of each published table; none where nothing is published."""
    with readable("the home folder"):
        if versions.current_build(home) is None:
            return Rows(("schema", "table", "rows"), ())
    names = ask(_TABLES).rows
    counts = " union all ".join(
        f'select {sql_text(schema)} as schema, {sql_text(table)} as "table", count(*) as rows '
        f"from {sql_name(schema)}.{sql_name(table)}"
        for schema, table in names
    )
    return ask(Query(f'{counts} order by schema, rows desc, "table"'))


def fingerprint(home: Home, landed: Landed = None) -> tuple[object, ...]:
    """Changes as soon as there is a load, build, reject, event or dead letter more. Reads names and sizes only,
    and the ledger where it lies elsewhere."""
    with readable("the home folder"):
        folders = (home.loads, home.builds, home.rejects)
        letters = [(path.name, path.stat().st_size) for path in home.dead_letters.glob("*/*.jsonl")]
        journal = list_segments(home.journal)
        last = (journal[-1].first, journal[-1].path.stat().st_size) if journal else ()
        names = tuple(tuple(sorted(path.name for path in folder.glob("*"))) for folder in folders)
        elsewhere = () if landed is None else tuple(row.load_id for row in landed().rows)
        return (*names, elsewhere, *letters, last)
