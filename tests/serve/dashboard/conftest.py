"""A shop that is built once; each module has a copy of it with a server and a browser of its own."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from warehouse.shop import Shop

from ..running import Running
from .browser import Reader, chromium, reader
from .site import Site, built_shop


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Shop, Path]:
    return built_shop(tmp_path_factory.mktemp("dashboard"))


@pytest.fixture(scope="module")
def site(built: tuple[Shop, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    shop, second = Shop(tmp_path_factory.mktemp("site") / "home"), built[1]
    shutil.copytree(built[0].path, shop.path, symlinks=True)
    with Running(shop.path) as server, chromium() as browser:
        yield Site(shop, server, browser, second)


@pytest.fixture
def visitor(site: Site) -> Iterator[Reader]:
    with reader(site.browser, site.server.url) as somebody:
        yield somebody
