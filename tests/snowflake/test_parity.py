"""The dbt project on fakesnow: every row of every table is the one that DuckDB has."""

from __future__ import annotations

import itertools
from collections import Counter

import pytest

from armazem.contract.event_types import EVENT_TYPES

from .conftest import Twin

pytestmark = pytest.mark.xdist_group("snowflake")

BUILDS = ("first", "second", "events")


@pytest.mark.parametrize("build", BUILDS)
def test_tables_equal_those_of_duckdb(twins: dict[str, Twin], build: str) -> None:
    ours, theirs = twins[build].ours, twins[build].theirs
    assert theirs.keys() == ours.keys()
    assert len(ours) == 47
    assert [table for table, rows in ours.items() if len(rows) < 2] == []
    wrong = []
    for table, (columns, *rows) in ours.items():
        if theirs[table] != [columns, *rows]:
            here, there = Counter(map(tuple, rows)), Counter(map(tuple, theirs[table][1:]))
            only_here, only_there = sorted((here - there).elements()), sorted((there - here).elements())
            columns_differ = sorted(set(columns) ^ set(theirs[table][0]))
            wrong.append(
                f"{table}: columns of one only {columns_differ}; {len(only_here)} rows only here, "
                f"{len(only_there)} only there, of {len(rows)}: {only_here[:2]}, {only_there[:2]}"
            )
    assert wrong == []


@pytest.mark.parametrize("build", BUILDS)
def test_dbt_s_tests_say_what_they_say_on_duckdb(twins: dict[str, Twin], build: str) -> None:
    twin = twins[build]
    assert set(twin.results.values()) <= {"success", "pass", "warn"}
    assert len(twin.results) > 100
    assert len(twin.tested) > 20
    assert {name: twin.results[name] for name in twin.tested} == twin.tested


def test_what_was_compared_has_news_of_every_kind(twins: dict[str, Twin]) -> None:
    for before, after in itertools.pairwise(BUILDS):
        changed = {name for name, rows in twins[after].ours.items() if rows != twins[before].ours[name]}
        assert {"staging.stg_events", "marts.fact_sales", "features.feat_forecast", "live.orders"} <= changed
    (columns, *events) = twins["events"].theirs["staging.stg_events"]
    assert {event[columns.index("event_type")] for event in events} == {f"'{name}'" for name in EVENT_TYPES}
