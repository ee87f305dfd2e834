"""A version made by hand, with values that are hard to carry over, and its tables."""

from __future__ import annotations

import duckdb

from armazem.home import Home
from armazem.targets.duckdb.versions import make_current, version_file

BUILD = "20261123T000001000000Z"
COLUMNS = (
    "id bigint, money decimal(18,2), ratio decimal(18,4), place decimal(18,6), moment timestamp, day date, "
    "yes boolean, words varchar"
)
ROWS = """
    (1, 0.10, 0.0001, -23.550520, '2017-11-24 23:59:59.999999', '2017-11-24', true, 'são paulo'),
    (2, 9999999999999999.99, 99999999999999.9999, 999999999999.999999, '9999-12-31 23:59:59', '9999-12-31', false, '🛒 ''"<&>'),
    (-9223372036854775807, -9999999999999999.99, -0.0001, -90, '1969-12-31 23:59:59', '1582-10-15', null, ''),
    (9223372036854775807, 0.20, 1, 90, '2018-02-28 00:00:00', '2020-02-29', true, e'line\\nbreak\\ttab;,|\\\\N'),
    (null, null, null, null, null, null, null, null)
"""  # noqa: E501


def publish(home: Home, build_id: str = BUILD, *, rows: str = ROWS, columns: str = COLUMNS) -> None:
    """Make a version current that has one table of each schema, and an empty one, and one that is for tests only."""
    home.open()
    with duckdb.connect(str(version_file(home, build_id))) as connection:
        connection.execute(
            f"""
            create schema marts; create schema kpis; create schema meta; create schema staging;
            create table marts.fact_orders ({columns}); insert into marts.fact_orders values {rows};
            create table marts.audit_fact_sales as from marts.fact_orders;
            create table staging.stg_orders as from marts.fact_orders;
            create table kpis.agg_nothing ({columns});
            create view kpis.looked_at as from marts.fact_orders;
            create table meta.builds (build_id varchar, finished_at timestamptz);
            insert into meta.builds values ('20261122T000000000000Z', '2026-11-22 00:00:00Z'),
                ('{build_id}', '2026-11-23 03:04:05-03:00');
            """
        )
    make_current(home, build_id)


def published_tables(connection: duckdb.DuckDBPyConnection) -> list[str]:
    return [
        f"{schema}.{table}"
        for schema, table in connection.execute(
            "select schema_name, table_name from duckdb_tables() where schema_name in ('marts', 'kpis') "
            "and not starts_with(table_name, 'audit_') order by all"
        ).fetchall()
    ]
