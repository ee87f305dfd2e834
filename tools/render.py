"""`make docs`: renders what comes from the contract, the commands and the models: pages, pictures, a template.

Each page is a list of lines made by a pure function; tests/docs compares them with the files.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from armazem.beam.flex import flex_spec
from tools.command_line import cli_page, settings_page
from tools.data_model import data_model
from tools.dbt_sources import dbt_files
from tools.dictionary import data_dictionary
from tools.event_schemas import pages as event_schemas
from tools.feature_tables import PAGE as FEATURES
from tools.feature_tables import features_page
from tools.pictures import growth, overview
from tools.snowflake_files import snowflake_files
from tools.warehouse import Warehouse, build_warehouse

DOCS = Path(__file__).parents[1] / "docs"
FLEX_SPEC = DOCS.parent / "deploy" / "dataflow" / "metadata.json"
ORDERS = 5_000
_MARK = "<!-- Rendered by `make docs`. Change what it is rendered from, not this file. -->"


def pages(warehouse: Warehouse) -> dict[str, str]:
    """Path below docs/ to content; the same for every build of the same models."""
    rendered = {
        "cli.md": cli_page(),
        "settings.md": settings_page(),
        "data-model.md": data_model(warehouse),
        "data-dictionary.md": data_dictionary(warehouse),
    }
    texts = {path: "\n".join([_MARK, "", *lines]) + "\n" for path, lines in rendered.items()}
    return texts | event_schemas() | {f"img/overview-{mode}.svg": overview(mode) for mode in ("light", "dark")}


def charts(warehouse: Warehouse) -> dict[str, str]:
    """Pictures of the data: they change with the generated orders."""
    return {f"img/growth-{mode}.svg": growth(warehouse.months, ORDERS, mode) for mode in ("light", "dark")}


def main() -> None:
    """Render everything: dbt's part of the contract first, the pages from one build of generated data."""
    files = {**dbt_files(), **snowflake_files(), FLEX_SPEC: flex_spec(), FEATURES: features_page()}
    for file, text in files.items():
        file.write_text(text, encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        warehouse = build_warehouse(Path(folder), ORDERS)
    for path, text in (pages(warehouse) | charts(warehouse)).items():
        (DOCS / path).parent.mkdir(exist_ok=True)
        (DOCS / path).write_text(text, encoding="utf-8")
        sys.stdout.write(f"docs/{path}\n")


if __name__ == "__main__":
    main()
