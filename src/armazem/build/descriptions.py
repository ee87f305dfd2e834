"""What tables and columns mean, in the words of the dbt project: said once, for exports, API and dashboard."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from armazem.build.project import project_folder

# In C where the library has it: a fifth of the time.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class TableText:
    """`columns`: name to meaning, in the order of the table. `meta`: what else is declared of it."""

    description: str
    columns: Mapping[str, str]
    meta: Mapping[str, Any]


@cache
def table_text(name: str) -> TableText:
    """The text of one model. Raises KeyError for one that the project does not have."""
    return _models()[name]


def meaning(name: str) -> str:
    """Of `table` or `table.column`. Raises KeyError for one that the project does not have."""
    table, _, column = name.partition(".")
    text = table_text(table)
    return text.columns[column] if column else text.description


@cache
def _models() -> Mapping[str, TableText]:
    return {name: text for layer in sorted((project_folder() / "models").iterdir()) for name, text in _texts(layer)}


@cache
def layer_texts(layer: str) -> Mapping[str, TableText]:
    """The texts of the models of one layer, by name."""
    return dict(_texts(project_folder() / "models" / layer))


def _texts(folder: Path) -> Iterator[tuple[str, TableText]]:
    for path in sorted(folder.glob("**/*.yml")):
        if path.stem.endswith("_unit_tests"):
            continue
        for model in (yaml.load(path.read_text(encoding="utf-8"), _LOADER) or {}).get("models") or ():
            columns = {column["name"]: _one_line(column) for column in model.get("columns") or ()}
            yield model["name"], TableText(_one_line(model), columns, (model.get("config") or {}).get("meta") or {})


@cache
def source_text(name: str) -> TableText:
    """The text of one source table, `schema.table`. Raises KeyError for one that the project does not have."""
    return _sources()[name]


@cache
def _sources() -> Mapping[str, TableText]:
    found = {}
    for path in sorted((project_folder() / "models").glob("**/_*.yml")):
        for source in (yaml.load(path.read_text(encoding="utf-8"), _LOADER) or {}).get("sources") or ():
            for table in source.get("tables") or ():
                columns = {column["name"]: _one_line(column) for column in table.get("columns") or ()}
                found[f"{source['name']}.{table['name']}"] = TableText(_one_line(table), columns, {})
    return found


def _one_line(described: Mapping[str, str]) -> str:
    return " ".join(described.get("description", "").split())
