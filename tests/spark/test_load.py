"""`lake load`: which files, which options, what fails, and that a load that fails leaves nothing."""

from __future__ import annotations

import gzip
import threading
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest
from lake.worlds import land, opened, raw
from landing.data import csv, single, write

from armazem.config import Settings
from armazem.errors import ArmazemError, LakeError, SourceError, SparkError
from armazem.lake import ledger
from armazem.lake.landing import announced
from armazem.lake.partitions import partitions
from armazem.shop.history import generate

from .conftest import Loader

ORDERS = csv("orders")


def counts(settings: Settings) -> dict[str, int]:
    """Rows of each raw table that is not empty."""
    return {name: len(rows) for name, rows in raw(settings).items() if rows}


def in_tables(settings: Settings) -> dict[str, dict[str, int]]:
    """What the tables of the lake have, known to the ledger or not: table to load to rows."""
    lake = opened(settings)
    found = {
        name: partitions(lake.table(name)) for name in ("orders", "order_items", "sellers", "customers", "rejects")
    }
    return {name: {load: part.rows for load, part in of.items()} for name, of in found.items() if of}


def test_files_of_the_same_bytes_are_unchanged_unless_forced(load: Loader, settings: Settings, tmp_path: Path) -> None:
    source = single(tmp_path, "orders", ORDERS)
    first = load(source)
    again = load(source)
    assert (again.load_id, {row.status for row in again.files}) == (None, {"unchanged"})
    assert {row.load_id for row in again.files} == {first.load_id}
    forced = load(source, force=True)
    assert forced.load_id not in (None, first.load_id)
    assert counts(settings)["orders"] == 2 * 2


def test_a_file_in_an_archive_and_a_compressed_one(load: Loader, settings: Settings, tmp_path: Path) -> None:
    packed = tmp_path / "sellers.csv.gz"
    packed.write_bytes(gzip.compress(csv("sellers")))
    assert [row.rows_accepted for row in load(packed).files] == [1]
    assert counts(settings) == {"sellers": 1}


def test_files_at_a_url_are_read_there_by_spark(load: Loader, settings: Settings, tmp_path: Path) -> None:
    """As on gs://, through Hadoop's file systems; here that of this machine."""
    source = write(tmp_path / "in", order_payments=csv("order_payments") + b"x,1,gold,1,1.00\n")
    (source / "notes.csv").write_bytes(b"a\n")
    (source / "olist_sellers_dataset.csv").rename(source / "sellers.csv.gz")
    (source / "sellers.csv.gz").write_bytes(gzip.compress(csv("sellers")))
    result = load(source.as_uri())
    assert {row.path for row in result.files} >= {
        f"file:{source}/olist_orders_dataset.csv",
        f"file:{source}/sellers.csv.gz",
    }
    assert any("notes.csv is not a file of the contract" in warning for warning in result.warnings)
    assert [row.rows_rejected for row in result.files if row.table == "order_payments"] == [1]
    here = settings.model_copy(update={"home": tmp_path / "other"})
    land(here, source)
    assert {n: [r[1:] for r in rows] for n, rows in raw(settings).items()} == {
        n: [r[1:] for r in rows] for n, rows in raw(here).items()
    }


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("file:///nowhere/at/all", "does not exist"),
        ("nowhere/at/all", "does not exist"),
        ("abc://bucket/folder", "No FileSystem for scheme"),
    ],
)
def test_a_path_that_is_not_there(load: Loader, path: str, words: str) -> None:
    with pytest.raises((SourceError, SparkError), match=words):
        load(path)


def test_an_empty_folder_at_a_url(load: Loader, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="holds no source file"):
        load(tmp_path.as_uri())


def test_a_strict_load_with_a_reject_lands_nothing(load: Loader, settings: Settings, tmp_path: Path) -> None:
    single(tmp_path / "in", "sellers", csv("sellers"))
    source = single(tmp_path / "in", "orders", ORDERS + b"o9,c9,gone,2018-01-02 10:56:33,,,,\n").parent
    with pytest.raises(SourceError, match=r"1 rows were rejected, the first in olist_orders_dataset\.csv, line 4"):
        load(source, strict=True, partial=True)
    assert in_tables(settings) == {}
    assert announced(opened(settings)) == []
    assert load(source, partial=True).load_id is not None


def test_a_file_that_cannot_be_used_takes_back_those_before_it(
    load: Loader, settings: Settings, tmp_path: Path
) -> None:
    single(tmp_path / "in", "customers", csv("customers"))
    source = single(tmp_path / "in", "orders", b"order_id,what\n1,2\n" + b" " * 2**10).parent
    with pytest.raises(SourceError, match=r"olist_orders_dataset\.csv lacks the column"):
        load(source, partial=True)
    assert in_tables(settings) == {}
    assert counts(settings) == {}
    assert ledger.read_entries(opened(settings)) == []


def test_a_file_that_changes_meanwhile(
    load: Loader, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from armazem.spark import reading

    path = single(tmp_path, "customers", csv("customers"))
    append = reading.SparkReading._append

    def growing(self, *arguments):  # type: ignore[no-untyped-def]
        rows = append(self, *arguments)
        with path.open("ab") as file:
            file.write(b"c9,u9,01037,a,SP\n")
        return rows

    monkeypatch.setattr(reading.SparkReading, "_append", growing)
    with pytest.raises(SourceError, match="changed while it was read"):
        load(path)
    assert in_tables(settings) == {}


def test_a_file_of_several_blocks_keeps_its_order(
    load: Loader, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from armazem.spark import reading

    monkeypatch.setattr(reading, "_SMALL_BLOCK", 100_000)
    lines = [f"{n:05},u{n * 7919 % 20_011},{n % 99_999:05},{'á' * (n % 40)},SP\n\n" for n in range(20_000)]
    path = single(tmp_path, "customers", csv("customers", []) + "".join(lines).encode())
    load(path)
    rows = raw(settings)["customers"]
    assert [(row[1], row[2]) for row in rows] == [(n, f"{n:05}") for n in range(20_000)]
    table = opened(settings).table("customers")
    assert len(table.inspect.files()) >= 4


def test_a_task_that_fails_and_is_tried_again_adds_no_row_twice(
    load: Loader, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from armazem.spark import reading

    validated = reading.validated
    failing: list[str] = []

    def fails_once(*arguments, **options):  # type: ignore[no-untyped-def]
        # Properties of Java outlive the task.
        called = f"concat('{tmp_path}', spark_partition_id())"
        first = f"reflect('java.lang.System', 'setProperty', {called}, 'seen') IS NULL"
        failing.append(first)
        once = f"IF(number % 1000 = 999, IF({first}, raise_error('the worker is gone'), true), true)"
        return f"SELECT * FROM ({validated(*arguments, **options)}) WHERE {once}"

    monkeypatch.setattr(reading, "_SMALL_BLOCK", 100_000)
    monkeypatch.setattr(reading, "validated", fails_once)
    lines = "".join(f"{n:05},u{n},{n % 99_999:05},x,SP\n" for n in range(20_000))
    result = load(single(tmp_path, "customers", csv("customers", []) + lines.encode()))
    assert failing and [row.rows_accepted for row in result.files] == [20_000]
    assert [(row[1], row[2]) for row in raw(settings)["customers"]] == [(n, f"{n:05}") for n in range(20_000)]


def test_maintain_deletes_the_files_of_loads_that_came_to_nothing(
    load: Loader, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from armazem.lake import clearing, maintain

    single(tmp_path / "in", "customers", csv("customers"))
    bad = single(tmp_path / "in", "orders", ORDERS + b"o9,c9,gone,2018-01-02 10:56:33,,,,\n").parent
    with pytest.raises(SourceError, match="1 rows were rejected"):
        load(bad, strict=True, partial=True)
    good = load(single(tmp_path / "good", "customers", csv("customers")))
    warehouse = settings.home_folder.lake / "warehouse"
    folders = {path.parent for path in warehouse.glob("raw/customers/data/*/*.parquet")}
    (left,) = (folder for folder in folders if not folder.name.endswith(str(good.load_id)))
    (left / "00000-0-never-committed.parquet").touch()

    def run() -> int:
        done = maintain.maintain(settings, older_than=timedelta(0), keep=1, dry_run=False, on_wait=lambda: None)
        return len([path for path in done.deleted if path.endswith(".parquet") and "/." not in path])

    assert run() == 0, "it may be under way"
    for module in (clearing, maintain):
        monkeypatch.setattr(module, "ABANDONED_HOURS", 0)
    assert run() == 2
    assert not left.exists()
    assert counts(settings) == {"customers": 2}


def test_a_row_in_doubt_leaves_no_file_behind(load: Loader, settings: Settings, tmp_path: Path) -> None:
    path = single(tmp_path, "sellers", csv("sellers") + b"s2,1,x\n")
    assert [(row.rows_accepted, row.rows_rejected) for row in load(path).files] == [(1, 1)]
    kept = list((settings.home_folder.lake / "warehouse").rglob("*.parquet"))
    known = opened(settings).table("sellers").inspect.files().column("file_path").to_pylist()
    assert [path.as_posix() for path in kept if "sellers" in str(path)] == [
        one.removeprefix("file://") for one in known
    ]


def test_the_catalog_is_gone(load: Loader, settings: Settings, tmp_path: Path) -> None:
    source = single(tmp_path, "sellers", csv("sellers"))
    load(source)
    (settings.home_folder.lake / "catalog.db").unlink()
    with pytest.raises(LakeError, match="is gone"):
        load(source)


def test_three_programs_read_the_same_sums(load: Loader, settings: Settings, spark: object, tmp_path: Path) -> None:
    """One table with rows that Spark has added and a file that was added as it was landed."""
    from armazem.lake.place import place_of
    from armazem.spark.session import on_lake

    generate(tmp_path / "in", orders=100, seed=1)
    items = tmp_path / "in" / "olist_order_items_dataset.csv"
    load(items)
    land(settings, items, force=True)
    table = opened(settings).table("order_items")
    query = "count(*), sum(price), sum(freight_value), min(shipping_limit_date), count(distinct _load_id), count(_row)"
    found = [tuple(on_lake(spark, place_of(settings)).sql(f"SELECT {query} FROM lake.raw.order_items").collect()[0])]  # type: ignore[arg-type]
    with duckdb.connect() as connection:
        connection.register("items", table.scan().to_arrow())
        found.append(connection.execute(f"select {query} from items").fetchone())
        _duckdb_iceberg(connection)
        found.append(connection.execute(f"select {query} from iceberg_scan('{table.metadata_location}')").fetchone())
    assert found[0] == found[1] == found[2]
    assert found[0][4] == 2


def _duckdb_iceberg(connection: duckdb.DuckDBPyConnection) -> None:
    duckdb_extensions = pytest.importorskip("duckdb_extensions", reason="DuckDB's extension for Iceberg: `make spark`")
    pytest.importorskip("duckdb_extension_iceberg", reason="DuckDB's extension for Iceberg: `make spark`")
    for name in ("avro", "iceberg"):
        duckdb_extensions.import_extension(name, con=connection)
        connection.execute(f"load {name}")


def test_loads_by_spark_and_by_load_at_once(load: Loader, settings: Settings, tmp_path: Path) -> None:
    """Of two home folders on one lake: no lock keeps them apart."""
    shared = {
        "lake_catalog": f"sqlite:///{tmp_path}/lake/catalog.db",
        "lake_warehouse": str(tmp_path / "lake" / "warehouse"),
    }
    mine = settings.model_copy(update=shared)
    other = mine.model_copy(update={"home": tmp_path / "other"})
    opened(mine)
    failed: list[ArmazemError] = []
    done = threading.Event()

    def loading() -> None:
        number = 0
        while not done.is_set():
            number += 1
            try:
                land(
                    other,
                    single(tmp_path / f"other{number}", "sellers", csv("sellers", [[f"o{number}", "1", "x", "SP"]])),
                )
            except ArmazemError as error:
                failed.append(error)
        landed.append(number)

    landed: list[int] = []
    thread = threading.Thread(target=loading)
    thread.start()
    try:
        for number in range(3):
            load(single(tmp_path / f"mine{number}", "sellers", csv("sellers", [[f"m{number}", "1", "x", "SP"]])), mine)
    finally:
        done.set()
        thread.join()
    assert failed == []
    rows = raw(mine)["sellers"]
    assert sorted(row[2] for row in rows) == sorted(
        [f"m{n}" for n in range(3)] + [f"o{n + 1}" for n in range(landed[0])]
    )
    assert len({row[0] for row in rows}) == 3 + landed[0]
    assert set(in_tables(mine)["sellers"]) == {row[0] for row in rows}
