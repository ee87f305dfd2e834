"""The dashboard as a reader has it: real pages, in a real browser, of a real server on a built home folder."""

from __future__ import annotations

import csv
import io
import re
import time
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from contract.event_examples import canonical, identifier, item, order, order_initiated, payment
from golden import Golden
from playwright.sync_api import expect

from armazem.serve.dashboard.formats import Format
from armazem.serve.dashboard.theme import DARK, LIGHT

from ..running import JSON, Running
from .browser import PAGES, Reader, needs_chromium, reader
from .site import Site

pytestmark = [needs_chromium, pytest.mark.xdist_group("browser")]

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
        page.locator(".page canvas").nth(1).wait_for()
        expect(page.locator(".page .empty:visible")).to_have_count(0)
    page.wait_for_timeout(600)
    found = Axe().run(page, options={"resultTypes": ["violations"]})  # names, roles, contrast
    assert not [
        (violation["id"], [node["target"] for node in violation["nodes"]][:5])
        for violation in found.response["violations"]
        if violation["impact"] in ("serious", "critical")
    ]


def test_without_own_models_there_is_no_way_to_their_page(visitor: Reader) -> None:
    visitor.open("/")
    expect(visitor.page.get_by_role("link", name="Own", exact=True)).to_be_hidden()
    visitor.open("/own")
    expect(visitor.page.locator(".page")).to_contain_text("There are no models of your own")


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
    page = visitor.page
    page.get_by_role("link", name="Overview").click()
    page.wait_for_url(lambda url: "/customers" not in url)
    visitor.settled()
    first = page.url
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
    page.wait_for_url(re.compile("state=RJ"))
    page.go_back()
    visitor.wait_for_card("Orders", shown[0])
    expect(page.get_by_label("State").first).to_have_value("")
    page.wait_for_url(first)
    page.go_forward()
    visitor.wait_for_card("Orders", shown[1])
    page.wait_for_url(re.compile("state=RJ"))
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
    visitor.wait_for_card("Orders", Format().compact(orders))
    assert visitor.card("Orders") != before
    assert visitor.page.evaluate("window.marker") == "still here"


def test_before_the_first_build(site: Site, golden: Golden, tmp_path: Path) -> None:
    """Every page says what to do, and fills as soon as there is a build."""
    with Running(tmp_path / "home") as server, reader(site.browser, server.url) as somebody:
        for path in PAGES:
            somebody.page.goto(server.url + path)
            somebody.page.wait_for_selector(".page")
            assert somebody.page.locator(".page").inner_text()
        somebody.page.goto(server.url)
        assert "armazem up" in somebody.page.locator(".page .notice").inner_text()
        golden.once(tmp_path / "home")
        somebody.page.wait_for_selector('section[aria-label="Revenue"]')
        somebody.settled()
        somebody.page.locator(".page canvas").nth(1).wait_for()
