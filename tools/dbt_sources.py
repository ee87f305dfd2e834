"""What the dbt project has of the contract: the source `raw` in its sources file, and the macros of constants."""

from __future__ import annotations

from pathlib import Path

import yaml

from armazem.contract.event_record import events_source
from armazem.contract.render import dbt_sources

_PROJECT = Path(__file__).parents[1] / "dbt"
SOURCES = _PROJECT / "models" / "staging" / "_sources.yml"
MACROS = _PROJECT / "macros" / "contract.sql"
_MARK = "# Rendered from the contract.\n"


def sources_file() -> str:
    """The content of the sources file; other sources in it stay as they are."""
    content = yaml.safe_load(SOURCES.read_text(encoding="utf-8"))
    [raw] = dbt_sources()["sources"]
    raw["tables"].append(events_source())
    content["sources"] = [raw if source["name"] == "raw" else source for source in content["sources"]]
    return _MARK + yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=120)
