"""A store that is not this machine's disk, as far as pyiceberg can tell: gs:// URIs, kept in a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pyarrow.fs import FileSystem, LocalFileSystem, SubTreeFileSystem
from pyiceberg.io import OutputFile
from pyiceberg.io.pyarrow import PyArrowFileIO


class FolderFileIO(PyArrowFileIO):
    """Pyarrow's file system of a folder, the property `folder`, behind the URIs of a bucket."""

    def __init__(self, properties: dict[str, Any]) -> None:
        super().__init__(properties)
        store: FileSystem = SubTreeFileSystem(properties["folder"], LocalFileSystem())
        self.fs_by_scheme = lambda scheme, netloc: store

    def new_output(self, location: str) -> OutputFile:
        """A bucket has no folders that would have to be made first."""
        (Path(self.properties["folder"]) / location.partition("://")[2]).parent.mkdir(parents=True, exist_ok=True)
        return super().new_output(location)
