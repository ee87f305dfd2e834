"""What a build takes in: views on the raw tables, and the control tables, in the audit dataset."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from armazem.contract import TABLES, Table
from armazem.contract.event_record import event_columns_bigquery
from armazem.contract.render import BIGQUERY_TYPES
from armazem.targets.bigquery.columns import selected
from armazem.targets.bigquery.connection import Connection
from armazem.targets.bigquery.landing.raw import EVENTS, fields
from armazem.targets.plan import Scope

_EVENT_KEY = "event_id || coalesce(chr(10) || sender, '')"  # as the macro event_key has it
_MOST_SPANS = 500  # of days; where there are more, the last one goes to the last day
_MOST_LITERALS = 1000  # a view may hold a megabyte of SQL; so many ids are 25 kilobytes


def create_inputs(connection: Connection, scope: Scope) -> None:
    """Create `raw_<table>` for the nine source tables, `raw_events`, and the four control tables.

    A raw view has the contract's columns, `_load_id` and `_row`, of the loads that the build reads. The days of
    these loads stand in it as literals, which is what BigQuery prunes partitions by. What a table of an older armazem
    lacks is null: the next load gives it the columns, a build may read it only.
    """
    audit = connection.names.audit
    loaded = set(connection.tables(connection.names.raw))
    _make(connection, f"create or replace table {audit}.new_loads as {_ids(scope.new_loads)}")
    _make(connection, f"create or replace table {audit}.read_loads as {_ids(scope.read_loads)}")
    _make(connection, f"create or replace table {audit}.load_ages as {_ages(scope.ages)}")
    start, end = scope.start_date or date.min, scope.end_date or date.max
    _make(
        connection,
        f"create or replace table {audit}.build_window as "
        f"select date '{start}' as start_date, date '{end}' as end_date "
        f"from unnest([1]) where {str(scope.has_window).lower()}",
    )
    taken = events(connection, loaded, scope.event_days)
    if scope.event_types is not None:
        types = ", ".join(f"'{name}'" for name in sorted(scope.event_types))
        taken = f"select * from ({taken}) where {f'event_type in ({types})' if types else 'false'}"
    if scope.no_news:
        published = f"`{connection.client.project}`.{connection.names.of('staging')}.stg_events"
        taken = f"select * from ({taken}) where {_EVENT_KEY} in (select {_EVENT_KEY} from {published})"
    _make(connection, f"create or replace view {audit}.raw_events as {taken}")
    _make(
        connection,
        f"create or replace table {audit}.journal as "
        f"select {scope.events_up_to} as up_to, r'''({events_since(connection, loaded)})''' as since",
    )
    for table in TABLES:
        source = raw_rows(connection, table, scope) if table.name in loaded and scope.read_loads else _no_rows(table)
        _make(connection, f"create or replace view {audit}.raw_{table.name} as {source}")


def event_days(connection: Connection) -> dict[date, int]:
    """The rows of `raw.events` by day of arrival, also those that BigQuery still has in its buffer.

    It reads one column of eight bytes a row. A row without a time counts under the first of all days.
    """
    table = f"`{connection.client.project}`.{connection.names.raw}.{EVENTS}"
    return {
        day or date.min: int(rows)
        for day, rows in connection.rows_if_there(f"select date(received_at), count(*) from {table} group by 1")
    }


def events(connection: Connection, loaded: set[str], days: Sequence[date] | None = None) -> str:
    """SQL of all accepted events, or of those that arrived on these days: BigQuery reads no other partition."""
    if EVENTS not in loaded:
        types = event_columns_bigquery().items()
        nothing = ", ".join(f"cast(null as {type_}) as {name}" for name, type_ in types)
        return f"select {nothing} from unnest([1]) where false"
    columns = selected(connection.fields(connection.names.raw, EVENTS), fields(EVENTS), EVENTS)
    source = f"select {columns} from `{connection.client.project}`.{connection.names.raw}.{EVENTS} as {EVENTS}"
    return source if days is None else f"{source} where {_arrived(days)}"


def _arrived(days: Sequence[date]) -> str:
    """On one of these days, as literals."""
    spans: list[list[date]] = []
    for day in sorted(set(days) - {date.min}):
        if spans and (day == spans[-1][1] or len(spans) >= _MOST_SPANS):
            spans[-1][1] = day + timedelta(days=1)
        else:
            spans.append([day, day + timedelta(days=1)])
    column = f"{EVENTS}.received_at"
    found = [f"({column} >= timestamp '{start}' and {column} < timestamp '{end}')" for start, end in spans]
    found += [f"{column} is null"] if date.min in days else []
    return " or ".join(found) or "false"


def events_since(connection: Connection, loaded: set[str]) -> str:
    """SQL of the events that are not in the published tables, whenever it is evaluated."""
    published = f"`{connection.client.project}`.{connection.names.of('staging')}.stg_events"
    columns = ", ".join(event_columns_bigquery())
    return (
        f"select {columns} from ({events(connection, loaded)}) "
        f"where {_EVENT_KEY} not in (select {_EVENT_KEY} from {published})"
    )


def new_event_types(connection: Connection, days: Sequence[date]) -> frozenset[str]:
    """The types of the events that arrived on these days and are not in the published tables, where those know the
    senders of events.
    """
    if not days:
        return frozenset()
    staging = connection.names.of("staging")
    if "sender" not in {field.name for field in connection.fields(staging, "stg_events")}:
        return frozenset()  # they are built anew
    rows = connection.rows_if_there(
        f"select distinct event_type from ({events(connection, set(connection.tables(connection.names.raw)), days)}) "
        f"where {_EVENT_KEY} not in (select {_EVENT_KEY} from {staging}.stg_events)"
    )
    return frozenset(row[0] for row in rows)


def _make(connection: Connection, sql: str) -> None:
    connection.answer(sql)


def _ids(load_ids: tuple[str, ...]) -> str:
    listed = ", ".join(f"'{load_id}'" for load_id in load_ids)
    return f"select load_id from unnest(cast([{listed}] as array<string>)) as load_id" if load_ids else (
        "select cast(null as string) as load_id from unnest([1]) where false"
    )  # fmt: skip


def _ages(ages: tuple[tuple[str, str], ...]) -> str:
    listed = " union all ".join(f"select '{load_id}' as load_id, '{as_of}' as as_of" for load_id, as_of in ages)
    return (
        listed or "select cast(null as string) as load_id, cast(null as string) as as_of from unnest([1]) where false"
    )


def raw_rows(connection: Connection, table: Table, scope: Scope) -> str:
    """SQL of the rows of a raw table that the build reads."""
    wanted = [field for field in fields(table.name) if field.name in {column.name for column in table.columns}]
    columns = selected(connection.fields(connection.names.raw, table.name), wanted, "landed")
    days = sorted({f"date '{_day(load_id)}'" for load_id in scope.read_loads})
    if len(scope.read_loads) <= _MOST_LITERALS:
        loads = "_load_id in (" + ", ".join(f"'{load_id}'" for load_id in scope.read_loads) + ")"
        when = f"_load_date in ({', '.join(days)})"
    else:
        project = connection.client.project
        loads = f"_load_id in (select load_id from `{project}`.{connection.names.audit}.read_loads)"
        when = f"_load_date between {days[0]} and {days[-1]}"
    raw = f"`{connection.client.project}`.{connection.names.raw}.{table.name}"
    return f"select {columns}, _load_id, _row from {raw} as landed where {when} and {loads}"


def _day(load_id: str) -> date:
    return datetime.strptime(load_id[:8], "%Y%m%d").date()  # noqa: DTZ007  # an id begins with its day in UTC


def _no_rows(table: Table) -> str:
    columns = [f"cast(null as {BIGQUERY_TYPES[column.type]}) as {column.name}" for column in table.columns]
    columns += ["cast(null as string) as _load_id", "cast(null as int64) as _row"]
    return f"select {', '.join(columns)} from unnest([1]) where false"
