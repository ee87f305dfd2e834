"""`/v1/features/{entity}/{id}` over HTTP: the vector, events as they come, every error."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import httpx
import pytest
from golden import Golden
from serve.running import Running, encoded, until
from stream.shop_events import order
from warehouse.shop import Shop

from armazem.targets.duckdb.versions import make_current, version_file

from .offline import ENTITIES, RATIOS, SUMS, WINDOWS, Tables

pytestmark = pytest.mark.xdist_group("http-features")

ZONE = ZoneInfo("America/Sao_Paulo")


class Served:
    """A server over one build."""

    def __init__(self, shop: Shop, server: Running) -> None:
        self.shop = shop
        self.server = server

    def get(self, path: str, **parameters: str) -> httpx.Response:
        return self.server.client.get(f"/v1/features/{path}", params=parameters)

    def features(self, path: str, **parameters: str) -> dict[str, Any]:
        said = self.get(path, **parameters)
        assert said.status_code == 200, said.text
        found: dict[str, Any] = said.json()["features"]
        return found


@pytest.fixture(scope="module")
def served(golden: Golden, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    shop = golden.once(tmp_path_factory.mktemp("features") / "home")
    with Running(shop.path) as server:
        yield Served(shop, server)


@pytest.mark.parametrize("entity", ENTITIES)
def test_an_answer_says_what_the_tables_say(served: Served, entity: str) -> None:
    with Tables(version_file(served.shop.home, served.shop.current)) as tables:
        entity_id = tables.ids(entity)[0]
        for at in ("2018-08-01T15:00:00", "2017-03-01T00:00:00", "2015-01-01T00:00:00", "0001-01-01T00:00:00"):
            said = served.get(f"{entity}/{entity_id}", at=at)
            assert (said.status_code, said.headers["content-type"]) == (200, "application/json")
            assert said.headers["cache-control"] == "no-store"
            body = said.json()
            features = body.pop("features")
            if at > "0002":
                assert features == tables.vector(entity, entity_id, datetime.fromisoformat(at))
            assert set(features) == {name + suffix for name in (*SUMS, *RATIOS) for suffix in WINDOWS}
            known, told = body.pop("known"), body.pop("created_timestamp")
            assert known == any(features.values()) == (told is not None)
            assert body == {
                "entity": entity, "id": entity_id, "at": at, "feature_timestamp": f"{at[:10]}T00:00:00",
                "known_until": midnight_after_newest(served.shop),
                "build_id": served.shop.current, "events_until": body["events_until"],
            }  # fmt: skip
    assert entity != "marketplace" or features["sold"] == 0


def midnight_after_newest(shop: Shop) -> str:
    newest = max(row["order_purchase_timestamp"] for row in shop.rows("marts.fact_orders"))
    return f"{(newest + timedelta(days=1)).date()}T00:00:00"


def test_a_time_may_have_an_offset_and_is_now_where_there_is_none(served: Served) -> None:
    for at, local in (
        ("2018-06-01T01:30:00Z", "2018-05-31T22:30:00"),
        ("2018-06-01T01:30:00+05:00", "2018-05-31T17:30:00"),
        ("2018-06-01", "2018-06-01T00:00:00"),
    ):
        body = served.get("marketplace/all", at=at).json()
        assert (body["at"], body["feature_timestamp"]) == (local, f"{local[:10]}T00:00:00")
    now = datetime.fromisoformat(served.get("marketplace/all").json()["at"])
    assert abs(now - datetime.now(ZONE).replace(tzinfo=None)) < timedelta(minutes=1)


def test_ids_are_read_as_the_models_write_them(served: Served) -> None:
    with Tables(version_file(served.shop.home, served.shop.current)) as tables:
        lane = tables.ids("lane")[0]
    assert served.get(f"lane/{lane.lower()}", at="2018-09-01").json()["id"] == lane
    assert served.features(f"lane/{lane.lower()}", at="2018-09-01") == served.features(f"lane/{lane}", at="2018-09-01")
    dashed = "6E1A2C1B-2E3C-4E0B-9A51-0F6F6E3A1D11"
    assert served.get(f"customer/{dashed}").json()["id"] == dashed.replace("-", "").lower()


@pytest.mark.parametrize("entity_id", ["nobody", "a%2Fb", "%27%20or%201=1%20--", "%00", "%3Cscript%3E", "x" * 500])
@pytest.mark.parametrize("entity", [entity for entity in ENTITIES if entity != "marketplace"])
def test_of_nobody_all_is_zero(served: Served, entity: str, entity_id: str) -> None:
    said = served.get(f"{entity}/{entity_id}")
    assert said.status_code == 200
    body = said.json()
    assert (body["known"], body["created_timestamp"]) == (False, None)
    assert {value for name, value in body["features"].items() if name.removesuffix("_30d") in SUMS} == {0}
    assert body["features"]["late_rate"] is None


@pytest.mark.parametrize(
    ("path", "status", "code", "words"),
    [
        ("shop/all", 404, "not_found", ["shop", *ENTITIES]),
        ("seller", 404, "not_found", []),
        ("seller/", 404, "not_found", []),
        ("seller/%20", 404, "not_found", ["no id", "seller_id"]),
        ("marketplace/%20", 404, "not_found", ["no id", "all"]),
        ("marketplace/nobody", 404, "not_found", ["nobody", "its id is all"]),
        ("marketplace/%00", 404, "not_found", ["its id is all"]),
        ("seller/x?at=yesterday", 422, "bad_at", ["yesterday", "2018-05-31T12:00"]),
        ("seller/x?at=", 422, "bad_at", ["no time"]),
        ("seller/x?at=9999-12-31T23:59:59-03:00", 422, "bad_at", ["out of range"]),
        ("seller/x?at=0001-01-01T00:00%2B14:00", 422, "bad_at", ["out of range", "the years 1 to 9999"]),
        ("seller/x?at=20180531", 422, "bad_at", ["no time"]),
        ("seller/x?at=2018-W22-4", 422, "bad_at", ["no time"]),
        ("seller/x?at=2018-05-31T12", 422, "bad_at", ["no time"]),
        ("seller/x?at=2018-05-31T12:00%2B00:00:30", 422, "bad_at", ["no time"]),
        ("seller/x?at=2999-01-01", 422, "bad_at", ["ahead"]),
        ("seller/x?at=2018-01-01&at=2018-01-02", 422, "bad_at", ["twice"]),
        ("seller/x?colour=x", 422, "bad_filter", ["colour", "at"]),
    ],
)
def test_errors(served: Served, path: str, status: int, code: str, words: list[str]) -> None:
    said = served.server.client.get(f"/v1/features/{path}", follow_redirects=True)
    assert (said.status_code, said.headers["content-type"]) == (status, "application/json")
    error = said.json()["error"]
    assert set(error) == {"code", "message", "hint"} and error["code"] == code
    assert all(word in error["message"] + error["hint"] for word in words), error


def test_tomorrow_may_be_asked_for(served: Served) -> None:
    tomorrow = datetime.now(ZONE).replace(tzinfo=None) + timedelta(hours=23)
    assert served.get("marketplace/all", at=tomorrow.isoformat()).status_code == 200


def test_an_event_is_in_the_next_answers(served: Served) -> None:
    at = {"at": "2018-09-01T12:00:00"}
    before, nobody = served.features("marketplace/all", **at), served.features("product/product1", **at)
    assert nobody["sold"] == 0
    assert served.server.post(encoded(order(1))).status_code == 200
    until(lambda: served.features("product/product1", **at)["sold"] == 1)
    assert served.features("seller/seller1", **at)["gmv_cents_30d"] == 1050
    assert served.features("customer/customer1", **at)["avg_order_value"] == 10.5
    after = served.get("marketplace/all", **at).json()
    assert after["features"]["sold"] == before["sold"] + 1
    assert (after["build_id"], after["events_until"]) == (served.shop.current, 1)
    # The midnight after it is the first that knows it.
    assert served.features("product/product1", at="2018-08-29T23:59:59")["sold"] == 0
    assert served.features("product/product1", at="2018-08-30T00:00:00")["sold"] == 1


def test_it_says_until_when_things_are_told(golden: Golden, tmp_path_factory: pytest.TempPathFactory) -> None:
    shop = golden.once(tmp_path_factory.mktemp("told") / "home")
    with Running(shop.path) as server:

        def known_until() -> str:
            found: str = server.client.get("/v1/features/marketplace/all").json()["known_until"]
            return found

        assert known_until() == midnight_after_newest(shop)
        news = order(2)
        news["data"]["orders"]["order_purchase_timestamp"] = "2019-03-01 23:30:00"
        assert server.post(encoded(news)).status_code == 200
        until(lambda: known_until() == "2019-03-02T00:00:00")


def test_a_version_that_is_published_is_taken_up(served: Served) -> None:
    first = served.shop.current
    second = "20990101T000000000000Z"
    shutil.copy(version_file(served.shop.home, first), version_file(served.shop.home, second))
    make_current(served.shop.home, second)
    try:
        until(lambda: served.get("marketplace/all").json()["build_id"] == second)
    finally:
        make_current(served.shop.home, first)
    until(lambda: served.get("marketplace/all").json()["build_id"] == first)


@pytest.mark.parametrize(
    ("dropped", "words"),
    [
        ("drop view live.feature_changes; drop schema features cascade", "without features"),
        ("drop view live.feature_changes", "no view live.feature_changes"),
    ],
)
def test_a_version_of_another_program_lacks_what_look_ups_need(
    golden: Golden, tmp_path_factory: pytest.TempPathFactory, dropped: str, words: str
) -> None:
    shop = golden.once(tmp_path_factory.mktemp("older") / "home")
    older = "20990101T000000000000Z"
    shutil.copy(version_file(shop.home, shop.current), version_file(shop.home, older))
    version_file(shop.home, older).chmod(0o644)
    with duckdb.connect(str(version_file(shop.home, older))) as connection:
        connection.execute(dropped)
    make_current(shop.home, older)
    with Running(shop.path) as server:
        said = server.client.get("/v1/features/marketplace/all")
        assert (said.status_code, said.json()["error"]["code"]) == (503, "not_ready")
        assert f"build {older}" in said.json()["error"]["message"] and words in said.json()["error"]["message"]
        assert "armazem build" in said.json()["error"]["hint"]


def test_nothing_built_yet_and_the_token(tmp_path_factory: pytest.TempPathFactory) -> None:
    with Running(tmp_path_factory.mktemp("bare") / "home", token="sesame") as server:
        assert server.client.get("/v1/features/marketplace/all").status_code == 401
        server.client.headers["Authorization"] = "Bearer sesame"
        said = server.client.get("/v1/features/marketplace/all")
        assert (said.status_code, said.json()["error"]["code"]) == (503, "not_ready")
        assert "armazem build" in said.json()["error"]["hint"]


def test_openapi_describes_it(served: Served) -> None:
    schema = served.server.client.get("/openapi.json").json()
    operation = schema["paths"]["/v1/features/{entity}/{id}"]["get"]
    assert {parameter["name"] for parameter in operation["parameters"]} == {"entity", "id", "at"}
    assert set(operation["responses"]) == {"200", "400", "401", "403", "404", "421", "422", "429", "500", "503"}
    answer = operation["responses"]["200"]["content"]["application/json"]
    assert set(answer["example"]) == set(schema["components"]["schemas"]["Vector"]["properties"])
    assert "HTTPValidationError" not in json.dumps(operation)
    assert "/v1/features/{entity}/{id}" in served.server.client.get("/docs").text
