"""What a load tells: where it is, and what it did."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from armazem.landing.ledger import LedgerRow


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a load is. `file` of `files` is being worked on (from 1); `rows` of it are accepted so far.

    `step`: `waiting` for another load to end, `downloading` a file from a bucket, of which `bytes` are here,
    `reading` a file, `done` with it, or it is `unchanged`; `uploading` its rows to BigQuery, `adding` them to the lake.
    """

    step: Literal["waiting", "downloading", "reading", "done", "unchanged", "uploading", "adding"]
    name: str = ""
    table: str = ""
    file: int = 0
    files: int = 0
    rows: int = 0
    bytes: int = 0


@dataclass(frozen=True, slots=True)
class LoadResult:
    """What a load did. `load_id` is None where every file was unchanged. `files`: in the order of the contract."""

    load_id: str | None
    files: list[LedgerRow]
    warnings: list[str]
    rejects_path: Path | None


OnProgress = Callable[[Progress], None]
OnWarning = Callable[[str], None]
