"""What the models' YAML says of the published columns."""

from __future__ import annotations

from functools import cache

import yaml

from armazem.warehouse.dbt_project import project_folder


@cache
def column_descriptions() -> dict[tuple[str, str], str]:
    """Table and column to description, of every model of `marts` and `kpis`."""
    found = {}
    for layer in ("marts", "kpis"):
        for path in sorted((project_folder() / "models" / layer).glob("*.yml")):
            for model in yaml.safe_load(path.read_text(encoding="utf-8")).get("models", ()):
                for column in model.get("columns", ()):
                    found[model["name"], column["name"]] = " ".join(column["description"].split())
    return found
