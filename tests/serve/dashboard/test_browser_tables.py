"""Tables and what can be taken out of a page: sorted, searched and paged by the server, copied, downloaded."""

from __future__ import annotations

import csv
import io
import re
import struct

import pytest
from playwright.sync_api import Locator, expect

from armazem.serve.dashboard.formats import Format

from .browser import Reader, needs_chromium
from .site import Site

pytestmark = [needs_chromium, pytest.mark.xdist_group("browser")]


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
