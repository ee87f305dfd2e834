"""A home folder of its own for every test."""

from __future__ import annotations

from pathlib import Path

import pytest

from armazem.config import Settings
from armazem.home import Home


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home").open()


@pytest.fixture
def settings(home: Home) -> Settings:
    return Settings(home=home.root)
