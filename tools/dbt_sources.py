"""What the dbt project has of the contract: the source `raw`, macros of constants, the columns in staging models."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from armazem.contract import TABLES
from armazem.contract.dbt_columns import with_columns
from armazem.contract.dbt_macros import dbt_macros
from armazem.contract.event_record import events_source
from armazem.contract.features import ENTITIES, change_columns, fact_columns, history_columns, vector_columns
from armazem.contract.render import dbt_sources

_PROJECT = Path(__file__).parents[1] / "dbt"
_SOURCES = _PROJECT / "models" / "staging" / "_sources.yml"
_MACROS = _PROJECT / "macros" / "contract.sql"
_MODELS = _PROJECT / "models"
_MARK = "# Rendered from the contract.\n"
_COLUMNS_MARK = "# The columns are rendered from the contract.\n"


def dbt_files() -> Mapping[Path, str]:
    """Return the files of the dbt project that hold something rendered, each with its content as it should be."""
    models = {path: with_columns(path.read_text(encoding="utf-8")) for path in (_PROJECT / "models").rglob("*.sql")}
    return {_SOURCES: _sources_file(), _MACROS: dbt_macros()} | models | _features() | _beside_staging()


def stale_dbt_files() -> list[str]:
    """Return the names of those files that have to be rendered anew."""
    return [path.name for path, text in dbt_files().items() if path.read_text(encoding="utf-8") != text]


def _features() -> dict[Path, str]:
    """Return the YAML of the models whose columns are the sums that the contract declares."""
    columns = {entity.history: history_columns() for entity in ENTITIES if entity.has_history}
    columns |= dict.fromkeys(("feat_seller", "feat_lane"), vector_columns()) | {"feat_order_facts": fact_columns()}
    paths = {name: _MODELS / "features" / f"{name}.yml" for name in columns}
    columns["live_feature_changes"] = change_columns()
    paths["live_feature_changes"] = _MODELS / "live" / "live_feature_changes.yml"
    files = {}
    for name, meanings in columns.items():
        path = paths[name]
        content = _content(path)
        [model] = content["models"]
        model["columns"] = [{"name": column, "description": meaning} for column, meaning in meanings.items()]
        files[path] = _COLUMNS_MARK + _yaml(content)
    return files


def _beside_staging() -> dict[Path, str]:
    """Return the YAML of the models that have the columns of a staging model: what it says of one that is new there.

    What they say of a column themselves stays: in a file it may not be cleaned yet.
    """
    files = {}
    for table in TABLES:
        meanings = {column.name: column.description for column in table.columns}
        [staged] = _content(_MODELS / "staging" / f"stg_{table.name}.yml")["models"]
        meanings |= {column["name"]: column["description"] for column in staged["columns"]}
        for path in (_MODELS / "staging" / f"stg_batch_{table.name}.yml", _MODELS / "live" / f"live_{table.name}.yml"):
            if path.exists():
                content = _content(path)
                [model] = content["models"]
                own = {column["name"]: column["description"] for column in model["columns"]}
                described = {name: own.pop(name, meaning) for name, meaning in meanings.items()} | own
                model["columns"] = [{"name": name, "description": text} for name, text in described.items()]
                files[path] = _yaml(content)
    return files


def _content(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def _yaml(content: Any) -> str:
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=120)


def _sources_file() -> str:
    # Other sources in it stay as they are.
    content = _content(_SOURCES)
    [raw] = dbt_sources()["sources"]
    raw["tables"].append(events_source())
    content["sources"] = [raw if source["name"] == "raw" else source for source in content["sources"]]
    return _MARK + _yaml(content)
