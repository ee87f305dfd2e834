"""Where files are dropped: a folder here, or one in a bucket."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from armazem.errors import SourceError
from armazem.sources.cloud_storage import CloudFolder, is_cloud_url
from armazem.unattended.drops import Drop, Item

_DEPTH = 5
_BLOCK = 8 * 2**20
_NOT_OURS = "lost+found"  # the system's own, in the root of a disk


class ChangedMeanwhile(Exception):
    """A file is another one than was listed, or there is no time for it: it is looked at again later."""


class Inbox(Protocol):
    """`place`: for people. `look_seconds`: how often to look. `unreadable`: folders in it that cannot be read."""

    place: str
    look_seconds: float
    unreadable: list[str]

    def items(self) -> list[Item]:
        """Return all files. Raises SourceError or CloudError where it cannot be read."""

    def copy(self, drop: Drop, folder: Path, stopping: Callable[[], bool]) -> Path:
        """Copy a drop into an empty folder; return what to load.

        Raises ChangedMeanwhile, OSError, and what `items` raises.
        """


def inbox_of(place: str, home: Path) -> Inbox:
    """Return the inbox at a path or a gs:// URL.

    Raises SourceError where there is no such folder, or where it and the home folder lie in each other: what was loaded
    would come again.
    """
    if is_cloud_url(place):
        return BucketInbox(place)
    folder = Path(place).expanduser().absolute()
    if not folder.is_dir():
        raise SourceError(f"there is no folder {folder}", "make it, or give --inbox another one")
    inner, outer = sorted((folder.resolve(), home.resolve()), key=lambda path: -len(path.parts))
    if inner.is_relative_to(outer):
        raise SourceError(
            f"the inbox {folder} and the home folder {home} lie in each other", "give --inbox another one"
        )
    return FolderInbox(folder)


class FolderInbox:
    """A folder. Nothing in it is changed: it may be read-only, and a file may stay there as long as its owner likes."""

    look_seconds = 1.0

    def __init__(self, folder: Path) -> None:
        self.place = str(folder)
        self.unreadable: list[str] = []
        self._folder = folder

    def items(self) -> list[Item]:
        found: list[Item] = []
        unreadable: list[str] = []

        def note(error: OSError) -> None:
            if Path(error.filename) == self._folder:
                raise SourceError(f"{error.filename} cannot be read: {error.strerror}", "allow reading it") from error
            unreadable.append(os.fsencode(error.filename).decode("utf-8", "backslashreplace"))

        for place, folders, names in os.walk(self._folder, onerror=note):
            below = Path(place).relative_to(self._folder)
            deep = len(below.parts) >= _DEPTH
            folders[:] = [] if deep else sorted(name for name in folders if name != _NOT_OURS)
            found += [item for name in names if (item := self._item((below / name).as_posix())) is not None]
        self.unreadable = unreadable
        return found

    def _item(self, path: str) -> Item | None:
        """None for what is no file of this folder: a pipe, or a link to somewhere else, which anybody could make."""
        file = self._folder / path
        try:
            if file.is_symlink() and not file.resolve().is_relative_to(self._folder.resolve()):
                return None
            status = file.stat()
        except OSError:  # it went away, or is a link to nothing
            return None
        if not stat.S_ISREG(status.st_mode):
            return None
        # One that is put in its place by a rename may have its size and time, but changed its state later.
        version = f"{status.st_size}-{status.st_mtime_ns}-{status.st_ctime_ns}"
        return Item(path, status.st_size, version, status.st_mtime)

    def copy(self, drop: Drop, folder: Path, stopping: Callable[[], bool]) -> Path:
        for item in drop.items:
            try:
                self._copy(item, folder / item.name, stopping)
            except FileNotFoundError as error:
                raise ChangedMeanwhile(item.path) from error
            if self._item(item.path) != item:
                raise ChangedMeanwhile(item.path)
        return _to_load(drop, folder)

    def _copy(self, item: Item, target: Path, stopping: Callable[[], bool]) -> None:
        with (self._folder / item.path).open("rb") as source, target.open("wb") as copy:
            while block := source.read(_BLOCK):
                if stopping():
                    raise ChangedMeanwhile(item.path)
                copy.write(block)


class BucketInbox:
    """A folder of a bucket. Objects come whole; which of them belong together, time tells."""

    look_seconds = 30.0

    def __init__(self, url: str) -> None:
        self.place = url
        self.unreadable: list[str] = []
        self._bucket = CloudFolder(url)

    def items(self) -> list[Item]:
        return [Item(*of_object) for of_object in self._bucket.objects()]

    def copy(self, drop: Drop, folder: Path, stopping: Callable[[], bool]) -> Path:
        for item in drop.items:
            if stopping() or not self._bucket.download(item.path, item.version, folder / item.name):
                raise ChangedMeanwhile(item.path)
        return _to_load(drop, folder)


def _to_load(drop: Drop, folder: Path) -> Path:
    """An archive is loaded as a file, others as the folder that they lie in."""
    return folder / drop.items[0].name if drop.place == drop.items[0].path else folder
