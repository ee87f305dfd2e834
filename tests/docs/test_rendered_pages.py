"""The rendered pages are those that `make docs` renders now."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from pathlib import Path

import click
import pytest

from armazem.beam.flex import flex_spec
from armazem.cli.group import all_commands
from armazem.config import Settings, load_settings
from armazem.contract.features import ACCUMULATORS, ENTITIES, RATIOS
from tools.cleaning_counts import STEPS, counts
from tools.feature_tables import PAGE as FEATURES
from tools.feature_tables import features_page
from tools.pictures import growth
from tools.render import DOCS, FLEX_SPEC, ORDERS, pages
from tools.warehouse import Warehouse

# One worker makes the build that all of these look at.
pytestmark = pytest.mark.xdist_group("docs")


def test_what_is_rendered_is_up_to_date(warehouse: Warehouse) -> None:
    stale = [path for path, text in pages(warehouse).items() if (DOCS / path).read_text(encoding="utf-8") != text]
    assert stale == [], "run `make docs`"


def test_the_metadata_of_the_template_is_up_to_date() -> None:
    assert FLEX_SPEC.read_text(encoding="utf-8") == flex_spec(), "run `make docs`"


def test_the_tables_of_features_are_up_to_date() -> None:
    assert FEATURES.read_text(encoding="utf-8") == features_page(), "run `make docs`"
    assert all(f"| `{one.name}` |" in features_page() for one in (*ACCUMULATORS, *RATIOS, *ENTITIES))


def test_every_model_and_column_is_in_the_dictionary(warehouse: Warehouse) -> None:
    text = pages(warehouse)["data-dictionary.md"]
    sections = dict(re.findall(r"^### `(.+?)`\n(.*?)(?=^##)", text, re.MULTILINE | re.DOTALL))
    for model in warehouse.models:
        if model.layer == "intermediate":
            assert f"| `{model.name}` |" in text
            continue
        listed = re.findall(r"^\| `(\w+)` \|", sections[f"{model.layer}.{model.name}"], re.MULTILINE)
        assert listed == list(model.types) == list(model.columns), model.name


def test_every_model_is_in_the_lineage(warehouse: Warehouse) -> None:
    page = pages(warehouse)["data-model.md"]
    arrows = " ".join(re.findall(r"^    \w+ --> \w+$", page, re.MULTILINE)).split()
    assert {model.name for model in warehouse.models} <= set(arrows)


def test_every_arrow_of_the_lineage_is_a_dependency(warehouse: Warehouse) -> None:
    arrows = re.findall(r"^    (\w+) --> (\w+)$", pages(warehouse)["data-model.md"], re.MULTILINE)
    for parent, child in arrows:
        model = warehouse.model(child)
        assert parent in {*model.models, *(source.replace(".", "_") for source in model.sources)}


def test_every_command_and_option_has_its_section(warehouse: Warehouse) -> None:
    page = pages(warehouse)["cli.md"]
    commands = all_commands()
    for name, command in list(commands.items()):
        if isinstance(command, click.Group):
            commands |= {f"{name} {below}": part for below, part in command.commands.items()}
    for name, command in commands.items():
        section = re.split(r"\n##+ ", re.split(f"\n##+ `armazem {name}`\n", page)[1])[0]
        for parameter in command.params:
            assert any(spelling in section for spelling in (*parameter.opts, parameter.human_readable_name))


def test_every_setting_has_its_row(warehouse: Warehouse) -> None:
    page = pages(warehouse)["settings.md"]
    assert set(re.findall(r"^\| `(\w+)` \| `ARMAZEM_", page, re.MULTILINE)) == set(Settings.model_fields)


def test_every_cleaning_step_can_be_counted(built: tuple[Warehouse, Path]) -> None:
    counted = counts(load_settings(home=built[1]).home_folder)
    assert [step for step, _ in counted] == [step for step, _ in STEPS]
    by_step = dict(counted)
    assert by_step["Points that repeat another one exactly"] > 0
    assert all(count >= 0 for count in by_step.values())


def test_the_chart_has_a_bar_per_month() -> None:
    months = [(date(2018, month, 1).isoformat()[:7], Decimal(1000 * month), month) for month in range(1, 8)]
    for mode in ("light", "dark"):
        assert growth(months, ORDERS, mode).count("<rect") == len(months)
        assert all((DOCS / f"img/{name}-{mode}.svg").is_file() for name in ("growth", "overview"))
