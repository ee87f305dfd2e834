"""The page on the architecture names every room, on its floor, and no file that is not there."""

from __future__ import annotations

import importlib
import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
PACKAGE = ROOT / "src" / "armazem"
ROOMS = re.findall(r"^\| (\d+) \| `(\w+)` \| (.+) \|$", PAGE, re.MULTILINE)


def test_every_room_is_on_the_page_with_its_docstring() -> None:
    packages = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert sorted(name for _, name, _ in ROOMS) == sorted(packages)
    said = {name: (importlib.import_module(f"armazem.{name}").__doc__ or "").partition("\n")[0] for name in packages}
    assert {name: text for _, name, text in ROOMS} == said


def test_the_floors_are_those_that_import_linter_checks() -> None:
    linter = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    [layers] = [contract["layers"] for contract in linter["contracts"] if contract["type"] == "layers"]
    floors = [set(re.findall(r"armazem\.(\w+)", layer)) for layer in layers]
    packages = {name for _, name, _ in ROOMS}
    expected = [floor & packages for floor in floors if floor & packages]
    assert [{n for f, n, _ in ROOMS if int(f) == number} for number in range(1, len(expected) + 1)] == expected


def test_every_file_it_names_is_there() -> None:
    named = {path for path in re.findall(r"`([\w./]+)`", PAGE) if "/" in path or path.endswith(".py")}
    named -= {"models/", "rejects/"}  # of a home folder
    places = (ROOT, PACKAGE, ROOT / "dbt")
    missing = [path for path in named if "TARGET" not in path and not any((place / path).exists() for place in places)]
    assert missing == []


def test_it_is_one_page() -> None:
    assert len(PAGE.splitlines()) <= 85
