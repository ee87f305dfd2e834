"""What a release is made of: a wheel that PyPI takes, with the right files in it, and a list of its components."""

from __future__ import annotations

import json
import re
import shutil
import sys
import tomllib
from pathlib import Path

import pytest

from .places import DEPLOY, ROOT, program, said

MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8").replace("\\\n", " ")


def line_of(tool: str) -> list[str]:
    """The words of the line of `make release-files` that runs a tool, without the tool."""
    [line] = re.findall(rf"^\t\$\(DEPLOY\)/bin/{tool} (.+)$", MAKEFILE, re.MULTILINE)
    return str(line).split()


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made of a copy; without the parsed models, which `make wheel` puts in beforehand."""
    program("twine")
    uv = program("uv")
    folder = tmp_path_factory.mktemp("wheel")
    for part in ("src", "dbt"):
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__", "parsed", "logs"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copyfile(ROOT / name, folder / name)
    said(uv, "build", "--wheel", "--no-build-isolation", "--python", sys.executable, "--out-dir", folder, cwd=folder)
    [built] = folder.glob("*.whl")
    return built


def test_twine(wheel: Path) -> None:
    words = [word for word in line_of("twine") if "*" not in word]
    assert "PASSED" in said(program("twine"), *words, wheel)


def test_check_wheel_contents(wheel: Path) -> None:
    assert f"{wheel.name}: OK" in said(program("check-wheel-contents"), wheel)


def test_sbom(tmp_path: Path) -> None:
    """Every package of the image, by its version. It does not say what depends on what."""
    out = tmp_path / "sbom.cdx.json"
    words = [str(out) if word == "dist/sbom.cdx.json" else word for word in line_of("cyclonedx-py")]
    said(program("cyclonedx-py"), *words)
    sbom = json.loads(out.read_text(encoding="utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    told = sbom["metadata"]["component"]
    assert (told["name"], told["version"]) == (project["name"], project["version"])
    pinned = re.findall(
        r"^([a-z0-9][\w.-]*)(?:\[.*\])?==(\S+)", (DEPLOY / "server" / "requirements.txt").read_text(), re.M
    )
    assert {(one["name"], one["version"]) for one in sbom["components"]} == set(pinned)
    assert all(one["purl"].startswith("pkg:pypi/") for one in sbom["components"])


def test_no_address_of_an_index_is_in_a_lock() -> None:
    locks = [*ROOT.glob("requirements*.lock"), *DEPLOY.rglob("requirements*.txt")]
    assert len(locks) > 5
    found = [(path.name, line) for path in locks for line in path.read_text().splitlines() if "://" in line]
    assert found == []
    assert [path.name for path in locks if re.search(r"index-url (?!--)|find-links", path.read_text())] == []


def test_versions_agree() -> None:
    """The version in manifests and pages is that of the package."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    files = [path for path in DEPLOY.rglob("*") if path.suffix in (".yaml", ".md") and "dataflow" not in path.parts]
    named = {tag for path in files for tag in re.findall(r"armazem:(\d+\.\d+\.\d+)|newTag: (\S+)", path.read_text())}
    assert {tag for pair in named for tag in pair if tag} == {version}
