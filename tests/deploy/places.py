"""Where things are, and how their linters are run."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def program(name: str, reason: str = "`make deploy` runs these, in an environment that has it") -> str:
    """A linter of the environment that runs the tests, else of the system. Skips the test where there is none."""
    beside = Path(sys.executable).with_name(name)
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not here: {reason}")
    return found


def said(*command: object, cwd: Path = ROOT, codes: tuple[int, ...] = (0,), **variables: str) -> str:
    """What a command says on both outputs. It has to end with one of the codes, and within minutes."""
    # Linters ask for one another on the path.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd, env=os.environ | {"PATH": path} | variables, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode in codes, done.stdout + done.stderr
    return done.stdout + done.stderr
