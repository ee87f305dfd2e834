"""Columns that a table of BigQuery does not have yet: an older armazem made it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from google.api_core import exceptions
from google.cloud import bigquery

from armazem.config import Settings
from armazem.targets.bigquery.client import REQUEST_SECONDS, retrying

_ATTEMPTS = 5  # somebody else may change the table meanwhile

Fields = Sequence[bigquery.SchemaField]


def add_columns(client: bigquery.Client, settings: Settings, table_id: str, wanted: Fields) -> None:
    """Give a table the columns, and the fields of records, that it lacks; its rows have null there.

    By the API: a statement can add a column, but no field of a record. Raises what Google's client raises.
    """
    retry = retrying(settings)
    for attempt in range(1, _ATTEMPTS + 1):
        table = client.get_table(table_id, retry=retry, timeout=REQUEST_SECONDS)
        schema = grown(table.schema, wanted)
        if schema == list(table.schema):
            return
        table.schema = schema
        try:
            client.update_table(table, ["schema"], retry=retry, timeout=REQUEST_SECONDS)
        except exceptions.PreconditionFailed:
            if attempt == _ATTEMPTS:
                raise


def grown(there: Fields, wanted: Fields) -> list[bigquery.SchemaField]:
    """The fields that are there, in their order and as they are, and behind them those that are wanted besides."""
    by_name = {field.name: field for field in wanted}
    known = {field.name for field in there}
    return [
        *(_grown_field(field, by_name.get(field.name, field)) for field in there),
        *(field for field in wanted if field.name not in known),
    ]


def _grown_field(there: bigquery.SchemaField, wanted: bigquery.SchemaField) -> bigquery.SchemaField:
    if not there.fields:  # no record: it has no fields to add to
        return there
    fields = grown(there.fields, wanted.fields)
    if fields == list(there.fields):
        return there
    return bigquery.SchemaField.from_api_repr(
        {**there.to_api_repr(), "fields": [field.to_api_repr() for field in fields]}
    )


def selected(there: Fields, wanted: Fields, table: str) -> str:
    """What to select of `table` to have the fields that are wanted: null in place of those that it lacks.

    For who may read the table, but not change it.
    """
    by_name = {field.name: field for field in there}
    values = ((field.name, _value(by_name, field, f"{table}.")) for field in wanted)
    return ", ".join(value if value == f"{table}.{name}" else f"{value} as {name}" for name, value in values)


def _value(there: Mapping[str, bigquery.SchemaField], wanted: bigquery.SchemaField, above: str) -> str:
    name = f"{above}{wanted.name}"
    field = there.get(wanted.name)
    if field is None:
        return f"cast(null as {_type(wanted)})"
    inner = {one.name: one for one in field.fields}
    if _has_all(field, wanted):
        return name
    of = "part." if wanted.mode == "REPEATED" else f"{name}."
    values = ", ".join(f"{_value(inner, one, of)} as {one.name}" for one in wanted.fields)
    if wanted.mode == "REPEATED":
        return f"array(select as struct {values} from unnest({name}) as part)"
    return f"if({name} is null, null, struct({values}))"


def _has_all(there: bigquery.SchemaField, wanted: bigquery.SchemaField) -> bool:
    inner = {field.name: field for field in there.fields}
    return all(field.name in inner and _has_all(inner[field.name], field) for field in wanted.fields)


def _type(field: bigquery.SchemaField) -> str:
    """In SQL."""
    name = {"INTEGER": "INT64", "FLOAT": "FLOAT64", "BOOLEAN": "BOOL"}.get(field.field_type, field.field_type)
    if field.fields:
        name = f"struct<{', '.join(f'{one.name} {_type(one)}' for one in field.fields)}>"
    return f"array<{name}>" if field.mode == "REPEATED" else name


# Of the columns of events and dead letters those that every row has.
_FILLED = {"received_at", "source", "event_type", "event_id", "timestamp", "data", "id", "code", "path", "message"}


def misfits(there: Fields, wanted: Fields, above: str = "") -> list[str]:
    """Say what of a table's columns rows with the wanted ones cannot be written into; missing ones can be added."""
    by_name = {field.name: field for field in wanted}
    found = []
    for field in there:
        name, ours = f"{above}{field.name}", by_name.get(field.name)
        if field.mode == "REQUIRED" and name not in _FILLED:
            found.append(f"{name} is required, and rows may lack it")
        elif ours is None:
            continue
        elif _kind(field) != _kind(ours):
            found.append(f"{name} is {_kind(field)} in place of {_kind(ours)}")
        else:
            found += misfits(field.fields, ours.fields, f"{name}.")
    return found


def _kind(field: bigquery.SchemaField) -> str:
    name = {"STRUCT": "RECORD", "INT64": "INTEGER", "FLOAT64": "FLOAT", "DECIMAL": "NUMERIC"}.get(
        field.field_type, field.field_type
    )
    return f"{name} REPEATED" if field.mode == "REPEATED" else str(name)
