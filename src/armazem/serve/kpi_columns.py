"""What the dbt project says of the KPI tables: the grain of each, and its columns with their meaning."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import yaml

from armazem.warehouse.dbt_project import project_folder


@dataclass(frozen=True, slots=True)
class TableText:
    """`columns`: name to meaning, in the order of the table."""

    description: str
    columns: Mapping[str, str]


@cache
def table_text(name: str) -> TableText:
    """The text of one KPI table; its file is read once."""
    path = project_folder() / "models" / "kpis" / f"{name}.yml"
    (model,) = yaml.safe_load(path.read_text(encoding="utf-8"))["models"]
    columns = {column["name"]: _one_line(column["description"]) for column in model["columns"]}
    return TableText(_one_line(model["description"]), columns)


def _one_line(text: str) -> str:
    return " ".join(text.split())
