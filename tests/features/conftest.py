from __future__ import annotations

from pathlib import Path

import pytest
from golden import Golden
from reference import compute
from warehouse.shop import Shop

from armazem.config import Settings

from .known import Shown


@pytest.fixture(scope="session")
def shop(golden: Golden, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """The shop of 150 orders and 60 others, published. Not to be changed."""
    return golden.twice(tmp_path_factory.mktemp("features") / "home")


@pytest.fixture
def settings(shop: Shop) -> Settings:
    return Settings(home=shop.path)


@pytest.fixture(scope="session")
def shown(golden: Golden) -> Shown:
    """The same orders, as plain Python knows them from the files."""
    return Shown(compute([golden.first, golden.second]))


@pytest.fixture
def requests_csv(tmp_path: Path) -> Path:
    return tmp_path / "requests.csv"
