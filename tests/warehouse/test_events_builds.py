"""Batch files and events in any order, with builds in between, give the tables that all of them give at once."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest
from contract.event_examples import Message, canonical
from reference import KEYS as MART_KEYS
from reference import compute, differences, schema_of
from reference.world import columns as columns_of_files
from soak import NUMBERS

from armazem.build.run import AuditFailed, BuildRequest
from armazem.config import Settings
from armazem.intake.ingest import Ingest
from armazem.journal.compaction import compact
from armazem.shop.history import generate
from armazem.targets.duckdb.query import open_published
from armazem.targets.duckdb.versions import version_file

from . import history
from .event_reference import KEYS, Load, Tables, file_of, staging
from .event_sets import cast_of, some_events
from .shop import Shop, differing

# What tells when and in which order things came.
OF_THE_WAY = ("_load_id", "seq", "received_at")

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("day by day")]


@dataclass(frozen=True, slots=True)
class Tale:
    """What happened in the shop: extracts in the order in which they were made, events by their times."""

    folders: list[Path]
    events: list[Message]


def tale_of(seed: int, folder: Path) -> Tale:
    rng = random.Random(seed)
    generate(folder / "whole", orders=rng.randint(60, 100), seed=seed)
    tables = history.read(folder / "whole")
    extracts = [extract for extract in history.as_it_happened(tables, 3, rng) if extract]
    folders = [history.write(folder / f"extract-{number}", extract) for number, extract in enumerate(extracts)]
    # Of the orders that no file brings, so few that not too many payments stay without an order.
    events = some_events(rng, cast_of(tables, rng, known=8, new=3), rng.randint(40, 90))
    return Tale(folders, sorted(events, key=lambda event: event["timestamp"]))


def load(shop: Shop, folder: Path) -> Load:
    """Load an extract; the rows that were new in it."""
    result = shop.load(folder, partial=True)
    new = {Path(file.path).stem for file in result.files if file.status == "loaded"}
    return Load(result.load_id or "", {name: rows for name, rows in rows_of(folder).items() if name in new})


def rows_of(folder: Path) -> history.Tables:
    return {path.stem: history.read_file(path) for path in sorted(folder.glob("*.csv"))}


def ingest(shop: Shop, events: list[Message]) -> None:
    with Ingest(shop.home, Settings(home=shop.path)) as writer:
        outcome = writer.submit([canonical(event) for event in events], "ingest").result()
    assert not outcome.rejected


def build(shop: Shop) -> bool:
    """Build; False where items or payments came before most of their orders, which come with the next files."""
    try:
        shop.build()
    except AuditFailed as refused:
        failed = [test for test in refused.report.tests if test.status == "fail"]
        assert {test.test for test in failed} <= {"stg_order_items_audit", "stg_order_payments_audit"}
        errors = [check for test in failed for check in test.failed_checks.split(", ") if "(warning)" not in check]
        assert all(check.startswith("order_id_exists ") for check in errors), errors
        return False
    return True


def in_disorder(shop: Shop, tale: Tale, rng: random.Random) -> int:
    """Everything in pieces, events shuffled and some twice; how many builds there were."""
    events = [*tale.events, *rng.choices(tale.events, k=len(tale.events) // 3)]
    rng.shuffle(events)
    cuts = sorted(rng.sample(range(1, len(events)), 4))
    batches = [events[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(events)], strict=True)]
    steps = ["load"] * len(tale.folders) + ["ingest"] * len(batches)
    rng.shuffle(steps)
    folders, waiting = iter(tale.folders), iter(batches)
    builds = 0
    for step in steps:
        if step == "load":
            load(shop, next(folders))
        else:
            ingest(shop, next(waiting))
        if rng.random() < 0.3:
            compact(shop.home, grace=0)
        if rng.random() < 0.5:
            builds += build(shop)
    builds += build(shop)
    return builds


def staging_checksums(shop: Shop, *left_out: str) -> Mapping[str, str]:
    """Per table of `staging` a hash of its sorted rows, without some columns."""
    found = {}
    with duckdb.connect(str(version_file(shop.home, shop.current)), read_only=True) as connection:
        tables = connection.execute("select table_name from duckdb_tables() where schema_name = 'staging'").fetchall()
        for (table,) in tables:
            # A load without a time in it is as old as itself.
            without = {*left_out, *(("version",) if left_out and table.startswith("stg_batch_") else ())}
            columns = connection.execute(
                "select string_agg('\"' || column_name || '\"', ', ' order by column_index) from duckdb_columns() "
                "where schema_name = 'staging' and table_name = ? and not list_contains(?, column_name)",
                [table, sorted(without)],
            ).fetchone()
            rows = f"select cast(t as varchar) as row from (select {columns[0]} from staging.{table}) as t"
            hashed = f"select count(*), md5(string_agg(row, chr(10) order by row)) from ({rows})"
            found[table] = str(connection.execute(hashed).fetchone())
    return found


def assert_staging(shop: Shop, expected: Tables) -> None:
    for table, key in KEYS.items():
        assert differences(expected[table], shop.rows(f"staging.stg_{table}"), key) == [], table


def assert_live_is_staging(shop: Shop) -> None:
    with open_published(shop.home) as connection:
        for table in ("orders", "order_items", "order_payments"):
            staged, live = f"from staging.stg_{table}", f"from live.{table}"
            for more, less in ((staged, live), (live, staged)):
                assert connection.execute(f"({more}) except all ({less})").fetchall() == [], table


def assert_marts(shop: Shop, merged: Tables, loads: list[Load], folder: Path) -> None:
    """The reference of facts and KPIs, over files with the merged rows in them."""
    columns = {name.replace("lenght", "length"): name for names in columns_of_files().values() for name in names}
    tables = {
        file_of(table): [
            {columns[name]: "" if value is None else str(value) for name, value in row.items()} for row in rows
        ]
        for table, rows in merged.items()
    }
    for name in (history.POINTS, history.TRANSLATION):
        tables[name] = [row for load in loads for row in load.files.get(name, ())]
    expected = compute(history.write(folder, tables))
    for table, key in MART_KEYS.items():
        assert differences(expected[table], shop.rows(f"{schema_of(table)}.{table}"), key) == [], table


@pytest.mark.parametrize("seed", range(1, NUMBERS.event_histories + 1))
def test_the_way_does_not_matter(shop: Shop, tmp_path: Path, seed: int, report: Callable[..., None]) -> None:
    tale = tale_of(seed, tmp_path)

    shop.reset()
    loads = [load(shop, folder) for folder in tale.folders]
    ingest(shop, tale.events)
    assert build(shop)
    at_once = {**shop.checksums(), **staging_checksums(shop, *OF_THE_WAY)}
    merged = staging(loads, tale.events)
    assert_staging(shop, merged)
    assert_marts(shop, merged, loads, tmp_path / "merged")
    assert_live_is_staging(shop)

    shop.reset()
    builds = in_disorder(shop, tale, random.Random(seed))
    assert differing({**shop.checksums(), **staging_checksums(shop, *OF_THE_WAY)}, at_once) == []
    assert_staging(shop, merged)
    assert_live_is_staging(shop)

    by_and_by = {**shop.checksums(), **staging_checksums(shop)}
    shop.build(BuildRequest(full_refresh=True))
    assert differing({**shop.checksums(), **staging_checksums(shop)}, by_and_by) == []
    report("events in any order", seed=seed, events=len(tale.events), extracts=len(tale.folders), builds=builds + 2)
