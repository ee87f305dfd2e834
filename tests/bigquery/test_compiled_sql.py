"""What the emulator would let through: the SQL of every model and test, read as BigQuery's dialect.

The emulator runs on DuckDB, so a function or type that only DuckDB knows might pass there. Names are checked
against Google's reference for GoogleSQL: functions, data types, reserved keywords, partition pruning.
"""

from __future__ import annotations

import itertools
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import sqlglot
from emulator import Emulator
from google.cloud import bigquery
from sqlglot import exp
from sqlglot.tokens import TokenType

from armazem.build.run import BuildRequest, estimate
from armazem.contract import TABLES
from armazem.contract.layers import LAYERS
from armazem.kpis.catalogue import KPIS
from armazem.kpis.filters import FilterError, Filters
from armazem.kpis.query import kpi_query, kpi_rows
from armazem.shop.history import generate
from armazem.targets.bigquery.connection import Connection
from armazem.targets.bigquery.inputs import raw_rows
from armazem.targets.bigquery.target import BigQueryTarget
from armazem.targets.plan import Scope

from .event_lines import event_lines
from .googlesql import Analyser, Refused, dialect_faults
from .twins import PREFIX, Cloud

pytestmark = pytest.mark.xdist_group("bigquery")

Statements = dict[str, exp.Expression]
SQL_OF_DBT = ("run", "compiled")
# Google gives no number from which on a query is too complex.
MOST_READS = 60
TYPES = {"STRING", "INT64", "NUMERIC", "FLOAT64", "DATE", "DATETIME", "BOOL", "TIMESTAMP"}
# As GoogleSQL's function reference names them; one that is missing here has to be looked up there first.
FUNCTIONS = {
    "ARRAY_AGG", "FORMAT_TIMESTAMP", "TIMESTAMP_SUB", "MAX_BY", "SAFE_OFFSET", "TIMESTAMP",
    "ABS", "CAST", "CHR", "COALESCE", "CONTAINS_SUBSTR", "COUNT", "CURRENT_TIMESTAMP", "DATE_ADD", "DATE_DIFF",
    "DATE_SUB", "DATE_TRUNC", "DATETIME", "DATETIME_ADD", "DATETIME_DIFF", "DATETIME_TRUNC", "DIV", "EXTRACT",
    "FIRST_VALUE", "NTILE",
    "GENERATE_DATE_ARRAY", "GREATEST", "IF", "LAG", "LEAST", "LENGTH", "LOWER", "LPAD", "MAX", "MIN", "MOD",
    "NORMALIZE", "NULLIF", "REGEXP_CONTAINS", "REGEXP_REPLACE", "REPLACE", "ROUND", "ROW_NUMBER", "SAFE_DIVIDE", "SIGN",
    "SUBSTR", "SUBSTRING", "SUM", "TO_JSON_STRING", "TRIM", "UNNEST", "UPPER", "DENSE_RANK", "RANK", "LEAD", "CONCAT",
}  # fmt: skip
# Keywords that a parenthesis may follow.
NOT_FUNCTIONS = {
    "AND", "AS", "BY", "DISTINCT", "ELSE", "EXISTS", "FROM", "IN", "INSERT", "JOIN", "NOT",
    "OPTIONS", "ON", "OR", "OVER", "SELECT",
    "THEN", "USING", "VALUES", "WHEN", "WHERE", "WITH", "ALL", "CASE",
}  # fmt: skip
# Google's list of reserved keywords: no alias without backticks may be one of them.
RESERVED = {
    "all", "and", "any", "array", "as", "asc", "assert_rows_modified", "at", "between", "by", "case", "cast",
    "collate", "contains", "create", "cross", "cube", "current", "default", "define", "desc", "distinct", "else",
    "end", "enum", "escape", "except", "exclude", "exists", "extract", "false", "fetch", "following", "for", "from",
    "full", "group", "grouping", "groups", "hash", "having", "if", "ignore", "in", "inner", "intersect", "interval",
    "into", "is", "join", "lateral", "left", "like", "limit", "lookup", "merge", "natural", "new", "no", "not",
    "null", "nulls", "of", "on", "or", "order", "outer", "over", "partition", "preceding", "proto", "qualify",
    "range", "recursive", "respect", "right", "rollup", "rows", "select", "set", "some", "struct", "tablesample",
    "then", "to", "treat", "true", "unbounded", "union", "unnest", "using", "when", "where", "window", "with",
    "within",
}  # fmt: skip
PARTITIONED = {
    "stg_orders": "order_purchase_timestamp", "stg_order_items": "shipping_limit_date",
    "stg_order_reviews": "review_creation_date", "fact_orders": "order_purchase_timestamp",
    "fact_sales": "order_purchase_timestamp", "fact_payments": "order_purchase_timestamp",
    "fact_reviews": "review_creation_date",
}  # fmt: skip
# Every filter of the tables of KPIs, one at a time.
ASKED = (
    Filters(), Filters(from_=date(2018, 1, 1)), Filters(to=date(2018, 3, 1)), Filters(grain="month"),
    Filters(level="city"), Filters(state="SP"), Filters(city="São Paulo"), Filters(seller="x"), Filters(product="x"),
    Filters(category="toys"), Filters(limit=5, offset=5), Filters(offset=3),
)  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("compiled")


@pytest.fixture(scope="module")
def cloud(emulator: Emulator, cloud_home: Path, folder: Path) -> Cloud:
    """A shop that was built four times, so that every statement of a full build, an incremental one, one of events and
    one of a window is on the disk; in `sent` is what else was asked, by the builds and by every command.
    """
    cloud = Cloud.of(emulator, cloud_home).emptied()
    for part in SQL_OF_DBT:
        shutil.rmtree(cloud_home / "dbt-bigquery" / part, ignore_errors=True)
    with asked() as queries:
        for name, seed in (("first", 5), ("second", 6)):
            generate(folder / name, orders=100, seed=seed)
            load = cloud.load(folder / name)
            cloud.build()
            keep_sql(cloud, folder / name)
        cloud.append_events(event_lines(folder / "first", folder / "second"))
        assert "new events" in cloud.build().reason
        keep_sql(cloud, folder / "events")
        cloud.build(BuildRequest(start_date=date(2018, 1, 1), end_date=date(2018, 2, 1)))
        keep_sql(cloud, folder / "window")
        for kpi in KPIS:
            kpi_rows(cloud.settings.model_copy(update={"target": "bigquery"}), kpi)
        features = ("features", "get", "--orders", "handover", "--out", folder / "training.parquet")
        for command in (("status",), ("builds",), ("report",), features, ("rollback",), ("unload", load.load_id)):
            assert cloud.armazem(*command, "--target", "bigquery").code == 0
    for kpi, filters in itertools.product(KPIS, ASKED):
        with suppress(FilterError):  # one that this table does not have
            queries.append(kpi_query(kpi, filters, schema=f"{PREFIX}kpis", quote=BigQueryTarget.quote)[0])
    (folder / "sent").mkdir()
    for number, sql in enumerate(dict.fromkeys(queries)):
        (folder / "sent" / f"{number:04}.sql").write_text(sql, encoding="utf-8")
    return cloud


def keep_sql(cloud: Cloud, folder: Path) -> None:
    """Keep what dbt wrote in this build: the next one writes it anew."""
    for part in SQL_OF_DBT:
        (cloud.settings.home / "dbt-bigquery" / part).rename(folder.with_name(f"{part}-{folder.name}"))


@contextmanager
def asked() -> Iterator[list[str]]:
    """Every query that Google's client sends, for whomever."""
    found: list[str] = []
    send = bigquery.Client.query

    def noted(self: bigquery.Client, query: str, *arguments: Any, **options: Any) -> Any:
        found.append(query)
        return send(self, query, *arguments, **options)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(bigquery.Client, "query", noted)
        yield found


@pytest.fixture(scope="module")
def statements(cloud: Cloud, folder: Path) -> Statements:
    """Every statement of these builds, parsed, by file; a file may hold several."""
    found = {}
    for path in sorted(folder.glob("*-*/**/*.sql")):
        for number, tree in enumerate(parsed(path.read_text(encoding="utf-8"))):
            if tree is not None:
                found[f"{path.relative_to(folder)}:{number}"] = tree
    return found


def of(statements: Statements, folder: str) -> list[exp.Expression]:
    return [tree for name, tree in statements.items() if name.startswith(f"{folder}/")]


@cache
def parsed(sql: str) -> list[exp.Expression | None]:
    return sqlglot.parse(sql, read="bigquery", error_level=sqlglot.ErrorLevel.RAISE)


def test_every_statement_is_read_as_bigquery(statements: Statements) -> None:
    found = statements
    assert len(found) > 100
    kinds = {type(tree) for tree in found.values()}
    assert kinds <= {exp.Select, exp.Union, exp.Create, exp.Merge, exp.Delete, exp.Except, exp.Drop}, kinds
    assert not [name for name, tree in found.items() if tree.find(exp.Command)]


def test_google_s_analyser_takes_every_statement(cloud: Cloud, folder: Path) -> None:
    connection = Connection.of(cloud.settings)
    tables = {}
    for dataset in map(connection.names.of, ("raw", "audit", "kept", "meta", *(layer.name for layer in LAYERS))):
        for name in connection.tables(dataset):
            tables[f"{dataset}.{name}"] = connection.client.get_table(connection.table_id(dataset, name)).schema
    # What was sent has the most of what dbt wrote in it.
    found = [path for kept in ("sent", "*-*") for path in sorted(folder.glob(f"{kept}/**/*.sql")) if path.is_file()]
    files: dict[str, Path] = {}
    for path in found:
        text = path.read_text(encoding="utf-8").strip()
        if not any(text in other for other in files):
            files[text] = path
    for sql in files:  # of a model that grows by increments: they have the columns of their table
        for dataset, name, base in re.findall(r"`(\w+)`\.`((\w+?)__dbt_tmp\w*)`", sql):
            tables[f"{dataset}.{name}"] = tables[f"{dataset}.{base}"]
    # What was kept of older builds is gone, but was read: it had the columns of what is kept now.
    kept = next(name for name in tables if re.fullmatch(r"\w+_kept\.models__\w+", name))
    for sql in files:
        for dataset, name in re.findall(r"`(\w+_kept)`\.`(models__\w+)`", sql):
            tables.setdefault(f"{dataset}.{name}", tables[kept])
    analyser = Analyser(connection.client.project, tables)
    refused: dict[str, object] = {}
    checked = 0
    for sql, path in files.items():
        try:
            checked += analyser.check(sql)
        except Refused as error:
            refused[str(path.relative_to(folder))] = str(error)
        if faults := dialect_faults(sql):
            refused[f"{path.name}: dialect"] = faults
    assert refused == {}
    assert checked > 250


def test_only_documented_functions(cloud: Cloud, folder: Path) -> None:
    unknown = {}
    for path in folder.glob("*-*/**/*.sql"):
        tokens = sqlglot.tokenize(path.read_text(encoding="utf-8"), read="bigquery")
        for token, following in itertools.pairwise(tokens):
            name = token.text.upper()
            if following.token_type == TokenType.L_PAREN and name.isidentifier() and name not in NOT_FUNCTIONS:
                unknown.setdefault(name, path.name)
    assert {name: where for name, where in unknown.items() if name not in FUNCTIONS} == {}


def test_only_types_of_bigquery_and_none_with_parameters(statements: Statements) -> None:
    wrong = {}
    for name, tree in statements.items():
        for cast in tree.find_all(exp.Cast):
            kind = cast.to.sql(dialect="bigquery").upper()
            if kind not in TYPES or cast.to.expressions:
                wrong[name] = kind
    assert wrong == {}


def test_no_reserved_word_names_anything(statements: Statements) -> None:
    wrong = {}
    for name, tree in statements.items():
        for identifier in tree.find_all(exp.Identifier):
            if not identifier.quoted and identifier.name.lower() in RESERVED:
                wrong[name] = identifier.name
    assert wrong == {}


def test_merges_prune_partitions_by_literals(statements: Statements) -> None:
    merges = {tree.this.name: tree for tree in of(statements, "run-second") if isinstance(tree, exp.Merge)}
    assert PARTITIONED.keys() <= merges.keys()
    for table, field in PARTITIONED.items():
        on = merges[table].args["on"].sql(dialect="bigquery")
        assert f"DBT_INTERNAL_DEST.{field}" in on, on
        between = [b for b in merges[table].args["on"].find_all(exp.Between) if b.this.name == field]
        null = [n for n in merges[table].args["on"].find_all(exp.Is) if n.this.name == field]
        assert null, on
        for bounds in between:
            for bound in (bounds.args["low"], bounds.args["high"]):
                assert isinstance(bound, exp.Cast) and isinstance(bound.this, exp.Literal), bound


def table_reads(tree: exp.Expression, known: Mapping[str, int] | None = None) -> int:
    """How many tables a query reads as BigQuery runs it, which computes a CTE anew wherever it is named."""
    ctes = {} if known is None else dict(known)
    clause = tree.args.get("with_")
    for cte in clause.expressions if clause else ():
        ctes[cte.alias] = table_reads(cte.this, ctes)
    if isinstance(tree, exp.Table) and isinstance(tree.this, exp.Identifier):
        return 1 if tree.db else ctes[tree.name]
    return sum(table_reads(part, ctes) for part in tree.iter_expressions() if part is not clause)


def test_reads_are_counted_with_ctes_expanded() -> None:
    sql = """
        with a as (select * from `d`.`t` union all select * from `d`.`u`),
        b as (select a.* from a join a as other on a.k = other.k where a.k in (select k from `d`.`a`))
        select * from b cross join (with a as (select * from `d`.`v`) select * from a) cross join unnest([1, 2]) as n
    """
    (tree,) = parsed(sql)
    assert tree is not None
    assert table_reads(tree) == 5 + 1


def test_no_model_reads_its_tables_more_than_60_times(statements: Statements) -> None:
    """BigQuery computes a CTE once for each time that it is named, and refuses a query that grows too large by it."""
    reads: dict[str, int] = {}
    for name, tree in statements.items():
        if found := re.fullmatch(r"compiled-\w+/armazem/models/\w+/(\w+)\.sql:0", name):
            reads[found[1]] = max(reads.get(found[1], 0), table_reads(tree))
    assert len(reads) > 40
    too_many = {name: count for name, count in reads.items() if count > MOST_READS}
    assert too_many == {}, ", ".join(f"{name} reads {count} tables" for name, count in too_many.items())


def test_large_tables_are_partitioned_and_clustered(statements: Statements) -> None:
    created = {}
    for tree in of(statements, "run-first"):
        if isinstance(tree, exp.Create):
            created[tree.find(exp.Table).name] = tree.sql(dialect="bigquery").upper()
    for table, field in PARTITIONED.items():
        assert f"PARTITION BY DATETIME_TRUNC({field.upper()}, MONTH)" in created[table], created[table][:300]
    for table in [
        *PARTITIONED,
        "stg_order_payments",
        "stg_customers",
        "stg_products",
        "stg_geolocation",
        "dim_customers",
    ]:
        assert "CLUSTER BY" in created[table], table


def test_raw_tables_are_read_by_the_days_of_the_loads(cloud: Cloud) -> None:
    connection = Connection.of(cloud.settings)
    for loads in (("20180829T120000000000Z",), tuple(f"20180829T12{n:04}000000Z" for n in range(2000))):
        scope = Scope(loads, loads)
        for table in TABLES:
            tree = sqlglot.parse_one(raw_rows(connection, table, scope), read="bigquery")
            days = [c for c in tree.find_all(exp.In, exp.Between) if c.this.name == "_load_date"]
            assert len(days) == 1
            assert {str(literal.this) for literal in days[0].find_all(exp.Literal)} == {"2018-08-29"}


def test_a_dry_run_names_every_model(cloud: Cloud) -> None:
    names = {item.name for item in estimate(cloud.settings, BuildRequest(full_refresh=True))}
    assert {"stg_orders", "fact_sales", "agg_top_selling_products"} <= names
    assert len(names) == 53
