"""Render the lists of columns in dbt's staging models: a model shows them, the contract declares them.

A list stands between two comments of the model, which name its kind and its table:

    {# cleaned columns of orders, rendered by `make docs` #}
    {# end #}
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

from armazem.contract.model import Column, Table
from armazem.contract.tables import TABLES

_LIST = re.compile(
    r"^(?P<indent> *)(?P<mark>\{# (?P<kind>(?:\w+ )?columns) of (?P<table>\w+), rendered by `make docs` #\}\n)"
    r".*?(?P<end>^ *\{# end #\}\n)(?= *(?P<next>\w+))",
    re.MULTILINE | re.DOTALL,
)


def _cleaned(column: Column) -> str:
    return f"{{{{ {column.cleaned_by}('{column.name}') }}}} as {column.name}" if column.cleaned_by else column.name


def _staged(column: Column) -> str:
    return f"{column.staged_as} as {column.name}" if column.staged_as else column.name


_KINDS: Mapping[str, Callable[[Column], str]] = {
    "columns": lambda column: column.name,
    "cleaned columns": _cleaned,
    "staged columns": _staged,
}


def with_columns(model: str, tables: Iterable[Table] = TABLES) -> str:
    """Return the SQL of a model with its lists rendered anew; as it is where it has none.

    Raises KeyError for a list of another kind or of a table that is not among `tables`.
    """
    by_name = {table.name: table for table in tables}

    def render(found: re.Match[str]) -> str:
        shown = map(_KINDS[found["kind"]], by_name[found["table"]].columns)
        # What comes after a list is more columns, or the table that they are of.
        last = "\n" if found["next"] == "from" else ",\n"
        lines = f",\n{found['indent']}".join(shown)
        return f"{found['indent']}{found['mark']}{found['indent']}{lines}{last}{found['end']}"

    return _LIST.sub(render, model)
