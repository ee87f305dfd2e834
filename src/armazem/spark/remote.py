"""Source files where Spark reads them itself, by a URL: found through Hadoop's file systems, and copied here once.

The copy is for the hash, which the ledger knows a file by, and for the reader of the landing. Spark reads the URL.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from armazem.contract import TABLES
from armazem.contract.file_names import COMPRESSED, kind_of, table_of
from armazem.errors import SourceError, extra
from armazem.landing.report import OnProgress, Progress
from armazem.sources.archives import ARCHIVES
from armazem.sources.files import SourceFile, Warn, find_files
from armazem.spark.failures import job_errors

with extra("spark", "a job for Spark"):
    from pyspark.sql import SparkSession

_URL = re.compile(r"[a-z][a-z0-9+.-]*:/")


class Remote:
    """The files of one load, and which of them have a URL that Spark can read."""

    def __init__(self, spark: SparkSession) -> None:
        self._spark = spark
        self._found: dict[Path, tuple[str, Any]] = {}

    def find(self, path: str | Path, work: Path, *, partial: bool, warn: Warn, notify: OnProgress) -> list[SourceFile]:
        """Return the source files at a path of this machine, or at a URL of Hadoop such as gs:// or hdfs://.

        Raises SourceError where they cannot be used, SparkError where the file system does not answer.
        """
        if not _URL.match(str(path)):
            return find_files(Path(path), work, partial=partial, warn=warn)
        url = str(path).rstrip("/")
        with job_errors(f"looking for {url}"):
            return self._find(url, work, partial, warn, notify)

    def url(self, file: SourceFile) -> str | None:
        """Return where Spark reads a file; None for one on this machine, or one that had to be unpacked here."""
        found = self._found.get(file.path)
        return None if found is None else found[0]

    def check_unchanged(self, file: SourceFile) -> None:
        """Raise SourceError where a file of a URL is no longer what was copied."""
        found = self._found.get(file.path)
        if found is None:
            return
        url, before = found
        with job_errors(f"looking at {url}"):
            if self._stamp(self._status(url)) != before:
                raise SourceError(f"{file.name} changed while it was read", "load it when it is complete")

    def _find(self, url: str, work: Path, partial: bool, warn: Warn, notify: OnProgress) -> list[SourceFile]:
        status = self._status(url)
        if status is None:
            raise SourceError(f"{url} does not exist", "name a folder, a .zip or a .csv file")
        local = work / "remote"
        local.mkdir()
        wanted = self._listed(url, warn) if status.isDirectory() else [status]
        names: dict[str, tuple[str, Any]] = {}
        for number, each in enumerate(wanted, start=1):
            path = each.getPath()
            notify(Progress("downloading", path.toString(), file=number, files=len(wanted), bytes=each.getLen()))
            stamp = self._stamp(each)
            self._system(path).copyToLocalFile(False, path, self._path((local / path.getName()).as_uri()), True)
            names[path.getName()] = (path.toString(), stamp)
        single = not status.isDirectory()
        place = local / wanted[0].getPath().getName() if single else local
        try:
            files = find_files(place, work, partial=partial, warn=warn)
        except SourceError as error:
            raise SourceError(str(error).replace(str(place), url), error.hint) from error
        return [self._named(file, url, names) for file in files]

    def _named(self, file: SourceFile, url: str, names: dict[str, tuple[str, Any]]) -> SourceFile:
        if file.name not in names:  # a member of an archive
            return replace(file, name=f"{url}{file.name.removeprefix(url.rpartition('/')[2])}")
        there, stamp = names[file.name]
        if not there.lower().endswith(COMPRESSED):
            self._found[file.path] = (there, stamp)
        return replace(file, name=there)

    def _listed(self, url: str, warn: Warn) -> list[Any]:
        """The files of the contract in a folder."""
        wanted = []
        for each in self._system(self._path(url)).listStatus(self._path(url)):
            name = each.getPath().getName()
            if each.isFile() and table_of(name) is not None:
                wanted.append(each)
            elif each.isFile() and (kind_of(name) is not None or name.lower().endswith(ARCHIVES)):
                warn(f"{each.getPath().toString()} is not a file of the contract: ignored")
        if not wanted:
            raise SourceError(f"{url} holds no source file", f"expected are {', '.join(t.file for t in TABLES)}")
        return wanted

    def _status(self, url: str) -> Any:
        path = self._path(url)
        system = self._system(path)
        return system.getFileStatus(path) if system.exists(path) else None

    @staticmethod
    def _stamp(status: Any) -> tuple[int, int] | None:
        return None if status is None else (status.getLen(), status.getModificationTime())

    def _path(self, url: str) -> Any:
        return self._spark._jvm.org.apache.hadoop.fs.Path(url)

    def _system(self, path: Any) -> Any:
        return path.getFileSystem(self._spark._jsparkSession.sessionState().newHadoopConf())
