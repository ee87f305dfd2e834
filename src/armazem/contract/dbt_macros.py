"""Render `macros/contract.sql` of the dbt project: what its macros know of the contract.

Constants, the columns and keys of the source tables, and which events carry which table. A macro `name(table)` looks a
source table up.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Mapping

from armazem.contract.event_record import PARTS, REPEATED_PARTS
from armazem.contract.event_types import EVENT_TYPES
from armazem.contract.features import ACCUMULATORS, ENTITIES, WINDOWS
from armazem.contract.identifiers import UUID_PATTERN
from armazem.contract.model import Table
from armazem.contract.render import snowflake_columns
from armazem.contract.states import STATES
from armazem.contract.tables import NO_SALE_STATUSES, ORDER_STATUSES, PAYMENT_TYPES, REFUND, TABLES

_MARK = "{# Rendered from the contract by `make docs`. Change it there, not here. #}\n"
_INDENT = " " * 8
# How many of the states stand in a line.
_STATES_A_LINE = 14


def dbt_macros() -> str:
    """Return the content of the file."""
    macros = (
        ("The form of a UUID, as a regular expression of RE2.", "uuid_pattern()", f"'{UUID_PATTERN}'"),
        ("How an order may be paid.", "payment_types()", _list(PAYMENT_TYPES)),
        ("The type of a payment that went back.", "refund()", f"'{REFUND}'"),
        ("The stages of an order, the furthest last.", "order_statuses()", _list(ORDER_STATUSES)),
        (
            "Whether an order of this status is a valid sale.",
            "valid_sale(status)",
            f'status ~ " not in {NO_SALE_STATUSES}"',
        ),
        ("The states of Brazil.", "states()", _states()),
        (
            "Of a source table: its columns, its key, whose first column also says which rows are computed together,\n"
            "   and the columns that are required besides.",
            "shape_of(table)",
            _by_table(TABLES, _shape),
        ),
        ("The source tables whose rows belong to an order.", "tables_of_orders()", _list(_tables_of_orders())),
        (
            "The source tables whose rows come as a list in the `data` of an event.",
            "repeated_parts()",
            _list(_names(REPEATED_PARTS)),
        ),
        (
            "The parts that tell the order of an event: one of each type of event that has an order.",
            "parts_with_order()",
            _list(_parts_with_order()),
        ),
        ("The types of events that carry a part.", "event_types_of(part)", _by_table(PARTS, _types, "part")),
        (
            "Of a part of an event: its columns with their types on Snowflake, where `data` has no types.",
            "snowflake_types(part)",
            _by_table(PARTS, _snowflake_types, "part"),
        ),
        (
            "The sums that features are ratios of.",
            "accumulators()",
            _wrapped([accumulator.name for accumulator in ACCUMULATORS]),
        ),
        ("What features are of.", "feature_entities()", _list([entity.name for entity in ENTITIES])),
        ("Days that features look back, besides all time.", "feature_windows()", str(list(WINDOWS))),
    )
    return _MARK + "".join(
        f"\n{{# {about} #}}\n{{% macro {signature} -%}}\n    {{{{ return({value}) }}}}\n{{%- endmacro %}}\n"
        for about, signature, value in macros
    )


def _names(tables: Iterable[Table]) -> list[str]:
    return [table.name for table in tables]


def _tables_of_orders() -> list[str]:
    return [table.name for table in TABLES if "order_id" in table.key]


def _parts_with_order() -> list[str]:
    found: dict[str, None] = {}
    for event_type in EVENT_TYPES.values():
        names = [part.name for part in event_type.parts if part.name in _tables_of_orders()]
        if names:
            found.setdefault(names[0])
    return [name for name in _names(PARTS) if name in found]


def _shape(table: Table) -> str:
    required = [column.name for column in table.columns if column.required and column.name not in table.key]
    return _dict({"columns": _columns(table), "key": _list(table.key), "required": _list(required)}, "    ")


def _columns(table: Table) -> str:
    names = textwrap.wrap(", ".join(f"'{column.name}'" for column in table.columns), 120 - len(_INDENT) - 8)
    lines = "".join(f"\n{_INDENT}        {line}" for line in names)
    return f"[{lines}\n{_INDENT}    ]"


def _types(part: Table) -> str:
    return _list([name for name, type_ in EVENT_TYPES.items() if part.name in [one.name for one in type_.parts]])


def _snowflake_types(table: Table) -> str:
    return _dict({name: f"'{type_}'" for name, type_ in snowflake_columns(table).items()}, "    ")


def _by_table(tables: Iterable[Table], value: Callable[[Table], str], argument: str = "table") -> str:
    return f"{_dict({table.name: value(table) for table in tables})}[{argument}]"


def _dict(values: Mapping[str, str], deeper: str = "") -> str:
    lines = "".join(f"{deeper}{_INDENT}'{name}': {value},\n" for name, value in values.items())
    return f"{{\n{lines}{deeper}    }}"


def _list(values: Iterable[str]) -> str:
    return "[" + ", ".join(f"'{value}'" for value in values) + "]"


def _wrapped(values: Iterable[str]) -> str:
    lines = textwrap.wrap(", ".join(f"'{value}'" for value in values), 120 - len(_INDENT))
    return "[\n" + "\n".join(_INDENT + line for line in lines) + "\n    ]"


def _states() -> str:
    codes = list(STATES)
    rows = [codes[start : start + _STATES_A_LINE] for start in range(0, len(codes), _STATES_A_LINE)]
    lines = f",\n{_INDENT}".join(", ".join(f"'{code}'" for code in row) for row in rows)
    return f"[\n{_INDENT}{lines}\n    ]"
