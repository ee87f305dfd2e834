"""The project as dbt parsed it: as it lies in the home folder or came with the package, while it is of this code."""

from __future__ import annotations

import shutil
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from armazem.build import project
from armazem.build.project import ParsedProject, Project, not_run, parse_for_all, project_folder
from armazem.errors import BuildError
from armazem.targets.base import DbtProfile
from armazem.targets.duckdb.versions import WORK_FILE

FILES = {"partial_parse.msgpack", "parsed.sha256"}


@pytest.fixture(scope="module")
def parsed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As it is shipped; `make test` has parsed it before the tests."""
    out = tmp_path_factory.mktemp("parsed")
    if project.shipped().is_dir():
        shutil.copytree(project.shipped(), out, dirs_exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ARMAZEM_DBT_DUCKDB_PATH", "")  # it is set, and put back by this
        patch.setenv("DO_NOT_TRACK", "1")
        parse_for_all(out)
        assert not parse_for_all(out), "it was parsed again, although nothing has changed"
    assert {path.name for path in out.iterdir()} == FILES
    return out


@pytest.fixture
def shipped(parsed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "shipped"
    shutil.copytree(parsed, folder)
    monkeypatch.setattr(project, "shipped", lambda: folder)
    monkeypatch.setattr(ParsedProject, "parse", lambda self: "parsed anew")
    return folder


def of_home(tmp_path: Path, where: str = "") -> Any:
    profile = DbtProfile("duckdb", tmp_path / "state", 1, {}, where)
    return ParsedProject(Project(project_folder()), profile, tmp_path / "logs").manifest()


def test_what_came_with_the_package_is_good_for_every_home(shipped: Path, tmp_path: Path) -> None:
    manifest = of_home(tmp_path)
    models = {node.name: node for node in manifest.nodes.values() if node.resource_type == "model"}
    assert len(models) > 40 and "fact_orders" in models
    # Every build of every home works on a file of this name.
    assert {model.database for model in models.values()} == {Path(WORK_FILE).stem}
    assert str(Path.home()) not in str(models["fact_orders"].to_dict())
    assert not (tmp_path / "state").exists()


def test_the_home_has_its_own_where_the_package_has_none(shipped: Path, tmp_path: Path) -> None:
    shipped.rename(tmp_path / "state")
    assert of_home(tmp_path).nodes


@pytest.mark.parametrize("damage", ["other code", "other packages", "other place", "a byte", "no seal", "nothing"])
def test_otherwise_it_is_parsed_anew(
    shipped: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: str
) -> None:
    file, seal = shipped / "partial_parse.msgpack", shipped / "parsed.sha256"
    if damage == "other code":
        monkeypatch.setattr(project, "fingerprint", lambda folder, *more: "another")
    elif damage == "other packages":
        monkeypatch.setattr(project, "version", lambda name: "another" if name == "dbt-adapters" else version(name))
    elif damage == "a byte":
        content = bytearray(file.read_bytes())
        content[len(content) // 2] ^= 1
        file.write_bytes(content)
    elif damage == "no seal":
        seal.unlink()
    elif damage == "nothing":
        shutil.rmtree(shipped)
    assert of_home(tmp_path, "elsewhere" if damage == "other place" else "") == "parsed anew"


def test_duckdb_that_fails_by_itself_is_named() -> None:
    """As dbt says it when a statement before has brought the database down."""
    said = (
        "FATAL Error: Failed: database has been invalidated because of a previous fatal error. The database must be "
        'restarted prior to being used again.\nOriginal error: "Attempted to access index 0 within vector of size 0"'
    )
    error = not_run(RuntimeError(said), Project(Path("dbt")))
    assert isinstance(error, BuildError)
    assert str(error) == "DuckDB failed by itself: Attempted to access index 0 within vector of size 0"
    assert "run the build again" in error.hint
