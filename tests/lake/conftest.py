"""A home folder with a lake per test, and the extracts of a small shop with its defects."""

from __future__ import annotations

from pathlib import Path

import pytest

from armazem.config import Settings, load_settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(home=tmp_path / "home", landing="lake")
