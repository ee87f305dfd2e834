"""One shop, built three times on DuckDB and as often on fakesnow, in an environment of its own: once for all tests."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from bigquery.event_lines import event_lines, lines_of, write_journal
from bigquery.late_extracts import TOLD, corrected, day_1, day_2
from warehouse import history
from warehouse.event_sets import cast_of, some_events
from warehouse.shop import Shop

from armazem.build.project import project_folder
from armazem.contract.layers import LAYERS
from armazem.journal.compaction import compact
from armazem.shop.history import generate
from armazem.targets.duckdb.query import run_query

from .values import row_of

# The Python of Snowflake's environment: `make snowflake` sets it.
PYTHON = "SNOWFLAKE_PYTHON"
EXAMPLES = Path(__file__).parents[2] / "examples" / "snowflake"
ORDERS, SEED = 500, 23
# A view that look-ups of the embedded warehouse read, and nobody elsewhere.
EMBEDDED_ONLY = ("live", "feature_changes")

Tables = dict[str, list[list[str]]]
"""Of each table the names of its columns, then its rows."""


@dataclass(frozen=True, slots=True)
class Twin:
    """What one build made: the tables `ours` on DuckDB, `theirs` on fakesnow; what dbt says of each test, `tested` on
    DuckDB, and of each model and test, `results` on fakesnow; its SQL for Snowflake is in `sql`, two folders.
    """

    ours: Tables
    theirs: Tables
    tested: dict[str, str]
    results: dict[str, str]
    sql: tuple[Path, Path]


@pytest.fixture(scope="session")
def snowflake() -> str:
    if PYTHON not in os.environ:
        pytest.skip("dbt-snowflake and fakesnow have an environment of their own: make snowflake")
    return os.environ[PYTHON]


@pytest.fixture(scope="session")
def twins(snowflake: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Twin]:
    """The builds by name: `first`, everything anew; `second`, with late extracts and events; `events` alone."""
    folder = tmp_path_factory.mktemp("snowflake")
    shop = Shop(folder / "home")
    tasks, ours, tested = [], {}, {}
    for name, loads, ages, lines, after in steps(shop, folder):
        landed = folder / f"{name}.loads"
        landed.mkdir()
        files = [write_journal(shop.home, lines)] if lines else []
        if name == "second":  # by then they are compacted
            files = [lines_of_compacted(shop, folder / "lines")]
        tested[name] = {test.test: test.status for test in shop.build().tests}
        later = [write_journal(shop.home, after)] if after else []
        ours[name] = tables_of(shop)
        tasks.append({
            "name": name, "full_refresh": name == "first", "ages": ages,
            "loads": [str(with_places(shop, load_id, landed)) for load_id in loads],
            "events": [str(file) for file in files], "events_after": [str(file) for file in later],
        })  # fmt: skip
    task = {"project": str(project_folder()), "sql": str(EXAMPLES), "folder": str(folder), "builds": tasks}
    (folder / "task.json").write_text(json.dumps(task), encoding="utf-8")
    session = Path(__file__).with_name("session.py")
    done = subprocess.run(
        [snowflake, session, folder / "task.json"], capture_output=True, text=True, timeout=1800, check=False
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return {name: twin(folder, name, ours[name], tested[name]) for name in ours}


def lines_of_compacted(shop: Shop, out: Path) -> Path:
    """Compact what lies in the journal, and make lines again of the newest segment as users are told to."""
    assert compact(shop.home, grace=0, include_last=True).compacted > 0
    subprocess.run([sys.executable, EXAMPLES / "lines.py", shop.home.journal, out], check=True, timeout=300)
    return max(out.glob("*.jsonl"))


def twin(folder: Path, name: str, ours: Tables, tested: dict[str, str]) -> Twin:
    results = json.loads((folder / f"{name}.results.json").read_text(encoding="utf-8"))
    sql = folder / f"{name}.compiled", folder / f"{name}.run"
    return Twin(ours, read_tables(folder / f"{name}.rows.jsonl"), tested, results, sql)


def steps(shop: Shop, folder: Path) -> Any:
    """Load what each build takes in. Yield its name, loads, their ages, and events that come before and after it."""
    generate(folder / "all", orders=ORDERS, seed=SEED)
    first, second = history.one_more_day(folder / "all", folder)
    lines = event_lines(first, second)
    late = [day_2(folder / "day-2"), day_1(folder / "day-1"), corrected(folder / "corrected")]
    third = len(lines) // 3
    loads = [shop.load(first).load_id, shop.load(late[0], partial=True).load_id]
    yield "first", loads, [], lines[:third], lines[third : 2 * third]
    loads = [shop.load(path, partial=True).load_id for path in (second, late[1])]
    told = shop.load(late[2], partial=True, as_of=TOLD).load_id
    rng = random.Random(SEED)
    random_ones = some_events(rng, cast_of(history.read(folder / "all"), rng, 20, 10), 400)
    more = lines_of(random_ones, datetime.now(UTC), first=len(lines) + 1)
    yield "second", [*loads, told], [(told, as_of(TOLD))], lines[2 * third :], more[:150]
    yield "events", [], [], more[150:300], more[300:]


def as_of(time: datetime) -> str:
    """As the ledger has it and `control.load_ages` is to have it."""
    return f"{time.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}"


def with_places(shop: Shop, load_id: str | None, folder: Path) -> Path:
    """The landed files of a load, with the load and the row in them: fakesnow does not tell them."""
    assert load_id is not None
    target = folder / load_id
    target.mkdir()
    for file in (shop.home.loads / load_id).glob("*.parquet"):
        duckdb.execute(
            f"copy (select * exclude (file_row_number), '{load_id}' as _load_id, file_row_number as _row "
            f"from read_parquet('{file}', file_row_number = true)) to '{target / file.name}' (format parquet)"
        )
    return target


def tables_of(shop: Shop) -> Tables:
    """Every published table of a home folder that a warehouse elsewhere has too."""
    listed = run_query(shop.home, "select table_schema, table_name from information_schema.tables").rows
    layers = {layer.name for layer in LAYERS if layer.published}
    wanted = [(schema, name) for schema, name in listed if schema in layers and (schema, name) != EMBEDDED_ONLY]
    found = {}
    for schema, name in wanted:
        answer = run_query(shop.home, f"select * from {schema}.{name}")
        found[f"{schema}.{name}"] = in_order(answer.columns, [row_of(answer.columns, row) for row in answer.rows])
    return found


def read_tables(file: Path) -> Tables:
    heads: dict[str, list[str]] = {}
    rows: Tables = {}
    with file.open(encoding="utf-8") as lines:
        for table, values in map(json.loads, lines):
            if table in heads:
                rows[table].append(values)
            else:
                heads[table], rows[table] = values, []
    return {table: in_order(heads[table], rows[table]) for table in heads}


def in_order(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[list[str]]:
    """The columns by name, the rows sorted."""
    order = sorted(range(len(columns)), key=lambda place: columns[place])
    return [[columns[place] for place in order], *sorted([row[place] for place in order] for row in rows)]
