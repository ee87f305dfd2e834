"""The ledger: what was loaded when, one `ledger.json` in the folder of each load."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import Literal

from armazem.disk.durable import sync_file
from armazem.errors import HomeError
from armazem.home import Home

LEDGER_FILE = "ledger.json"
WITHDRAWN = "withdrawn"
_ID_FORMAT = "%Y%m%dT%H%M%S%fZ"


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """One file of one load.

    `path`: display name of the source. `seconds`: what reading and writing it took. `loaded_at`: UTC,
    ISO 8601. `status`: `unchanged` where an earlier load, `load_id`, already had these bytes. `as_of`: how old the
    extract is, where `load --as-of` told it; UTC, ISO 8601.
    """

    load_id: str
    table: str
    path: str
    sha256: str
    size_bytes: int
    rows_read: int
    rows_accepted: int
    rows_rejected: int
    seconds: float
    loaded_at: str
    encoding: str
    status: Literal["loaded", "unchanged"]
    as_of: str | None = None


def write_ledger(folder: Path, load_id: str, rows: Sequence[LedgerRow]) -> None:
    """Write the ledger of one load into its folder."""
    with (folder / LEDGER_FILE).open("w", encoding="utf-8") as file:
        json.dump({"load_id": load_id, "files": [asdict(row) for row in rows]}, file, indent=1)
        file.write("\n")
        sync_file(file)


def read_ledger(home: Home) -> list[LedgerRow]:
    """Return every file ever loaded, in load order. Raises HomeError where a ledger cannot be read."""
    rows = []
    for path in sorted(home.loads.glob(f"*/{LEDGER_FILE}")):
        try:
            rows += [_row(row) for row in json.loads(path.read_text(encoding="utf-8"))["files"]]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise HomeError(
                f"{path} cannot be read: {error}", "restore it, or move its folder out of the home folder"
            ) from error
    return rows


def _row(row: dict[str, object]) -> LedgerRow:
    known = {field.name for field in fields(LedgerRow)}
    return LedgerRow(**{key: value for key, value in row.items() if key in known})  # type: ignore[arg-type]


def ages(rows: Iterable[LedgerRow]) -> tuple[tuple[str, str], ...]:
    """Load and age of the loads whose age was told; the age as the models compare it, `2018-08-29T03:00:00.000000`."""
    return tuple(sorted({(row.load_id, _age(row.as_of)) for row in rows if row.as_of}))


def _age(as_of: str) -> str:
    return datetime.fromisoformat(as_of).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")


def parquet_files(home: Home, table: str) -> list[Path]:
    """Return the Parquet files of a table, in load order."""
    return sorted(home.loads.glob(f"*/{table}.parquet"))


def new_load_id(home: Home, others: Iterable[str] = ()) -> str:
    """Return the current UTC time as `YYYYMMDDTHHMMSSffffffZ`, or just after the newest id if the clock went back.

    `others`: ids that are taken elsewhere than in the home folder.
    """
    # Refused loads leave their rejects, and withdrawn ones their files, so those ids are taken too.
    folders = (home.loads, home.rejects, home.landing / WITHDRAWN)
    names = chain(others, *(_names(folder) for folder in folders))
    taken = [time for name in names if (time := began(name)) is not None]
    now = datetime.now(UTC)
    if taken:
        now = max(now, max(taken) + timedelta(microseconds=1))
    return now.strftime(_ID_FORMAT)


def _names(folder: Path) -> list[str]:
    return [entry.name for entry in folder.iterdir()] if folder.is_dir() else []


def began(load_id: str) -> datetime | None:
    """Return the time that an id stands for; None where it is none of ours."""
    try:
        return datetime.strptime(load_id, _ID_FORMAT).replace(tzinfo=UTC)
    except ValueError:
        return None
