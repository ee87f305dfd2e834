"""`lake load`: batch files into the lake by a job of Spark, all of them or none."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from armazem.config import Settings
from armazem.disk.lock import landing_lock
from armazem.errors import LakeError, extra
from armazem.lake.catalog import lake_errors
from armazem.lake.clearing import clear_own
from armazem.lake.landing import announce
from armazem.lake.partitions import partitions
from armazem.lake.place import place_of
from armazem.lake.zone import LakeZone
from armazem.landing import LoadResult
from armazem.landing import load as load_files
from armazem.landing.ledger import LedgerRow
from armazem.landing.report import OnProgress
from armazem.landing.staging import Staging
from armazem.spark.reading import SparkReading
from armazem.spark.session import on_lake

with extra("spark", "a job for Spark"):
    from pyspark.sql import SparkSession


def load(path: str | Path, settings: Settings, spark: SparkSession, **options: Any) -> LoadResult:
    """Load files into the lake of the settings; `options` are those of `landing.load`.

    `path` may be a URL that Spark can read, such as gs://. Raises what `landing.load` does, LakeError where the lake
    cannot be used, SparkError where a job failed. Nothing is landed then.
    """
    zone = _Zone(settings, SparkReading(on_lake(spark, place_of(settings))))
    home = settings.home_folder
    try:
        return load_files(path, home, zone=zone, reading=zone.reading, time_zone=settings.time_zone, **options)
    except BaseException as error:
        # What Spark has added is in no ledger, so that nobody sees it: to be taken out now, or by the next load.
        if zone.reading.begun:
            interrupted = not isinstance(error, Exception)
            if interrupted:
                zone.reading.cancel()
            with suppress(LakeError), landing_lock(home, lambda: None):
                clear_own(zone.lake)
                if interrupted:  # Java may yet commit what it was at, and the next load looks for that
                    zone.reading.announce()
        raise


class _Zone(LakeZone):
    """The lake, for a load of which Spark adds rows before it is published."""

    def __init__(self, settings: Settings, reading: SparkReading) -> None:
        super().__init__(settings)
        self.reading = reading

    def begin(self) -> str:
        load_id = super().begin()
        self.reading.begin(load_id, lambda: announce(self.lake, load_id))
        return load_id

    def publish(self, staging: Staging, rows: Sequence[LedgerRow], notify: OnProgress) -> Path | None:
        for row in rows:
            if self.reading.written.get(row.table):
                self._check(row)
        return super().publish(staging, rows, notify)

    def _check(self, row: LedgerRow) -> None:
        """Raise LakeError where the table does not have the rows that Spark has counted."""
        with lake_errors(self.lake.place, f"looking for the rows of {row.table}"):
            partition = partitions(self.lake.table(row.table)).get(row.load_id)
        found = 0 if partition is None else partition.rows
        if found != row.rows_accepted:
            raise LakeError(
                f"raw.{row.table} has {found:,} rows of {row.path}, of which Spark has added {row.rows_accepted:,}",
                "does somebody else change the table? load again",
            )
