"""Data files of a lake elsewhere, copied once to this machine: DuckDB reads them as if they had been landed here."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Collection
from pathlib import Path
from uuid import uuid4

from armazem.disk.durable import put_in_place
from armazem.errors import LakeError, extra
from armazem.lake.catalog import Lake
from armazem.lake.place import local_path

with extra("iceberg", "the lake"):
    from pyiceberg.manifest import DataFile
    from pyiceberg.table import Table as IcebergTable

_CHUNK = 8 * 1024 * 1024  # bytes
_ABANDONED = 24 * 60 * 60  # seconds


class Cache:
    """Copies in the home folder. A data file is never changed, so a copy of its length is good for ever."""

    def __init__(self, lake: Lake) -> None:
        self._folder = lake.home.lake / "cache"

    def local(self, table: IcebergTable, file: DataFile) -> Path:
        """Return the path of a data file on this machine. Raises LakeError where it is gone or has another length."""
        path = local_path(file.file_path)
        if path is None:
            path = self._folder / f"{hashlib.sha256(file.file_path.encode()).hexdigest()}.parquet"
            if not path.exists():
                self._copy(table, file, path)
        size = path.stat().st_size if path.is_file() else None
        if size != file.file_size_in_bytes:
            what = "is gone" if size is None else f"has {size:,} bytes instead of {file.file_size_in_bytes:,}"
            raise LakeError(
                f"the data file {file.file_path} of {'.'.join(table.name())} {what}",
                "restore it; or `armazem unload` its load and load the files again",
            )
        return path

    def _copy(self, table: IcebergTable, file: DataFile, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        # A name of its own: a build and `armazem dbt` may copy the same file at once.
        aside = path.with_suffix(f".{uuid4().hex}.tmp")
        with table.io.new_input(file.file_path).open() as source, aside.open("wb") as out:
            while chunk := source.read(_CHUNK):
                out.write(chunk)
        put_in_place(aside, path)

    def keep_only(self, uris: Collection[str]) -> int:
        """Delete the copies of other files, and what copying that was cut off left a day ago; how many."""
        wanted = {f"{hashlib.sha256(uri.encode()).hexdigest()}.parquet" for uri in uris}
        others = [path for path in self._folder.glob("*.parquet") if path.name not in wanted]
        others += [path for path in self._folder.glob("*.tmp") if path.stat().st_mtime < time.time() - _ABANDONED]
        for path in others:
            path.unlink(missing_ok=True)
        return len(others)
