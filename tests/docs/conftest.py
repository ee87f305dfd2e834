"""One small build for all tests of the docs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tools.warehouse import Warehouse


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Warehouse, Path]:
    """The warehouse as the docs see it, and its home folder."""
    from tools.warehouse import build_warehouse

    folder = tmp_path_factory.mktemp("docs")
    return build_warehouse(folder, orders=200), folder / "home"


@pytest.fixture(scope="session")
def warehouse(built: tuple[Warehouse, Path]) -> Warehouse:
    return built[0]
