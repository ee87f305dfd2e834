"""The forecast page in a real browser: the list of open orders, and the window of one of them."""

from __future__ import annotations

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from .browser import Reader, needs_chromium, reader
from .site import Site

pytestmark = [needs_chromium, pytest.mark.xdist_group("browser")]


def test_an_order_opens_with_a_click_and_by_its_address(site: Site, visitor: Reader) -> None:
    visitor.open("/forecast")
    page = visitor.page
    first = site.value(
        "select order_id from features.feat_order_delivery where stage = 'today' and main_reason = 'overdue' "
        "order by elapsed_s - promised_s desc, order_id limit 1"
    )
    cell = page.locator('section[aria-label="Open orders by risk"] .ag-cell[col-id="order_id"]').first
    expect(cell).to_have_text(first)
    cell.click()
    window = page.get_by_role("dialog")
    expect(window).to_contain_text(f"Order {first}")
    expect(window).to_contain_text("Predictions")
    page.wait_for_url(re.compile(f"order={first}"))
    found = Axe().run(page, options={"resultTypes": ["violations"]})
    assert not [violation["id"] for violation in found.response["violations"] if violation["impact"] == "critical"]
    address = page.url
    page.keyboard.press("Escape")
    expect(window).to_be_hidden()
    page.wait_for_url(lambda url: "order=" not in url)
    page.go_back()
    expect(page.get_by_role("dialog")).to_contain_text(first)
    with reader(site.browser, site.server.url, width=390, height=844) as somebody:
        somebody.page.goto(address)
        expect(somebody.page.get_by_role("dialog")).to_contain_text(first)
        assert somebody.page.evaluate("document.documentElement.scrollWidth") <= 390
