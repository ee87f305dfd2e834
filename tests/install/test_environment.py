"""How the environment of a checkout is made: by uv, by pip where uv cannot be had, on a Python that is new enough."""

from __future__ import annotations

import os
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROGRAM = ROOT / "tools" / "environment.py"
NAMES = re.compile(r"^([a-zA-Z0-9_.-]+)==(\S+)", re.MULTILINE)

pytestmark = pytest.mark.xdist_group("install")


def make(python: str, *arguments: object, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [python, PROGRAM, *map(str, arguments)],
        cwd=ROOT, env=os.environ | settings, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_what_pip_is_set_to_is_told_to_uv(tmp_path: Path) -> None:
    program = runpy.run_path(str(PROGRAM))
    index = program["INDEX"]
    there = tmp_path / "wheels"
    there.mkdir()
    settings = {
        index: "first",
        f"extra-{index}": "second\\nthird",
        "find-links": f"{there}\\n{tmp_path / 'gone'}",
        "cert": "/ca.pem",
        "disable-pip-version-check": "1",
    }
    assert program["as_uv_wants"](settings) == {
        "UV_DEFAULT_INDEX": "first",
        "UV_INDEX": "second third",
        "UV_FIND_LINKS": str(there),
        "SSL_CERT_FILE": "/ca.pem",
    }


@pytest.mark.slow
def test_pip_does_it_where_uv_cannot_be_had(tmp_path: Path) -> None:
    constraint, lock = tmp_path / "constraint.txt", tmp_path / "lock"
    constraint.write_text("uv<0\n", encoding="utf-8")
    lock.write_text(re.findall("^click==.*\n", (ROOT / "requirements-run.lock").read_text(), re.MULTILINE)[0])
    done = make(
        os.path.realpath(sys.executable),
        tmp_path / "environment",
        lock,
        PIP_CONSTRAINT=str(constraint),
        PATH=without_uv(),
    )
    assert done.returncode == 0, done.stderr
    assert "uv cannot be had" in done.stderr
    assert "1 packages by pip" in done.stderr
    assert (tmp_path / "environment" / "bin" / "armazem").exists()
    assert not (tmp_path / "environment" / "bin" / "uv").exists()


@pytest.mark.slow
def test_one_that_was_cut_off_is_made_again(tmp_path: Path) -> None:
    """As where Debian's package of venv was missing: a Python is there, and no pip."""
    environment, lock = tmp_path / "environment", tmp_path / "lock"
    subprocess.run([os.path.realpath(sys.executable), "-m", "venv", "--without-pip", environment], check=True)
    lock.write_text(re.findall("^click==.*\n", (ROOT / "requirements-run.lock").read_text(), re.MULTILINE)[0])
    done = make(os.path.realpath(sys.executable), environment, lock, PATH=without_uv())
    assert done.returncode == 0, done.stderr
    assert (environment / "bin" / "armazem").exists()


def without_uv() -> str:
    folders = os.environ["PATH"].split(os.pathsep)
    return os.pathsep.join(folder for folder in folders if not (Path(folder) / "uv").exists())


def test_an_old_python_is_told_so() -> None:
    old = next((name for minor in range(10, 6, -1) if (name := _python(minor))), None)
    if old is None:
        pytest.skip("no Python older than 3.11 is installed")
    done = make(old, "environment", "lock")
    assert done.returncode == 1
    assert "Armazém needs Python 3.11 or newer, this is 3." in done.stderr
    assert "PYTHON=" in done.stderr


def _python(minor: int) -> str | None:
    """A Python of this version that starts: a manager's stand-in for one may not."""
    named = [
        shutil.which(f"python3.{minor}"),
        *map(str, Path("~/.pyenv/versions").expanduser().glob(f"3.{minor}.*/bin/python")),
    ]
    for name in filter(None, named):
        if subprocess.run([name, "-c", ""], capture_output=True, check=False).returncode == 0:
            return name
    return None


def test_wrong_use() -> None:
    done = make(sys.executable, "environment")
    assert (done.returncode, "VENV LOCK" in done.stderr) == (2, True)


def test_the_locks_agree_and_name_no_index() -> None:
    run, everything = ((ROOT / name).read_text() for name in ("requirements-run.lock", "requirements.lock"))
    assert dict(NAMES.findall(run)).items() <= dict(NAMES.findall(everything)).items()
    for text in (run, everything):
        assert not re.search(r"https?://|--index|--find-links|^/", text, re.MULTILINE)
