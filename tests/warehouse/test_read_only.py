"""A reader reads tables and nothing else: what he may ask, and a list of attempts at everything else."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest
from contract.event_examples import canonical, identifier, item, order, order_initiated, payment
from golden import ORDERS, Golden

from armazem.config import Settings
from armazem.errors import HomeError, QueryError
from armazem.home import Home
from armazem.intake.ingest import Ingest
from armazem.targets.duckdb.confined import Limits
from armazem.targets.duckdb.query import Published, fetch, open_published, run_query
from armazem.targets.duckdb.statements import mentions_live, reading_statements

from .shop import Shop, ended, start

SECRET = "sesame-open"
ORDER = identifier(77)
ENDLESS = "select count(*) from range(100000000000000) t(i) where hash(i) = 1"


@dataclass(frozen=True, slots=True)
class Place:
    """A shop with an event after its build, dead letters, a settings file with a token, and links to them."""

    shop: Shop
    root: Path
    segment: Path
    older: Path

    def fingerprint(self) -> dict[str, str]:
        """Every file and folder below the root, by name, with its content; of what dbt has parsed only the name."""
        dbt = self.shop.path / "dbt"
        return {
            str(path): hashlib.sha256(path.read_bytes()).hexdigest()
            if path.is_file() and dbt not in path.parents
            else ""
            for path in sorted(self.root.rglob("*"))
        }


@pytest.fixture(scope="module")
def place(golden: Golden, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    root = tmp_path_factory.mktemp("attacked")
    shop = golden.once(root / "home")
    older = shop.home.builds / f"{shop.current}.duckdb"
    other = shop.home.builds / "other.duckdb"
    other.write_bytes(older.read_bytes())
    with Ingest(shop.home, Settings(home=shop.path)) as writer:
        rows = {"order_items": [item(order_id=ORDER)], "order_payments": [payment(order_id=ORDER)], "note": SECRET}
        event = canonical(order_initiated(orders=order(order_id=ORDER), **rows))
        assert writer.submit([event, SECRET.encode()], "ingest").result().accepted == 1
    [segment] = shop.home.journal.glob("date=*/*.jsonl")
    (root / "armazem.toml").write_text(f'token = "{SECRET}"\n')
    (root / "secret.csv").write_text(f"word\n{SECRET}\n")
    (root / "schema.sql").write_text(f"{SECRET};")  # what `import database` looks for
    (root / "load.sql").write_text("")
    (shop.home.journal / "link.jsonl").symlink_to(root / "secret.csv")
    (shop.home.journal / "folder").symlink_to(root)
    yield Place(shop, root, segment, other)


ATTEMPTS = (
    # writing
    "copy (select 1) to '{segment}'",
    "copy (select 'x' as a) to '{journal}/date=2026-11-23/0000000000000001.jsonl' (format json)",
    "copy marts.fact_orders to '{root}/out.csv'",
    "copy (select 1) to '{root}/out.parquet' (format parquet)",
    "copy marts.fact_orders from '{root}/secret.csv'",
    "copy from database published to memory",
    "export database '{root}/exported'",
    "export database '{journal}/exported' (format parquet)",
    "import database '{root}'",
    "explain analyze copy (select 1) to '{root}/out.csv'",
    "explain copy (select 1) to '{root}/out.csv'",
    "select 1; copy (select 1) to '{root}/out.csv'",
    "attach '{root}/new.duckdb'",
    "attach '{older}' as older (read_only)",
    "attach ':memory:' as more",
    "detach published",
    "delete from marts.fact_orders",
    "update marts.fact_orders set revenue = 0",
    "insert into marts.fact_orders select * from marts.fact_orders",
    "merge into marts.fact_orders using marts.fact_sales using (order_id) when matched then delete",
    "truncate marts.fact_orders",
    "drop table marts.fact_orders",
    "alter table marts.fact_orders add column x integer",
    "comment on table marts.fact_orders is 'x'",
    "create table marts.mine as select 1",
    "create temp table mine as select 1",
    "create or replace view memory.live.orders as select 1",
    "create macro leak() as table from read_text('{root}/armazem.toml')",
    "create secret thief (type s3, key_id 'a', secret 'b')",
    "create persistent secret thief (type s3, key_id 'a', secret 'b')",
    "vacuum",
    "analyze",
    "checkpoint",
    "force checkpoint published",
    "from checkpoint('published')",
    "from force_checkpoint('published')",
    "call enable_logging(storage = 'file', storage_config = {{'path': '{root}/logs'}})",
    "from enable_logging(storage = 'file', storage_config = {{'path': '{root}/logs'}})",
    "select (select count(*) from enable_logging(storage = 'file', storage_config = {{'path': '{root}/logs'}}))",
    "select write_log('x')",
    "from truncate_duckdb_logs()",
    "from enable_profiling(save_location = '{root}/profile.json')",
    "pragma enable_profiling = 'json'",
    "pragma profiling_output = '{root}/profile.json'",
    # loosening what binds it
    "install httpfs",
    "load json",
    "load '{root}/secret.csv'",
    "set enable_external_access = true",
    "set allowed_directories = ['/']",
    "set temp_directory = '{root}/spill'",
    "set lock_configuration = false",
    "reset lock_configuration",
    "set global memory_limit = '100GB'",
    "set variable armazem_journal = '/'",
    "pragma temp_directory = '{root}'",
    "pragma memory_limit = '100GB'",
    "use memory",
    "prepare p as select 1",
    "execute p",
    "deallocate p",
    "begin",
    "call pragma_version()",
    # reading files
    "from read_csv('{root}/secret.csv')",
    "from read_csv_auto('{root}/secret.csv')",
    "from read_text('{root}/armazem.toml')",
    "from read_blob('{root}/armazem.toml')",
    "from read_json('{segment}')",
    "from read_json_auto('{segment}')",
    "from read_json_objects('{letters}/*/*.jsonl')",
    "from read_ndjson('{segment}')",
    "from read_ndjson_auto('{segment}')",
    "from read_ndjson_objects('{segment}')",
    "from read_text('{segment}')",
    "from read_text('{journal}/link.jsonl')",
    "from read_text('{journal}/folder/armazem.toml')",
    "from read_text('{journal}/../../armazem.toml')",
    "from read_parquet('{landing}/*/*.parquet')",
    "from parquet_scan('{landing}/*/*.parquet')",
    "from parquet_metadata('{landing}/*/*.parquet')",
    "from parquet_schema('{landing}/*/*.parquet')",
    "from parquet_kv_metadata('{landing}/*/*.parquet')",
    "from parquet_file_metadata('{landing}/*/*.parquet')",
    "from read_blob('{older}')",
    "from read_duckdb('{older}', table_name = 'fact_orders')",
    "from sniff_csv('{root}/secret.csv')",
    "from glob('{root}/*')",
    "from '{root}/secret.csv'",
    "from '{segment}'",
    "from '{journal}/link.jsonl'",
    'from "{root}/secret.csv"',
    "summarize '{root}/secret.csv'",
    "describe from '{root}/secret.csv'",
    "describe from read_csv('{root}/secret.csv')",
    "from '{older}'",
    "with a as materialized (from read_text('{root}/armazem.toml')) from a",
    "select (select content from read_text('{root}/armazem.toml'))",
    "from marts.fact_orders, lateral (from read_text('{root}/armazem.toml'))",
    "select * from range(1) where 'x' in (select content from read_text('{root}/armazem.toml'))",
    "values ((select content from read_text('{root}/armazem.toml')))",
    "from query('from read_text(''{root}/armazem.toml'')')",
    "from query_table('{root}/secret.csv')",
    "from query_table(['{root}/secret.csv'])",
    "from histogram('{root}/secret.csv', word)",
    "from json_execute_serialized_sql(json_serialize_sql('from read_text(''{root}/armazem.toml'')'))",
    "pragma json_execute_serialized_sql('{{}}')",
    "from published.live.orders",
    "from memory.main.events_0 union all select null from live.orders",
    "summarize memory.events_0",
    "from 'http://127.0.0.1:9/x.csv'",
    "from read_csv('s3://bucket/x.csv')",
    "from sqlite_scan('{root}/secret.csv', 't')",
    # looking around in the process
    "select getenv('ARMAZEM_TOKEN')",
    "from duckdb_secrets()",
    "from which_secret('s3://bucket', 's3')",
    "from duckdb_settings()",
    "from duckdb_variables()",
    "from duckdb_external_file_cache()",
    "from duckdb_logs()",
    "from pandas_scan(1)",
    "from arrow_scan(1, 2, 3)",
    "from python_map_function()",
    "from seq_scan()",
    "from rows_of_this_module",
    # not one statement of SQL
    "pivot marts.fact_orders on order_status using count(*)",
    "select",
    "",
)  # fmt: skip

rows_of_this_module = [SECRET]


def _filled(place: Place, attempt: str) -> str:
    home = place.shop.home
    return attempt.format(root=place.root, segment=place.segment, journal=home.journal, letters=home.dead_letters,
                          landing=home.loads, older=place.older)  # fmt: skip


def test_there_are_attempts_enough() -> None:
    assert len(set(ATTEMPTS)) >= 100


@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_an_attempt_fails_changes_nothing_and_shows_nothing(
    place: Place, attempt: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By every way that there is: the command, a connection of its own, one that is held open."""
    monkeypatch.setenv("ARMAZEM_TOKEN", SECRET)
    monkeypatch.chdir(place.root)  # what DuckDB leaves in the current folder would be seen
    sql = _filled(place, attempt)
    before = place.fingerprint()
    answer = place.shop.armazem("sql", sql)
    assert (answer.code, answer.out) == (1, "")
    first, *_, last = answer.err.strip().split("\n")
    assert first.startswith("error: ") and last.strip().startswith("→ ")
    shown = answer.err.replace(str(place.root), "")
    published = Published(place.shop.home)
    with pytest.raises(QueryError) as refused:
        published.query(sql)
    published.close()
    shown += str(refused.value)
    with open_published(place.shop.home) as connection, pytest.raises(QueryError) as refused:
        fetch(connection, sql)
    shown += str(refused.value)
    assert SECRET not in shown
    assert place.fingerprint() == before


@pytest.mark.parametrize("attempt", ATTEMPTS[::5])
def test_what_is_read_as_a_condition_is_no_way_round(place: Place, attempt: str) -> None:
    before = place.fingerprint()
    for condition in (f"true) ; {_filled(place, attempt)} --", f"exists ({_filled(place, attempt)})"):
        answer = place.shop.armazem("kpi", "monthly_growth", "--where", condition)
        assert (answer.code, answer.out) == (1, ""), condition
        assert SECRET not in answer.err.replace(str(place.root), "")
    assert place.fingerprint() == before


@pytest.mark.parametrize(
    "attempt",
    [
        "copy (select 1) to '{segment}'",
        "copy (select 1) to '{root}/out.csv'",
        "attach '{root}/new.duckdb'",
        "from read_text('{root}/armazem.toml')",
        "from read_text('{segment}')",
        "set enable_external_access = true",
        "set allowed_directories = ['/']",
        "delete from published.marts.fact_orders",
    ],
)
def test_the_connection_holds_without_the_check_of_statements(place: Place, attempt: str) -> None:
    """Each of the two would do: here the statement goes to DuckDB as it is."""
    before = place.fingerprint()
    for live in (True, False):
        with open_published(place.shop.home, live=live) as connection, pytest.raises(duckdb.Error):
            connection.execute(_filled(place, attempt))
    assert place.fingerprint() == before


READING = (
    "select 1", "from marts.fact_orders limit 1", "table meta.builds", "values (1), (2)", "select 1; select 2",
    "with a as (select 1 as x) from a",
    "with recursive a(x) as (select 1 union all select x + 1 from a where x < 3) from a",
    "explain select * from marts.fact_orders", "explain analyze select 1", "explain (format json) select 1",
    "/* why */ explain -- so\n select 1", "describe marts.fact_orders", "describe select 1 as a",
    "desc marts.dim_dates",
    "summarize kpis.agg_sales_trend", "show tables", "SHOW ALL TABLES;", "show databases", "show marts.fact_orders",
    "from information_schema.columns limit 1", "from duckdb_tables() limit 1", "from duckdb_columns() limit 1",
    "pragma table_info('marts.fact_orders')", "from range(3)", "select unnest([1, 2])", "select * from live.orders",
    "from live.order_items join live.order_payments using (order_id)", "from live.orders, marts.fact_orders limit 1",
    "pivot marts.fact_orders on order_status in ('delivered', 'shipped') using count(*)",
    "unpivot (select 1 as a, 2 as b) on a, b", "select columns('order_.*') from marts.fact_orders limit 1",
    "from marts.fact_orders using sample 3 rows", "select * from kpis.agg_sales_trend qualify row_number() over () = 1",
)  # fmt: skip


@pytest.mark.parametrize("sql", READING)
def test_what_reads_is_answered(place: Place, sql: str) -> None:
    answer = place.shop.armazem("sql", sql, "--format", "csv")
    assert answer.code == 0 and answer.out, answer.err


def test_show_tables_names_every_published_table(place: Place) -> None:
    listed = set(run_query(place.shop.home, "show tables").rows)
    assert {("marts", "fact_orders"), ("kpis", "agg_sales_trend"), ("live", "orders"), ("meta", "builds")} <= listed
    everything = run_query(place.shop.home, "show all tables")
    assert everything.columns[:3] == ("database", "schema", "name")
    assert {(row[1], row[2]) for row in everything.rows} == listed


def test_live_views_show_the_event_and_only_what_they_show(place: Place) -> None:
    [row] = run_query(place.shop.home, f"from live.orders where order_id = '{ORDER}'").rows
    assert SECRET not in str(row)
    assert run_query(place.shop.home, "select count(*) from live.orders").rows == ((ORDERS + 1,),)


@pytest.mark.parametrize(
    ("sql", "limits", "says"),
    [
        (ENDLESS, Limits(seconds=0.5), "longer than 0.5 s"),
        ("select sleep_ms(60000)", Limits(seconds=0.5), "longer than 0.5 s"),
        ("with recursive a(x) as (select 1 union all select x from a) select count(*) from a", Limits(seconds=0.5),
         "longer than"),
        ("select string_agg(repeat('x', 10000), '') from range(10000000)", Limits(memory="100MB"), "more memory than"),
        ("select * from range(30000000) order by hash(range)", Limits(memory="50MB"), "more memory than"),
        ("from range(100000000000)", Limits(rows=1000), "more than 1,000 rows"),
        ("select repeat('x', 10000) from range(1000000)", Limits(memory="100MB"), "more memory than"),
    ],
)  # fmt: skip
def test_a_query_that_takes_too_much_is_stopped(
    place: Place, sql: str, limits: Limits, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(place.root)
    before = place.fingerprint()
    with pytest.raises(QueryError, match=says) as stopped:
        run_query(place.shop.home, sql, limits=limits)
    assert stopped.value.hint and "\n" not in str(stopped.value)
    assert place.fingerprint() == before  # nothing was spilled to the disk
    assert run_query(place.shop.home, "select 1").rows == ((1,),)


def test_the_time_is_a_flag_and_a_setting(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = place.shop.armazem("sql", ENDLESS, "--timeout", "0.3")
    assert answer.code == 1 and "longer than 0.3 s" in answer.err
    monkeypatch.setenv("ARMAZEM_QUERY_TIMEOUT", "0.4")
    answer = place.shop.armazem("sql", ENDLESS)
    assert answer.code == 1 and "longer than 0.4 s" in answer.err and "--timeout" in answer.err


def test_a_wrong_amount_of_memory_is_said(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARMAZEM_QUERY_MEMORY", "much")
    answer = place.shop.armazem("sql", "select 1")
    assert answer.code == 1 and "ARMAZEM_QUERY_MEMORY" in answer.err


def test_a_version_that_a_program_has_open_for_writing(place: Place, tmp_path: Path) -> None:
    """It says which program, and not that a version has to be restored."""
    home = Home(tmp_path / "home").open()
    file = home.builds / "20261123T000001Z.duckdb"
    file.write_bytes(place.older.read_bytes())
    home.current.symlink_to(Path("builds") / file.name)
    holder = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('open', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", holder, str(file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None and process.stdout.readline() == b"open\n"
        with pytest.raises(HomeError, match="open for writing elsewhere") as held:
            run_query(home, "select 1")
        process.kill()
    assert "close the program" in held.value.hint


def test_failed_builds_are_read_the_same_way(place: Place) -> None:
    failed = place.shop.home.builds / "failed.duckdb"
    failed.write_bytes(place.older.read_bytes())
    try:
        assert place.shop.armazem("sql", "--failed", "select count(*) from marts.fact_orders").code == 0
        for attempt in ("copy (select 1) to '{segment}'", "from read_text('{segment}')", "from read_blob('{older}')"):
            before = place.fingerprint()
            assert place.shop.armazem("sql", "--failed", _filled(place, attempt)).code == 1
            assert place.fingerprint() == before
    finally:
        failed.unlink()


@pytest.mark.parametrize(
    ("sql", "said"),
    [("select " + "+".join("1" * 900), "nested too deep"), ("select '\udce9'", "not UTF-8")],
)
def test_what_cannot_be_looked_through_is_an_error(sql: str, said: str) -> None:
    with pytest.raises(QueryError, match=said):
        reading_statements(sql)


@pytest.mark.parametrize(
    ("sql", "live"),
    [("from live.orders", True), ('from "LIVE".orders', True), ("select days_to_deliver, 'delivered'", False)],
)
def test_queries_on_live_are_known_by_the_word(sql: str, live: bool) -> None:
    assert mentions_live(sql) is live


def test_statements_are_told_apart_once() -> None:
    assert reading_statements("select 1") is reading_statements("select 1")


def test_as_a_process_it_leaves_nothing_where_it_is_run(place: Place, tmp_path: Path) -> None:
    answer = ended(start("--home", place.shop.path, "sql", "select count(*) from live.orders", cwd=tmp_path))
    assert answer.code == 0 and f" {ORDERS + 1} " in answer.out
    assert not list(tmp_path.iterdir())
