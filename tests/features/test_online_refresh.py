"""When look-ups read the journal again: once for all who ask, beside them, and not for nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from golden import Golden
from stream.shop_events import messages
from warehouse.shop import Shop

from armazem.config import Settings
from armazem.errors import HomeError
from armazem.features import online as module
from armazem.features.online import Online
from armazem.home import Home
from armazem.intake.ingest import Ingest


@dataclass
class Readings:
    """Readings of the journal: how many began, each held up while `open` is not set; `failing`: with this error."""

    begun: int = 0
    open: threading.Event = field(default_factory=threading.Event)
    failing: Exception | None = None


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def readings(monkeypatch: pytest.MonkeyPatch) -> Readings:
    found = Readings()
    found.open.set()
    read: Callable[..., Any] = module.read_changes

    def held(home: Home, build: str) -> Any:
        found.begun += 1
        assert found.open.wait(30)
        if found.failing:
            raise found.failing
        return read(home, build)

    monkeypatch.setattr(module, "read_changes", held)
    return found


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def shop(golden: Golden, tmp_path: Path) -> Shop:
    return golden.once(tmp_path / "home")


@pytest.fixture
def online(shop: Shop, readings: Readings, clock: Clock) -> Iterator[Online]:
    with closing(Online(shop.home, clock=clock)) as opened:
        yield opened


def send(shop: Shop, first: int) -> None:
    with Ingest(shop.home, Settings(home=shop.path)) as writer:
        assert writer.submit(messages(first, 1), "test").result().accepted == 1


def test_all_who_ask_first_wait_for_one_reading(online: Online, readings: Readings) -> None:
    readings.open.clear()
    assert online.at_hand() is None
    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(online.current) for _ in range(8)]
        readings.open.set()
        assert len({id(each.result(30)) for each in asked}) == 1
    assert readings.begun == 1


def test_who_asks_meanwhile_gets_what_there_is(shop: Shop, online: Online, readings: Readings, clock: Clock) -> None:
    first = online.current()
    send(shop, 1)
    clock.now = 0.9
    assert online.current() is first
    online.close()
    assert readings.begun == 1

    readings.open.clear()
    clock.now = 1.1
    assert online.current() is first and online.at_hand() is first
    readings.open.set()
    online.close()
    assert (readings.begun, online.current().changes.until, first.changes.until) == (2, 1, 0)
    assert online.current().published is first.published


def test_who_asks_after_a_rest_waits_for_the_events_since(shop: Shop, online: Online, clock: Clock) -> None:
    online.current()
    send(shop, 1)
    clock.now = 3600
    assert online.at_hand() is None
    assert online.current().changes.until == 1


def test_nothing_is_read_while_nothing_comes(online: Online, readings: Readings, clock: Clock) -> None:
    first = online.current()
    for clock.now in (2, 4, 3600):
        assert online.current() is first
        online.close()
    assert readings.begun == 1


def test_an_error_is_told_for_a_moment_and_then_it_is_tried_again(
    shop: Shop, online: Online, readings: Readings, clock: Clock
) -> None:
    readings.failing = HomeError("the disk is gone", "bring it back")
    for clock.now in (0, 0.5):
        with pytest.raises(HomeError, match="disk is gone"):
            online.current()
    assert readings.begun == 1
    readings.failing = None
    clock.now = 1.5
    first = online.current()

    # What is there stays good for some seconds.
    readings.failing = HomeError("the disk is gone", "bring it back")
    send(shop, 1)
    clock.now = 3
    assert online.current() is first
    online.close()
    assert online.current() is first
    clock.now = 10
    with pytest.raises(HomeError):
        online.current()
