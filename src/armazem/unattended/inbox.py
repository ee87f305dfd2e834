"""Where files are dropped: a folder here, or one in a bucket."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Protocol

from armazem.errors import SourceError
from armazem.sources.cloud_storage import CloudFolder, is_cloud_url
from armazem.unattended.drops import Drop, Item

_DEPTH = 5


class ChangedMeanwhile(Exception):
    """A file is another one than was listed: it is looked at again later."""


class Inbox(Protocol):
    """`place`: for people. `look_seconds`: how often to look."""

    place: str
    look_seconds: float

    def items(self) -> list[Item]:
        """Return all files. Raises SourceError or CloudError where it cannot be read."""

    def copy(self, drop: Drop, folder: Path) -> Path:
        """Copy a drop into an empty folder; return what to load. Raises ChangedMeanwhile, and what `items` raises."""


def inbox_of(place: str) -> Inbox:
    """Return the inbox at a path or a gs:// URL. Raises SourceError where there is no such folder."""
    if is_cloud_url(place):
        return BucketInbox(place)
    return FolderInbox(Path(place).expanduser().absolute())


class FolderInbox:
    """A folder. Nothing in it is changed: it may be read-only, and a file may stay there as long as its owner likes."""

    look_seconds = 1.0

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise SourceError(f"there is no folder {folder}", "make it, or give --inbox another one")
        self.place = str(folder)
        self._folder = folder

    def items(self) -> list[Item]:
        found: list[Item] = []

        def unreadable(error: OSError) -> None:
            raise SourceError(f"{error.filename} cannot be read: {error.strerror}", "allow reading it") from error

        for place, folders, names in os.walk(self._folder, onerror=unreadable):
            below = Path(place).relative_to(self._folder)
            folders[:] = sorted(folders) if len(below.parts) < _DEPTH else []
            found += [item for name in names if (item := self._item((below / name).as_posix())) is not None]
        return found

    def _item(self, path: str) -> Item | None:
        try:
            status = (self._folder / path).stat()
        except OSError:  # it went away, or is a link to nothing
            return None
        # The number of the file too: one that is put in its place has another one.
        version = f"{status.st_size}-{status.st_mtime_ns}-{status.st_ino}"
        return Item(path, status.st_size, version, status.st_mtime)

    def copy(self, drop: Drop, folder: Path) -> Path:
        for item in drop.items:
            target = folder / item.name
            try:
                shutil.copyfile(self._folder / item.path, target)
            except FileNotFoundError as error:
                raise ChangedMeanwhile(item.path) from error
            except PermissionError as error:
                raise SourceError(f"{error.filename} cannot be read: {error.strerror}", "allow reading it") from error
            if self._item(item.path) != item:
                raise ChangedMeanwhile(item.path)
        return folder / drop.items[0].name if drop.place == drop.items[0].path else folder


class BucketInbox:
    """A folder of a bucket. Objects come whole; which of them belong together, time tells."""

    look_seconds = 30.0

    def __init__(self, url: str) -> None:
        self.place = url
        self._bucket = CloudFolder(url)

    def items(self) -> list[Item]:
        return [Item(*of_object) for of_object in self._bucket.objects()]

    def copy(self, drop: Drop, folder: Path) -> Path:
        for item in drop.items:
            if not self._bucket.download(item.path, item.version, folder / item.name):
                raise ChangedMeanwhile(item.path)
        return folder / drop.items[0].name if drop.place == drop.items[0].path else folder
