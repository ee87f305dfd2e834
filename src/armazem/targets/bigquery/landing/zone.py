"""The landing zone on BigQuery. A load exists from the moment its rows are in the ledger, `raw.loads`."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from google.api_core import exceptions

from armazem.config import Settings
from armazem.contract import table as source_table
from armazem.errors import CloudError
from armazem.landing.ledger import LedgerRow, new_load_id
from armazem.landing.report import OnProgress, Progress
from armazem.landing.scratch import scratch
from armazem.landing.staging import Staging
from armazem.targets.bigquery.client import cloud_errors
from armazem.targets.bigquery.landing import files, jobs
from armazem.targets.bigquery.landing.interrupted import Upload, announce, clear_up, forget, undo
from armazem.targets.bigquery.landing.ledger import Entry, read_entries
from armazem.targets.bigquery.landing.raw import LOADS, REJECTS, Raw


class BigQueryZone:
    """A Zone. The home folder is only where files are prepared, and where the rejects are left too."""

    def __init__(self, settings: Settings) -> None:
        """Raises CloudError without credentials or project."""
        self._settings = settings
        self._home = settings.home_folder
        self._raw = Raw(settings)
        self._entries: list[Entry] = []

    def begin(self) -> str:
        with cloud_errors(self._settings, "the load"):
            # Now, not when all files are read: a wrong project or a missing role should show at once.
            self._raw.open_dataset()
            clear_up(self._home, self._raw)
            self._entries = read_entries(self._raw.client, self._raw.dataset, self._raw.retry)
        return new_load_id(self._home, (entry.row.load_id for entry in self._entries))

    def ledger(self) -> list[LedgerRow]:
        return [entry.row for entry in self._entries if not entry.withdrawn]

    def publish(self, staging: Staging, rows: Sequence[LedgerRow], notify: OnProgress) -> Path | None:
        raw = self._raw
        filled = [row for row in rows if row.rows_accepted]
        tables = [row.table for row in filled] + ([REJECTS] if staging.rejects.is_dir() else [])
        upload = Upload(staging.load_id, raw.project, raw.dataset, tables)
        with cloud_errors(self._settings, "the load"):
            raw.create_tables(tables)
        announce(self._home, upload)
        try:
            with cloud_errors(self._settings, "the load"):
                self._upload(raw, staging, filled, notify)
                # A kill between here and the end leaves rejects of a load that is not there, rather than none.
                rejects = staging.place_rejects()
                shutil.rmtree(staging.ready)
                self._commit(raw, staging, rows)
        except CloudError as error:
            if isinstance(error, jobs.JobRefused) or isinstance(error.__cause__, exceptions.ClientError):
                # BigQuery answers, so it can be cleared up now; if not, the marker is there for the next load.
                with suppress(CloudError), cloud_errors(self._settings, "clearing up"):
                    undo(raw, upload)
                    forget(self._home, upload.load_id)
            raise
        staging.landed()
        forget(self._home, upload.load_id)
        return rejects

    def _upload(self, raw: Raw, staging: Staging, rows: Sequence[LedgerRow], notify: OnProgress) -> None:
        started = []
        with scratch(staging.work) as connection:
            for number, row in enumerate(rows, start=1):
                notify(Progress("uploading", row.path, row.table, number, len(rows), row.rows_accepted))
                file = staging.work / f"upload-{row.table}.parquet"
                landed = staging.ready / f"{row.table}.parquet"
                files.write_rows(connection, source_table(row.table), landed, staging.load_id, file)
                started.append(jobs.start(raw, staging.load_id, row.table, file))
                file.unlink()
        if staging.rejects.is_dir():
            file = staging.work / "upload-rejects.jsonl"
            files.write_rejects(staging.rejects, staging.load_id, file)
            started.append(jobs.start(raw, staging.load_id, REJECTS, file))
        for job in started:
            jobs.finish(raw, job)

    def _commit(self, raw: Raw, staging: Staging, rows: Sequence[LedgerRow]) -> None:
        file = staging.work / "upload-loads.jsonl"
        files.write_ledger(rows, file)
        jobs.finish(raw, jobs.start(raw, staging.load_id, LOADS, file))
