"""What lies in an inbox and is to be loaded: which files belong together, and whether they have come whole. Pure."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from armazem.contract.file_names import kind_of, table_of

# How the name of a file begins or ends that somebody is still writing.
_UNFINISHED = (".part", ".partial", ".filepart", ".tmp", ".temp", ".crdownload", ".download", ".swp", "~")
_HIDDEN = (".", "_")
SUCCESS = "_SUCCESS"
"""A file that is written last: with it a folder is whole at once."""


@dataclass(frozen=True, slots=True)
class Item:
    """A file in an inbox. `path`: below it, with `/`; `version`: another one as soon as the file is another."""

    path: str
    size: int
    version: str
    modified: float

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]

    @property
    def shown(self) -> str:
        """The path as text that can be written anywhere: a name need not be UTF-8."""
        return self.path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")

    @property
    def folder(self) -> str:
        return self.path.rpartition("/")[0]


@dataclass(frozen=True, slots=True)
class Drop:
    """Files that are loaded together. `place`: the folder they lie in, or the archive; "" for the inbox itself.

    `whole`: whether it says itself that nothing more comes.
    """

    place: str
    items: tuple[Item, ...]
    whole: bool = False

    @property
    def seal(self) -> tuple[tuple[str, str], ...]:
        return tuple((item.path, item.version) for item in self.items)

    @property
    def shown(self) -> str:
        """For people."""
        return ", ".join(item.shown for item in self.items[:3]) + (" …" if len(self.items) > 3 else "")


def drops(
    items: Iterable[Item], handled: Mapping[str, str], archives: Sequence[str], refused: Collection[str] = ()
) -> list[Drop]:
    """Return what is new, the oldest first: an archive each, and the files of each folder. `handled`: path to version.

    A folder in which somebody is still writing is left out, also where only one of its files is unfinished. Of two
    files for one table the later one is a drop of its own. `archives`: how their names end. `refused`: of those handled
    the ones that could not be loaded. They were refused together, so they are tried again with what mends them.
    """
    by_folder: dict[str, list[Item]] = {}
    again: dict[str, list[Item]] = {}
    blocked: set[str] = set()
    whole: dict[str, float] = {}
    found: list[Drop] = []
    for item in sorted(items, key=lambda item: (item.modified, item.path)):
        name = item.name.lower()
        if item.name == SUCCESS:
            whole[item.folder] = item.modified
        elif is_unfinished(item):
            blocked.add(item.folder)
        elif _is_hidden(item):
            continue
        elif handled.get(item.shown) == item.version:
            if item.shown in refused and kind_of(item.name) is not None:
                again.setdefault(item.folder, []).append(item)
        elif name.endswith(tuple(archives)):
            found.append(Drop(item.path, (item,)))
        elif kind_of(item.name) is not None:
            by_folder.setdefault(item.folder, []).append(item)
    for folder, files in by_folder.items():
        if folder not in blocked:
            told = whole.get(folder, -math.inf) >= max(item.modified for item in files)
            found += [Drop(folder, tuple(part), told) for part in _one_per_table([*again.get(folder, ()), *files])]
    return sorted(found, key=lambda drop: (drop.items[-1].modified, drop.place))


def is_unfinished(item: Item) -> bool:
    """Whether its name says that somebody is still writing it."""
    return item.name.lower().endswith(_UNFINISHED) and not _is_hidden(item)


def _is_hidden(item: Item) -> bool:
    return any(part.startswith(_HIDDEN) for part in item.path.split("/"))


def _one_per_table(files: Sequence[Item]) -> list[list[Item]]:
    parts: list[list[Item]] = []
    for item in files:
        table = table_of(item.name)
        taken = {table_of(other.name) for other in parts[-1]} if parts else set()
        if not parts or (table is not None and table in taken):
            parts.append([])
        parts[-1].append(item)
    return parts


class Settling:
    """Which drops have not changed for so many seconds: those have come whole."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._since: dict[tuple[tuple[str, str], ...], float] = {}

    def whole(self, found: Collection[Drop], now: float) -> list[Drop]:
        """Return the drops to load now. `now`: of a clock that only goes forward.

        Files of one folder come together: while one of them changes, none of it is whole.
        """
        self._since = {drop.seal: self._since.get(drop.seal, now) for drop in found}
        restless = {drop.place for drop in found if now - self._since[drop.seal] < self._seconds and not drop.whole}
        return [drop for drop in found if drop.place not in restless]
