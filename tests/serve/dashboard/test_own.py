"""docs/own-models.md, followed step by step as a user does, in every place where an own model is seen."""

from __future__ import annotations

import csv
import io
import json
import re
import shlex
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect
from warehouse.shop import Answer, Shop, ended, start

from ..running import Running
from .browser import chromium, needs_chromium, reader

pytestmark = [needs_chromium, pytest.mark.slow, pytest.mark.xdist_group("browser")]

PAGE = (Path(__file__).parents[3] / "docs" / "own-models.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(sql|yaml|sh)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
FILES = {match[1]: text for _, text in BLOCKS if (match := re.match(r"(?:--|#) (models/\S+)\n", text))}
TRY, BUILD, SEE, FAILED = (text.splitlines() for kind, text in BLOCKS if kind == "sh")
FAILS = "models/busy_weekdays"


@dataclass(frozen=True)
class Followed:
    """A folder in which the page was followed up to its section on tests, and what each command said."""

    folder: Path
    shop: Shop
    said: dict[str, Answer]
    server: Running
    browser: Browser

    def run(self, line: str, **settings: str) -> Answer:
        return run(self.folder, line, **settings)

    def write(self, *beginnings: str) -> None:
        write(self.folder, *beginnings)

    def get(self, path: str) -> Any:
        return json.loads(self.server.client.get(path).text, parse_float=Decimal)


def run(folder: Path, line: str, **settings: str) -> Answer:
    """A command of the page, in the folder."""
    name, *arguments = shlex.split(line)
    assert name == "armazem"
    return ended(start(*arguments, cwd=folder, env=settings), 600)


def write(folder: Path, *beginnings: str) -> None:
    """The files of the page whose paths begin like this."""
    for name, text in FILES.items():
        if name.startswith(beginnings):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8")


@pytest.fixture(scope="module")
def followed(built: tuple[Shop, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Followed]:
    folder = tmp_path_factory.mktemp("own")
    shop = Shop(folder / "armazem-data")
    shutil.copytree(built[0].path, shop.path, symlinks=True)
    write(folder, "models/sales_by_weekday", "models/growth")
    said = {}
    for line in (*TRY, *BUILD, *SEE):
        said[line] = run(folder, line)
        assert said[line].code == 0, said[line]
    with Running(shop.path) as server, chromium() as browser:
        yield Followed(folder, shop, said, server, browser)


def test_every_file_of_the_page_is_used() -> None:
    used = ("models/sales_by_weekday", "models/growth", FAILS)
    assert len(FILES) == 6 and all(name.startswith(used) for name in FILES)


def test_what_the_commands_say(followed: Followed) -> None:
    assert "sales_by_weekday_audit" in followed.said[TRY[0]].out and "Monday" in followed.said[TRY[1]].out
    assert "with 2 models of your own, in models" in followed.said[BUILD[0]].err
    rows = followed.shop.rows("own.sales_by_weekday")
    sales = [row for row in followed.shop.rows("marts.fact_orders") if row["is_valid_sale"]]
    assert sum(row["orders"] for row in rows) == len(sales)
    assert sum(row["revenue"] for row in rows) == sum(row["revenue"] for row in sales)
    best = sorted(rows, key=lambda row: row["revenue"], reverse=True)[:3]
    shown = followed.run(f"{SEE[1]} --format json")
    assert [row["weekday"] for row in json.loads(shown.out)] == [row["weekday"] for row in best]
    assert "Saturday" in followed.said[SEE[0]].out
    assert (followed.folder / "shop-export" / "own" / "sales_by_weekday.parquet").is_file()
    listed = followed.run('armazem sql "show tables" --format csv').out
    assert "own,delivered_by_month" in listed and "own,sales_by_weekday" in listed
    [tested] = json.loads(
        followed.run(
            "armazem sql \"select status from meta.test_results where test = 'sales_by_weekday_audit'\" --format json"
        ).out
    )
    assert tested == {"status": "pass"}


def test_nothing_is_due_after_it(followed: Followed) -> None:
    assert "nothing new" in followed.run(BUILD[0]).err


def test_the_api(followed: Followed) -> None:
    listed = {kpi["name"]: kpi for kpi in followed.get("/v1/kpis")["kpis"]}
    assert list(listed)[-2:] == ["delivered_by_month", "sales_by_weekday"] and len(listed) == 10
    delivered = listed["delivered_by_month"]
    assert (delivered["schema"], delivered["title"]) == ("own", "Delivered by month")
    assert delivered["order"] == ["-month_start", "orders", "revenue", "revenue_placed"]
    assert [(c["name"], c["type"]) for c in delivered["columns"]][:2] == [
        ("month_start", "date"),
        ("orders", "integer"),
    ]
    assert {entry["name"] for entry in delivered["filters"]} == {"from", "to", "order", "limit", "offset"}
    months = sorted((row["month_start"] for row in followed.shop.rows("own.delivered_by_month")), reverse=True)
    body = followed.get(f"/v1/kpis/delivered_by_month?from={months[3]}&to={months[1]}")
    assert [row["month_start"] for row in body["rows"]] == [str(month) for month in months[1:4]]
    assert (body["total"], body["columns"][0]["description"]) == (3, "Month in which the customer got the order.")
    answer = followed.server.client.get("/v1/kpis/sales_by_weekday?format=csv")
    assert [row["weekday"] for row in csv.DictReader(io.StringIO(answer.text))][::6] == ["Monday", "Sunday"]
    wrong = followed.server.client.get("/v1/kpis/sales_by_weekday?state=SP")
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (422, "bad_filter")
    unknown = followed.server.client.get("/v1/kpis/busy_weekdays")
    assert unknown.status_code == 404 and "sales_by_weekday" in unknown.json()["error"]["hint"]


def test_the_dashboard(followed: Followed) -> None:
    with reader(followed.browser, followed.server.url) as visitor:
        visitor.open("/")
        page = visitor.page
        page.get_by_role("link", name="Own", exact=True).click()
        page.wait_for_url("**/own*")
        visitor.settled()
        assert page.get_by_role("heading", level=1).all_inner_texts() == ["Delivered by month", "Sales by weekday"]
        assert "One row per day of the week, over all valid sales." in page.locator(".page").inner_text()
        for chart in ("Revenue, Revenue placed by month start", "Revenue by weekday"):
            expect(page.locator(f'section[aria-label="{chart}"] canvas')).to_be_visible()
        table = page.locator('section[aria-label="Sales by weekday: all rows"]')
        expect(table.locator('.ag-row[row-index="0"]')).to_contain_text("Monday")
        expect(table.locator(".turn")).to_contain_text("7 rows")
        page.wait_for_timeout(600)  # until nothing fades any more
        found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
        serious = [one for one in found if one["impact"] in ("serious", "critical")]
        assert not [(one["id"], [node["target"] for node in one["nodes"]][:5]) for one in serious]
        with page.expect_download() as download:
            table.get_by_label("Download sales_by_weekday as CSV").click()
        rows = list(csv.reader(io.StringIO(Path(download.value.path()).read_text(encoding="utf-8-sig"))))
        assert rows[0] == ["iso_day_of_week", "weekday", "orders", "revenue", "avg_order_value"] and len(rows) == 8
        visitor.open("/data")
        lineage = page.locator('section[aria-label="Lineage of a KPI in words"]')
        lineage.locator(".q-select").click()
        page.get_by_role("option", name="delivered_by_month").click()
        expect(lineage).to_contain_text("own.delivered_by_month")
        expect(lineage).to_contain_text("agg_monthly_growth")
        tables = page.locator('section[aria-label="Published tables"]')
        tables.get_by_placeholder("Find").fill("arrived")  # the browser has only the rows that one sees
        expect(tables.locator('.ag-row[row-index="0"]')).to_contain_text("One row per month in which an order arrived.")


BROKEN = {
    "refused.sql": "select no_such_column from {{ ref('fact_orders') }}",
    "promised.sql": "select count(*) as orders from {{ ref('fact_orders') }}",
    "promised.yml": "models: [{name: promised, columns: [{name: ordres}]}]",
}


def test_what_fails_is_not_published(followed: Followed) -> None:
    """A test that fails, SQL that DuckDB refuses, a column that is not there: each is said, and readers see nothing."""
    before = followed.shop.current, followed.server.client.get("/v1/kpis").content
    followed.write(FAILS)
    for name, text in BROKEN.items():
        (followed.folder / "models" / name).write_text(text, encoding="utf-8")
    said = followed.run(BUILD[0])
    assert said.code == 3
    quoted = re.search(r"^ {4}failed: (.*)$", PAGE, re.MULTILINE)
    assert quoted and f"failed: {quoted[1]}" in said.err
    assert "models/refused.sql" in said.err and "no_such_column" in said.err
    assert "models/promised.sql" in said.err and "names the column ordres, and it has orders" in said.err
    assert f"readers keep {before[0]}" in said.err
    assert (followed.shop.current, followed.server.client.get("/v1/kpis").content) == before
    assert "Monday" in followed.run(FAILED[0]).out
    assert "busy_weekdays" not in followed.run('armazem sql "show tables" --format csv').out


def test_without_them(followed: Followed) -> None:
    """They are gone with the next build, from open pages too, whatever is wrong with them."""
    with reader(followed.browser, followed.server.url) as visitor:
        visitor.open("/own")
        assert followed.run(BUILD[0], ARMAZEM_MODELS="none").code == 0
        expect(visitor.page.locator(".page")).to_contain_text("There are no models of your own")
        expect(visitor.page.get_by_role("heading", name="Sales by weekday")).to_have_count(0)
        visitor.open("/")
        expect(visitor.page.get_by_role("link", name="Own", exact=True)).to_be_hidden()
    assert len(followed.get("/v1/kpis")["kpis"]) == 8
    assert "own," not in followed.run('armazem sql "show tables" --format csv').out
