"""`/v1/kpis`: the rows of the published tables over HTTP, which build they are of, and every error."""

from __future__ import annotations

import csv
import io
import json
import shutil
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import httpx
import pytest
from golden import Golden
from warehouse.shop import Shop

from armazem.build.descriptions import table_text
from armazem.kpis.catalogue import KPIS
from armazem.kpis.filters import FILTERS
from armazem.targets.duckdb.versions import make_current, published_builds, version_file

from .running import Running

pytestmark = pytest.mark.xdist_group("http-kpis")


@dataclass(frozen=True)
class Built:
    """A server over two builds, `first` and the larger `second`, which is current."""

    shop: Shop
    server: Running
    first: str
    second: str

    def get(self, path: str, **headers: str) -> httpx.Response:
        # httpx asks for `*/*` by itself.
        return self.server.client.get(f"/v1/kpis{path}", headers={k.replace("_", "-"): v for k, v in headers.items()})

    def sql(self, query: str, build: str | None = None) -> list[dict[str, Any]]:
        with duckdb.connect(str(version_file(self.shop.home, build or self.second)), read_only=True) as connection:
            answered = connection.execute(query)
            columns = [column[0] for column in answered.description]
            return [dict(zip(columns, row, strict=True)) for row in answered.fetchall()]


@pytest.fixture(scope="module")
def built(golden: Golden, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    shop = golden.twice(tmp_path_factory.mktemp("kpis") / "home")
    builds = published_builds(shop.home)
    assert builds[1:] == [shop.current]
    with Running(shop.path) as server:
        yield Built(shop, server, *builds)


def as_json(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """As the numbers and texts of JSON, digits kept."""
    return [{name: value if _plain(value) else str(value) for name, value in row.items()} for row in rows]


def _plain(value: Any) -> bool:
    return value is None or isinstance(value, int | str | Decimal)


def as_csv(rows: list[dict[str, Any]]) -> list[dict[str, str]]:
    words = {None: "", True: "true", False: "false"}
    return [{n: words[v] if v is None or isinstance(v, bool) else str(v) for n, v in row.items()} for row in rows]


@pytest.mark.parametrize("kpi", KPIS, ids=lambda kpi: kpi.name)
def test_json_and_csv_are_the_rows_of_the_table(built: Built, kpi: Any) -> None:
    order = ", ".join(f"{c.removeprefix('-')} {'desc' if c.startswith('-') else 'asc'}" for c in kpi.order_by)
    expected = built.sql(f"from kpis.{kpi.name} order by {order}")
    page = built.get(f"/{kpi.name.removeprefix('agg_')}?limit=100000")
    assert (page.status_code, page.headers["content-type"]) == (200, "application/json")
    body = json.loads(page.text, parse_float=Decimal)
    assert body.pop("rows") == as_json(expected)
    types = {c["column_name"]: c["data_type"] for c in built.sql(f"select column_name, data_type from "
             f"information_schema.columns where table_name = '{kpi.name}'")}  # fmt: skip
    named = {"VARCHAR": "string", "BIGINT": "integer", "DATE": "date", "BOOLEAN": "boolean"}
    assert body == {
        "name": kpi.name, "title": kpi.title, "build_id": built.second, "total": len(expected), "limit": 100000,
        "offset": 0, "columns": [
            {"name": name, "type": named.get(types[name], "decimal"), "description": text}
            for name, text in table_text(kpi.name).columns.items()
        ],
    }  # fmt: skip
    page = built.get(f"/{kpi.name}?limit=100000", accept="text/csv")
    assert page.headers["content-type"] == "text/csv; charset=utf-8"
    assert page.headers["content-disposition"] == f'attachment; filename="{kpi.name}.csv"'
    assert page.headers["x-total-count"] == str(len(expected))
    assert list(csv.DictReader(io.StringIO(page.text))) == as_csv(expected)


@pytest.mark.parametrize(
    ("question", "query"),
    [
        (
            "sales_trend?grain=month&from=2017-03-01&to=2017-09-01&order=revenue",
            "from kpis.agg_sales_trend where grain = 'month' and period_start between '2017-03-01' and '2017-09-01' "
            "order by revenue",
        ),
        (
            "top_selling_products?grain=all&order=-gmv&limit=7&offset=3",
            "from kpis.agg_top_selling_products where grain = 'all' order by gmv desc, units_rank limit 7 offset 3",
        ),
        (
            "sales_by_seller?state=sp&city=São Paulo",
            "from kpis.agg_sales_by_seller where seller_state = 'SP' and seller_city = 'sao paulo' order by all",
        ),
        ("avg_order_value_city_state?level=state&order=customer_state",
         "from kpis.agg_avg_order_value_city_state where level = 'state' order by customer_state nulls last"),
        ("retained_customers_over_month?from=2018-01-01&order=cohort_month",
         "from kpis.agg_retained_customers_over_month where cohort_month >= '2018-01-01' "
         "order by cohort_month, months_since_first"),
    ],
)  # fmt: skip
def test_filters(built: Built, question: str, query: str) -> None:
    found = json.loads(built.get(f"/{question}").text, parse_float=Decimal)
    expected = as_json(built.sql(query))
    if "order by all" in query:
        assert sorted(found["rows"], key=repr) == sorted(expected, key=repr)
    else:
        assert found["rows"] == expected
    assert len(expected) > 1 and found["total"] >= len(expected)


def test_ids_and_categories(built: Built) -> None:
    [seller] = built.sql("from kpis.agg_sales_by_seller where revenue_rank = 1")
    seller_id = seller["seller_id"]
    uuid = "-".join((seller_id[:8], seller_id[8:12], seller_id[12:16], seller_id[16:20], seller_id[20:])).upper()
    for spelling in (seller_id, uuid):
        [row] = built.get(f"/agg_sales_by_seller?seller={spelling}").json()["rows"]
        assert row["seller_id"] == seller_id
    assert built.get(f"/agg_sales_by_seller?seller={seller_id.upper()}").json()["rows"] == []
    [product] = built.sql("from kpis.agg_top_selling_products where grain = 'all' and units_rank = 1")
    found = built.get(f"/top_selling_products?product={product['product_id']}&grain=all").json()["rows"]
    assert [row["units"] for row in found] == [product["units"]]
    found = built.get(f"/top_selling_products?category={product['product_category']}&limit=100000").json()
    count = (
        f"select count(*) n from kpis.agg_top_selling_products where product_category = '{product['product_category']}'"
    )
    assert found["total"] == len(found["rows"]) == built.sql(count)[0]["n"]


def test_pages_do_not_overlap(built: Built) -> None:
    whole = built.get("/top_selling_products?grain=day&order=units&limit=100").json()
    pages = [built.get(f"/top_selling_products?grain=day&order=units&limit=30&offset={n}").json() for n in (0, 30, 60)]
    assert [row for page in pages for row in page["rows"]] == whole["rows"][:90]
    beyond = built.get("/top_selling_products?grain=day&offset=1000000").json()
    assert beyond["rows"] == [] and beyond["total"] == whole["total"]


@pytest.mark.parametrize("name", ["city", "seller"])
@pytest.mark.parametrize("text", ["' or 1=1 --", "<script>alert(1)</script>", "%", "\0", "x'; drop table t; --", ""])
def test_sql_and_html_match_nothing(built: Built, name: str, text: str) -> None:
    page = built.server.client.get("/v1/kpis/sales_by_seller", params={name: text})
    assert (page.status_code, page.json()["rows"], page.json()["total"]) == (200, [], 0)


@pytest.mark.parametrize(
    ("path", "status", "code", "words"),
    [
        ("/profit", 404, "not_found", [kpi.name for kpi in KPIS]),
        ("/sales_trend?grain=year", 422, "bad_filter", ["year", "day, week, month"]),
        ("/sales_trend?seller=x", 422, "bad_filter", ["agg_sales_trend", "seller", "from, to, grain"]),
        ("/sales_trend?colour=x", 422, "bad_filter", ["colour", "from, to, grain"]),
        ("/sales_trend?from=yesterday", 422, "bad_filter", ["yesterday", "2018-03-31"]),
        ("/sales_trend?from=", 422, "bad_filter", ["2018-03-31"]),
        ("/sales_trend?from=2018-03-01&to=2018-02-01", 422, "bad_filter", ["2018-03-01", "2018-02-01"]),
        ("/sales_trend?limit=100001", 422, "bad_filter", ["100001", "1 to 100000"]),
        ("/sales_trend?limit=ten", 422, "bad_filter", ["ten", "1 to 100000"]),
        ("/sales_trend?order=profit", 422, "bad_filter", ["profit", "revenue, "]),
        ("/sales_trend?order=revenue;--", 422, "bad_filter", ["-revenue"]),
        ("/sales_trend?grain=day&grain=week", 422, "bad_filter", ["twice"]),
        ("/sales_trend?format=xml", 422, "bad_filter", ["xml", "json, csv"]),
        ("/sales_trend?format=csv&format=json", 422, "bad_filter", ["twice"]),
        ("/sales_by_seller?state=Bahia", 422, "bad_filter", ["Bahia", "two letters"]),
        ("/sales_by_seller?city=" + "x" * 201, 422, "bad_filter", ["200 characters"]),
        ("?grain=day", 422, "bad_filter", ["/v1/kpis/{name}"]),
    ],
)  # fmt: skip
def test_errors(built: Built, path: str, status: int, code: str, words: list[str]) -> None:
    said = built.get(path)
    assert (said.status_code, said.headers["content-type"]) == (status, "application/json")
    error = said.json()["error"]
    assert set(error) == {"code", "message", "hint"} and error["code"] == code
    assert all(word in error["message"] + error["hint"] for word in words), error
    assert "etag" not in said.headers


def test_which_form(built: Built) -> None:
    trend = "/sales_trend?grain=month"
    assert built.get(trend, accept="text/csv;q=0.5, application/json").headers["content-type"] == "application/json"
    assert built.get(f"{trend}&format=csv", accept="application/json").text.startswith("grain,period_start,")
    assert built.get(f"{trend}&format=json", accept="text/csv").json()["name"] == "agg_sales_trend"
    for path in ("", trend):
        said = built.get(path, accept="image/png")
        assert (said.status_code, said.json()["error"]["code"]) == (406, "not_acceptable")
        assert "application/json" in said.json()["error"]["hint"]
    assert built.server.client.post("/v1/kpis/sales_trend").status_code == 405


def test_an_answer_is_known_by_its_tag(built: Built) -> None:
    trend = "/sales_trend?grain=month&from=2017-01-01"
    page = built.get(trend)
    tag = page.headers["etag"]
    assert tag.startswith(f'"{built.second}-') and tag.endswith('"')
    assert (page.headers["cache-control"], page.headers["vary"]) == ("no-cache", "Accept")
    for known in (tag, f'"x", W/{tag}', "*"):
        said = built.get(trend, if_none_match=known)
        assert (said.status_code, said.content, said.headers["etag"]) == (304, b"", tag)
    for unknown in ('"x"', tag[:-2] + '"'):
        assert built.get(trend, if_none_match=unknown).text == page.text
    # Spelled in another way it is the same answer; other rows or another form are another one.
    same = built.get("/agg_sales_trend?from=2017-01-01&grain=month&limit=1000&offset=0", accept="application/json")
    assert (same.headers["etag"], same.text) == (tag, page.text)
    others = [built.get(trend, accept="text/csv"), built.get(f"{trend}&limit=999"), built.get("/sales_trend?grain=day")]
    assert len({tag, *(other.headers["etag"] for other in others)}) == 4
    for other in others:
        assert built.get(trend, if_none_match=other.headers["etag"]).status_code == 200


def test_the_list_says_what_can_be_asked(built: Built) -> None:
    page = built.get("")
    body = page.json()
    assert body["build_id"] == built.second
    assert [kpi["name"] for kpi in body["kpis"]] == [kpi.name for kpi in KPIS]
    for kpi in body["kpis"]:
        assert kpi["title"] and kpi["description"]
        assert all(column["type"] and column["description"] for column in kpi["columns"])
        for entry in kpi["filters"]:
            for value in entry["schema"].get("enum", ()):
                said = built.server.client.get(kpi["path"], params={entry["name"]: value, "limit": 1})
                assert said.status_code == 200, said.text
    assert built.get("", if_none_match=page.headers["etag"]).status_code == 304


def test_openapi_describes_all_of_it(built: Built) -> None:
    schema = built.server.client.get("/openapi.json").json()
    operation = schema["paths"]["/v1/kpis/{name}"]["get"]
    parameters = {parameter["name"]: parameter for parameter in operation["parameters"]}
    assert set(parameters) == {"name", "format", *(entry.name for entry in FILTERS)}
    assert parameters["from"]["schema"]["format"] == "date"
    assert parameters["grain"]["schema"]["enum"] == ["day", "week", "month", "year", "all"]
    assert parameters["limit"]["schema"]["maximum"] == 100_000
    assert set(operation["responses"]) == {
        "200", "304", "400", "401", "403", "404", "406", "421", "422", "429", "503",
    }  # fmt: skip
    assert set(operation["responses"]["200"]["content"]) == {"application/json", "text/csv"}
    assert "#/components/schemas/HTTPValidationError" not in json.dumps(schema)
    assert "/v1/kpis/{name}" in built.server.client.get("/docs").text


def test_nothing_built_yet_and_the_token(home: Path) -> None:
    with Running(home, token="sesame") as server:
        for path in ("/v1/kpis", "/v1/kpis/sales_trend"):
            assert server.client.get(path).status_code == 401
        server.client.headers["Authorization"] = "Bearer sesame"
        said = server.client.get("/v1/kpis/sales_trend")
        assert (said.status_code, said.json()["error"]["code"]) == (503, "not_ready")
        assert "armazem build" in said.json()["error"]["hint"]
        body = server.client.get("/v1/kpis").json()
        assert body["build_id"] is None and len(body["kpis"]) == 8
        assert {column["type"] for kpi in body["kpis"] for column in kpi["columns"]} == {None}


def test_another_build_is_another_answer(built: Built) -> None:
    trend = "/sales_trend?grain=month&limit=100000"
    second = built.get(trend)
    make_current(built.shop.home, built.first)
    try:
        first = built.get(trend, if_none_match=second.headers["etag"])
        assert (first.status_code, first.json()["build_id"]) == (200, built.first)
        assert sum(row["orders"] for row in first.json()["rows"]) == built.sql(
            "select count(*) n from marts.fact_orders where is_valid_sale", built.first
        )[0]["n"]  # fmt: skip
    finally:
        make_current(built.shop.home, built.second)
    assert built.get(trend, if_none_match=first.headers["etag"]).text == second.text
    assert built.get(trend, if_none_match=second.headers["etag"]).status_code == 304


def test_a_version_of_an_older_program_lacks_a_column(built: Built) -> None:
    older = "20990101T000000000000Z"
    shutil.copy(version_file(built.shop.home, built.second), version_file(built.shop.home, older))
    with duckdb.connect(str(version_file(built.shop.home, older))) as connection:
        connection.execute("alter table kpis.agg_sales_trend drop column revenue_moving_avg")
    make_current(built.shop.home, older)
    try:
        body = built.get("/sales_trend?grain=month").json()
        assert [column["name"] for column in body["columns"]] == list(body["rows"][0])
        assert "revenue_moving_avg" not in body["rows"][0]
        said = built.get("/sales_trend?order=revenue_moving_avg")
        assert (said.status_code, said.json()["error"]["code"]) == (500, "failed")
        assert "armazem build" in said.json()["error"]["hint"]
    finally:
        make_current(built.shop.home, built.second)
        version_file(built.shop.home, older).unlink()
    assert built.get("/sales_trend?order=revenue_moving_avg").status_code == 200


def test_no_answer_mixes_two_builds(built: Built) -> None:
    count = "select count(*) n from kpis.agg_sales_by_seller"
    totals = {build: built.sql(count, build)[0]["n"] for build in (built.first, built.second)}
    assert totals[built.first] != totals[built.second]
    stop = threading.Event()

    def publish() -> None:
        while not stop.is_set():
            for build in (built.first, built.second):
                make_current(built.shop.home, build)
                time.sleep(0.003)

    publisher = threading.Thread(target=publish)
    publisher.start()
    seen = set()
    try:
        deadline = time.monotonic() + 120
        number = 0
        while number < 40 or (len(seen) < 2 and time.monotonic() < deadline):
            number += 1  # another question each time, so that none is answered from memory
            said = built.get(f"/sales_by_seller?limit={1000 + number}")
            body = said.json()
            seen.add(body["build_id"])
            assert body["total"] == len(body["rows"]) == totals[body["build_id"]]
            assert said.headers["etag"].startswith(f'"{body["build_id"]}-')
    finally:
        stop.set()
        publisher.join()
        make_current(built.shop.home, built.second)
    assert seen == set(totals)
