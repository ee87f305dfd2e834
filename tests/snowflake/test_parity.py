"""The dbt project on fakesnow: every row of every table is the one that DuckDB has."""

from __future__ import annotations

from collections import Counter

import pytest

from .conftest import Twin

pytestmark = pytest.mark.xdist_group("snowflake")

BUILDS = ("first", "second", "events")


@pytest.mark.parametrize("build", BUILDS)
def test_tables_equal_those_of_duckdb(twins: dict[str, Twin], build: str) -> None:
    ours, theirs = twins[build].ours, twins[build].theirs
    assert theirs.keys() == ours.keys()
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
