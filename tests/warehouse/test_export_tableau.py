"""The Tableau export, opened again with Tableau's own library: rows and sums are those of the published tables."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from golden import Golden
from small_disk import fill, small_disk
from tableauhyperapi import Connection, HyperProcess, SqlType, TableName, Telemetry

from armazem.errors import ExportError, HomeError
from armazem.export import tableau
from armazem.export.datasource import RELATIONSHIPS
from armazem.export.tableau import export_tableau
from armazem.home import Home
from armazem.targets.duckdb.query import open_published

from .exported import BUILD, publish, published_tables
from .shop import Shop

pytestmark = pytest.mark.xdist_group("export_tableau")
CONTRACT = {
    "marts": {
        "dim_customers", "dim_products", "dim_sellers", "dim_dates", "dim_locations", "fact_orders", "fact_sales",
        "fact_payments", "fact_reviews",
    },
    "kpis": {
        "agg_monthly_growth", "agg_top_selling_products", "agg_sales_by_seller", "agg_sales_trend",
        "agg_avg_delivery_time_seller", "agg_avg_order_value_city_state", "agg_customer_purchase_frequency",
        "agg_retained_customers_over_month",
    },
}  # fmt: skip


def silent(name: str, number: int, total: int) -> None: ...


@pytest.fixture(scope="module")
def hyper() -> Iterator[HyperProcess]:
    parameters = {"log_config": ""}
    with HyperProcess(Telemetry.DO_NOT_SEND_USAGE_DATA_TO_TABLEAU, parameters=parameters) as process:
        yield process


@pytest.fixture(scope="module")
def built(shop: Shop, golden: Golden, tmp_path_factory: pytest.TempPathFactory) -> tuple[Home, Path]:
    """A warehouse of generated data, and its extract."""
    folder = tmp_path_factory.mktemp("export")
    golden.once(shop.path)
    (folder / "out").mkdir()
    extract = folder / "out" / "olist.hyper"
    export_tableau(shop.home, extract, silent)
    return shop.home, extract


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    publish(home)
    return home


@pytest.fixture
def out(tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    folder.mkdir()
    return folder / "o'list 🛒.hyper"


def in_hyper(hyper: HyperProcess, extract: Path, query: str) -> list[list[Any]]:
    with Connection(hyper.endpoint, extract) as connection:
        rows: list[list[Any]] = connection.execute_list_query(query)
        return rows


def test_all_tables_of_the_contract_are_there(hyper: HyperProcess, built: tuple[Home, Path]) -> None:
    with Connection(hyper.endpoint, built[1]) as connection:
        found = {
            schema: {name.name.unescaped for name in connection.catalog.get_table_names(schema)} for schema in CONTRACT
        }
    assert found == CONTRACT
    assert [path.name for path in sorted(built[1].parent.iterdir())] == ["olist.hyper", "olist.tds"]


def test_rows_and_sums_are_those_of_the_marts(hyper: HyperProcess, built: tuple[Home, Path]) -> None:
    """Of each table the rows; of each column how many values it has, and the sum, the true ones, or the extremes."""
    home, extract = built
    compared = 0
    with open_published(home) as published:
        for table in published_tables(published):
            schema, name = table.split(".")
            asked = ["count(*)"]
            for column, kind, *_ in published.execute(f"describe {table}").fetchall():
                asked.append(f'count("{column}")')
                if kind == "BIGINT":
                    asked.append(f'sum("{column}")')
                elif kind.startswith("DECIMAL"):
                    # In whole units of the last decimal: exact on both sides, whatever type a sum has.
                    scale = int(kind.rstrip(")").split(",")[1])
                    asked.append(f'sum(cast("{column}" * {10**scale} as bigint))')
                elif kind == "BOOLEAN":
                    asked.append(f'count(*) filter (where "{column}")')
                elif kind == "VARCHAR":
                    asked += [f'sum(length("{column}"))', f'count(distinct "{column}")']
                else:
                    asked += [f'cast(min("{column}") as text)', f'cast(max("{column}") as text)']
            expected = published.execute(f"select {', '.join(asked)} from {table}").fetchone()
            assert expected is not None
            [found] = in_hyper(hyper, extract, f'select {", ".join(asked)} from "{schema}"."{name}"')
            plain = [None if value is None else str(value) for value in expected]
            assert [None if value is None else str(value) for value in found] == plain, table
            compared += len(asked)
    assert compared > 300
    revenue = in_hyper(hyper, extract, "select sum(revenue) from marts.fact_orders where is_valid_sale")[0][0]
    with open_published(home) as published:
        answer = published.execute("select sum(revenue) from marts.fact_orders where is_valid_sale").fetchone()
    assert answer == (Decimal(str(revenue)),) and Decimal(str(revenue)) > 0


def test_every_value_is_carried_over(hyper: HyperProcess, home: Home, out: Path) -> None:
    done = export_tableau(home, out, silent)
    assert (done.contents.build_id, done.rows) == (BUILD, (5, 0))
    columns = "id, money, ratio, place, cast(moment as text), cast(day as text), yes, words"
    query = f"select {columns} from marts.fact_orders order by id nulls last"
    with open_published(home) as published:
        expected = [list(row) for row in published.execute(query).fetchall()]
    # Hyper writes microseconds with as many digits as they have; so does DuckDB.
    assert in_hyper(hyper, out, query) == expected
    assert in_hyper(hyper, out, "select count(*) from kpis.agg_nothing") == [[0]]


def test_money_is_decimal(hyper: HyperProcess, built: tuple[Home, Path]) -> None:
    with Connection(hyper.endpoint, built[1]) as connection:
        for schema, tables in CONTRACT.items():
            for table in tables:
                definition = connection.catalog.get_table_definition(TableName(schema, table))
                types = {column.name.unescaped: column.type for column in definition.columns}
                assert SqlType.double() not in types.values()
                assert types.get("revenue", SqlType.numeric(18, 2)) == SqlType.numeric(18, 2)


def test_wide_decimals(hyper: HyperProcess, home: Home, out: Path) -> None:
    """A sum may have more digits than old extracts hold."""
    publish(home, "20261123T000002000000Z", columns="total decimal(38,2)", rows=f"({'9' * 36}.99), (-0.01), (null)")
    export_tableau(home, out, silent)
    query = "select total from marts.fact_orders order by total nulls last"
    assert in_hyper(hyper, out, query) == [[Decimal("-0.01")], [Decimal(f"{'9' * 36}.99")], [None]]


def test_a_type_that_tableau_does_not_have(home: Home, out: Path) -> None:
    publish(home, "20261123T000002000000Z", columns="parts integer[]", rows="([1, 2])")
    with pytest.raises(ExportError, match=r"marts.fact_orders: Tableau has no type for parts, INTEGER\[\]"):
        export_tableau(home, out, silent)
    assert not list(out.parent.iterdir())


def test_an_earlier_export_is_replaced_only_with_force(hyper: HyperProcess, home: Home, out: Path) -> None:
    export_tableau(home, out, silent)
    before = out.read_bytes()
    publish(home, "20261123T000002000000Z", rows="(7, 1, 1, 1, null, null, null, 'new')")
    with pytest.raises(ExportError, match="exists already"):
        export_tableau(home, out, silent)
    assert out.read_bytes() == before
    export_tableau(home, out, silent, force=True)
    assert in_hyper(hyper, out, "select words from marts.fact_orders") == [["new"]]
    out.unlink()
    with pytest.raises(ExportError, match=r"\.tds exists already"):
        export_tableau(home, out, silent)


def test_a_place_that_cannot_be_used(home: Home, out: Path, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="there is no folder"):
        export_tableau(home, tmp_path / "no" / "where.hyper", silent)
    out.mkdir()
    with pytest.raises(ExportError, match="is a folder"):
        export_tableau(home, out, silent, force=True)
    with pytest.raises(HomeError, match="nothing is published"):
        export_tableau(Home(tmp_path / "other").open(), tmp_path / "new.hyper", silent)


def test_what_hyper_refuses_leaves_the_earlier_export(home: Home, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    export_tableau(home, out, silent)
    before = (out.read_bytes(), out.stat().st_mtime_ns)

    def spoilt(connection: object, table: object, path: Path) -> int:
        path.write_bytes(b"no parquet")
        return 1

    monkeypatch.setattr(tableau, "write_parquet", spoilt)
    with pytest.raises(ExportError, match="Hyper could not write the extract"):
        export_tableau(home, out, silent, force=True)
    assert (out.read_bytes(), out.stat().st_mtime_ns) == before
    assert len(list(out.parent.iterdir())) == 2


def test_rows_that_hyper_did_not_keep_are_noticed(home: Home, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = tableau.write_parquet
    monkeypatch.setattr(tableau, "write_parquet", lambda *given: write(*given) + 1)
    with pytest.raises(ExportError, match=r"marts\.fact_orders has 6 rows, in the extract it has 5"):
        export_tableau(home, out, silent)
    assert not list(out.parent.iterdir())


def test_a_rename_that_fails_leaves_the_earlier_export(home: Home, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    export_tableau(home, out, silent)
    before = out.read_bytes()

    def refused(source: Path, target: Path) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(tableau.os, "replace", refused)
    with pytest.raises(ExportError, match="Input/output error"):
        export_tableau(home, out, silent, force=True)
    assert out.read_bytes() == before
    assert len(list(out.parent.iterdir())) == 2


def test_a_full_disk_leaves_a_whole_extract_or_none(
    hyper: HyperProcess, built: tuple[Home, Path], tmp_path: Path
) -> None:
    """Hyper holds all of it in memory until the end: with however little space, no extract is cut off."""
    home, extract = built
    whole = extract.stat().st_size
    written = []
    with small_disk(tmp_path / "disk", "4m") as disk:
        for left in (0, 50_000, whole // 4, whole // 2, whole * 3 // 4, whole - 1, whole + 1_000_000):
            ballast = fill(disk, left)
            out = disk / "olist.hyper"
            try:
                export_tableau(home, out, silent)
            except ExportError as error:
                assert "write" in str(error) and "space" in error.hint
                assert list(disk.iterdir()) == [ballast]
            else:
                written.append(left)
                for table in ("marts.fact_sales", "kpis.agg_top_selling_products"):
                    rows = f"select count(*) from {table}"
                    assert in_hyper(hyper, out, rows) == in_hyper(hyper, extract, rows)
                out.unlink()
                out.with_suffix(".tds").unlink()
            ballast.unlink()
    assert written == [whole + 1_000_000]


KILLED = """
import os, signal, sys
from pathlib import Path
from armazem.home import Home
from armazem.export.tableau import export_tableau

def step(name, number, total):
    if number == 2:
        os.kill(os.getpid(), signal.SIGKILL)

export_tableau(Home(Path(sys.argv[1])), Path(sys.argv[2]), step, force=True)
"""


def test_a_killed_export_leaves_the_earlier_one(home: Home, out: Path) -> None:
    export_tableau(home, out, silent)
    before = out.read_bytes()
    killed = subprocess.run([sys.executable, "-c", KILLED, str(home.root), str(out)], timeout=60, cwd=out.parent)
    assert killed.returncode == -9
    assert out.read_bytes() == before
    export_tableau(home, out, silent, force=True)
    assert len(list(out.parent.iterdir())) == 2


def test_no_log_is_left_where_the_command_ran(home: Home, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (out.parent / "cwd").mkdir()
    monkeypatch.chdir(out.parent / "cwd")
    export_tableau(home, out, silent)
    assert list(Path.cwd().iterdir()) == []
    assert out.stat().st_mode & 0o777 == 0o666 & ~_umask()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_the_data_source_describes_the_extract(hyper: HyperProcess, built: tuple[Home, Path]) -> None:
    """Every table and column that it names is in the extract, and every relation has both its ends."""
    extract = built[1]
    root = ElementTree.parse(extract.with_suffix(".tds")).getroot()
    connection = root.find("connection/named-connections/named-connection/connection")
    assert connection is not None
    assert (connection.get("class"), connection.get("dbname")) == ("hyper", "olist.hyper")
    tables = {relation.get("name"): relation.get("table") for relation in root.findall("connection/relation/relation")}
    with Connection(hyper.endpoint, extract) as opened:
        for name, where in tables.items():
            schema, table = where.strip("[]").split("].[")
            definition = opened.catalog.get_table_definition(TableName(schema, table))
            mapped = [
                column.get("value").split("].[")[1].strip("]")
                for column in root.findall("connection/cols/map")
                if column.get("value").startswith(f"[{name}].")
            ]
            assert mapped == [column.name.unescaped for column in definition.columns]
    keys = [column.get("key") for column in root.findall("connection/cols/map")]
    assert len(set(keys)) == len(keys)
    columns = {column.get("name"): column for column in root.findall("column") if column.get("datatype") != "table"}
    assert list(columns) == keys == [r.findtext("local-name") for r in root.iter("metadata-record")]
    assert all(column.findtext("desc/formatted-text/run") for column in columns.values())
    objects = {item.get("id"): item.get("caption") for item in root.iter("object")}
    assert set(objects.values()) == set(tables)
    related = []
    for relationship in root.iter("relationship"):
        ends = [objects[end.get("object-id")] for end in relationship if end.tag.endswith("end-point")]
        named = [part.get("op") for part in relationship.findall("expression/expression")]
        assert set(named) <= set(keys)
        mapping = {m.get("key"): m.get("value") for m in root.findall("connection/cols/map")}
        assert [mapping[name].split(".")[0].strip("[]") for name in named] == ends
        related.append((ends[0], mapping[named[0]].split(".")[1][1:-1], ends[1], mapping[named[1]].split(".")[1][1:-1]))
    assert related == list(RELATIONSHIPS)
    assert len(related) == len(tables) - 1  # a tree


def test_relations_join_what_belongs_together(hyper: HyperProcess, built: tuple[Home, Path]) -> None:
    for parent, parent_column, child, child_column in RELATIONSHIPS:
        query = f"select count(*) from marts.{parent} p join marts.{child} c on p.{parent_column} = c.{child_column}"
        assert in_hyper(hyper, built[1], query)[0][0] > 0


@pytest.mark.parametrize(("name", "datatype", "role"), [
    ("revenue", "real", "measure"), ("order_item_id", "integer", "dimension"),
    ("is_valid_sale", "boolean", "dimension"), ("order_purchase_timestamp", "datetime", "dimension"),
    ("latitude", "real", "measure"), ("order_id (fact_sales)", "string", "dimension"),
])  # fmt: skip
def test_fields_of_the_data_source(built: tuple[Home, Path], name: str, datatype: str, role: str) -> None:
    root = ElementTree.parse(built[1].with_suffix(".tds")).getroot()
    [column] = [column for column in root.findall("column") if column.get("name") == f"[{name}]"]
    assert (column.get("datatype"), column.get("role")) == (datatype, role)
