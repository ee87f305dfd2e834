"""docs/data-dictionary.md: every table and column, with type, meaning and how much it says about a person."""

from __future__ import annotations

from armazem.contract import TABLES, Pii
from armazem.contract.event_record import event_columns
from armazem.contract.render import data_dictionary as source_tables
from tools.meta_columns import META
from tools.warehouse import Model, Warehouse

_INTRO = """\
Every table and column. The source tables come from the contract (`src/armazem/contract/tables.py`), the others from
the dbt models (`dbt/models`), their types from a built warehouse. Diagrams are in [data-model.md](data-model.md).

**PII** says how much a column tells about a person, a customer: *pseudonym* is a stable identifier of a person,
*location* is where a person lives, *free text* may hold anything a person typed. A model's column has the class of
the source column of the same name. Nothing in the warehouse is a name, an address or a contact; free text may
contain one, so leave `review_comment_*` out of what you pass on.

Times of orders are naive business time (America/Sao_Paulo in the reference data). Amounts are in BRL."""
# Columns that say something about a person under a name the sources do not have.
_DERIVED = {
    ("dim_customers", "latitude"): Pii.LOCATION,
    ("dim_customers", "longitude"): Pii.LOCATION,
    ("dim_customers", "first_order_timestamp"): Pii.NONE,
    ("stg_events", "data"): Pii.FREE_TEXT,
}
_BY_NAME = {column.name: column.pii for table in TABLES for column in table.columns}


def data_dictionary(warehouse: Warehouse) -> list[str]:
    """The page's lines."""
    lines = ["# Data dictionary", "", *_INTRO.splitlines(), "", *_contents(warehouse)]
    lines += ["", "## raw", "", "The source tables: accepted rows of the batch files. They exist during a build only."]
    lines += source_tables()
    lines += ["", "### `raw.events`", "", "Accepted events, as the journal has them: see [streaming.md](streaming.md)."]
    lines += ["", "| column | type |", "|---|---|"]
    lines += [f"| `{name}` | {type_.partition('(')[0]} |" for name, type_ in event_columns().items()]
    for layer in warehouse.layers:
        lines += ["", f"## {layer.name}", "", layer.description]
        if layer.published:
            for model in warehouse.layer(layer.name):
                lines += _section(model)
        else:
            lines += ["", "| model | grain | made by |", "|---|---|---|"]
            lines += [
                f"| `{model.name}` | {model.description} | [{model.file}](../dbt/{model.file}) |"
                for model in warehouse.layer(layer.name)
            ]
    lines += ["", "## meta", "", "What is known of the builds, their tests and the loads they took in."]
    for table, columns in META.items():
        lines += ["", f"### `meta.{table}`", "", columns[""], "", "| column | type | description |", "|---|---|---|"]
        lines += [f"| `{name}` | {kind} | {columns[name]} |" for name, kind in warehouse.meta[table].items()]
    return lines


def _contents(warehouse: Warehouse) -> list[str]:
    lines = ["| schema | tables |", "|---|---|"]
    lines.append("| [raw](#raw) | " + ", ".join(f"[{t.name}](#raw{t.name})" for t in TABLES) + " |")
    for layer in warehouse.layers:
        links = (
            f"[{m.name}](#{layer.name}{m.name})" if layer.published else m.name for m in warehouse.layer(layer.name)
        )
        lines.append(f"| [{layer.name}](#{layer.name}) | {', '.join(links) or 'yours'} |")
    return [*lines, "| [meta](#meta) | " + ", ".join(f"[{name}](#meta{name})" for name in META) + " |"]


def _section(model: Model) -> list[str]:
    lines = ["", f"### `{model.layer}.{model.name}`", "", model.description]
    lines += ["", f"Made by [{model.file}](../dbt/{model.file}).", ""]
    lines += ["| column | type | key | PII | description |", "|---|---|---|---|---|"]
    for column, kind in model.types.items():
        key = "key" if column in model.key else ""
        pii = _DERIVED.get((model.name, column), _BY_NAME.get(column, Pii.NONE))
        lines.append(f"| `{column}` | {kind} | {key} | {pii.value} | {model.columns[column]} |")
    return lines
