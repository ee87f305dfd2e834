"""How a load finds its files and reads them: what the loader needs of such a way, and the one on this machine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import duckdb

from armazem.landing.convert import Converted, Paths, convert
from armazem.landing.form import Format
from armazem.landing.prescan import Scan
from armazem.landing.report import OnProgress, Progress
from armazem.sources.cloud_storage import find_cloud_files, is_cloud_url
from armazem.sources.files import SourceFile, Warn, find_files


class Reading(Protocol):
    """A way to read. The errors are those of `load`."""

    def find(self, path: str | Path, work: Path, *, partial: bool, warn: Warn, notify: OnProgress) -> list[SourceFile]:
        """Return the source files at `path`, here on the disk; what has to be written for that goes to `work`."""

    def convert(
        self,
        connection: duckdb.DuckDBPyConnection,
        file: SourceFile,
        scan: Scan,
        form: Format,
        paths: Paths,
        on_rows: Callable[[int], None],
    ) -> Converted:
        """Read one file: its good rows to `paths.target`, unless the zone has them already, the rejects to
        `paths.rejects`.
        """


class HereReading:
    """Reading on this machine."""

    def find(self, path: str | Path, work: Path, *, partial: bool, warn: Warn, notify: OnProgress) -> list[SourceFile]:
        if not is_cloud_url(path):
            return find_files(Path(path), work, partial=partial, warn=warn)

        def downloading(name: str, file: int, files: int, size: int) -> None:
            notify(Progress("downloading", name, file=file, files=files, bytes=size))

        return find_cloud_files(str(path), work, partial=partial, warn=warn, on_bytes=downloading)

    def convert(
        self,
        connection: duckdb.DuckDBPyConnection,
        file: SourceFile,
        scan: Scan,
        form: Format,
        paths: Paths,
        on_rows: Callable[[int], None],
    ) -> Converted:
        return convert(connection, file, scan, form, paths, on_rows)
