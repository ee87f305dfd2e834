from __future__ import annotations

import pytest
from warehouse.shop import Shop

from . import small_shop


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """The small shop, loaded and published by the real commands. Not to be changed."""
    folder = tmp_path_factory.mktemp("report")
    shop = Shop(folder / "home")
    loaded = shop.armazem("load", small_shop.write(folder / "files"), "--partial")
    assert loaded.code == 0, loaded.err
    built = shop.armazem("build")
    assert built.code == 0, built.err
    return shop
