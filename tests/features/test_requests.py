"""What is asked: files and tables, good and bad, through the real command."""

from __future__ import annotations

import csv
import io
import json
import os
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from warehouse.exported import COLUMNS, publish
from warehouse.shop import Answer, Shop, armazem

from armazem.config import Settings
from armazem.errors import FeatureError
from armazem.features.catalogue import FEATURES
from armazem.features.requests import Requests
from armazem.features.times import time_of, times_of
from armazem.features.training import training_set
from armazem.home import Home

from .known import Shown

ZONE = ZoneInfo("America/Sao_Paulo")
AN_ORDER = "(1, null, null, null, null, null, null, null, '2018-01-01 10:00:00')"


def get(shop: Shop, file: Path, *options: object) -> Answer:
    return shop.armazem("features", "get", "--entities", file, *options)


def rows_of(answer: Answer) -> list[dict[str, str]]:
    assert answer.code == 0, answer.err
    return list(csv.DictReader(io.StringIO(answer.out)))


def refused(answer: Answer) -> str:
    assert (answer.code, answer.out) == (1, ""), answer
    return " ".join(answer.err.split())


def test_a_file_comes_out_as_it_was_with_features_behind(shop: Shop, shown: Shown, requests_csv: Path) -> None:
    seller = shown.ids("seller")[0]
    at = f"{shown.newest} 10:00"
    requests_csv.write_text(
        f'\ufeffnote,seller_id,price,at,again\n"a, ""b""\nc",{seller},007.10,{at},\n'
        f'\nd,{seller},,{at},""\nd,{seller},,{at},""\n'
    )
    answer = get(shop, requests_csv, "--features", "seller_sold,marketplace_late_rate_90d")
    first, second, third = rows_of(answer)
    features = shown.features("seller", seller, datetime.fromisoformat(at))
    market = shown.features("marketplace", "all", datetime.fromisoformat(at))
    assert list(first) == ["note", "seller_id", "price", "at", "again", "seller_sold", "marketplace_late_rate_90d"]
    assert list(first.values())[:5] == ['a, "b"\nc', seller, "007.10", at, ""]
    assert first["seller_sold"] == str(features["seller_sold"])
    assert float(first["marketplace_late_rate_90d"]) == market["marketplace_late_rate_90d"]
    assert second == third == first | {"note": "d", "price": ""}
    assert answer.out.splitlines()[3].split(",")[4] == '""'  # an empty text is no null
    assert f"3 rows, 2 features of build {shop.current}, known until {shown.newest} 00:00:00" in answer.err


def test_csv_and_parquet_give_the_same(shop: Shop, shown: Shown, tmp_path: Path) -> None:
    rows = shown.requests(50, seed=5)
    table = pa.Table.from_pylist(rows)
    pq.write_table(table, tmp_path / "in.parquet")
    with (tmp_path / "in.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    outs = []
    for given in ("in.csv", "in.parquet"):
        for out in ("out.csv", "out.parquet"):
            answer = get(shop, tmp_path / given, "--out", tmp_path / f"{given}.{out}")
            assert (answer.code, answer.out) == (0, ""), answer.err
        outs.append(pq.read_table(tmp_path / f"{given}.out.parquet").drop_columns("at"))
    assert outs[0] == outs[1]
    written = list(csv.DictReader((tmp_path / "in.csv.out.csv").open()))
    for row, numbers in zip(written, outs[0].to_pylist(), strict=True):
        for feature in FEATURES:
            value = numbers[feature.name]
            assert row[feature.name] == "" if value is None else float(row[feature.name]) == value, feature.name


@pytest.mark.parametrize(
    "times",
    [
        lambda day: pa.array([datetime(day.year, day.month, day.day, 1)]),
        lambda day: pa.array([day]),
        lambda day: pa.array([datetime(day.year, day.month, day.day, 1, tzinfo=ZONE)]),
        lambda day: pa.array([datetime(day.year, day.month, day.day, 1, tzinfo=ZONE)], pa.timestamp("ns", "UTC")),
        lambda day: pa.array([f"{day}"]),
        lambda day: pa.array([f"{day}T23:59:59.999999"]),
        lambda day: pa.array([f"{day}T03:00:00Z"]),
        lambda day: pa.array([f"{day + timedelta(days=1)} 02:59:59+00:00"]).dictionary_encode(),
        lambda day: pa.array([f"{day} 23:59-03:00"], pa.large_string()),
        lambda day: pa.array([f"{day} 23:59-03:00"], pa.string_view()),
        lambda day: pa.array([day], pa.date64()),
        lambda day: pa.array([datetime(day.year, day.month, day.day, 1)], pa.timestamp("s")),
    ],
)
def test_times_in_every_form(settings: Settings, shown: Shown, times: Any) -> None:
    day = date(2026, 6, 20) if shown.newest > date(2026, 6, 20) else shown.newest - timedelta(days=40)
    asked = pa.table({"lane": ["SP-SP"], "when": times(day)})
    [found] = training_set(settings, Requests(asked), at="when").to_pylist()
    expected = shown.features("lane", "SP-SP", datetime(day.year, day.month, day.day))
    assert {name: found[name] for name in expected} == expected


BAD = [
    ("", "requests.csv is empty → its first line names the columns"),
    ("\n\n", "requests.csv is empty"),
    ("seller_id,at\n", "requests.csv has no rows"),
    (
        "order,at\na,2018-01-01\n",
        "requests.csv names no entity: it has order, at → give it one of the columns seller_id",
    ),
    ("seller_id;at\na;2018-01-01\n", "requests.csv names no entity: it has seller_id;at"),
    ("seller_id,seller_id\na,b\n", "requests.csv has the column seller_id more than once"),
    ("seller_id,at,,\na,2018-01-01,,\n", "requests.csv: columns 3 and 4 have no name → delete them"),
    (",seller_id,at,,\n,a,2018-01-01,,\n", "requests.csv: columns 1, 4 and 5 have no name → delete them"),
    ("seller_id,at,seller_sold\na,2018-01-01,1\n", "has a column seller_sold already, which is a feature's name"),
    ("seller_id,at\na,2018-01-01\nb,yesterday\n", "requests.csv, line 3: column at has no time: 'yesterday'"),
    ('seller_id,at\n"a\nb",2018-01-01\n\nb,2018-02-30\n', "requests.csv, line 5: column at has no time: '2018-02-30'"),
    ("seller_id,at\na,\n", "requests.csv, line 2: column at is empty"),
    ("seller_id,at\na,2018-01-01\n\nb,2018-01-01,c\n", "requests.csv, line 4: it has 3 columns, the header 2"),
    ("seller_id,at\na,2218-01-01\n", "requests.csv, line 2: 2218-01-01 00:00:00 lies after the newest features"),
]


@pytest.mark.parametrize(("text", "said"), BAD)
def test_bad_files(shop: Shop, requests_csv: Path, text: str, said: str) -> None:
    requests_csv.write_text(text)
    assert said in refused(get(shop, requests_csv))


def test_bad_bytes_and_names(shop: Shop, tmp_path: Path, requests_csv: Path) -> None:
    requests_csv.write_bytes(b"seller_id,at\n\xff\xfe,2018-01-01\n")
    assert "is not UTF-8" in refused(get(shop, requests_csv))
    no_parquet = requests_csv.rename(tmp_path / "requests.parquet")
    assert "requests.parquet cannot be read" in refused(get(shop, no_parquet))
    workbook = no_parquet.rename(tmp_path / "requests.xlsx")
    assert "neither CSV nor Parquet" in refused(get(shop, workbook))
    assert "there is no file" in refused(get(shop, tmp_path / "nothing.csv"))
    pq.write_table(pa.table({"seller_id": ["a"], "at": [7]}), no_parquet)
    assert "column at holds int64, no times" in refused(get(shop, no_parquet))
    pq.write_table(pa.table({"seller_id": [["a"]]}), no_parquet)
    assert "column seller_id holds no ids" in refused(get(shop, no_parquet))
    pq.write_table(pa.table({"seller_id": ["a", "b"], "at": [datetime(2018, 1, 1), None]}), no_parquet)
    assert "requests.parquet, row 2: column at is empty" in refused(get(shop, no_parquet))


TOKYO = "Asia/Tokyo"
LAST = 253_402_300_799  # 9999-12-31T23:59:59


@pytest.mark.parametrize(
    ("times", "zone"),
    [
        (pa.array([LAST * 1_000_000], pa.timestamp("us", "UTC")), TOKYO),
        (pa.array([LAST + 1], pa.timestamp("s")), TOKYO),
        (pa.array([-62_135_596_801], pa.timestamp("s")), TOKYO),
        (pa.array([-62_135_596_800], pa.timestamp("s", "UTC")), "America/Sao_Paulo"),
        (pa.array([-62_135_596_800 - 10**11], pa.timestamp("s", "Mars/Olympus")), TOKYO),
        (pa.array([2**61], pa.timestamp("ms")), TOKYO),
        (pa.array([2**61], pa.timestamp("ms", "UTC")), TOKYO),
        (pa.array([2**63 - 1], pa.timestamp("us")), TOKYO),
        (pa.array([-(2**63)], pa.timestamp("s", "UTC")), TOKYO),
        (pa.array([2**30], pa.date32()), TOKYO),
        (pa.array([-(2**30)], pa.date32()), TOKYO),
        (pa.array([2**62], pa.date64()), TOKYO),
        (pa.array(["9999-12-31T23:59:59Z"]), TOKYO),
        (pa.array(["0001-01-01T00:00+14:00"]), TOKYO),
    ],
)
def test_times_that_no_calendar_has(times: pa.Array, zone: str) -> None:
    good = pa.array([0], pa.int32() if times.type == pa.date32() else pa.int64())
    good = pa.array(["2018-01-01"]) if times.type == pa.string() else good.cast(times.type)
    requests = Requests(pa.table({"at": pa.concat_arrays([good, times])}))
    with pytest.raises(FeatureError, match="row 2 of the table: column at is out of range: ") as raised:
        times_of(requests, "at", zone)
    assert "the years 1 to 9999" in (raised.value.hint or "")


@pytest.mark.parametrize(
    ("time", "type_"),
    [
        (datetime(1, 1, 1), pa.timestamp("s")),
        (datetime(1, 1, 1), pa.timestamp("us")),
        (datetime(9999, 12, 31, 23, 59, 59), pa.timestamp("ms")),
        (datetime(1677, 9, 22), pa.timestamp("ns")),
        (datetime(1, 1, 1), pa.date32()),
        (datetime(9999, 12, 31), pa.date64()),
    ],
)
def test_the_first_and_the_last_time(time: datetime, type_: pa.DataType) -> None:
    given = pa.array([time.date() if pa.types.is_date(type_) else time], type_)
    assert times_of(Requests(pa.table({"at": given})), "at", "America/Sao_Paulo").to_pylist() == [time]


def test_values_that_are_very_long(shop: Shop, requests_csv: Path) -> None:
    long = "x" * 140_000
    requests_csv.write_text(f"seller_id,note,at\na,{long},2018-01-01\nb,,yesterday\n")
    assert "requests.csv, row 2: column at has no time: 'yesterday'" in refused(get(shop, requests_csv))
    requests_csv.write_text(f"seller_id,{long}\na,b\n")
    assert "requests.csv: its header cannot be read: field larger" in refused(get(shop, requests_csv))


def test_lines_before_the_header_may_be_empty(shop: Shop, requests_csv: Path) -> None:
    requests_csv.write_text("\n\nseller_id,at\n\na,2018-01-01\n")
    assert [row["seller_id"] for row in rows_of(get(shop, requests_csv))] == ["a"]
    requests_csv.write_text("\n\nseller_id,at\n\na,yesterday\n")
    assert "requests.csv, line 5: column at has no time" in refused(get(shop, requests_csv))


def test_one_column_may_have_no_name(shop: Shop, requests_csv: Path) -> None:
    requests_csv.write_text(",seller_id\n0,a\n")
    [row] = rows_of(get(shop, requests_csv, "--features", "seller_sold"))
    assert row == {"": "0", "seller_id": "a", "seller_sold": "0"}


@pytest.mark.parametrize("name", ["requests.csv", "requests.parquet"])
def test_what_is_no_file(shop: Shop, tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    assert f"{name} is a folder or a pipe, and no file" in refused(get(shop, tmp_path / name))
    (tmp_path / name).rmdir()
    os.mkfifo(tmp_path / name)
    assert f"{name} is a folder or a pipe, and no file" in refused(get(shop, tmp_path / name))


def test_a_column_twice_in_parquet(shop: Shop, tmp_path: Path) -> None:
    twice = pa.Table.from_arrays([pa.array(["a"]), pa.array(["b"])], ["seller_id", "seller_id"])
    pq.write_table(twice, tmp_path / "requests.parquet")
    said = refused(get(shop, tmp_path / "requests.parquet"))
    assert "requests.parquet has the column seller_id more than once" in said


def test_bad_options(shop: Shop, tmp_path: Path, requests_csv: Path) -> None:
    requests_csv.write_text("seller_id,at\na,2018-01-01\n")
    assert "has no column when, which --at names" in refused(get(shop, requests_csv, "--at", "when"))
    assert "has no column lane, which features of the lane need" in refused(get(shop, requests_csv, "--entity", "lane"))
    unknown = refused(get(shop, requests_csv, "--features", "seller_late_rate_91d"))
    assert "there is no feature seller_late_rate_91d → did you mean seller_late_rate_90d" in unknown
    assert "end it in .csv or .parquet" in refused(get(shop, requests_csv, "--out", tmp_path / "out.xlsx"))
    assert "there is no folder" in refused(get(shop, requests_csv, "--out", tmp_path / "no" / "out.csv"))
    (tmp_path / "out.csv").mkdir()
    assert "is a folder" in refused(get(shop, requests_csv, "--out", tmp_path / "out.csv"))
    for arguments in (
        (),
        ("--entities", requests_csv, "--orders", "purchase"),
        ("--orders", "purchase", "--at", "at"),
        ("--entities", requests_csv, "--entity", "seller", "--features", "seller_sold"),
        ("--entities", requests_csv, "--entity", "shop"),
        ("--entities", requests_csv, "--entity", ""),
        ("--entities", requests_csv, "--features", ""),
        ("--entities", requests_csv, "--features", " , ", "--features", ","),
        ("--orders", "purchase", "--features", ""),
    ):
        answer = shop.armazem("features", "get", *arguments)
        assert (answer.code, "Usage: " in answer.err) == (2, True)


def test_the_marketplace_needs_no_id(shop: Shop, requests_csv: Path) -> None:
    requests_csv.write_text("at\n2018-01-01\n")
    assert "names no entity" in refused(get(shop, requests_csv))
    [row] = rows_of(get(shop, requests_csv, "--entity", "marketplace"))
    assert len(row) == 1 + len(FEATURES) // 5


def test_nothing_to_ask(tmp_path: Path, requests_csv: Path) -> None:
    requests_csv.write_text("seller_id\na\n")
    home = Home(tmp_path / "empty").open()
    answer = armazem("features", "get", "--entities", requests_csv, home=home.root)
    assert "nothing is published" in refused(answer)
    publish(Home(tmp_path / "older"), columns=f"{COLUMNS}, order_purchase_timestamp timestamp", rows=AN_ORDER)
    answer = armazem("features", "get", "--entities", requests_csv, home=tmp_path / "older")
    assert "the published version has no features → `armazem build` makes them" in refused(answer)
    with pytest.raises(FeatureError, match="the table has no rows"):
        training_set(Settings(home=home.root), Requests(pa.table({"seller_id": pa.array([], pa.string())})))


@pytest.mark.parametrize(
    "text",
    [
        "2018-05-31", "2018-05-31 12:00", "2018-05-31T12:00:01.5", "2018-05-31t12:00z", "2018-05-31 12:00:00 UTC",
        "2018-05-31T12:00:00.1234565", "2018-05-31T12:00:00.12345649", "2018-05-31 12:00:59.9999999",
        "2018-05-31T12:00-03", "2018-05-31T23:30-0330", "2018-05-31T02:30 +05:30", " 2018-05-31 ",
        "2016-12-31 23:59:60", "2016-12-31T20:59:60-03:00", "2016-12-31T20:59:60.5-03:00", "0001-01-02",
        "9998-12-31T23:59:59Z",
        "2018-02-17T23:30:00", "2018-02-18T02:30:00Z", "2018-11-04T00:30:00",
        # No times.
        "", " ", "2018", "20180531", "2018-W22-4", "2018-05-31T12", "2018-05-31T12:00:00,5",
        "2018-05-31T12:00+00:00:30", "2018-02-30", "2018-05-31T24:00", "2018-05-31 12:00:60",
        "2018-05-31 12:00:60Z", "2018-05-31T12:00+24:00",
        "2018-05-31T12:00:00.", "2018-05-31\n", "٢٠١٨-05-31", "now", "infinity", "2018-05-31T",
        # Out of range.
        "0001-01-01T00:00+14:00", "0001-01-01T01:00Z",
    ],
)  # fmt: skip
def test_one_text_is_read_as_a_column_of_them(text: str) -> None:
    requests = Requests(pa.table({"at": [text]}))
    try:
        of_file: object = times_of(requests, "at", ZONE.key)[0].as_py()
    except FeatureError as error:
        of_file = OverflowError if "out of range" in str(error) else ValueError
    try:
        asked: object = time_of(text, ZONE)
    except (ValueError, OverflowError) as error:
        asked = type(error)
    assert asked == of_file


def test_the_list(shop: Shop) -> None:
    listed = json.loads(armazem("features", "list", "--format", "json").out)
    assert [one["feature"] for one in listed] == [feature.name for feature in FEATURES]
    assert all(all(one.values()) for one in listed)
    rate = next(one for one in listed if one["feature"] == "seller_avg_handling_days_30d")
    assert (rate["entity"], rate["key"], rate["window"], rate["unit"]) == ("seller", "seller_id", "30 days", "days")
    assert rate["formula"] == "handling_s_30d / (handed_30d * 86_400)"
    assert rate["known"] == "when the carrier receives it"
    sellers = armazem("features", "list", "--entity", "lane", "--format", "csv").out.splitlines()
    assert len(sellers) == 1 + 45 and all(line.startswith("lane_") for line in sellers[1:])
    assert "lane_late_rate_90d" in armazem("features", "list", "--entity", "lane").out


def test_help() -> None:
    for arguments in ((), ("list",), ("get",)):
        helped = armazem("features", *arguments, "--help")
        assert (helped.code, "Examples:" in helped.out) == (0, True)
