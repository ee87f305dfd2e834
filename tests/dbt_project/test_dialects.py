"""What databases write differently lies in one file each, and none of them lacks anything."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from armazem.build.project import ParsedProject, Project, project_folder
from armazem.targets.base import DbtProfile

FOLDER = "macros/dialect"
DIALECTS = sorted(path.stem for path in (project_folder() / FOLDER).glob("*.sql"))


@pytest.fixture(scope="module")
def macros(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Any]:
    """Every macro that dbt knows, the project's and its own, by name."""
    state = tmp_path_factory.mktemp("dialects")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ARMAZEM_DBT_DUCKDB_PATH", str(state / "building.duckdb"))
        parsed = ParsedProject(Project(project_folder()), DbtProfile("duckdb", state, 1, {}), state)
        return {macro.name: macro for macro in parsed.manifest().macros.values()}


def leaves(macros: Mapping[str, Any], dialect: str) -> set[str]:
    """The names of the macros and materializations in the file of a dialect."""
    file = f"{FOLDER}/{dialect}.sql"
    found = {m.name for m in macros.values() if m.package_name == "armazem" and m.original_file_path == file}
    assert len(found) > 20, file
    return found


def dispatched(macros: Mapping[str, Any], *, ours: bool = False) -> set[str]:
    """The names that some macro hands on to a leaf: any macro, or those of the project."""
    texts = [m.macro_sql for m in macros.values() if m.package_name == "armazem" or not ours]
    return {name for text in texts for name in re.findall(r"adapter\.dispatch\(\s*['\"](\w+)", text)}


def test_each_target_has_a_dialect() -> None:
    profile = yaml.safe_load((project_folder() / "profiles.yml").read_text(encoding="utf-8"))
    assert sorted(output["type"] for output in profile["armazem"]["outputs"].values()) == DIALECTS


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_dispatched_macro_has_its_leaf(macros: Mapping[str, Any], dialect: str) -> None:
    expected = {f"{dialect}__{name}" for name in dispatched(macros, ours=True)}
    assert len(expected) > 20
    assert expected - leaves(macros, dialect) == set()


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_dialect_has_nothing_but_leaves(macros: Mapping[str, Any], dialect: str) -> None:
    known = {f"{dialect}__{name}" for name in dispatched(macros)}
    others = leaves(macros, dialect) - known
    assert [name for name in others if not re.fullmatch(rf"materialization_\w+_{dialect}", name)] == []


def test_leaves_lie_nowhere_else(macros: Mapping[str, Any]) -> None:
    ours = [m for m in macros.values() if m.package_name == "armazem"]
    strays = [m.name for m in ours if "__" in m.name and Path(m.original_file_path).parent != Path(FOLDER)]
    assert strays == []


def test_only_dialects_ask_which_database_it_is() -> None:
    files = [path for part in ("models", "macros", "tests") for path in (project_folder() / part).rglob("*.*")]
    outside = [path for path in files if path.parent != project_folder() / FOLDER]
    assert len(outside) > 100
    asks = re.compile(r"target\.type|target\[|adapter\.type\(|target\.name")
    assert [path.name for path in outside if asks.search(path.read_text(encoding="utf-8"))] == []
