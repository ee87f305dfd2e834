"""Values and records by Spark beside the landing's: what Spark is sure of is the same there, for any text."""

from __future__ import annotations

import io
import random
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa
import pytest
from landing.data import ROWS

from armazem.contract import ColumnType
from armazem.contract import table as contract
from armazem.contract.model import Column, Table
from armazem.landing.tokenizer import Broken, Lines, Record, records
from armazem.landing.validation import Written, validated
from armazem.landing.values import DECIMALS

if TYPE_CHECKING:
    from conftest import Numbers
    from pyspark.sql import SparkSession

ZONE = "America/Sao_Paulo"
# Of which Spark should be sure: else it would hand over every file.
SURE = {
    ColumnType.IDENTIFIER: ["a1", "ção", "a+b", "é" * 64],
    ColumnType.TEXT: ["São Paulo", "null", "\u00a0NULL\u00a0", "back\\slash", "", "it's"],
    ColumnType.ZIP: ["01037", " 01037 ", "01037.0", "n/a"],
    ColumnType.INTEGER: ["0", "+5", "-7", "5.0", "", "NaN"],
    ColumnType.NUMBER: ["2.255", "225.5000", "-1", "12.3450000001"],
    ColumnType.MONEY: ["58.90", "58.900000000000006", "0.30000000000000004", "1", "-3.5"],
    ColumnType.FLOAT: ["-23.54562128115268", "1e-05", "90", "\t-46.6"],
    ColumnType.TIMESTAMP: [
        "2018-01-02 03:04:05", "2018-01-02T03:04", "2018-01-02", "2018-01-02 03:04:05.123456 UTC",
        "2018-02-18T02:30:00Z", "2018-11-04T03:00:00+00", "2018-01-02 03:04:05-0300", "0000-00-00",
    ],
}  # fmt: skip
# What either database, Java or Python might take for something.
ODD = [
    "5.", ".5", "-.5", "1e3", "1E+2", "1_000", "1,5", "2.25", "2.2550", "2.255000001", "58.90000001", "58.905",
    "2.7755575615628914e-17", "1.7976931348623157e308", "1e309", "4.9e-324", "999999999999999.99",
    "9999999999999999.99", "123456789012345678", "1234567890123456789", "9223372036854775807", "9223372036854775808",
    "-9223372036854775808", "9223372036854775807.0", "nan", "inf", "-inf", "Infinity", "-", "--", "\\n", "\\N",
    "none", "#N/A", "<NA>", "0x1F", "1f", "1d", "5L", "5.0f", "1e", "1e+", "1.2E+15", "1e+20", "true", "\u0661",
    "\uff11", "2018-02-30", "2016-02-29", "2017-02-29", "0001-01-01", "9999-12-31", "10000-01-01", "infinity",
    "epoch", "2018/01/02", "02-01-2018", "2018-1-2", "0000/00/00", "0000-00-00T00:00:00", "2018-01-02T24:00:00",
    "2018-01-02T23:59:60", "2018-01-02T03:04:05.", "2018-01-02T03:04:05.1234567", "2018-01-02T03:04:05+2:00",
    "2018-01-02Z", "9999-12-31T23:59:59-03:00", "0001-01-01T00:00:00+14:00", "1969-12-31T23:59:59Z",
    "2038-01-19T03:14:07Z", "1900-01-01T00:00:00Z", "a\u200bb", "\U0001d173x", "\u0130", "\u017f", "\u212a", "nullx",
    "NULL.",
]  # fmt: skip
SPACED = [
    "a b", "a\u00a0b", "\u3000x", "new\nline", "a\x1cb", "\x1cnull\x1c", "\u2003", "\x7f", "\x85",
    "2018-01-02 03:04:05\n", "2018-01-02 03:04:05  UTC", "x\f", "\ff", "\x0b9", "a" * 65, "é" * 65, "𝒳" * 64, "𝒳" * 65,
]  # fmt: skip


def texts(count: int) -> list[str]:
    """Those above, and such with a character changed."""
    chance = random.Random(19)
    known = [*dict.fromkeys([*(text for sure in SURE.values() for text in sure), *ODD, *SPACED])]
    made = list(known)
    for _ in range(count):
        text = list(chance.choice(known) or "0")
        text[chance.randrange(len(text))] = chance.choice("0123456789 -+.,:eETZ_\t\u00a0")
        made.append("".join(text))
        made.append(f"{chance.random() * 10 ** chance.randint(-6, 10):.{chance.randint(0, 17)}f}")
        made.append(repr(round(chance.random() * 1000, 2) + chance.choice([0, 1e-13, -1e-13, 1e-9, 1e-8])))
    return [*dict.fromkeys(made)]


@pytest.mark.parametrize("kind", ColumnType, ids=lambda kind: kind.name.lower())
def test_what_spark_is_sure_of_is_what_the_landing_accepts(
    kind: ColumnType, spark: SparkSession, numbers: Numbers
) -> None:
    from armazem.spark.values import trimmed, unsure, value

    given = texts(300 * numbers.examples)
    spark.createDataFrame(list(enumerate(given)), "n long, a string").createOrReplaceTempView("given")
    with duckdb.connect() as connection:
        connection.register("given", pa.table({"n": range(len(given)), "a": given}))
        for required in (False, True):
            table = Table("t", "t.csv", "", (), (Column("a", kind, "", required=required),))
            query = validated(table, "given", {"a": "a"}, keep=["n"])
            landed = {n: (found, problem) for n, found, problem in connection.execute(query).fetchall()}
            doubts = " OR ".join(f"coalesce({one}, false)" for one in unsure(kind, "x", "v", required=required))
            typed = f"SELECT n, x, {value(kind, 'x', ZONE)} AS v FROM (SELECT n, {trimmed('a')} AS x FROM given)"
            rows = spark.sql(f"SELECT n, v, {doubts or 'false'} AS doubt FROM ({typed})").collect()
            wrong = [
                (given[n], landed[n], found)
                for n, found, doubt in rows
                # repr: -0.0 is not 0.0, and 1.0 not 1.00.
                if not doubt and repr(landed[n]) != repr((found, None))
            ]
            assert wrong == []
            sure = {given[n] for n, _, doubt in rows if not doubt}
            accepted = {text for text in SURE[kind] if landed[given.index(text)][1] is None}
            assert accepted and accepted <= sure


@pytest.mark.slow
@pytest.mark.parametrize(("name", "decimal"), [*((name, ".") for name in ROWS), ("order_items", ",")])
def test_rows_with_odd_cells_that_spark_takes_are_those_of_the_landing(
    name: str, decimal: str, spark: SparkSession, numbers: Numbers
) -> None:
    """All columns of a table at once, with their bounds and their values, as they are written in a file."""
    from armazem.spark.validation import considered

    table = contract(name)
    columns = [column.name for column in table.columns]
    chance = random.Random(f"{name}{decimal}")
    odd = texts(300)
    good = list(zip(*ROWS[name], strict=True))
    good = [(*seen, *column.values) for seen, column in zip(good, table.columns, strict=True)]
    if decimal == ",":
        kinds = [column.type for column in table.columns]
        good = [
            tuple(cell.replace(".", ",") for cell in seen) if kind in DECIMALS else seen
            for seen, kind in zip(good, kinds, strict=True)
        ]
    given = []
    for _ in range(1_000 * numbers.examples):
        row = [chance.choice(seen) for seen in good]
        for _ in range(chance.choice([1, 1, 1, 2])):
            place = chance.randrange(len(row))
            row[place] = chance.choice([chance.choice(odd), chance.choice(SURE[table.columns[place].type])])
        given.append(row)
    written = Written(decimal=decimal)
    raw = [";".join(_field(cell) for cell in row) for row in given]
    spark.createDataFrame(list(enumerate(raw)), "n long, raw string").createOrReplaceTempView("lines")
    places = {column: place for place, column in enumerate(columns)}
    query = considered(table, "lines", places, len(places), delimiter=";", written=written, keep=("n",))
    found = {row[0]: (row[1:-1], row[-1]) for row in spark.sql(query).collect()}
    with duckdb.connect() as connection:
        cells = dict(zip(columns, map(list, zip(*given, strict=True)), strict=True))
        connection.register("given", pa.table({"n": range(len(given)), **cells}))
        query = validated(table, "given", {column: column for column in columns}, keep=["n"], written=written)
        landed = {row[0]: (row[1:-1], row[-1]) for row in connection.execute(query).fetchall()}
    assert len(found) == len(landed) == len(given)
    taken = [n for n, (_, doubt) in found.items() if not doubt]
    wrong = [(given[n], landed[n], found[n]) for n in taken if repr(landed[n]) != repr((found[n][0], None))]
    assert wrong == []
    accepted = [n for n, (_, problem) in landed.items() if problem is None]
    assert 0 < len(taken) <= len(accepted) < len(given)


def _field(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"' if set(cell) & set('";\r\n') else cell


@pytest.mark.slow
def test_times_with_a_zone_are_those_of_the_landing_in_the_hours_that_spark_takes(
    spark: SparkSession, tmp_path: Path, numbers: Numbers
) -> None:
    """The tables of zones of Java and of DuckDB are two. All hours in soak, else one or two of each day, by turns."""
    from armazem.landing.times import parts, time
    from armazem.spark.values import value

    zones = (ZONE, "America/Noronha", "Europe/Lisbon")
    cast = "try_cast(a as timestamp)"
    expected = ", ".join(f"{time('t', 'p', zone)} as v{number}" for number, zone in enumerate(zones))
    with duckdb.connect() as connection:
        connection.execute(
            "create table hours as select strftime(hour, '%Y-%m-%dT%H:%M:%SZ') as a from "
            f"range(timestamp '1970-01-02', timestamp '2037-12-31', interval {numbers.spark_hours} hour) as hours(hour)"
        )
        taken = f"select a, {cast} as t, {parts('a', cast)} as p from hours"
        connection.execute(f"copy (select a, {expected} from ({taken})) to '{tmp_path}/hours.parquet'")
    hours = spark.read.parquet(str(tmp_path / "hours.parquet"))
    assert hours.count() == -(-596_040 // numbers.spark_hours)
    for number, zone in enumerate(zones):
        assert hours.where(f"NOT ({value(ColumnType.TIMESTAMP, 'a', zone)} <=> v{number})").take(3) == []


def test_records_that_spark_takes_apart_are_those_of_the_tokenizer(spark: SparkSession, numbers: Numbers) -> None:
    from armazem.spark.lines import fields

    chance = random.Random(20)
    pieces = ['"', '""', ",", ",", "a", "b c", " ", "\r", "é", '",', ',"', ";", "\\", "x" * 30]
    lines = ["".join(chance.choices(pieces, k=chance.randint(1, 12))) for _ in range(4_000 * numbers.examples)]
    lines = [*dict.fromkeys(line.rstrip("\r") for line in lines if line.rstrip("\r"))]
    lines += ["x" * ((1 << 20) - 2), '"' + '""' * 200_000 + '"', "x" * (1 << 20)]
    spark.createDataFrame(list(enumerate(lines)), "n long, raw string").createOrReplaceTempView("lines")
    found = spark.sql(f"SELECT n, {fields('raw', ',')} AS f FROM lines").collect()
    taken = [(lines[row["n"]], row["f"]) for row in found if row["f"] is not None]
    assert [(line, f) for line, f in taken if tokenized(line) != [f]] == []
    plain = [line for line in lines if '"' not in line and "\r" not in line and len(line) < 1 << 20]
    assert set(plain) <= {line for line, _ in taken}
    assert len([line for line, _ in taken if '"' in line]) > 50


def tokenized(line: str) -> list[Any]:
    """What the tokenizer makes of a file of this line."""
    read: list[Record | Broken] = list(records(Lines(io.BytesIO(line.encode()), "x"), b",", None))
    return [None if isinstance(one, Broken) else [field.decode() for field in one.fields] for one in read]
