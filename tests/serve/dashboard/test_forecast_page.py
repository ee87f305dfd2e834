"""The forecast page without a browser: filled, filtered, and over versions that lack what it shows."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, cast
from zoneinfo import ZoneInfo

import duckdb
import pytest
from golden import Golden
from nicegui import ui
from nicegui.testing import User, user_simulation

from armazem.home import Home
from armazem.serve.dashboard.downloads import csv_lines
from armazem.serve.dashboard.frame import FORECAST_PAGE, NO_BUILD, Frame, Sources
from armazem.serve.dashboard.pages import forecast
from armazem.serve.dashboard.pages.forecast_order import OrderWindow
from armazem.serve.dashboard.pages.forecast_worklist import LARGEST, WorklistPanel
from armazem.targets.duckdb.query import Published
from armazem.targets.duckdb.versions import make_current, version_file

P = TypeVar("P")
OTHER = "20991231T000000000000Z"


@dataclass
class Page:
    """A page that is open: its user, its frame, and whom to ask for what it should show."""

    user: User
    frame: Frame
    published: Published

    def panel(self, kind: type[P]) -> P:
        [found] = [panel for panel in self.frame.panels if isinstance(panel, kind)]
        return found

    def value(self, sql: str) -> Any:
        return self.published.query(sql).rows[0][0]

    def shown(self) -> list[list[Any]]:
        return list(self.panel(WorklistPanel)._grid.options["rowData"])

    async def show(self, **changes: Any) -> None:
        with self.frame._content:
            await self.frame.show(**changes)


@contextlib.asynccontextmanager
async def opened(home: Path, **given: str) -> AsyncIterator[Page]:
    frames: list[Frame] = []
    with contextlib.closing(Published(Home(home))) as published:
        sources = Sources(published, cast(Any, None), lambda: "no live figures", ZoneInfo("America/Sao_Paulo"))

        async def page() -> None:
            frames.append(Frame(sources, FORECAST_PAGE, given))
            await frames[0].open(lambda: forecast.make(frames[0]))

        async with user_simulation(page) as user:
            await user.open("/")
            while frames[0]._filling:
                await asyncio.sleep(0.01)
            yield Page(user, frames[0], published)


def run(home: Path, look: Callable[[Page], Awaitable[None]], **given: str) -> None:
    async def looking() -> None:
        async with opened(home, **given) as page:
            await look(page)

    asyncio.run(looking())


@pytest.fixture
def home(golden: Golden, tmp_path: Path) -> Path:
    golden.once(tmp_path / "home")
    return tmp_path / "home"


def without(home: Path, *statements: str) -> None:
    """Publish another version, as an older armazem would have built it."""
    current = (home / "current").readlink().stem
    file = version_file(Home(home), OTHER)
    file.write_bytes(version_file(Home(home), current).read_bytes())
    with duckdb.connect(str(file)) as connection:
        for statement in statements:
            connection.execute(statement)
    make_current(Home(home), OTHER)


def notices(page: Page) -> list[str]:
    return [
        element.text
        for element in page.frame._content.descendants()
        if isinstance(element, ui.label) and "notice" in element.classes
    ]


def test_open_orders_are_listed_and_can_be_downloaded(home: Path) -> None:
    async def look(page: Page) -> None:
        there = page.value("select count(*) from features.feat_order_delivery where stage = 'today'")
        first = page.value(
            "select order_id from features.feat_order_delivery where stage = 'today' "
            "order by elapsed_s - promised_s desc, order_id limit 1"
        )
        assert 1 < there <= 100 and len(page.shown()) == there and page.shown()[0][0] == first
        assert not notices(page)
        lines = "".join(csv_lines(page.panel(WorklistPanel).csv_rows())).splitlines()
        assert len(lines) == there + 1 and lines[0].endswith("late_probability,risk_permille,reason")
        assert lines[1].startswith(first)

    run(home, look)


def test_the_filters_and_the_reason_hold_for_list_and_file(home: Path) -> None:
    async def look(page: Page) -> None:
        state = page.value(
            "select customer_state from features.feat_order_delivery join marts.fact_orders using (order_id) "
            "where stage = 'today' order by order_id limit 1"
        )
        await page.show(state=state)
        there = page.value(
            "select count(*) from features.feat_order_delivery join marts.fact_orders using (order_id) "
            f"where stage = 'today' and customer_state = '{state}'"
        )
        assert len(page.shown()) == there and {row[1] for row in page.shown()} == {state}
        await page.show(state="", reason="promise")
        panel = page.panel(WorklistPanel)
        chosen = page.value(
            f"select count(*) from features.feat_order_delivery as f where stage = 'today' and {LARGEST} = 'promise'"
        )
        rows = [row for batch in panel.csv_rows() for row in batch]
        assert len(rows) == chosen + 1 and panel._reason.value == "promise"
        assert not panel._empty.visible or not chosen

    run(home, look)


def test_a_click_opens_the_order_and_so_does_its_address(home: Path) -> None:
    async def click(page: Page) -> None:
        grid, window = page.panel(WorklistPanel)._grid, page.panel(OrderWindow)
        assert not window._window.value
        row = page.shown()[0]
        [listener] = [found for found in grid._event_listeners.values() if found.type == "cellClicked"]
        grid._handle_event({"listener_id": listener.id, "args": {"data": row, "colId": "order_id"}})
        while not window._window.value:
            await asyncio.sleep(0.01)
        assert page.frame.view.order == row[0] and row[0] in window._title.text
        assert "Predictions" in window._said.content and "Payments" in window._said.content
        window._window.close()
        while page.frame.view.order:
            await asyncio.sleep(0.01)
        assert f"order={row[0]}" not in page.frame.view.url(FORECAST_PAGE)
        assert len(page.shown()) > 1  # nothing else has been touched

    async def address(page: Page) -> None:
        window = page.panel(OrderWindow)
        assert window._window.value and "Delivered" in window._said.content
        assert all("order=" not in page.frame.link(path) for path in ("/", FORECAST_PAGE))
        await page.show(order="nobody")
        assert "No such order" in window._said.content

    run(home, click)
    with contextlib.closing(Published(Home(home))) as published:
        order = published.query("select min(order_id) from marts.fact_orders where order_status = 'delivered'").rows
    run(home, address, order=order[0][0])


def test_before_the_first_build(tmp_path: Path) -> None:
    async def look(page: Page) -> None:
        assert notices(page) == [NO_BUILD]

    run(tmp_path / "home", look)


@pytest.mark.parametrize(
    ("statement", "missing"),
    [
        ("drop schema features cascade", ["predictions of deliveries", "forecast of the next days"]),
        ("drop table features.feat_forecast", ["forecast of the next days"]),
    ],
)
def test_a_version_without_them_says_so_and_the_next_one_fills_the_page(
    home: Path, statement: str, missing: list[str]
) -> None:
    current = (home / "current").readlink().stem
    without(home, statement)

    async def look(page: Page) -> None:
        said = notices(page)
        assert len(said) == len(missing) and all("armazem build" in words for words in said)
        assert all(what in words for what, words in zip(missing, said, strict=True))
        order = page.value("select min(order_id) from marts.fact_orders")
        await page.show(order=order)  # what an order is, is known nonetheless
        assert "Payments" in page.panel(OrderWindow)._said.content
        make_current(Home(home), current)
        with page.frame._content:
            await page.frame._look()
        assert not notices(page) and page.shown()

    run(home, look)


def test_nothing_is_on_its_way(home: Path) -> None:
    without(home, "delete from features.feat_order_delivery", "delete from features.feat_forecast")

    async def look(page: Page) -> None:
        empty = {panel._title: panel._words.text for panel in page.frame.panels if getattr(panel, "_empty", None)}
        assert len(empty) == 11 and not any("could not be read" in words for words in empty.values())
        assert "No order is on its way" in empty["Open orders by risk"]
        assert "no forecast" in empty["Revenue of the next 14 days"]

    run(home, look)
