"""`load`: batch files into a landing zone, all of them or none."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from armazem.disk.lock import landing_lock
from armazem.errors import SourceError
from armazem.home import Home
from armazem.landing.convert import Converted, Paths
from armazem.landing.form import Format
from armazem.landing.guard import disk_errors
from armazem.landing.ledger import LedgerRow
from armazem.landing.prescan import Scan, scans
from armazem.landing.reading import HereReading, Reading
from armazem.landing.report import LoadResult, OnProgress, OnWarning, Progress
from armazem.landing.scratch import scratch
from armazem.landing.staging import Staging, remove_leftovers
from armazem.landing.zone import HomeZone, Zone
from armazem.sources.files import SourceFile


@dataclass(frozen=True, slots=True)
class Options:
    """How to load: see `load`."""

    form: Format
    strict: bool
    force: bool
    partial: bool
    as_of: datetime | None = None


def load(
    path: str | Path,
    home: Home,
    *,
    strict: bool = False,
    force: bool = False,
    partial: bool = False,
    delimiter: str | None = None,
    encoding: str = "auto",
    decimal: str = ".",
    time_zone: str = "America/Sao_Paulo",
    as_of: datetime | None = None,
    zone: Zone | None = None,
    reading: Reading | None = None,
    on_progress: OnProgress | None = None,
    on_warning: OnWarning | None = None,
) -> LoadResult:
    """Load a folder, an archive or one file into the landing zone; a second load waits for the first.

    `zone`: where it lands; the home folder without it, which is where files are prepared and rejects are left, always.
    `reading`: how files are read; on this machine without it.

    `path` may be a `gs://` URL of any of these: then it is downloaded first. Pass it as a string.

    `strict`: a single reject fails the load. `force`: load files again that were loaded before.
    `partial`: required files may be missing. `delimiter`: one character, or `\\t`; without it a tab in .tsv, else a
    comma. `encoding`: `auto`, `utf-8` or `windows-1252`. `decimal`: the separator in numbers, `.` or `,`.
    `time_zone`: business time, to which times with an offset are converted. `as_of`: how old the extract is, with a
    zone; without it, as old as the newest time in it. `on_warning` gets each warning as it comes, so that they are not
    lost where the load fails.

    Raises SourceError where a file cannot be used, every row of a file is a reject, or any is and `strict`;
    HomeError where the home folder cannot be written; CloudError where a bucket cannot be read. Nothing is
    landed then.
    """
    options = Options(Format.of(delimiter, encoding, decimal, time_zone), strict, force, partial, as_of)
    zone = zone or HomeZone(home)
    notify = on_progress or (lambda progress: None)
    home.open()
    with disk_errors(home), landing_lock(home, lambda: notify(Progress("waiting"))):
        remove_leftovers(home)
        with Staging(home, zone.begin()) as staging:
            return _Load(zone, reading or HereReading(), staging, options, notify, on_warning).run(path)


class _Load:
    """One load: its options, and what it has found so far."""

    def __init__(
        self,
        zone: Zone,
        reading: Reading,
        staging: Staging,
        options: Options,
        notify: OnProgress,
        on_warning: OnWarning | None,
    ) -> None:
        self._zone = zone
        self._reading = reading
        self._staging = staging
        self._options = options
        self._notify = notify
        self._ledger = zone.ledger()
        self._on_warning = on_warning
        self._warnings: list[str] = []

    def run(self, path: str | Path) -> LoadResult:
        files = self._files(path)
        rows: dict[str, LedgerRow] = {}
        outcomes: dict[str, Converted] = {}
        with scratch(self._staging.work) as connection, scans(files, self._options.form) as scanned:
            for number, (file, scan) in enumerate(scanned, start=1):
                progress = Progress("reading", file.name, file.table.name, number, len(files))
                known = self._known(file, scan)
                if known is not None:
                    rows[file.table.name] = replace(known, path=file.name, seconds=0.0, status="unchanged")
                    self._notify(replace(progress, step="unchanged"))
                    continue
                self._notify(progress)
                converted = self._convert(connection, file, scan, progress)
                for warning in converted.warnings:
                    self._warn(warning)
                rows[file.table.name] = self._ledger_row(file, scan, converted)
                outcomes[file.table.name] = converted
                self._notify(replace(progress, step="done", rows=converted.accepted))
        in_order = [rows[file.table.name] for file in files]
        loaded = [row for row in in_order if row.status == "loaded"]
        if not loaded:
            return LoadResult(None, in_order, self._warnings, None)
        self._refuse(loaded, outcomes)
        rejects = self._zone.publish(self._staging, loaded, self._notify)
        return LoadResult(self._staging.load_id, in_order, self._warnings, rejects)

    @property
    def _as_of(self) -> str | None:
        as_of = self._options.as_of
        return None if as_of is None else as_of.astimezone(UTC).isoformat()

    def _warn(self, warning: str) -> None:
        self._warnings.append(warning)
        if self._on_warning is not None:
            self._on_warning(warning)

    def _files(self, path: str | Path) -> list[SourceFile]:
        return self._reading.find(
            path, self._staging.work, partial=self._options.partial, warn=self._warn, notify=self._notify
        )

    def _known(self, file: SourceFile, scan: Scan) -> LedgerRow | None:
        """The row of an earlier load of the same bytes, if that makes this file unchanged."""
        if self._options.force:
            return None
        same = [
            row
            for row in self._ledger
            if row.table == file.table.name
            and row.sha256 == scan.sha256
            # A strict load does not pass over rows that an earlier one refused.
            and not (self._options.strict and row.rows_rejected)
            # How old they are is news.
            and self._as_of in (None, row.as_of)
        ]
        return same[-1] if same else None

    def _convert(
        self, connection: duckdb.DuckDBPyConnection, file: SourceFile, scan: Scan, progress: Progress
    ) -> Converted:
        table = file.table.name
        return self._reading.convert(
            connection,
            file,
            scan,
            self._options.form,
            Paths(
                self._staging.ready / f"{table}.parquet",
                self._staging.rejects / f"{table}.jsonl",
                self._staging.work,
            ),
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
            as_of=self._as_of,
        )

    def _refuse(self, loaded: list[LedgerRow], outcomes: dict[str, Converted]) -> None:
        """Raise, with the rejects kept, if they are reason to land nothing."""
        hopeless = [row for row in loaded if row.rows_rejected and not row.rows_accepted]
        refused = [row for row in loaded if row.rows_rejected]
        if hopeless:
            row = hopeless[0]
            message = f"every row of {row.path} was rejected; {outcomes[row.table].first_reject}"
        elif refused and self._options.strict:
            row = refused[0]
            total = sum(row.rows_rejected for row in refused)
            message = f"{total} rows were rejected, the first in {row.path}, {outcomes[row.table].first_reject}"
        else:
            return
        folder = self._staging.keep_rejects()
        hint = outcomes[row.table].hint
        raise SourceError(
            f"{message}; nothing was loaded", f"{hint}{'; ' if hint else ''}the rejected rows are in {folder}"
        )
