"""A reader of the published warehouse as a process: `python reader.py HOME STOP REST`. Prints what it saw, as a line of
JSON.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from armazem.home import Home
from armazem.targets.duckdb.query import fetch, open_published

VERSION = "select max(build_id) from meta.builds"
CONTENT = (
    "select (select count(*) from marts.fact_orders), (select count(*) from marts.fact_sales), "
    "(select sum(revenue)::varchar from marts.fact_orders), (select sum(orders) from kpis.agg_monthly_growth), "
    "(select count(distinct load_id) from meta.loads)"
)


def read_until(home: Home, stop: Path, rest: float) -> dict[str, object]:
    """Query in a loop, several queries on each connection, until the file `stop` exists."""
    connections = queries = mixed = 0
    contents: dict[str, list[str]] = {}
    failures: list[str] = []
    while not stop.exists():
        time.sleep(rest)  # leaves the processor to the builds
        try:
            with open_published(home) as connection:
                before = fetch(connection, VERSION).rows[0][0]
                seen = [json.dumps(fetch(connection, CONTENT).rows[0]) for _ in range(3)]
                after = fetch(connection, VERSION).rows[0][0]
        except Exception as error:  # noqa: BLE001  # every failure of a reader is a finding
            failures.append(f"{type(error).__name__}: {error}")
            continue
        connections, queries = connections + 1, queries + 5
        mixed += before != after or len(set(seen)) != 1
        known = contents.setdefault(before, [])
        known += [content for content in set(seen) if content not in known]
    return {
        "connections": connections,
        "queries": queries,
        "mixed": mixed,
        "failures": failures,
        "contents": contents,
    }


if __name__ == "__main__":
    print(json.dumps(read_until(Home(Path(sys.argv[1])), Path(sys.argv[2]), float(sys.argv[3]))))
