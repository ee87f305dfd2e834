"""What the dbt project has of the contract: the source `raw`, macros of constants, the columns in staging models."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import yaml

from armazem.contract.dbt_columns import with_columns
from armazem.contract.dbt_macros import dbt_macros
from armazem.contract.event_record import events_source
from armazem.contract.render import dbt_sources

_PROJECT = Path(__file__).parents[1] / "dbt"
_SOURCES = _PROJECT / "models" / "staging" / "_sources.yml"
_MACROS = _PROJECT / "macros" / "contract.sql"
_MARK = "# Rendered from the contract.\n"


def dbt_files() -> Mapping[Path, str]:
    """Return the files of the dbt project that hold something rendered, each with its content as it should be."""
    models = {path: with_columns(path.read_text(encoding="utf-8")) for path in (_PROJECT / "models").rglob("*.sql")}
    return {_SOURCES: _sources_file(), _MACROS: dbt_macros()} | models


def stale_dbt_files() -> list[str]:
    """Return the names of those files that have to be rendered anew."""
    return [path.name for path, text in dbt_files().items() if path.read_text(encoding="utf-8") != text]


def _sources_file() -> str:
    # Other sources in it stay as they are.
    content = yaml.safe_load(_SOURCES.read_text(encoding="utf-8"))
    [raw] = dbt_sources()["sources"]
    raw["tables"].append(events_source())
    content["sources"] = [raw if source["name"] == "raw" else source for source in content["sources"]]
    return _MARK + yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=120)
