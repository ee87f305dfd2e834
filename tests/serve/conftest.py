from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from contract.event_examples import NOW

from armazem.config import Settings
from armazem.home import Home
from armazem.live.service import LiveState

from .running import Running


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server for all tests of a module. They tell their events apart by fresh ids."""
    with Running(tmp_path_factory.mktemp("served") / "home") as running:
        yield running


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def shop(tmp_path: Path) -> Home:
    return Home(tmp_path / "home").open()


@pytest.fixture
def open_live(shop: Home) -> Iterator[Callable[..., LiveState]]:
    """Makes live states of the shop, and closes them."""
    opened = []

    def make(**options: Any) -> LiveState:
        opened.append(LiveState(shop, Settings(home=shop.root), **{"clock": lambda: NOW, **options}))
        return opened[-1]

    yield make
    for live in opened:
        live.close()
