"""How much the long tests do, and where their figures go: small numbers in `make test`, large in `make soak`."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True, slots=True)
class Numbers:
    """Of the tests marked `slow`: kills of a build, builds beside readers, histories loaded day by day."""

    kills: int
    builds_beside_readers: int
    histories: int


SHORT = Numbers(kills=3, builds_beside_readers=2, histories=1)
SOAK = Numbers(kills=50, builds_beside_readers=20, histories=20)

_numbers = SOAK if os.environ.get("ARMAZEM_SOAK") == "1" else SHORT


@pytest.fixture(scope="session")
def numbers() -> Numbers:
    return _numbers


@pytest.fixture(scope="session")
def report() -> Callable[..., None]:
    """Appends the figures of a long test as a line of JSON to the file $ARMAZEM_SOAK_REPORT, if that is set."""
    path = os.environ.get("ARMAZEM_SOAK_REPORT")

    def write(test: str, **figures: object) -> None:
        if path:
            with Path(path).open("a", encoding="utf-8") as file:  # one write of one line: workers do not mix
                file.write(json.dumps({"test": test, **figures}) + "\n")

    return write


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test sees only the settings it makes itself."""
    for name in [name for name in os.environ if name.startswith("ARMAZEM_")]:
        monkeypatch.delenv(name)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "history_seed" in metafunc.fixturenames:
        metafunc.parametrize("history_seed", range(1, _numbers.histories + 1))
