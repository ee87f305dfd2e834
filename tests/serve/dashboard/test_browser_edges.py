"""The dashboard on data unlike Olist's, with addresses that nobody should send, and with typed filters."""

from __future__ import annotations

import csv
import io
import itertools
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
from playwright.sync_api import Browser, expect
from warehouse.shop import Shop

from armazem.targets.duckdb.versions import version_file

from ..running import Running
from .browser import Reader, chromium, needs_chromium, reader
from .small_data import gaps, ten_days, whole_shop

pytestmark = [needs_chromium, pytest.mark.xdist_group("browser")]

# No query has an answer while this file is there.
_SLOW = (
    "import os, time, armazem.targets.duckdb.query as query; quick = query.Published.query; "
    "wait = lambda: [time.sleep(0.05) for _ in iter(lambda: os.path.exists({!r}), False)]; "
    "query.Published.query = lambda self, *given: (wait(), quick(self, *given))[1]"
)


@dataclass(frozen=True)
class Site:
    shop: Shop
    server: Running
    browser: Browser
    days: list[date]
    """Of the orders, in order."""

    def rows(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(version_file(self.shop.home, self.shop.current)), read_only=True) as connection:
            return connection.execute(sql, parameters).fetchall()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, date]:
    return whole_shop(tmp_path_factory.mktemp("edges") / "all")


@contextmanager
def _serving(home: Path, source: Path, browser: Browser, days: list[date]) -> Iterator[Site]:
    shop = Shop(home)
    shop.load(source)
    shop.build()
    with Running(home) as server:
        yield Site(shop, server, browser, days)


@pytest.fixture(scope="module")
def gappy(files: tuple[Path, date], browser: Browser) -> Iterator[Site]:
    """One state, no geolocation, two months without an order, the first and the last month cut."""
    folder, month = files
    days = gaps(folder, folder.parent / "gaps", month)
    with _serving(folder.parent / "gappy", folder.parent / "gaps", browser, days) as site:
        yield site


@pytest.fixture(scope="module")
def young(files: tuple[Path, date], browser: Browser) -> Iterator[Site]:
    """Ten days of one state, with points."""
    folder, month = files
    days = ten_days(folder, folder.parent / "ten", month)
    with _serving(folder.parent / "young", folder.parent / "ten", browser, days) as site:
        yield site


@pytest.fixture
def visitor(gappy: Site) -> Iterator[Reader]:
    with reader(gappy.browser, gappy.server.url) as somebody:
        yield somebody


def _options(visitor: Reader, chart: str) -> dict[str, Any]:
    """What the chart in the panel of this title draws."""
    found: dict[str, Any] = visitor.page.wait_for_function(
        "title => { const box = document.querySelector(`section[aria-label='${title}'] canvas`)?.closest('[id^=c]');"
        "return box && getElement(parseInt(box.id.slice(1)))?.chart?.getOption(); }",
        arg=chart,
    ).json_value()
    return found


def _csv(visitor: Reader, name: str) -> list[dict[str, str]]:
    with visitor.page.expect_download() as download:
        visitor.page.get_by_label(f"Download {name} as CSV").click()
    return list(csv.DictReader(io.StringIO(download.value.path().read_text(encoding="utf-8-sig"))))


def _month(day: date, later: int = 0) -> date:
    years, at = divmod(day.year * 12 + day.month - 1 + later, 12)
    return date(years, at + 1, 1)


def test_the_first_view_has_whole_months_and_those_without_a_sale(gappy: Site, visitor: Reader) -> None:
    visitor.open("/")
    first, last = gappy.days[0], gappy.days[-1]
    rows = _csv(visitor, "sales-trend")
    months = [date.fromisoformat(row["period"]) for row in rows]

    assert months[0] == _month(first, 1) and months[-1] == _month(last, -1)
    assert months == [_month(months[0], later) for later in range(len(months))]
    assert {row["partial"] for row in rows} == {"false"}
    assert [row["orders"] for row in rows].count("0") == 2
    assert len(_options(visitor, "Sales trend")["xAxis"][0]["data"]) == len(months)
    assert "▼" not in visitor.page.locator('section[aria-label="Revenue"] .change').inner_text()


def test_a_month_that_is_cut_is_marked_wherever_it_is_shown(gappy: Site, visitor: Reader) -> None:
    first, last = gappy.days[0], gappy.days[-1]
    visitor.open(f"/?from={_month(first)}&to={last}")
    rows = _csv(visitor, "sales-trend")
    assert [row["partial"] for row in rows] == ["true", *["false"] * (len(rows) - 2), "true"]
    bars = _options(visitor, "Sales trend")["series"][0]["data"]
    assert [bar.get("itemStyle", {}).get("opacity", 1) < 1 for bar in bars] == [
        row["partial"] == "true" for row in rows
    ]
    assert "(partial, " in bars[0]["tooltip"]["formatter"] and "(partial" not in bars[1]["tooltip"]["formatter"]
    assert "only a part is known" in visitor.page.locator(".page").inner_text()
    assert "no data for" in visitor.page.locator('section[aria-label="Revenue"] .change').inner_text()
    visitor.open(f"/customers?from={_month(first)}&to={last}")
    assert [row["partial"] for row in _csv(visitor, "new-and-returning-customers")][:: len(rows) - 1] == ["true"] * 2


def test_a_month_so_far_is_compared_with_the_same_days(gappy: Site, visitor: Reader) -> None:
    last = gappy.days[-1]
    visitor.open(f"/?from={_month(last)}&to={_month(last, 1)}")
    counted = "select count(*) from marts.fact_orders where is_valid_sale and cast(order_purchase_timestamp as date) "
    (now,), (before,) = (
        gappy.rows(f"{counted} between ? and ?", start, start.replace(day=last.day))[0]
        for start in (_month(last), _month(last, -1))
    )
    said = visitor.page.locator('section[aria-label="Orders"] .change').inner_text()
    assert f"{100 * abs(now / before - 1):.1f}%" in said and "same days of" in said
    late = visitor.page.locator('section[aria-label="Late share"] .change').inner_text()
    assert "pp vs." in late


@pytest.mark.parametrize("grain", ["day", "week"])
def test_no_day_or_week_is_missing(gappy: Site, visitor: Reader, grain: str) -> None:
    for path, name in (("/", "sales-trend"), ("/products", "top-sellers-over-time")):
        visitor.open(f"{path}?from={gappy.days[0]}&to={gappy.days[-1]}&grain={grain}")
        periods = sorted({date.fromisoformat(row["period"]) for row in _csv(visitor, name)})
        step = 1 if grain == "day" else 7
        assert {(b - a).days for a, b in itertools.pairwise(periods)} == {step}
        assert periods[0] <= gappy.days[0] and (gappy.days[-1] - periods[-1]).days < step


def test_a_map_without_points_is_of_the_states(gappy: Site, visitor: Reader) -> None:
    visitor.open("/")
    assert "Nothing was sold" not in visitor.page.locator(".page").inner_text()
    for name in ("Where it is sold", "Where it comes late"):
        states, sold = _options(visitor, name)["series"]
        assert len(states["data"]) == 27
        assert [dot["value"][:2] for dot in sold["data"]] == [[-48.79, -22.19]]
    assert "middle of their state" in visitor.page.locator('section[aria-label="Where it is sold"] .note').inner_text()


def test_ten_days_are_shown_by_day_and_one_state_fills_the_map(young: Site) -> None:
    with reader(young.browser, young.server.url) as somebody:
        somebody.open("/")
        assert len(_csv(somebody, "sales-trend")) == (young.days[-1] - young.days[0]).days + 1
        drawn = _options(somebody, "Where it is sold")
        wide, high = (drawn[axis][0]["max"] - drawn[axis][0]["min"] for axis in ("xAxis", "yAxis"))
        assert wide == pytest.approx(high) and wide < 20
        assert drawn["series"][1]["data"]
        somebody.open("/?grain=month")
        assert [row["partial"] for row in _csv(somebody, "sales-trend")] == ["true"]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("from=0001-01-01&to=9999-12-31", "taken as 1900-01-01"),
        ("to=9999-12-31", "taken as 2199-12-31"),
        ("from=9999-12-31", "taken as 2199-12-31"),
        ("from=2018-05-01&to=2018-01-01", "wrong way round"),
        ("from=yesterday&to=%00", "this is no date"),
        ("sate=SP", "sate: not known here"),
        ("seller=%00&category=%F0%9F&state=%2527", "There is no seller named"),
        ("from=1950-01-01&to=1950-12-31", "There are no data for 1 Jan 1950 – 31 Dec 1950"),
    ],
)
def test_no_address_is_an_error(gappy: Site, visitor: Reader, query: str, said: str) -> None:
    for path in ("/", "/products", "/sellers", "/customers"):
        for more in ("", "&grain=day"):
            answer = visitor.page.request.get(f"{gappy.server.url}{path}?{query}{more}")
            assert answer.status == 200 and "could not be read" not in answer.text()
    visitor.open(f"/?{query}")
    assert any(said in text for text in visitor.page.locator(".page .notice").all_inner_texts())


def test_an_unknown_value_is_said_and_can_be_taken_away(gappy: Site, visitor: Reader) -> None:
    (orders,) = gappy.rows("select count(*) from marts.fact_orders where is_valid_sale")[0]
    dates = f"from={gappy.days[0]}&to={gappy.days[-1]}"
    for name, value in (("state", "XX"), ("category", "bed_bath_tabel"), ("seller", "nobody")):
        visitor.open(f"/?{dates}&{name}={value}")
        notice = visitor.page.locator(".page .notice:visible")
        assert f"There is no {name} named {value}" in notice.inner_text()
        notice.get_by_role("button", name=f"Remove the {name}").click()
        visitor.wait_for_card("Orders", str(orders))
        notice.wait_for(state="detached")
        expect(visitor.page.get_by_label(name.capitalize()).first).to_have_value("")
        assert value not in visitor.page.url


def test_what_is_typed_is_chosen_with_enter(gappy: Site, visitor: Reader) -> None:
    visitor.open("/")
    state = visitor.page.get_by_label("State").first
    for typed in ("sp", "são paulo"):
        state.fill(typed)
        state.press("Enter")
        visitor.page.wait_for_url(re.compile("state=SP"))
        visitor.page.get_by_role("button", name="Clear").last.click()
        visitor.page.wait_for_url(re.compile("^[^?]*$"))
        visitor.settled()
    state.fill("zz")
    state.press("Enter")
    visitor.page.get_by_text("There is no state named zz.").wait_for()
    assert "state=" not in visitor.page.url
    category = visitor.page.get_by_label("Category").first
    category.fill("bed bath")
    category.press("Enter")
    visitor.page.wait_for_url(re.compile("category=bed_bath_table"))


def test_a_seller_is_searched_for_and_filters_when_chosen(gappy: Site, visitor: Reader) -> None:
    visitor.open("/")
    seller, city = gappy.rows(
        "select seller_id, seller_city from kpis.agg_sales_by_seller order by revenue_rank desc limit 1"
    )[0]
    before, address = visitor.card("Orders"), visitor.page.url
    field = visitor.page.get_by_label("Seller").first
    field.click()
    field.press_sequentially(seller[:6].upper(), delay=40)
    option = visitor.page.get_by_role("option", name=re.compile(seller))
    option.wait_for()
    assert visitor.card("Orders") == before and visitor.page.url == address
    option.click()
    visitor.page.wait_for_url(re.compile(f"seller={seller}"))
    visitor.open("/")
    field.click()
    field.press_sequentially(city[:5], delay=40)
    visitor.page.get_by_role("option", name=re.compile(city, re.IGNORECASE)).first.wait_for()
    field.fill(seller)
    field.press("Enter")
    visitor.page.wait_for_url(re.compile(f"seller={seller}"))
    assert not visitor.page.locator(".page .notice:visible").count()


@pytest.mark.parametrize("path", ["/", "/live"])
def test_a_slow_machine_shows_a_page_first_and_the_figures_then(gappy: Site, tmp_path: Path, path: str) -> None:
    home = tmp_path / "slow"
    shutil.copytree(
        gappy.shop.path, home, symlinks=True, ignore=shutil.ignore_patterns("journal", "live", "dead-letters")
    )
    slow = tmp_path / "is slow"
    with (
        Running(home, before=_SLOW.format(str(slow))) as server,
        reader(gappy.browser, server.url) as somebody,
    ):
        slow.touch()
        answer = somebody.page.goto(server.url + path)
        assert answer is not None and answer.status == 200
        somebody.page.wait_for_selector("nav")
        if path == "/":
            expect(somebody.page.locator(".page")).to_contain_text("Loading")
        slow.unlink()
        somebody.page.wait_for_selector('section[aria-label="Orders"]')
        somebody.settled()
        somebody.page.locator(".page canvas").nth(1 if path == "/" else 0).wait_for()
