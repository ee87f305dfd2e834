"""`load`: batch files into the landing zone, all of them or none."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import duckdb

from armazem.errors import SourceError
from armazem.home import Home
from armazem.landing.convert import Converted, Format, convert
from armazem.landing.guard import disk_errors, locked
from armazem.landing.ledger import LedgerRow, new_load_id, read_ledger
from armazem.landing.prescan import Scan, scans
from armazem.landing.staging import Staging, remove_leftovers
from armazem.sources.files import SourceFile, find_files

_MEMORY_LIMIT = "2GB"
_THREADS = 2


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a load is. `file` of `files` is being worked on (from 1); `rows` of it are accepted so far.

    `step`: `waiting` for another load to end, `reading` a file, `done` with it, or it is `unchanged`.
    """

    step: Literal["waiting", "reading", "done", "unchanged"]
    name: str = ""
    table: str = ""
    file: int = 0
    files: int = 0
    rows: int = 0


@dataclass(frozen=True, slots=True)
class LoadResult:
    """What a load did. `load_id` is None where every file was unchanged. `files`: in the order of the contract."""

    load_id: str | None
    files: list[LedgerRow]
    warnings: list[str]
    rejects_path: Path | None


OnProgress = Callable[[Progress], None]


def load(
    path: Path,
    home: Home,
    *,
    strict: bool = False,
    force: bool = False,
    partial: bool = False,
    delimiter: str = ",",
    encoding: str = "auto",
    on_progress: OnProgress | None = None,
) -> LoadResult:
    """Load a folder, a zip or one csv file into the landing zone; a second load waits for the first.

    `strict`: a single reject fails the load. `force`: load files again that were loaded before.
    `partial`: required files may be missing. `delimiter`: one character, or `\\t`. `encoding`: `auto`,
    `utf-8` or `latin-1`.

    Raises SourceError where a file cannot be used, every row of a file is a reject, or any is and `strict`;
    HomeError where the home folder cannot be written. Nothing is landed then.
    """
    form = Format.of(delimiter, encoding)
    notify = on_progress or (lambda progress: None)
    home.open()
    with disk_errors(home), locked(home, lambda: notify(Progress("waiting"))):
        remove_leftovers(home)
        with Staging(home, new_load_id(home)) as staging:
            return _Load(home, staging, form, strict, force, notify).run(Path(path), partial)


class _Load:
    """One load: its options, and what it has found so far."""

    def __init__(
        self, home: Home, staging: Staging, form: Format, strict: bool, force: bool, notify: OnProgress
    ) -> None:
        self._staging = staging
        self._form = form
        self._strict = strict
        self._force = force
        self._notify = notify
        self._ledger = read_ledger(home)
        self._warnings: list[str] = []

    def run(self, path: Path, partial: bool) -> LoadResult:
        files = find_files(path, self._staging.work, partial=partial, warn=self._warnings.append)
        rows: dict[str, LedgerRow] = {}
        first_rejects: dict[str, str] = {}
        with self._connection() as connection, scans(files, self._form.delimiter) as scanned:
            for number, (file, scan) in enumerate(scanned, start=1):
                progress = Progress("reading", file.name, file.table.name, number, len(files))
                known = self._known(file, scan)
                if known is not None:
                    rows[file.table.name] = replace(known, path=file.name, seconds=0.0, status="unchanged")
                    self._notify(replace(progress, step="unchanged"))
                    continue
                self._notify(progress)
                converted = self._convert(connection, file, scan, progress)
                self._warnings += converted.warnings
                rows[file.table.name] = self._ledger_row(file, scan, converted)
                first_rejects[file.table.name] = converted.first_reject
                self._notify(replace(progress, step="done", rows=converted.accepted))
        in_order = [rows[file.table.name] for file in files]
        loaded = [row for row in in_order if row.status == "loaded"]
        if not loaded:
            return LoadResult(None, in_order, self._warnings, None)
        self._refuse(loaded, first_rejects)
        rejects = self._staging.publish(loaded)
        return LoadResult(self._staging.load_id, in_order, self._warnings, rejects)

    @contextmanager
    def _connection(self) -> Iterator[duckdb.DuckDBPyConnection]:
        spill = self._staging.work / "duckdb"
        connection = duckdb.connect(
            config={
                "threads": _THREADS,
                "memory_limit": _MEMORY_LIMIT,
                "temp_directory": str(spill),
                "autoinstall_known_extensions": False,
            }
        )
        try:
            yield connection
        finally:
            connection.close()

    def _known(self, file: SourceFile, scan: Scan) -> LedgerRow | None:
        """The row of an earlier load of the same bytes, if that makes this file unchanged."""
        if self._force:
            return None
        same = [
            row
            for row in self._ledger
            if row.table == file.table.name
            and row.sha256 == scan.sha256
            # A strict load does not pass over rows that an earlier one refused.
            and not (self._strict and row.rows_rejected)
        ]
        return same[-1] if same else None

    def _convert(
        self, connection: duckdb.DuckDBPyConnection, file: SourceFile, scan: Scan, progress: Progress
    ) -> Converted:
        table = file.table.name
        return convert(
            connection,
            file,
            scan,
            self._form,
            self._staging.ready / f"{table}.parquet",
            self._staging.rejects / f"{table}.jsonl",
            self._staging.work,
            lambda rows: self._notify(replace(progress, rows=rows)),
        )

    def _ledger_row(self, file: SourceFile, scan: Scan, converted: Converted) -> LedgerRow:
        return LedgerRow(
            load_id=self._staging.load_id,
            table=file.table.name,
            path=file.name,
            sha256=scan.sha256,
            size_bytes=scan.size,
            rows_read=converted.accepted + converted.rejected,
            rows_accepted=converted.accepted,
            rows_rejected=converted.rejected,
            seconds=converted.seconds,
            loaded_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
            encoding=converted.encoding,
            status="loaded",
        )

    def _refuse(self, loaded: list[LedgerRow], first_rejects: dict[str, str]) -> None:
        """Raise, with the rejects kept, if they are reason to land nothing."""
        hopeless = [row for row in loaded if row.rows_rejected and not row.rows_accepted]
        refused = [row for row in loaded if row.rows_rejected]
        if hopeless:
            row = hopeless[0]
            message = f"every row of {row.path} was rejected; {first_rejects[row.table]}"
        elif refused and self._strict:
            row = refused[0]
            total = sum(row.rows_rejected for row in refused)
            message = f"{total} rows were rejected, the first in {row.path}, {first_rejects[row.table]}"
        else:
            return
        folder = self._staging.keep_rejects()
        raise SourceError(f"{message}; nothing was loaded", f"the rejected rows are in {folder}")
