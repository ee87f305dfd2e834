"""The package as others install it: one wheel, an empty folder, the main job."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from soak import NUMBERS

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("install")]

ROOT = Path(__file__).parents[2]
LOCK = ROOT / "requirements-run.lock"
UV = Path(sys.executable).with_name("uv")
# With the index that pip is set to.
ENVIRONMENT = [sys.executable, ROOT / "tools" / "environment.py"]
HERE = f"{sys.version_info[0]}.{sys.version_info[1]}"


def run(*command: object, cwd: Path | None = None, **settings: str) -> str:
    ours = {name: value for name, value in os.environ.items() if not name.startswith("ARMAZEM_")}
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd, env=ours | settings, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built of a copy, as `make wheel` does."""
    folder = tmp_path_factory.mktemp("wheel")
    for part in ("src", "dbt", "tools"):
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__", "parsed"))
    for name in ("pyproject.toml", "README.md", "LICENSE", "requirements-run.lock"):
        shutil.copyfile(ROOT / name, folder / name)
    run(sys.executable, "-m", "armazem.build.project", cwd=folder, PYTHONPATH=str(folder / "src"))
    run(UV, "build", "--wheel", "--no-build-isolation", "--python", sys.executable, "--out-dir", folder, cwd=folder)
    [built] = folder.glob("*.whl")
    return built


def test_what_is_in_it(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {"armazem/_dbt/dbt_project.yml", "armazem/_dbt/parsed/parsed.sha256", "armazem/cli/group.py"} <= set(names)
    assert [name for name in names if "unit_tests" in name or ("/tests/" in name and "_dbt/tests/" not in name)] == []
    assert {name.partition("/")[0] for name in names if ".dist-info" not in name} == {"armazem"}


@pytest.mark.parametrize("version", sorted({HERE, *NUMBERS.pythons}))
def test_the_main_job_from_an_empty_folder(wheel: Path, tmp_path: Path, version: str) -> None:
    found = subprocess.run(
        [UV, "python", "find", "--no-python-downloads", "--system", version],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if found.returncode != 0:
        pytest.skip(f"Python {version} is not installed")
    python = tmp_path / "environment" / "bin" / "python"
    run(UV, "venv", "--python", found.stdout.strip(), tmp_path / "environment")
    run(*ENVIRONMENT, sys.prefix, "--uv", "pip", "install", "--python", python, "-c", LOCK, wheel)
    work, user = tmp_path / "work", tmp_path / "user"
    work.mkdir()
    user.mkdir()

    run(python, "-m", "armazem", "up", "--no-serve", "--orders", "300", cwd=work, HOME=str(user))

    status = run(python, "-m", "armazem", "status", "--format", "json", cwd=work, HOME=str(user))
    assert json.loads(status)[0]["orders"] == 300
    assert [path.name for path in work.iterdir()] == ["armazem-data"]
    # The parse that came with the package was taken: a build that parses leaves it in the home folder.
    assert not (work / "armazem-data" / "dbt" / "partial_parse.msgpack").exists()

    if version == HERE:
        an_own_model_beside_it(python, work, HOME=str(user))


def an_own_model_beside_it(python: Path, work: Path, **settings: str) -> None:
    """The package stays as it was installed: nothing is written there, by whomever it belongs to."""
    package = Path(run(python, "-c", "import armazem; print(armazem.__path__[0])", cwd=work).strip()) / "_dbt"
    before = {path: path.stat().st_mtime_ns for path in package.rglob("*")}
    for path in before:
        path.chmod(0o555 if path.is_dir() else 0o444)
    sql = "select count(*) as orders from {{ ref('fact_orders') }}"
    (work / "models").mkdir()
    (work / "models" / "how_many.sql").write_text(sql, encoding="utf-8")
    run(python, "-m", "armazem", "build", cwd=work, **settings)
    answer = run(python, "-m", "armazem", "kpi", "how_many", "--format", "json", cwd=work, **settings)
    assert json.loads(answer) == [{"orders": 300}]
    assert {path: path.stat().st_mtime_ns for path in package.rglob("*")} == before
