"""Uploads that were cut off. A marker in the home folder tells the next load, which removes what had arrived."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from google.api_core import exceptions

from armazem.disk.durable import sync_file, sync_path
from armazem.home import Home
from armazem.targets.bigquery.landing.files import load_date
from armazem.targets.bigquery.landing.jobs import JobRefused, find, finish
from armazem.targets.bigquery.landing.ledger import read_entries
from armazem.targets.bigquery.landing.raw import LOADS, REJECTS, Raw

_PREFIX = ".uploading-"


@dataclass(frozen=True, slots=True)
class Upload:
    """A load on its way to BigQuery. `tables`: those of `raw` that it has rows for."""

    load_id: str
    project: str
    dataset: str
    tables: Sequence[str]


def announce(home: Home, upload: Upload) -> None:
    """Write the marker, to the disk. Before the first request of the upload."""
    with _marker(home, upload.load_id).open("w", encoding="utf-8") as file:
        json.dump(asdict(upload), file)
        sync_file(file)
    sync_path(home.landing)


def forget(home: Home, load_id: str) -> None:
    """Remove the marker: the load is in the ledger, or nothing of it is on BigQuery."""
    _marker(home, load_id).unlink(missing_ok=True)


def clear_up(home: Home, raw: Raw) -> None:
    """Undo the interrupted uploads to this dataset. Only for the holder of the landing lock."""
    for path in sorted(home.landing.glob(f"{_PREFIX}*.json")):
        try:
            upload = Upload(**json.loads(path.read_text(encoding="utf-8")))
        except (ValueError, TypeError):
            path.unlink()  # not even the marker was complete: nothing had been sent
            continue
        if (upload.project, upload.dataset) == (raw.project, raw.dataset):
            undo(raw, upload)
            forget(home, upload.load_id)


def undo(raw: Raw, upload: Upload) -> None:
    """Delete the rows of a load that is not in the ledger."""
    # What was started goes on without us, and might write after the delete, or even complete the load.
    empty = {table for table in (*upload.tables, LOADS) if _refused(raw, upload.load_id, table)}
    if any(entry.row.load_id == upload.load_id for entry in read_entries(raw.client, raw.dataset, raw.retry)):
        return
    for table in upload.tables:
        if table not in empty:
            with suppress(exceptions.NotFound):
                _delete(raw, upload.load_id, table)


def _refused(raw: Raw, load_id: str, table: str) -> bool:
    """Whether the job that loads a table ended without rows; waits for its end."""
    try:
        finish(raw, find(raw, load_id, table))
    except JobRefused:
        return True
    except exceptions.NotFound:
        pass  # never started, as far as anybody knows
    return False


def _delete(raw: Raw, load_id: str, table: str) -> None:
    of_load = {"load_id": ("STRING", load_id)}
    if table == REJECTS:
        raw.query(f"delete from `{raw.table(table)}` where load_id = @load_id", **of_load)
        return
    raw.query(
        f"delete from `{raw.table(table)}` where _load_date = @load_date and _load_id = @load_id",
        load_date=("DATE", load_date(load_id)),
        **of_load,
    )


def _marker(home: Home, load_id: str) -> Path:
    return home.landing / f"{_PREFIX}{load_id}.json"
