"""One home folder per worker, emptied for each module: dbt then reads its project once."""

from __future__ import annotations

from pathlib import Path

import pytest

from .shop import Shop


@pytest.fixture(scope="session")
def warm_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("warm") / "home"


@pytest.fixture(scope="module")
def shop(warm_home: Path) -> Shop:
    shop = Shop(warm_home)
    shop.reset()
    return shop
