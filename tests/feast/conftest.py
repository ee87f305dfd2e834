"""An export of the golden shop, and what Feast answered about it: asked once, in its own environment."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from features.known import KEYS, Shown
from golden import Golden
from reference import compute

from armazem.config import Settings
from armazem.export.feast import export_feast

# The Python of Feast's environment: `make feast` sets it.
PYTHON = "FEAST_PYTHON"
EXAMPLE = Path(__file__).parents[2] / "examples" / "feast"
ZONE = "America/Sao_Paulo"
REQUESTS, SEED = 200, 18


@dataclass(frozen=True, slots=True)
class Asked:
    """What Feast was asked, now and in the past, and what it said. `told`: of its run. `settings`: of the shop."""

    settings: Settings
    export: Path
    shown: Shown
    now: pa.Table
    past: pa.Table
    online: pa.Table
    historical: pa.Table
    told: dict[str, Any]


@pytest.fixture(scope="session")
def feast() -> str:
    if PYTHON not in os.environ:
        pytest.skip("Feast has an environment of its own: make feast")
    return os.environ[PYTHON]


@pytest.fixture(scope="module")
def asked(feast: str, golden: Golden, tmp_path_factory: pytest.TempPathFactory) -> Asked:
    folder = tmp_path_factory.mktemp("feast")
    settings = Settings(home=golden.twice(folder / "home").path, time_zone=ZONE)
    export = folder / "features"
    export_feast(settings, export, lambda *_: None)
    shown = Shown(compute([golden.first, golden.second]))
    now, past = every_id(shown), times_of_the_past(shown)
    pq.write_table(now, folder / "now.parquet")
    pq.write_table(past, folder / "past.parquet")
    subprocess.run([feast, Path(__file__).with_name("session.py"), EXAMPLE, export, folder], check=True, timeout=300)
    told = json.loads((folder / "told.json").read_text(encoding="utf-8"))
    online, historical = (pq.read_table(folder / f"{name}.parquet") for name in ("online", "historical"))
    return Asked(settings, export, shown, now, past, online, historical, told)


def every_id(shown: Shown) -> pa.Table:
    """Each id of each entity at least once."""
    ids = {column: shown.ids(entity) for entity, column in KEYS.items()}
    longest = max(len(known) for known in ids.values())
    requests = {column: [known[row % len(known)] for row in range(longest)] for column, known in ids.items()}
    return pa.table(requests | {"marketplace": ["all"] * longest})


def times_of_the_past(shown: Shown) -> pa.Table:
    """Random requests, many of them at midnights and beside them; times as instants.

    Of requests at the same time Feast keeps one where they have an id in common, as these have `all`; and it leaves out
    those from before the first purchase.
    """
    first = min(order["order_purchase_timestamp"] for order in shown.orders)
    some = {row["at"]: row for row in shown.requests(2 * REQUESTS, SEED) if row["at"].date() >= first.date()}
    table = pa.Table.from_pylist([*some.values()][:REQUESTS])
    # A time that the clock left out is one after it.
    at = pc.assume_timezone(table["at"], ZONE, ambiguous="earliest", nonexistent="latest")
    others = {"marketplace": pa.array(["all"] * REQUESTS), "number": pa.array(range(REQUESTS))}
    columns = {name: table[name] for name in KEYS.values()}
    return pa.table(columns | others | {"at": at.cast(pa.timestamp("us", "UTC"))})
