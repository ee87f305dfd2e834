"""The dashboard as a reader has it: real pages, in a real browser, of a real server on a built home folder."""

from __future__ import annotations

import csv
import io
import re
import struct
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb
import pytest
from axe_playwright_python.sync_playwright import Axe
from contract.event_examples import canonical, identifier, item, order, order_initiated, payment
from playwright.sync_api import Browser, Locator, expect
from warehouse.shop import Shop

from armazem.serve.dashboard.choices import first_view, read_choices
from armazem.serve.dashboard.formats import Format
from armazem.serve.dashboard.theme import DARK, LIGHT
from armazem.serve.dashboard.view import View
from armazem.sources.synthetic import generate
from armazem.warehouse.query import Published
from armazem.warehouse.versions import version_file

from ..running import JSON, Running
from .browser import PAGES, Reader, chromium, needs_chromium, reader

pytestmark = [needs_chromium, pytest.mark.xdist_group("browser")]

HOSTILE = "<script>alert(1)</script> d'oeste {b}"


@dataclass(frozen=True)
class Site:
    """A server on a shop that has one build of `first`; `second` waits to be loaded."""

    shop: Shop
    server: Running
    browser: Browser
    second: Path

    def value(self, sql: str, *parameters: Any) -> Any:
        """The only value of an answer of the published version."""
        with duckdb.connect(str(version_file(self.shop.home, self.shop.current)), read_only=True) as connection:
            row = connection.execute(sql, parameters).fetchone()
        return row[0] if row else None

    @cached_property
    def shown(self) -> str:
        """Condition of the valid orders in the dates of the first view, which tests/.../test_periods.py holds."""
        with closing(Published(self.shop.home)) as published:
            choices = read_choices(lambda query: published.query(query.sql, query.parameters), date.today())
        assert choices is not None
        view = first_view(View(), choices)
        assert view.start is not None and view.end is not None and (view.end - view.start).days > 180
        return (
            f"order_purchase_timestamp >= date '{view.start}' and order_purchase_timestamp < date '{view.end}' + 1 "
            "and is_valid_sale"
        )


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("dashboard")
    shop = Shop(folder / "home")
    for number, orders in enumerate((700, 300)):
        generate(folder / str(number), orders=orders, seed=3 + number)
    sellers = folder / "0" / "olist_sellers_dataset.csv"
    lines = sellers.read_text(encoding="utf-8").split("\n")
    for at in range(1, 6):
        cells = next(csv.reader([lines[at]]))
        cells[2] = HOSTILE
        lines[at] = ",".join('"' + cell.replace('"', '""') + '"' for cell in cells)
    sellers.write_text("\n".join(lines), encoding="utf-8")
    shop.load(folder / "0")
    shop.build()
    with Running(shop.path) as server, chromium() as browser:
        yield Site(shop, server, browser, folder / "1")


@pytest.fixture
def visitor(site: Site) -> Iterator[Reader]:
    with reader(site.browser, site.server.url) as somebody:
        yield somebody


_VALID = "from marts.fact_orders where is_valid_sale"


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("theme", ["", "?theme=dark&lang=pt-BR"])
def test_every_page_shows_its_figures(visitor: Reader, path: str, theme: str) -> None:
    """And nothing is wrong: no error in the console, no request to another host, nothing serious that axe finds."""
    visitor.open(path + theme)
    page = visitor.page
    assert page.locator(".page section").count() >= 3
    said = page.locator(".page").inner_text()
    assert "could not be read" not in said and len(said) > 300
    if path not in ("/live", "/data"):
        assert page.locator(".page canvas").count() >= 2
        assert not page.locator(".page .empty:visible").count()
    page.wait_for_timeout(600)
    found = Axe().run(page, options={"resultTypes": ["violations"]})  # names, roles, contrast
    assert not [
        (violation["id"], [node["target"] for node in violation["nodes"]][:5])
        for violation in found.response["violations"]
        if violation["impact"] in ("serious", "critical")
    ]


def test_cards_say_what_sql_says(site: Site, visitor: Reader) -> None:
    visitor.open("/")
    form = Format("en")
    revenue, orders, customers = (
        site.value(f"select {what} from marts.fact_orders where {site.shown}")
        for what in ("sum(revenue)", "count(*)", "count(distinct customer_unique_id)")
    )
    assert visitor.card("Revenue") == form.compact_money(revenue)
    assert visitor.card("Orders") == form.compact(orders)
    assert visitor.card("Customers") == form.compact(customers)
    assert visitor.card("Average order value") == form.money(revenue / orders)
    for name in ("Revenue", "Orders", "Customers", "Average order value"):
        assert " days before" in visitor.page.locator(f'section[aria-label="{name}"] .change').inner_text()


def test_a_filter_changes_the_figures_and_the_address_which_can_be_shared(site: Site, visitor: Reader) -> None:
    visitor.open("/")
    page = visitor.page
    before = visitor.card("Orders")
    page.get_by_label("State").first.click()
    page.get_by_role("option", name="RJ", exact=True).click()
    expected = site.value(f"select count(*) from marts.fact_orders where {site.shown} and customer_state = 'RJ'")
    visitor.wait_for_card("Orders", Format().compact(expected))
    assert visitor.card("Orders") != before and "state=RJ" in page.url
    category = site.value(
        "select coalesce(product_category_name_english, product_category_name) as c from marts.fact_sales "
        f"join marts.dim_products using (product_id) where {site.shown} and customer_state = 'RJ' and c is not null "
        "group by c order by count(*) desc, c limit 1"
    )
    page.get_by_label("Category").first.fill(category)
    page.get_by_role("option", name=category, exact=True).first.click()
    sold = (
        "from marts.fact_sales s join marts.dim_products using (product_id) "
        f"where {site.shown.replace('order_purchase', 's.order_purchase')} and customer_state = 'RJ' "
        "and coalesce(product_category_name_english, product_category_name) = ?"
    )
    revenue = site.value(f"select sum(payment_value) {sold}", category)
    visitor.wait_for_card("Revenue", Format().compact_money(revenue))
    shown = {name: visitor.card(name) for name in ("Revenue", "Orders", "Customers", "Average order value")}
    assert shown["Orders"] == Format().compact(site.value(f"select count(distinct order_id) {sold}", category))
    with reader(site.browser, site.server.url) as somebody_else:
        somebody_else.page.goto(page.url)
        somebody_else.settled()
        assert {name: somebody_else.card(name) for name in shown} == shown
        expect(somebody_else.page.get_by_label("State").first).to_have_value("RJ")
    page.get_by_role("link", name="Products").click()
    visitor.settled()
    assert "state=RJ" in page.url and "category=" in page.url


def test_the_period_and_the_grain(site: Site, visitor: Reader) -> None:
    visitor.open("/?from=2018-01-10&to=2018-03-09&grain=week")
    where = f"{_VALID} and cast(order_purchase_timestamp as date) between '2018-01-10' and '2018-03-09'"
    assert visitor.card("Orders") == Format().compact(site.value(f"select count(*) {where}"))
    with visitor.page.expect_download() as download:
        visitor.page.get_by_label("Download sales-trend as CSV").click()
    rows = list(csv.DictReader(io.StringIO(download.value.path().read_text(encoding="utf-8-sig"))))
    weeks = site.value(f"select count(distinct date_trunc('week', order_purchase_timestamp)) {where}")
    assert len(rows) == weeks and sum(int(row["orders"]) for row in rows) == site.value(f"select count(*) {where}")
    assert f"{sum(float(row['revenue']) for row in rows):.2f}" == str(site.value(f"select sum(revenue) {where}"))
    visitor.page.get_by_role("button", name="Day", exact=True).click()
    visitor.page.wait_for_url(re.compile("grain=day"))


@pytest.mark.parametrize(
    ("path", "name"), [("/", "sales-trend"), ("/sellers", "scorecard"), ("/data?theme=dark", "tests")]
)
def test_charts_and_tables_download_as_pictures(visitor: Reader, path: str, name: str) -> None:
    visitor.open(path)
    visitor.page.wait_for_timeout(500)
    for _ in range(2):
        with visitor.page.expect_download() as download:
            visitor.page.get_by_label(f"Download {name} as PNG").click()
        content = download.value.path().read_bytes()
        assert content.startswith(b"\x89PNG") and len(content) > 5000
        width, height = struct.unpack(">II", content[16:24])
        assert width >= 840 and height > 2 * 60 + 500
    visitor.page.wait_for_function('!document.querySelector(\'[style*="left:-99999px"], [style*="left: -99999px"]\')')


def test_an_empty_table_has_no_picture(visitor: Reader) -> None:
    visitor.open("/data")
    visitor.page.get_by_label("Download rejected-rows as PNG").click()
    visitor.page.get_by_text("There is nothing to download yet.").wait_for()


def test_a_click_on_a_seller_shows_that_seller(site: Site, visitor: Reader) -> None:
    visitor.open("/sellers")
    cell = visitor.page.locator('.ag-cell[col-id="seller_id"]').nth(2)
    seller = cell.inner_text()
    cell.click()
    visitor.page.wait_for_url(re.compile(f"seller={seller}"))
    orders = site.value(
        f"select count(distinct order_id) from marts.fact_sales where seller_id = ? and {site.shown}", seller
    )
    visitor.wait_for_card("Orders", Format().compact(orders))
    rank = visitor.page.locator('.ag-row[row-index="0"] .ag-cell[col-id="rank"]').first
    expect(rank).to_have_text("3")  # where it stands among all


def test_tables_are_sorted_searched_paged_and_downloaded_whole(site: Site, visitor: Reader) -> None:
    """By the server, with the filters of the bar, and with the keyboard alone."""
    visitor.open("/products?from=2016-01-01&to=2019-01-01")
    page, name = visitor.page, "best-selling-products"
    table = page.locator('section[aria-label="Best-selling products"]')
    sold = "from marts.fact_sales where is_valid_sale group by product_id"
    products = site.value(f"select count(*) from (select 1 {sold})")
    assert products > 200
    said = table.locator(".turn .said")
    expect(said).to_have_text(f"1–100 of {products}")

    def cell(column: str) -> Locator:
        return table.locator(f'.ag-row[row-index="0"] .ag-cell[col-id="{column}"]')

    page.get_by_label(f"Last page of {name}").focus()
    page.keyboard.press("Enter")
    page.get_by_text(f"{(products - 1) // 100 * 100 + 1}–{products} of {products}").wait_for()
    expect(cell("rank")).to_have_text(str((products - 1) // 100 * 100 + 1))
    expect(page.get_by_label(f"Next page of {name}")).to_be_disabled()
    table.locator('.ag-header-cell[col-id="gmv"]').focus()
    for fewest in ("asc", "desc"):
        page.keyboard.press("Enter")
        extreme = f"{'min' if fewest == 'asc' else 'max'}(gmv)"
        gmv = site.value(f"select {extreme} from (select sum(price) as gmv {sold})")
        expect(cell("gmv")).to_have_text(Format().money(gmv))
    category = cell("category").inner_text()
    where = "coalesce(product_category_name_english, product_category_name, 'uncategorized')"
    names = f"from marts.dim_products where contains({where}, ?) and product_id in (select product_id {sold})"
    expected = site.value(f"select count(*) {names}", category)
    page.get_by_label(f"Find in {name}").fill(category.upper())
    page.get_by_text(f"{expected} row" if expected <= 100 else f"of {expected}", exact=False).first.wait_for()
    expect(cell("category")).to_have_text(category)
    with page.expect_download() as download:
        page.get_by_label(f"Download {name} as CSV").click()
    rows = list(csv.DictReader(io.StringIO(download.value.path().read_text(encoding="utf-8-sig"))))
    assert download.value.suggested_filename == f"{name}.csv"
    assert len(rows) == expected and all(category in row["category"] for row in rows)
    assert [float(row["gmv"]) for row in rows] == sorted((float(row["gmv"]) for row in rows), reverse=True)
    page.get_by_label(f"Find in {name}").fill("no such product")
    page.get_by_text("No row has these words.").wait_for()
    page.get_by_label(f"Find in {name}").fill("")
    page.get_by_text(f"1–100 of {products}").wait_for()
    with page.expect_download() as download:
        page.get_by_label(f"Download {name} as CSV").click()
    rows = list(csv.DictReader(io.StringIO(download.value.path().read_text(encoding="utf-8-sig"))))
    assert len({row["product_id"] for row in rows}) == products
    assert page.request.get(f"{visitor.url}/download/nothing").status == 404


def test_cells_can_be_copied(visitor: Reader) -> None:
    visitor.open("/sellers")
    cell = visitor.page.locator('.ag-cell[col-id="order_id"]').first
    cell.dblclick()
    assert re.fullmatch("[0-9a-f]{32}", visitor.page.evaluate("getSelection().toString()"))


def test_states_or_cities(site: Site, visitor: Reader) -> None:
    visitor.open("/customers")
    visitor.page.get_by_role("button", name="Cities").click()
    city = visitor.page.locator('.ag-cell[col-id="city"]').first
    city.wait_for()
    first = site.value(f"select customer_city from marts.fact_orders where {site.shown} group by customer_city, "
                       "customer_state order by count(*) desc, sum(revenue) desc limit 1")  # fmt: skip
    expect(city).to_have_text(first)
    visitor.page.get_by_role("button", name="States").click()
    city.wait_for(state="detached")


def test_dark_stays_dark(visitor: Reader) -> None:
    visitor.open("/")
    body = visitor.page.locator("body")
    for wanted in ("dark", "light"):
        visitor.page.get_by_label("Light or dark").click()
        visitor.page.wait_for_selector(f"body.body--{wanted}")
        visitor.page.get_by_role("button", name="Week" if wanted == "dark" else "Month", exact=True).click()
        visitor.page.wait_for_timeout(1500)
        assert f"body--{wanted}" in (body.get_attribute("class") or "")
        assert "theme" not in visitor.page.url


_CHART_TEXT = (
    "getElement(Number(document.querySelector('.page .nicegui-echart')?.id.slice(1)))"
    "?.chart?.getOption()?.textStyle?.color"
)


def looks(somebody: Reader, theme: str) -> None:
    """The page and its charts are light or dark, once they have come to rest."""
    somebody.page.wait_for_selector(f"body.body--{theme}")
    color = {"light": LIGHT, "dark": DARK}[theme].text
    somebody.page.wait_for_function(f"color => {_CHART_TEXT} === color", arg=color)


def test_the_systems_look_is_followed_unless_the_reader_says_otherwise(site: Site) -> None:
    with reader(site.browser, site.server.url, system="dark") as somebody:
        page = somebody.page
        looks(somebody.open("/"), "dark")  # also at the first time, when the server takes it for light
        somebody.wrong[:] = [what for what in somebody.wrong if not what.startswith("failed:")]  # it asks once more
        page.emulate_media(color_scheme="light")
        looks(somebody, "light")  # without a reload
        page.emulate_media(color_scheme="dark")
        looks(somebody, "dark")
        page.get_by_label("Light or dark").click()
        looks(somebody, "light")
        looks(somebody.open("/products"), "light")  # remembered
        page.emulate_media(color_scheme="light")
        page.emulate_media(color_scheme="dark")
        page.wait_for_timeout(500)
        looks(somebody, "light")
        page.get_by_label("Light or dark").click()  # what the system is: it is followed again
        looks(somebody, "dark")
        page.emulate_media(color_scheme="light")
        looks(somebody, "light")
        looks(somebody.open("/products"), "light")
        looks(somebody.open("/?theme=dark"), "dark")  # whoever shares a link may say so
        page.get_by_label("Light or dark").click()
        looks(somebody, "light")
        assert "theme" not in page.url


def test_back_undoes_a_filter_and_forward_does_it_again(site: Site, visitor: Reader) -> None:
    visitor.open("/customers")
    visitor.page.get_by_role("link", name="Overview").click()
    visitor.settled()
    page, first = visitor.page, visitor.page.url
    shown = [visitor.card("Orders")]

    def choose(state: str) -> None:
        page.get_by_label("State").first.click()
        page.get_by_role("option", name=state, exact=True).click()
        where = f"from marts.fact_orders where {site.shown} and customer_state = ?"
        visitor.wait_for_card("Orders", Format().compact(site.value(f"select count(*) {where}", state)))
        shown.append(visitor.card("Orders"))

    choose("RJ")
    choose("MG")
    page.get_by_role("button", name="Week", exact=True).click()
    page.wait_for_url(re.compile("grain=week"))
    page.go_back()
    page.wait_for_url(lambda url: "grain" not in url)
    page.locator('button[aria-pressed="true"]', has_text="Month").wait_for()
    page.go_back()
    visitor.wait_for_card("Orders", shown[1])
    expect(page.get_by_label("State").first).to_have_value("RJ")
    assert "state=RJ" in page.url
    page.go_back()
    visitor.wait_for_card("Orders", shown[0])
    expect(page.get_by_label("State").first).to_have_value("")
    assert page.url == first
    page.go_forward()
    visitor.wait_for_card("Orders", shown[1])
    assert "state=RJ" in page.url
    page.reload()
    visitor.settled()
    visitor.wait_for_card("Orders", shown[1])
    expect(page.get_by_label("State").first).to_have_value("RJ")
    page.go_forward()
    page.wait_for_url(re.compile("state=MG"))
    visitor.wait_for_card("Orders", shown[2])
    for _ in range(3):
        page.go_back()
        page.wait_for_timeout(300)
    page.wait_for_url(re.compile("/customers"))
    visitor.settled()


def test_live_shows_an_order_within_two_seconds(site: Site, visitor: Reader) -> None:
    visitor.open("/live")
    before = int(visitor.card("Orders").replace(",", ""))
    taken = []
    for number in range(1, 4):
        order_id = identifier(7000 + number)
        message = order_initiated(
            order(order_id=order_id), [item(order_id=order_id)], [payment(order_id=order_id)], event_id=f"b-{number}"
        )
        started = time.monotonic()
        said = site.server.client.post("/v1/events", content=canonical(message), headers=JSON)
        assert said.status_code == 200
        visitor.wait_for_card("Orders", f"{before + number:,}")
        taken.append(time.monotonic() - started)
        visitor.page.get_by_text(order_id[:8]).first.wait_for()
    assert min(taken) < 2, taken  # the slowest is the machine's, where other tests run beside


@pytest.mark.parametrize(
    "text", ["<script>alert(1)</script>", "' or 1=1 --", '"; drop table marts.fact_orders', "{b}", "%", "x" * 5000]
)
def test_code_in_a_filter_is_only_text(site: Site, visitor: Reader, text: str) -> None:
    for name in ("seller", "category", "state"):
        response = visitor.page.request.get(site.server.url + "/", params={name: text})
        assert response.status == 200
        assert "<script>alert" not in response.text()
    visitor.page.goto(f"{site.server.url}/?seller={text[:200].replace('%', '%25').replace('&', '%26')}")
    visitor.settled()
    assert visitor.card("Orders") == "0"
    assert site.value("select count(*) from marts.fact_orders") > 0


def test_code_in_the_data_is_only_text(site: Site, visitor: Reader) -> None:
    assert site.value("select count(*) from marts.dim_sellers where seller_city like '%script%'") == 5
    for path in PAGES:
        visitor.open(path + "?from=2016-01-01&to=2019-01-01")
    assert visitor.page.evaluate("document.querySelectorAll('.page script').length") == 0


def test_dates_the_wrong_way_round_and_nonsense(visitor: Reader) -> None:
    visitor.open("/?from=2018-05-01&to=2018-01-01&grain=hour&lang=xx")
    said = visitor.page.locator(".page .notice").all_inner_texts()
    assert any("wrong way round" in text for text in said) and any("day, week, month" in text for text in said)
    assert any("en, pt-BR" in text for text in said)
    visitor.open("/?from=2018-02-31")
    assert "this is no date" in visitor.page.locator(".page .notice").first.inner_text()


def test_nothing_matches(visitor: Reader) -> None:
    visitor.open("/?from=1999-01-01&to=1999-12-31")
    assert visitor.card("Orders") == "0" and visitor.card("Average order value") == "–"
    assert "Nothing was sold" in visitor.page.locator(".page .empty:visible").first.inner_text()


def test_a_page_can_be_used_with_the_keyboard(visitor: Reader) -> None:
    visitor.open("/")
    focused = []
    for _ in range(40):
        visitor.page.keyboard.press("Tab")
        focused.append(visitor.page.evaluate("document.activeElement.getAttribute('aria-label') "
                                             "|| document.activeElement.innerText || ''"))  # fmt: skip
    assert focused[0] == "Skip to the figures"
    for name in ("Products", "Download sales-trend as CSV", "Light or dark", "State"):
        assert name in focused, (name, focused)


@pytest.mark.parametrize("path", PAGES)
def test_on_a_phone_nothing_is_wider_than_the_screen_and_nothing_jumps(site: Site, path: str) -> None:
    with reader(site.browser, site.server.url, width=390, height=844) as somebody:
        somebody.page.add_init_script(
            "window.shift = 0; new PerformanceObserver(list => { for (const entry of list.getEntries()) "
            "if (!entry.hadRecentInput) window.shift += entry.value; })"
            ".observe({type: 'layout-shift', buffered: true});"
        )
        somebody.open(path)
        somebody.page.wait_for_timeout(800)
        assert somebody.page.evaluate("document.documentElement.scrollWidth") <= 390
        assert somebody.page.evaluate("window.shift") < 0.1


def test_a_build_is_shown_without_a_reload(site: Site, visitor: Reader) -> None:
    """The page stays open while another version is built and published, and then shows that one."""
    visitor.open("/?from=2016-01-01&to=2019-01-01")
    visitor.page.evaluate("window.marker = 'still here'")
    before = visitor.card("Orders")
    site.shop.load(site.second)
    site.shop.build()
    orders = site.value(f"select count(*) {_VALID} and order_purchase_timestamp < '2019-01-02'")
    visitor.wait_for_card("Orders", Format().compact(orders), 20)
    assert visitor.card("Orders") != before
    assert visitor.page.evaluate("window.marker") == "still here"


def test_before_the_first_build(site: Site, tmp_path: Path) -> None:
    """Every page says what to do, and fills as soon as there is a build."""
    with Running(tmp_path / "home") as server, reader(site.browser, server.url) as somebody:
        for path in PAGES:
            somebody.page.goto(server.url + path)
            somebody.page.wait_for_selector(".page")
            assert somebody.page.locator(".page").inner_text()
        somebody.page.goto(server.url)
        assert "armazem up" in somebody.page.locator(".page .notice").inner_text()
        shop = Shop(tmp_path / "home")
        shop.load(site.second)
        shop.build()
        somebody.page.wait_for_selector('section[aria-label="Revenue"]', timeout=20_000)
        somebody.settled()
        assert somebody.page.locator(".page canvas").count() >= 2
