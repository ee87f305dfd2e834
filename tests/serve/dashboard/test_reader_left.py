"""A reader who leaves while something is asked for the page: what comes is put nowhere, and nothing is logged."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest
from golden import Golden
from nicegui import Client
from nicegui.helpers import warnings
from nicegui.testing import user_simulation

from armazem.home import Home
from armazem.serve.dashboard.frame import Frame, Sources
from armazem.serve.dashboard.pages import data, overview
from armazem.targets.duckdb.query import Published
from armazem.targets.rows import Rows

Work = Callable[[Frame], Awaitable[None]]


class Held(Published):
    """Answers when it may."""

    def __init__(self, home: Home) -> None:
        super().__init__(home)
        self.may, self.asked = threading.Event(), threading.Event()
        self.may.set()

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> Rows:
        self.asked.set()
        assert self.may.wait(30)
        return super().query(sql, parameters)


async def _another_build(frame: Frame) -> None:
    frame._build = "an older one"
    await frame._look()


async def _the_first_build(frame: Frame) -> None:
    frame._build = None
    await frame._look()


async def _what_the_home_holds(frame: Frame) -> None:
    await frame._looks[0][1]()


WAYS: dict[str, tuple[Callable[[Frame], None], Work]] = {
    "another build": (overview.make, _another_build),
    "the first build": (overview.make, _the_first_build),
    "the first fill": (overview.make, lambda frame: frame._first_fill()),
    "another filter": (overview.make, lambda frame: frame.show(state="SP")),
    "light or dark": (overview.make, lambda frame: frame._switch()),
    "what the home holds": (data.make, _what_the_home_holds),
}


@pytest.mark.parametrize("way", WAYS)
def test_leaving(golden: Golden, tmp_path: Path, way: str, caplog: pytest.LogCaptureFixture) -> None:
    golden.once(tmp_path / "home")
    make, work = WAYS[way]
    warnings.reset()  # of what it has warned of once

    async def read_and_leave(published: Held) -> None:
        opened: list[Frame] = []
        sources = Sources(published, cast(Any, None), lambda: "no live figures", ZoneInfo("America/Sao_Paulo"))

        async def page() -> None:
            opened.append(Frame(sources, "/", {}, filters=make is overview.make))
            await opened[0].open(lambda: make(opened[0]))

        async with user_simulation(page) as user:
            await user.open("/")
            frame = opened[0]
            while frame._filling:
                await asyncio.sleep(0.01)
            published.asked.clear()
            published.may.clear()
            with frame._content:
                working = asyncio.ensure_future(_in(frame, work))
            while not published.asked.is_set():
                assert not working.done(), working
                await asyncio.sleep(0.01)
            for client in list(Client.instances.values()):
                client.delete()
            del client, user
            published.may.set()
            await working
            await asyncio.sleep(0)
            # The end of the simulation has remarks of its own: of what still runs on a busy machine.
            assert not caplog.records

    with caplog.at_level(logging.WARNING), contextlib.closing(Held(Home(tmp_path / "home"))) as published:
        asyncio.run(read_and_leave(published))


async def _in(frame: Frame, work: Work) -> None:
    """As an event of the page, or its timer, would call it."""
    with frame._content:
        await work(frame)
