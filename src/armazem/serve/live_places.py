"""Where settled rows lie: from 64-bit keys to a file and a place in it, some 30 bytes a row, found in microseconds."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Keys = npt.NDArray[np.uint64]
Positions = npt.NDArray[np.int32]


class Index:
    """The positions of a column's values, by value; several may be equal."""

    def __init__(self, column: Keys) -> None:
        self._order = np.argsort(column).astype(np.int32)
        self._sorted = column[self._order]

    def column(self) -> Keys:
        """The values again, in their order: keeping them would take as much memory once more."""
        column = np.empty_like(self._sorted)
        column[self._order] = self._sorted
        return column

    def find(self, keys: Keys) -> Positions:
        """All positions of any of the keys, which are distinct."""
        first = np.searchsorted(self._sorted, keys, "left")
        counts = np.searchsorted(self._sorted, keys, "right") - first
        ends = np.cumsum(counts)
        within = np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - counts, counts)
        found: Positions = self._order[np.repeat(first, counts) + within]
        return found


class Places:
    """Of each settled row its keys, the number of its file and its place there, and whether `flag` is set."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self._index = {name: Index(np.empty(0, np.uint64)) for name in names}
        self._file = np.empty(0, np.int32)
        self._place = np.empty(0, np.int32)
        self._flag = np.empty(0, np.bool_)
        self._gone = np.empty(0, np.bool_)

    def add(self, file: int, keys: dict[str, Keys], flag: npt.NDArray[np.bool_]) -> None:
        """The rows of a new file, in its order. Those taken before are forgotten."""
        kept = ~self._gone
        rows = len(flag)
        for name, index in self._index.items():
            self._index[name] = Index(np.concatenate([index.column()[kept], keys[name]]))
        self._file = np.concatenate([self._file[kept], np.full(rows, file, np.int32)])
        self._place = np.concatenate([self._place[kept], np.arange(rows, dtype=np.int32)])
        self._flag = np.concatenate([self._flag[kept], flag])
        self._gone = np.zeros(len(self._flag), np.bool_)

    def take(self, name: str, keys: Keys) -> dict[int, npt.NDArray[np.int32]]:
        """File to places of the rows with these distinct keys; they are no longer settled."""
        return self._take(self._index[name].find(keys))

    def take_file(self, file: int, *, flagged: bool | None = None) -> dict[int, npt.NDArray[np.int32]]:
        """The same of all rows of a file, or of those whose flag is so."""
        found = self._file == file
        if flagged is not None:
            found &= self._flag == flagged
        return self._take(np.flatnonzero(found).astype(np.int32))

    def _take(self, positions: Positions) -> dict[int, npt.NDArray[np.int32]]:
        positions = positions[~self._gone[positions]]
        self._gone[positions] = True
        files = self._file[positions]
        return {int(file): self._place[positions[files == file]] for file in np.unique(files)}
