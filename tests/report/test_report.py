"""`armazem report`: its figures are those of SQL, its words those of the golden files, whatever the data hold."""

from __future__ import annotations

import json
import re
import shutil
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from warehouse.shop import Shop, ended, start

from armazem.config import Settings
from armazem.report.daily import Report, report_of
from armazem.targets.duckdb.versions import make_current

from . import small_shop
from .reading import FORBIDDEN, Mail
from .small_shop import DAY, HOSTILE_CATEGORY, WEEK_BEFORE, YEAR_BEFORE

pytestmark = pytest.mark.xdist_group("report")

GOLDEN = Path(__file__).with_name("golden")
MONEY = ("revenue", "gmv", "freight")


def as_json(shop: Shop, *arguments: object) -> dict[str, Any]:
    answer = shop.armazem("report", "--format", "json", *arguments)
    assert answer.code == 0, answer.err
    return json.loads(answer.out, parse_float=Decimal)


def measures(report: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {measure["name"]: measure for measure in report["measures"]}


def asked(shop: Shop, sql: str) -> list[dict[str, Any]]:
    return json.loads(shop.armazem("sql", sql, "--format", "json").out, parse_float=Decimal)


def normalised(text: str, shop: Shop) -> str:
    """Without what differs from run to run: ids, the time of now, seconds, the place; and yesterday."""
    text = text.replace(str(shop.path), "HOME")
    text = re.sub(r"\d{8}T\d{12}Z", "YYYYMMDDTHHMMSSffffffZ", text)
    text = re.sub(r"20(?:2[6-9]|[3-9]\d)-\d\d-\d\d(?:T[\d:.]+Z)?", "NOW", text)
    text = re.sub(r"\d{1,2} [A-Z][a-z]{2} 20(?:2[6-9]|[3-9]\d) \d\d:\d\d", "NOW", text)
    text = re.sub(r"after [\d.]+ s", "after N s", text)
    text = re.sub(r'"seconds": [\d.e-]+', '"seconds": N', text)
    # Widths of columns and rules follow from the texts that were replaced.
    return re.sub(r"─+", "─", re.sub(r"[ \t]+", " ", text))


@pytest.mark.parametrize(
    ("name", "arguments"),
    [("report.txt", ()), ("report.json", ("--format", "json")), ("report.html", ("--html", "-"))],
)
def test_the_golden_files(shop: Shop, name: str, arguments: tuple[str, ...], tmp_path: Path) -> None:
    answer = ended(start("--home", shop.path, "report", *arguments))
    assert (answer.code, answer.err) == (0, "")
    said = normalised(answer.out, shop)
    (tmp_path / name).write_text(said, encoding="utf-8")
    expected = (GOLDEN / name).read_text(encoding="utf-8")
    assert said == expected, f"if this is meant: cp {tmp_path / name} {GOLDEN / name}"


def test_money_is_that_of_sql_to_the_cent_on_each_of_the_three_days(shop: Shop) -> None:
    found = measures(as_json(shop))
    for day, at in ((DAY, None), (WEEK_BEFORE, "week_before"), (YEAR_BEFORE, "year_before")):
        [expected] = asked(
            shop,
            "select sum(revenue) as revenue, sum(gmv) as gmv, sum(freight) as freight, count(*) as orders, "
            "count(distinct customer_unique_id) as customers from marts.fact_orders "
            f"where is_valid_sale and cast(order_purchase_timestamp as date) = date '{day}'",
        )
        values = {name: found[name]["value"] if at is None else found[name][at]["value"] for name in expected}
        assert values == expected
        assert all(isinstance(values[name], Decimal) for name in MONEY)
    assert found["revenue"]["value"] == Decimal("1320.01")


def test_the_figures_are_those_of_the_kpi_of_every_day(shop: Shop) -> None:
    for row in asked(shop, "select * from kpis.agg_sales_trend where grain = 'day' and orders > 0"):
        found = measures(as_json(shop, "--day", row["period_start"]))
        for name in ("orders", "units", *MONEY, "avg_order_value"):
            assert found[name]["value"] == row[name], (row["period_start"], name)


def test_the_course_and_the_tops_add_up(shop: Shop) -> None:
    report = as_json(shop)
    days = {row["day"]: row["revenue"] for row in report["course"]}
    assert list(days) == [str(date.fromisoformat(DAY) - timedelta(days=back)) for back in reversed(range(14))]
    assert (days[DAY], days[WEEK_BEFORE], days["2018-08-28"]) == (Decimal("1320.01"), Decimal("100.00"), 0)
    for name, tops in report["tops"].items():
        assert sum(top["revenue"] for top in tops) == Decimal("1320.01"), name
    assert [top["name"] for top in report["tops"]["categories"]] == [HOSTILE_CATEGORY, "perfumery"]
    assert report["tops"]["sellers"][0]["place"] == "sao luis/MA"


def test_changes_are_absolute_and_relative(shop: Shop) -> None:
    found = measures(as_json(shop))
    assert found["revenue"]["week_before"] == {
        "value": Decimal("100.00"), "change": Decimal("1220.01"), "change_pct": Decimal("1220.01"),
    }  # fmt: skip
    assert found["freight"]["week_before"]["change_pct"] is None  # it was 0
    assert found["canceled_pct"]["week_before"] == {
        "value": Decimal("33.33"), "change": Decimal("-13.33"), "change_pct": None,
    }  # fmt: skip
    assert found["late_rate_pct"]["year_before"] == {"value": None, "change": None, "change_pct": None}


def test_the_mail_says_what_sql_says_and_needs_nothing_else(shop: Shop, tmp_path: Path) -> None:
    out = tmp_path / "mail.html"
    answer = shop.armazem("report", "--html", out)
    assert (answer.code, answer.out, answer.err) == (0, "", f"wrote {out}\n")
    assert [path.name for path in tmp_path.iterdir()] == ["mail.html"]
    text = out.read_text(encoding="utf-8")
    mail = Mail(text)
    assert mail.unclosed == []
    assert not set(mail.tags) & set(FORBIDDEN)
    assert not [name for name, _ in mail.attributes if name.startswith("on") or name in ("src", "href")]
    assert "http" not in text
    assert "url(" not in text
    [[count, revenue]] = [list(row.values()) for row in asked(
        shop, "select count(*), sum(revenue) from marts.fact_orders "
        f"where is_valid_sale and cast(order_purchase_timestamp as date) = date '{DAY}'")]  # fmt: skip
    assert mail.row("The day", "Orders")[0] == f"{count}"
    assert mail.row("The day", "Revenue")[0] == f"R$\u202f{revenue:,}"
    assert mail.row("Revenue of 14 days", "Wed, 29 Aug 2018")[0] == f"R$\u202f{revenue:,}"
    portuguese = shop.armazem("report", "--html", "-", "--locale", "pt-BR").out
    assert Mail(portuguese).row("The day", "Revenue")[0] == "R$\u202f1.320,01"


def test_names_of_files_and_categories_are_texts_only(shop: Shop) -> None:
    text = shop.armazem("report", "--html", "-").out
    assert "<script" not in text
    assert "<img" not in text
    assert "\x1b" not in text
    mail = Mail(text)
    assert mail.row("Top categories", HOSTILE_CATEGORY)[0] == "R$\u202f1,250.00"
    rejects = next(rows for title, rows in mail.tables.items() if title.startswith("Rejected rows"))
    folder = small_shop.HOSTILE_FOLDER.replace("\x1b", "\ufffd")
    [load] = shop.home.rejects.iterdir()
    assert rejects[1:] == [
        ["orders", f"{folder}/olist_orders_dataset.csv", "bad_timestamp", "2", str(load / "orders.jsonl")],
        ["order_items", f"{folder}/olist_order_items_dataset.csv", "negative_amount", "1",
         str(load / "order_items.jsonl")],
    ]  # fmt: skip
    assert "\x1b" not in shop.armazem("report").out


def test_the_last_build_its_warnings_and_the_loads(shop: Shop) -> None:
    standing = as_json(shop)["standing"]
    assert standing["published"] == standing["last_build"]["build_id"] == shop.current
    assert standing["due"] is None
    assert {(load["table"], load["rows_rejected"]) for load in standing["loads"] if load["rows_rejected"]} == {
        ("orders", 2), ("order_items", 1),
    }  # fmt: skip
    [sizes] = [warning for warning in standing["warnings"] if warning["test"] == "stg_products_audit"]
    assert (sizes["rows"], sizes["checks"]) == (2, "have_a_size 2")
    assert sizes["remarks"] == ["have_a_size: real data has two without: their volume is null."]
    query = re.fullmatch(r'armazem sql "(.+)"', sizes["look"])
    assert query
    [[sql]] = [list(row.values()) for row in asked(shop, query[1])]
    assert len(asked(shop, sql)) == 2


def test_since_a_later_day_nothing_was_loaded(shop: Shop) -> None:
    tomorrow = datetime.now(UTC).date() + timedelta(days=1)
    standing = as_json(shop, "--since", tomorrow)["standing"]
    assert standing["loads"] == standing["rejects"] == []


def test_a_day_without_a_sale(shop: Shop) -> None:
    report = as_json(shop, "--day", "2018-08-28")
    found = measures(report)
    assert {found[name]["value"] for name in ("orders", "revenue", "customers", "delivered_orders", "reviews")} == {0}
    assert {found[name]["value"] for name in ("avg_order_value", "canceled_pct", "late_rate_pct", "review_score")} == {
        None
    }
    assert report["tops"] == {"categories": [], "sellers": [], "states": []}
    mail = Mail(shop.armazem("report", "--day", "2018-08-28", "--html", "-").out)
    assert mail.row("The day", "Average order value")[0] == "–"
    assert mail.said.count("Nothing was sold on this day.") == 3


@pytest.mark.parametrize(("day", "note"), [("2018-09-03", "end on 2018-08-29"), ("2016-01-01", "begin on 2017-08-30")])
def test_a_day_outside_the_data(shop: Shop, day: str, note: str) -> None:
    report = as_json(shop, "--day", day)
    assert note in report["note"]
    assert measures(report)["orders"]["value"] == 0


def of(shop: Shop, now: str) -> Report:
    return report_of(Settings(home=shop.path), now=datetime.fromisoformat(now))


def test_yesterday_is_that_of_business_time(shop: Shop) -> None:
    # 02:59 UTC is still the day before in São Paulo.
    late, midnight = of(shop, "2018-08-30T02:59:59+00:00"), of(shop, "2018-08-30T03:00:00+00:00")
    assert (str(late.day), late.note) == ("2018-08-28", "")
    assert (str(midnight.day), midnight.note) == (DAY, "")
    later = of(shop, "2018-09-10T12:00:00+00:00")
    assert str(later.day) == DAY
    assert "Yesterday, 2018-09-09, lies beyond the published tables" in later.note


def test_a_shop_of_ten_days_has_no_year_before(tmp_path: Path) -> None:
    shop = Shop(tmp_path / "home")
    shop.load(small_shop.ten_days(tmp_path / "files"), partial=True)
    shop.build()
    report = as_json(shop)
    revenue = measures(report)["revenue"]
    assert (report["day"], report["first_day"]) == ("2018-08-10", "2018-08-01")
    assert revenue["week_before"]["value"] == Decimal("3.00")
    assert revenue["year_before"] == {"value": None, "change": None, "change_pct": None}
    assert [row["revenue"] for row in report["course"][:5]] == [None, None, None, None, Decimal("1.00")]
    mail = Mail(shop.armazem("report", "--html", "-").out)
    assert mail.row("The day", "Revenue")[3:] == ["+233.3%", "–", "–", "–"]
    fourth = measures(as_json(shop, "--day", "2018-08-04"))["orders"]
    assert fourth["week_before"] == fourth["year_before"] == {"value": None, "change": None, "change_pct": None}


@pytest.fixture
def copy(shop: Shop, tmp_path: Path) -> Shop:
    """The small shop, to be changed."""
    shutil.copytree(shop.path, tmp_path / "home", symlinks=True, ignore=shutil.ignore_patterns("current"))
    copied = Shop(tmp_path / "home")
    make_current(copied.home, shop.current)
    return copied


def test_a_failed_build_a_refused_load_and_dead_letters(copy: Shop, tmp_path: Path) -> None:
    world = small_shop.World()
    for number in range(40):  # items far from what was paid: a mis-scaled extract
        world.sale(f"x{number}", "x", DAY, "10.00")
        world.rows["olist_order_payments_dataset"][-1]["payment_value"] = "1000.00"
    copy.load(world.write(tmp_path / "more"), partial=True)
    assert copy.armazem("build").code == 3
    refused = small_shop.World()
    refused.order("o", "c", "no time")
    strict = copy.armazem("load", refused.write(tmp_path / "refused"), "--partial", "--strict")
    assert strict.code == 1
    letters = tmp_path / "events.jsonl"
    letters.write_text('{"event_type": "order_review"}\n{"event_type": "nonsense", "data": {}}\nno json\n')
    assert copy.armazem("ingest", letters).code == 1

    report = as_json(copy, "--since", "2026-01-01")
    standing = report["standing"]
    last = standing["last_build"]
    assert (last["status"], last["current"], standing["published"]) == ("failed", False, copy.current)
    assert last["why"]
    assert last["tests_failed"] > 0
    assert standing["due"].startswith(f"incremental from {copy.current}")
    assert {(one["code"], one["rows"], one["landed"]) for one in standing["rejects"]} == {
        ("bad_timestamp", 1, False), ("bad_timestamp", 2, True), ("negative_amount", 1, True),
    }  # fmt: skip
    counted = {one["code"]: one["messages"] for one in standing["dead_letters"]}
    assert sum(counted.values()) == 3
    assert counted["not_json"] == 1
    assert not any(load["built"] for load in standing["loads"] if load["rows_accepted"] == 40)

    said = copy.armazem("report", "--since", "2026-01-01").out
    assert f"! The last build, {last['build_id']}, was not published: readers keep {copy.current}." in said
    assert "! A build is due: incremental" in said
    assert "(the load is not in the warehouse)" in said
    assert "! 3 messages refused" in said


def test_rejects_that_lie_on_another_machine(copy: Shop) -> None:
    shutil.rmtree(copy.home.rejects)
    rejects = as_json(copy)["standing"]["rejects"]
    assert sorted((one["table"], one["code"], one["rows"]) for one in rejects) == [
        ("order_items", "", 1),
        ("orders", "", 2),
    ]
    assert "not known here" in copy.armazem("report").out
