"""`export` as its user meets it: what it says, and what it refuses."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from warehouse.exported import BUILD, publish
from warehouse.shop import armazem

from armazem.cli.group import COMMANDS
from armazem.home import Home


@pytest.fixture
def home(tmp_path: Path) -> Path:
    publish(Home(tmp_path / "home"))
    return tmp_path / "home"


@pytest.mark.parametrize(
    ("what", "out", "written"),
    [("tableau", "olist.hyper", ["olist.hyper", "olist.tds"]), ("parquet", "olist", ["olist"])],
)
def test_export(home: Path, tmp_path: Path, what: str, out: str, written: list[str]) -> None:
    (tmp_path / "out").mkdir()
    answer = armazem("export", what, tmp_path / "out" / out, home=home)
    assert (answer.code, answer.out) == (0, "")
    assert answer.err.splitlines()[0] == "exporting 1/2 marts.fact_orders"
    assert "2 tables, 5 rows, " in answer.err and f"of build {BUILD}" in answer.err
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == written
    again = armazem("export", what, tmp_path / "out" / out, home=home)
    assert (again.code, "--force replaces it" in again.err) == (1, True)
    assert armazem("export", what, tmp_path / "out" / out, "--force", home=home).code == 0


@pytest.mark.parametrize(("what", "out"), [("tableau", "olist.hyper"), ("parquet", "olist")])
def test_what_is_refused(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str, out: str) -> None:
    missing = armazem("export", what, tmp_path / "nowhere" / out, home=home)
    assert (missing.code, f"there is no folder {tmp_path}/nowhere" in missing.err) == (1, True)
    nothing = armazem("export", what, tmp_path / out, home=tmp_path / "other")
    assert (nothing.code, "there is no home folder" in nothing.err) == (1, True)
    Home(tmp_path / "empty").open()
    unpublished = armazem("export", what, tmp_path / out, home=tmp_path / "empty")
    assert (unpublished.code, "nothing is published" in unpublished.err) == (1, True)
    monkeypatch.setenv("ARMAZEM_TARGET", "bigquery")
    cloud = armazem("export", what, tmp_path / out, home=home)
    assert (cloud.code, "the target is bigquery" in cloud.err) == (2, True)
    assert not (tmp_path / out).exists()


def test_features_of_an_older_version_and_of_bigquery(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    older = armazem("export", "feast", tmp_path / "features", home=home)
    assert (older.code, "has no features" in older.err) == (1, True)
    monkeypatch.setenv("ARMAZEM_TARGET", "bigquery")
    cloud = armazem("export", "feast", tmp_path / "features", home=home)
    assert (cloud.code, "the target is bigquery" in cloud.err) == (2, True)
    assert not (tmp_path / "features").exists()


def test_help_needs_no_library_of_an_export() -> None:
    code = (
        "import sys; import armazem.cli.export; "
        "print([name for name in ('pyarrow', 'duckdb', 'numpy') if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_wrong_use(tmp_path: Path) -> None:
    for arguments in (("tableau",), ("parquet",), ("feast",), ("excel", "x"), ("tableau", tmp_path / "olist.tde")):
        answer = armazem("export", *arguments, home=tmp_path / "home")
        assert (answer.code, "Usage: " in answer.err) == (2, True)
    assert not (tmp_path / "home").exists()


def test_without_the_extra(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "armazem.export.tableau", raising=False)
    monkeypatch.setitem(sys.modules, "tableauhyperapi", None)
    answer = armazem("export", "tableau", tmp_path / "olist.hyper", home=home)
    assert answer.code == 1
    assert 'pip install "armazem[tableau]"' in answer.err


def test_help() -> None:
    for arguments in ((), ("tableau",), ("parquet",), ("feast",)):
        helped = armazem("export", *arguments, "--help")
        assert (helped.code, "Examples:" in helped.out) == (0, True)
    assert "export" in COMMANDS
