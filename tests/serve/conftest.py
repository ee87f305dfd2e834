from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from .running import Running


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server for all tests of a module. They tell their events apart by fresh ids."""
    with Running(tmp_path_factory.mktemp("served") / "home") as running:
        yield running


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"
