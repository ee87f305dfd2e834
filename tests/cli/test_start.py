"""What starts before a command does: versions, help, and how little is imported for them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import armazem
from armazem.cli.group import COMMANDS

SOURCE = Path(armazem.__file__).parents[1]
# What takes long to import.
HEAVY = ("duckdb", "pydantic", "rich", "numpy", "pyarrow", "dbt", "fastapi", "nicegui", "google.auth")


def python(program: str, *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *options, "-c", program],
        capture_output=True, text=True, check=False, env=os.environ | environment,
    )  # fmt: skip


def imported(program: str) -> set[str]:
    """The heavy packages that a program brought in."""
    done = python(f"{program}\nimport sys; print(*sys.modules)")
    assert done.returncode == 0, done.stderr
    return set(done.stdout.splitlines()[-1].split()) & set(HEAVY)


def run(*arguments: str) -> str:
    """A program that runs the command."""
    return f"from armazem.cli import main; main({list(arguments)}, standalone_mode=False)"


@pytest.mark.parametrize("arguments", [("--version",), ("--help",)])
def test_help_and_version_import_nothing_heavy(arguments: tuple[str, ...]) -> None:
    assert imported(run(*arguments)) == set()


def test_a_command_imports_what_it_needs() -> None:
    assert imported(run("load", "--help")) <= {"duckdb", "pydantic", "rich"}
    for module in ("warehouse", "build"):
        assert imported(f"import armazem.cli.{module}") <= {"duckdb", "pydantic", "rich"}


def test_every_command_is_in_its_module() -> None:
    for name, (module, text) in COMMANDS.items():
        program = f"import armazem.cli.{module}; from armazem.cli import main; print({name!r} in main.commands)"
        assert python(program).stdout.strip() == "True", name
        assert text.endswith("."), name
        assert len(text) <= 62, name  # or it is folded on a terminal of 80 columns


def test_a_folder_of_source_has_a_version_too(tmp_path: Path) -> None:
    """Without the metadata of an installed package, and without its other dependencies."""
    (tmp_path / "armazem").symlink_to(SOURCE / "armazem")
    done = python("import armazem; print(armazem.__version__)", "-S", PYTHONPATH=str(tmp_path))
    assert done.stdout.strip() == "0+source", done.stderr


def test_on_windows_it_names_another_way() -> None:
    done = python("import sys; sys.platform = 'win32'; from armazem.__main__ import run; run()")
    assert (done.returncode, "WSL" in done.stderr, "Traceback" in done.stderr) == (1, True, False)
