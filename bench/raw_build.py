"""The limit of `build`: the SQL that dbt compiled in it, run by DuckDB alone. `python -m bench.raw_build HOME`.

Models become tables of a new file, tests are counted, in the order in which dbt ran them. Prints the sum
of their seconds.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path

import duckdb

from armazem.home import Home
from armazem.landing import read_ledger
from armazem.targets.duckdb.inputs import Scope, create_inputs
from armazem.targets.duckdb.versions import WORK_FILE


def main(root: Path) -> None:
    home = Home(root)
    results = json.loads((root / "dbt" / "run_results.json").read_text())["results"]
    with tempfile.TemporaryDirectory(dir=root) as folder:
        connection = duckdb.connect(f"{folder}/{WORK_FILE}")  # compiled SQL names the database
        connection.execute("set preserve_insertion_order = false")
        loads = tuple(sorted({row.load_id for row in read_ledger(home)}))
        create_inputs(connection, home, Scope(loads, loads))
        for schema in ("intermediate", "staging", "marts", "kpis", "live"):
            connection.execute(f"create schema {schema}")
        started = time.perf_counter()
        for result in results:
            if result["unique_id"].startswith("model."):
                kind = "view" if ".live_" in result["unique_id"] else "table"
                connection.execute(f"create {kind} {result['relation_name']} as {result['compiled_code']}")
            else:
                connection.execute(f"select count(*) from ({result['compiled_code']}\n)").fetchall()
        connection.close()
        print(f"{time.perf_counter() - started:.3f}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
