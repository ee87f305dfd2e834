"""The refused rows of a load, in the table `raw.rejects`: as the lines of JSON in the home folder have them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa

from armazem.errors import extra
from armazem.lake.catalog import REJECTS, Lake
from armazem.lake.ledger import summary
from armazem.lake.partitions import partitions
from armazem.lake.tables import schema_of

with extra("iceberg", "the lake"):
    from pyiceberg.io.pyarrow import schema_to_pyarrow

_ROWS = 50_000  # a snapshot; so many are held in memory


def add_rejects(lake: Lake, load_id: str, folder: Path) -> int:
    """Add the rejects of a load, a file `<table>.jsonl` for each table, unless they are there; how many."""
    if not folder.is_dir() or load_id in partitions(lake.table(REJECTS)):
        return 0
    schema = schema_to_pyarrow(schema_of(REJECTS), include_field_ids=False)
    added = 0
    rows = _rows(load_id, folder)
    while some := list(islice(rows, _ROWS)):
        lake.table(REJECTS).append(pa.Table.from_pylist(some, schema=schema), summary(load_id, "load"))
        added += len(some)
    return added


def _rows(load_id: str, folder: Path) -> Iterator[dict[str, Any]]:
    for path in sorted(folder.glob("*.jsonl")):
        with path.open(encoding="utf-8", newline="\n") as lines:
            for line in lines:
                yield {"load_id": load_id, "table": path.stem, **json.loads(line)}
