"""What the pages of customers and data say, against plain Python over the same rows and files."""

from __future__ import annotations

import html
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from armazem.build.project import ParsedProject, Project, project_folder
from armazem.config import Settings
from armazem.contract.dead_letters import Refusal
from armazem.errors import ArmazemError, HomeError
from armazem.home import Home
from armazem.journal.dead_letters import DeadLetters
from armazem.kpis.catalogue import KPIS
from armazem.landing import load, withdraw
from armazem.serve.dashboard import data_sources
from armazem.serve.dashboard.compare import Parts
from armazem.serve.dashboard.components import Ask
from armazem.serve.dashboard.lineage import LAYERS, Node, nodes_of, steps
from armazem.serve.dashboard.pages import customer_charts, customers, data
from armazem.serve.dashboard.pages.data_panels import failing_rows, texts
from armazem.serve.dashboard.pages.lineage_panel import lineage_html, lineage_rows
from armazem.serve.dashboard.queries import Query
from armazem.serve.dashboard.theme import DARK, LIGHT
from armazem.serve.dashboard.view import View
from armazem.targets.base import DbtProfile
from armazem.targets.catalog import catalog_of
from armazem.targets.duckdb import versions
from armazem.targets.duckdb.query import fetch
from armazem.targets.records import BuildRecord
from armazem.targets.rows import Rows

HOSTILE = "<script>alert('{b}')</script>\"{a|x}"
TABLES = """
create schema marts;
create schema kpis;
create table marts.fact_orders (
    order_id varchar, customer_id varchar, customer_unique_id varchar, customer_city varchar, customer_state varchar,
    order_status varchar, order_purchase_timestamp timestamp, order_delivered_customer_date timestamp,
    order_estimated_delivery_date timestamp, is_valid_sale boolean, items bigint, gmv decimal(18, 2),
    freight decimal(18, 2), revenue decimal(18, 2), days_to_deliver decimal(18, 2), is_late boolean,
    main_payment_type varchar, review_score bigint
);
create table marts.fact_sales (
    order_id varchar, product_id varchar, seller_id varchar, is_valid_sale boolean, price decimal(18, 2),
    freight_value decimal(18, 2), payment_value decimal(18, 2)
);
create table marts.dim_products (
    product_id varchar, product_category_name varchar, product_category_name_english varchar
);
insert into marts.dim_products values ('p0', 'brinquedos', 'toys'), ('p1', null, null);
create table marts.dim_dates as
    select day as date_day, cast(date_trunc('month', day) as date) as month_start
    from (select unnest(generate_series(date '2017-01-01', date '2018-12-31', interval 1 day))::date as day);
create table kpis.agg_monthly_growth (
    month date, new_customers bigint, returning_customers bigint, cumulative_customers bigint
);
create table kpis.agg_retained_customers_over_month (
    cohort_month date, months_since_first bigint, cohort_size bigint, retained_customers bigint,
    retention_rate_pct decimal(18, 2)
);
"""
START = datetime(2017, 3, 20, 12)
VIEWS = (
    View(),
    View(start=date(2017, 5, 10), end=date(2017, 8, 3)),
    View(start=date(2017, 5, 10), grain="week"),
    View(state="RJ", grain="day"),
    View(category="toys", start=date(2017, 4, 1), end=date(2017, 9, 30)),
    View(seller="s1", state="SP"),
    View(state="XX"),
)


def _history() -> list[dict[str, Any]]:
    """Orders of few people, who come back, also in another place; a month without any; some canceled."""
    found = []
    for number in range(150):
        day = number * 31 % 240
        placed = START + timedelta(days=day + (75 if day > 60 else 0), minutes=number)
        items = [
            {"product": f"p{(number + at) % 2}", "seller": f"s{(number * 3 + at) % 4}", "value": Decimal(100 + at)}
            for at in range(number % 3)
        ]
        found.append(
            {
                "id": f"o{number}",
                "person": f"u{number * number % 61}",
                "city": (HOSTILE, "campinas", None)[number % 3],
                "state": ("SP", "RJ", None, "SP")[number % 4],
                "placed": placed,
                "valid": number % 9 != 0,
                "items": items,
                "revenue": sum((item["value"] for item in items), Decimal(0)) or Decimal("7.50"),
            }
        )
    return found


ORDERS = _history()
VALID = [order for order in ORDERS if order["valid"]]
FIRST = {order["person"]: min(o["placed"] for o in VALID if o["person"] == order["person"]) for order in VALID}


@pytest.fixture(scope="module")
def ask() -> Iterator[Ask]:
    with duckdb.connect() as connection:
        connection.execute(TABLES)
        for order in ORDERS:
            connection.execute(
                "insert into marts.fact_orders (order_id, customer_unique_id, customer_city, customer_state, "
                "order_purchase_timestamp, is_valid_sale, items, gmv, freight, revenue) "
                "values (?, ?, ?, ?, ?, ?, ?, 0, 0, ?)",
                [order[name] for name in ("id", "person", "city", "state", "placed", "valid")]
                + [len(order["items"]), order["revenue"]],
            )
            for item in order["items"]:
                connection.execute(
                    "insert into marts.fact_sales values (?, ?, ?, ?, 0, 0, ?)",
                    [order["id"], item["product"], item["seller"], order["valid"], item["value"]],
                )
        for month, new, back, total in _growth(View()):
            connection.execute("insert into kpis.agg_monthly_growth values (?, ?, ?, ?)", [month, new, back, total])
        for row in (
            (date(2017, 3, 1), 0, 8, 8, 100),
            (date(2017, 3, 1), 1, 8, 1, "12.5"),
            (date(2017, 4, 1), 0, 3, 3, 100),
        ):
            connection.execute("insert into kpis.agg_retained_customers_over_month values (?, ?, ?, ?, ?)", list(row))

        def answer(query: Query) -> Rows:
            return fetch(connection.cursor(), query.sql, query.parameters)

        yield answer


def _sold(view: View) -> list[dict[str, Any]]:
    """The valid sales of the view, with the revenue of what matches."""
    found = []
    for order in VALID:
        items = [
            item
            for item in order["items"]
            if (not view.category or (item["product"] == "p0") == (view.category == "toys"))
            and view.seller in ("", item["seller"])
        ]
        if (
            (not view.start or order["placed"].date() >= view.start)
            and (not view.end or order["placed"].date() <= view.end)
            and view.state in ("", order["state"])
            and (items or not view.by_item)
        ):
            revenue = sum(item["value"] for item in items) if view.by_item else order["revenue"]
            found.append(order | {"revenue": revenue})
    return found


def _month(moment: Any) -> date:
    return date(moment.year, moment.month, 1)


def _growth(view: View) -> list[tuple[date, int, int, int]]:
    """New, returning and all new customers so far, per month from the first valid sale of all to the last."""
    ever = _sold(view.with_(start=None, end=None))
    rows, total = [], 0
    month, last = _month(min(o["placed"] for o in VALID)), _month(max(o["placed"] for o in VALID))
    while month <= last:
        active = {order["person"] for order in ever if _month(order["placed"]) == month}
        new = sum(_month(FIRST[person]) == month for person in active)
        total += new
        rows.append((month, new, len(active) - new, total))
        month = _month(month + timedelta(days=31))
    return [
        row for row in rows if (not view.start or row[0] >= _month(view.start)) and (not view.end or row[0] <= view.end)
    ]


def _records(rows: Rows) -> list[dict[str, Any]]:
    return [dict(zip(rows.columns, row, strict=True)) for row in rows.rows]


def _counted(sold: list[dict[str, Any]]) -> dict[str, Any]:
    orders = Counter(order["person"] for order in sold)
    return {
        "customers": len(orders),
        "orders": len(sold),
        "revenue": sum((order["revenue"] for order in sold), Decimal(0)),
        "repeat_customers": sum(count > 1 for count in orders.values()),
    }


@pytest.mark.parametrize("view", VIEWS)
def test_customers_of_a_view(ask: Ask, view: View) -> None:
    sold = _sold(view)
    people = {order["person"] for order in sold}
    new = sum(view.start is None or FIRST[person].date() >= view.start for person in people)

    assert _parts(ask, view).whole == {"part": "whole", "period": None, **_counted(sold), "new_customers": new}
    assert len(customers.figures(view, ask)) == len(customers.cards())


@pytest.mark.parametrize("view", VIEWS)
def test_customers_over_time(ask: Ask, view: View) -> None:
    def period(moment: datetime) -> date:
        day = moment.date()
        return {"day": day, "week": day - timedelta(days=day.weekday()), "month": day.replace(day=1)}[view.grain]

    groups: dict[date, list[dict[str, Any]]] = defaultdict(list)
    for order in _sold(view):
        groups[period(order["placed"])].append(order)
    expected = [
        {
            "part": "period",
            "period": day,
            **_counted(sold),
            "new_customers": sum(period(FIRST[person]) == day for person in {order["person"] for order in sold}),
        }
        for day, sold in sorted(groups.items())
    ]
    assert _parts(ask, view).periods == expected


@pytest.mark.parametrize("view", VIEWS)
def test_customers_of_the_days_before(ask: Ask, view: View) -> None:
    before = view.before()
    if before is None:
        assert _parts(ask, view).before == customers.EMPTY
    else:
        whole, found = _parts(ask, before).whole, _parts(ask, view).before
        assert {name: found[name] for name in customers.EMPTY} == {name: whole[name] for name in customers.EMPTY}


def _parts(ask: Ask, view: View) -> Parts:
    empty = {"part": "whole", "period": None, **customers.EMPTY}
    found = Parts.of(ask(customers.course(view)), customers.EMPTY)
    return found if "part" in found.whole else replace(found, whole=empty)


@pytest.mark.parametrize("view", VIEWS)
def test_growth_has_one_definition(ask: Ask, view: View) -> None:
    """From the KPI table where it can be, and the same where it is counted here."""
    assert list(ask(customers.growth(view)).rows) == _growth(view)
    if not (view.state or view.by_item):
        assert "kpis.agg_monthly_growth" in customers.growth(view).sql


def test_growth_counts_a_month_without_a_sale(ask: Ask) -> None:
    assert any(new + back == 0 for _, new, back, _ in ask(customers.growth(View())).rows)
    assert any(new + back == 0 for _, new, back, _ in ask(customers.growth(View(state="SP"))).rows)


def test_cohorts_lie_within_the_dates(ask: Ask) -> None:
    def kept(view: View) -> list[tuple[Any, ...]]:
        return [row[:2] for row in ask(customers.cohorts(view)).rows]

    everything = [(date(2017, 3, 1), 0), (date(2017, 3, 1), 1), (date(2017, 4, 1), 0)]
    assert kept(View()) == everything
    assert kept(View(start=date(2017, 3, 31))) == everything
    assert kept(View(end=date(2017, 3, 31))) == everything[:1]
    assert kept(View(start=date(2017, 4, 1), state="SP")) == everything[2:]


@pytest.mark.parametrize("view", VIEWS)
def test_frequency_and_places(ask: Ask, view: View) -> None:
    sold = _sold(view)
    times = Counter(min(4, count) for count in Counter(order["person"] for order in sold).values())
    assert {row["times"]: row["customers"] for row in _records(ask(customers.frequency(view)))} == times

    for level, names in (("state", ("state",)), ("city", ("state", "city"))):
        groups: dict[tuple[Any, ...], list[dict[str, Any]]] = defaultdict(list)
        for order in sold:
            groups[tuple(order[name] for name in names)].append(order)
        expected = {}
        for place, mine in groups.items():
            counted = _counted(mine)
            expected[("unknown" if place[0] is None else place[0], *place[1:])] = (
                counted["customers"],
                counted["orders"],
                counted["revenue"],
                pytest.approx(counted["revenue"] / counted["orders"], abs=Decimal("0.005")),
                pytest.approx(Decimal(counted["orders"]) / counted["customers"], abs=Decimal("0.00005")),
                pytest.approx(counted["repeat_customers"] / counted["customers"]),
            )
        rows = ask(customers.places(level)(view)).rows
        assert {row[: len(names)]: row[len(names) :] for row in rows} == expected
        assert [row[len(names) + 1] for row in rows] == sorted((row[len(names) + 1] for row in rows), reverse=True)


@pytest.mark.parametrize("shades", [LIGHT, DARK])
@pytest.mark.parametrize("locale", ["en", "pt-BR"])
@pytest.mark.parametrize("view", [View(), View(state="XX"), View(category=HOSTILE), View(end=date(2017, 4, 1))])
def test_charts_are_json(ask: Ask, view: View, locale: Any, shades: Any) -> None:
    view = view.with_(locale=locale)
    for query, draw in (
        (customers.growth, customer_charts.draw_growth),
        (customers.cohorts, customer_charts.draw_cohorts),
        (customers.frequency, customer_charts.draw_frequency),
        (customers.places("state"), customer_charts.draw_order_values),
    ):
        rows = ask(query(view))
        rows = customers.with_partial(view, rows) if query in (customers.growth, customers.cohorts) else rows
        options, note = draw(view, rows, shades)
        json.dumps(options, allow_nan=False)
        assert note


def test_the_charts_say_what_is_filtered(ask: Ask) -> None:
    for query, draw in (
        (customers.growth, customer_charts.draw_growth), (customers.cohorts, customer_charts.draw_cohorts)
    ):  # fmt: skip
        view = View(state="SP", category="toys")
        assert "state SP, category toys" in draw(view, customers.with_partial(view, ask(query(view))), LIGHT)[1]
        assert "SP" not in draw(View(), customers.with_partial(View(), ask(query(View()))), LIGHT)[1]


def test_a_whole_cohort_has_no_colour(ask: Ask) -> None:
    options, _ = customer_charts.draw_cohorts(
        View(), customers.with_partial(View(), ask(customers.cohorts(View()))), LIGHT
    )
    first = [cell for cell in options["series"][0]["data"] if cell["value"][0] == 0]
    assert first
    assert all(cell["visualMap"] is False for cell in first)
    assert options["visualMap"]["max"] == 12.5


def test_charts_of_nulls_and_hostile_names() -> None:
    rows = Rows(
        ("state", "customers", "orders", "revenue", "avg_order_value", "purchase_frequency", "repeat_rate"),
        ((HOSTILE, 1, 1, None, None, Decimal(1), 0.0), ("SP", 2, 3, Decimal(9), Decimal(3), Decimal("1.5"), 0.5)),
    )
    options, _ = customer_charts.draw_order_values(View(), rows, DARK)
    json.dumps(options, allow_nan=False)
    assert not any(set("{}|") & set(bar["tooltip"]["formatter"]) for bar in options["series"][0]["data"])
    columns = ("cohort_month", "months_since_first", "cohort_size", "retained_customers", "retention_rate_pct")
    nulls = Rows(columns, ((date(2017, 1, 1), 0, 0, 0, None), (date(2017, 1, 1), 1, 0, 0, None)))
    json.dumps(customer_charts.draw_cohorts(View(), customers.with_partial(View(), nulls), LIGHT)[0], allow_nan=False)


# Lineage.


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Rows:
    """The answer to MODELS, of a version that the project of now builds."""
    state = tmp_path_factory.mktemp("parsed")
    parsed = ParsedProject(Project(project_folder()), DbtProfile("duckdb", state, 1, {}), state)
    models = (model.row() for model in catalog_of(parsed.manifest()))
    columns = ("name", "layer", "description", "columns", "inputs")
    return Rows(columns, tuple(tuple(model[name] for name in columns) for model in models))


def test_lineage_goes_down_to_the_sources(catalog: Rows) -> None:
    known = nodes_of(catalog)
    for kpi in KPIS:
        found = steps(kpi.name, known)
        names = [node.name for node in found]
        assert names[0] == kpi.name
        assert {"stg_orders", "raw.orders", "raw.events"} <= set(names)
        assert len(names) == len(set(names))
        assert [LAYERS.index(node.layer) for node in found] == sorted(LAYERS.index(node.layer) for node in found)
        # All that a step is computed from is a step too.
        assert {name for node in found for name in node.inputs} <= set(names)
        rows = lineage_rows(kpi.name, known).rows
        assert all(row[2] for row in rows), [row for row in rows if not row[2]]
        assert html.escape(rows[0][2]) in lineage_html(lineage_rows(kpi.name, known))


def test_lineage_passes_over_what_is_not_known() -> None:
    known = {name: Node(name, layer, inputs=inputs) for name, layer, inputs in (
        ("agg", "kpis", ("raw.a", "fact", "gone")), ("fact", "marts", ("stg",)), ("stg", "other", ()),
        ("raw.a", "source", ()),
    )}  # fmt: skip
    assert [node.name for node in steps("agg", known)] == ["agg", "fact", "raw.a", "stg"]


# The page of data.

META = f"""
create schema meta;
create table meta.builds as
    select '20260101T000000000000Z' as build_id, 'published' as status, 2::bigint as journal_seq;
create table meta.loads (load_id varchar);
create schema marts;
create table marts.fact_orders as select timestamp '2018-08-29 15:00:37' as order_purchase_timestamp;
create table marts."{HOSTILE.replace('"', '""')}" (x int);
"""


def _record(build_id: str, status: str) -> BuildRecord:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    return BuildRecord(
        build_id, status, None, True, True, None, None, None, "", 1, 40, 1, 41, 30, 4, 2, moment, moment, 11.5
    )  # fmt: skip


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home").open()


def _nothing(query: Query) -> Rows:
    raise AssertionError(f"asked without a build: {query.sql}")


def _publish(home: Home) -> Ask:
    file = versions.version_file(home, "20260101T000000000000Z")
    with duckdb.connect(str(file)) as connection:
        connection.execute(META)
    versions.make_current(home, file.stem)

    def ask(query: Query) -> Rows:
        with duckdb.connect(str(file), read_only=True) as connection:
            return fetch(connection, query.sql, query.parameters)

    return ask


def _load(home: Home, folder: Path, *rows: str, strict: bool = False) -> str:
    folder.mkdir()
    head = "review_id,order_id,review_score,review_comment_title,review_comment_message,review_creation_date,"
    lines = [head + "review_answer_timestamp", *rows]
    (folder / "olist_order_reviews_dataset.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    result = load(folder, home, partial=True, strict=strict)
    assert result.load_id
    return result.load_id


GOOD = "a1,b1,5,,,2018-01-01 00:00:00,2018-01-02 00:00:00"
BAD = 'a{0},b2,9,,"<script>alert(1)</script> {{b}} ""q""",2018-01-01 00:00:00,2018-01-02 00:00:00'


def test_nothing_is_there_yet(home: Home) -> None:
    standing = data_sources.standing(home, _nothing)

    assert (standing.build, standing.loads, standing.events) == (None, 0, 0)
    assert "armazem load" in data.advice(standing)
    assert len(data.figures(home, View(), _nothing)) == len(data.cards())
    assert data.details(standing, View()).rows == ()
    for rows in (
        data_sources.builds(home), data_sources.loads(home, _nothing), data_sources.rejects(home),
        data_sources.dead_letters(home), data_sources.tables(home, _nothing),
    ):  # fmt: skip
        assert rows.rows == ()


def test_what_was_loaded_and_rejected(home: Home, tmp_path: Path) -> None:
    before = data_sources.fingerprint(home)
    first = _load(home, tmp_path / "one", GOOD, *(BAD.format(number) for number in range(10, 15)))
    second = _load(home, tmp_path / "two", GOOD.replace("a1", "a2"), BAD.format(20), ",b3,5,,,2018-01-01 00:00:00,")
    assert data_sources.fingerprint(home) != before

    assert "armazem build" in data.advice(data_sources.standing(home, _nothing))
    found = _records(data_sources.loads(home, _nothing))
    assert [(row["load_id"], row["rows_read"], row["rows_rejected"], row["built"]) for row in found] == [
        (second, 3, 2, False),
        (first, 6, 5, False),
    ]
    score, missing = _records(data_sources.rejects(home))
    assert (score["table"], score["column"], score["rows"], score["files"]) == ("order_reviews", "review_score", 6, 2)
    assert (score["load_id"], score["state"]) == (second, "loaded")
    assert (missing["code"], missing["rows"], missing["files"]) == ("missing_field", 1, 1)
    assert "line 3" in score["examples"][0] and '<script>alert(1)</script> {b} ""q""' in score["examples"][0]

    withdraw(home, second)
    score, _ = _records(data_sources.rejects(home))
    assert score["state"] == "withdrawn"
    with pytest.raises(ArmazemError):
        _load(home, tmp_path / "three", GOOD.replace("a1", "a3"), BAD.format(30), strict=True)
    score, _ = _records(data_sources.rejects(home))
    assert (score["rows"], score["state"], len(score["examples"])) == (7, "refused", 1)


def test_what_was_refused(home: Home) -> None:
    letters = DeadLetters(home, Settings(home=home.root))
    now = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    refusals = [Refusal("http", "bad_value", "$.x", f"no. {n} {HOSTILE}", f"{HOSTILE} {n}".encode()) for n in range(5)]
    letters.append([*refusals, Refusal("pubsub", "not_utf8", "", "no text", b"\xff\x00")], now)
    letters.close()

    value, binary = _records(data_sources.dead_letters(home))
    assert (value["code"], value["source"], value["messages"], value["last"]) == ("bad_value", "http", 5, now)
    assert len(value["examples"]) == data_sources.EXAMPLES
    assert value["examples"][0] == f"no. 5 at $.x: no. 4 {HOSTILE}\n{HOSTILE} 4"
    assert binary["examples"] == ["no. 6: no text\nbase64 /wA="]


def test_what_was_built_and_why_not(home: Home, tmp_path: Path) -> None:
    ask = _publish(home)
    versions.write_record(home, _record("20260101T000000000000Z", "published"))
    _load(home, tmp_path / "one", GOOD)
    versions.write_record(home, _record("20260102T000000000000Z", "failed"), [f"a_test: {HOSTILE} 3"])
    versions.write_record(home, _record("20260103T000000000000Z", "failed"))
    (home.builds / versions.FAILED_FILE).touch()

    third, second, first = _records(data_sources.builds(home))
    assert (first["state"], first["why"]) == ("current", "")
    assert (second["state"], second["why"]) == ("failed", f"a_test: {HOSTILE} 3")
    assert third["why"] == "1 model failed; 2 tests failed"  # of a record that does not say more
    standing = data_sources.standing(home, ask)
    assert standing.failed
    assert "20260103T000000000000Z" in data.advice(standing)
    assert "--failed" in data.advice(standing)
    assert (standing.newest_order, standing.loads_not_built) == (datetime(2018, 8, 29, 15, 0, 37), 1)
    tables = {row["table"]: row["rows"] for row in _records(data_sources.tables(home, ask))}
    assert tables == {"builds": 1, "loads": 0, "fact_orders": 1, HOSTILE: 0}
    assert data.described(data_sources.tables(home, ask)).columns[-1] == "meaning"


def test_a_failure_that_was_withdrawn_alarms_nobody(home: Home) -> None:
    ask = _publish(home)
    versions.write_record(home, _record("20260102T000000000000Z", "failed"))

    standing = data_sources.standing(home, ask)
    assert standing.failed is None
    assert data.advice(standing) == ""


def test_what_is_damaged_is_an_error_of_its_own(home: Home, tmp_path: Path) -> None:
    _load(home, tmp_path / "one", GOOD, BAD.format(10))
    (home.builds / "20260102T000000000000Z.json").write_text("{", encoding="utf-8")
    with pytest.raises(HomeError):
        data_sources.builds(home)
    assert data_sources.loads(home, _nothing).rows
    [path] = home.rejects.glob("*/*.jsonl")
    path.write_bytes(b"\xff{not json\n" + path.read_bytes())
    assert sum(row[3] for row in data_sources.rejects(home).rows) == 1
    [ledger] = home.loads.glob("*/ledger.json")
    ledger.write_text("[]", encoding="utf-8")
    for read in (lambda: data_sources.loads(home, _nothing), lambda: data_sources.standing(home, _nothing)):
        with pytest.raises(HomeError):
            read()


def test_failing_rows_are_those_that_stop_first_and_few_of_each() -> None:
    audit = " union all ".join(
        f"select '{check}' as failed_check, '{severity}' as severity, cast(n as varchar) as failing_row "
        "from range(40) t(n)"
        for check, severity in (("a", "warn"), ("b", "error"))
    )
    with duckdb.connect() as connection:
        found = connection.execute(failing_rows(audit)).fetchall()
        plain = connection.execute(failing_rows("select 1 as x from range(500) -- all")).fetchall()
    assert Counter(row[0] for row in found) == {"a": 25, "b": 25}
    assert found[0][0] == "b"
    assert len(plain) == 100


def test_texts_are_text() -> None:
    made = texts([(HOSTILE, HOSTILE), (HOSTILE, "again")])
    assert "<script" not in made
    assert re.findall("<[^>]*>", made) == ["<dl>", "<dt>", "</dt>", "<dd>", "</dd>", "<dd>", "</dd>", "</dl>"]
    rows = Rows(("part", "name", "description", "computed_from"), (("kpis", HOSTILE, HOSTILE, HOSTILE),))
    assert "<script" not in lineage_html(rows)
