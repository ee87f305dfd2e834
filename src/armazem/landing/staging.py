"""The folder in which a load is prepared, and the one rename that makes all of it visible."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from armazem.disk.durable import sync_path
from armazem.home import Home
from armazem.landing.ledger import LedgerRow, write_ledger

_TEMPORARY = ".tmp-"


def remove_leftovers(home: Home) -> None:
    """Remove what killed loads left behind. Only for the holder of the landing lock."""
    for folder in home.landing.glob(f"{_TEMPORARY}*"):
        load_id = folder.name.removeprefix(_TEMPORARY)
        if (folder / "ready").exists():
            # Killed before the rename that lands the rows: rejects that are in place belong to no load.
            shutil.rmtree(home.rejects / load_id, ignore_errors=True)
        shutil.rmtree(folder, ignore_errors=True)
    for folder in home.rejects.glob(f"{_TEMPORARY}*"):
        shutil.rmtree(folder, ignore_errors=True)


class Staging:
    """A load being prepared, as a context manager: what is not published is gone when it ends.

    `ready` becomes `loads/<load id>`, `rejects` becomes `rejects/<load id>`, `work` is for temporary files.
    """

    def __init__(self, home: Home, load_id: str) -> None:
        self.load_id = load_id
        self._home = home
        self._root = home.landing / f"{_TEMPORARY}{load_id}"
        self.work = self._root / "work"
        self.ready = self._root / "ready"
        self.rejects = home.rejects / f"{_TEMPORARY}{load_id}"
        self._final_rejects = home.rejects / load_id
        self._rejects_stay = False

    def __enter__(self) -> Self:
        self.work.mkdir(parents=True)
        self.ready.mkdir()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        shutil.rmtree(self.rejects, ignore_errors=True)
        if not self._rejects_stay:
            shutil.rmtree(self._final_rejects, ignore_errors=True)
        shutil.rmtree(self._root, ignore_errors=True)

    def publish(self, rows: Sequence[LedgerRow]) -> Path | None:
        """Make the load visible; returns the folder of its rejects, None where there are none."""
        write_ledger(self.ready, self.load_id, rows)
        for file in self.ready.glob("*.parquet"):
            sync_path(file)
        sync_path(self.ready)
        rejects = self.place_rejects()
        os.rename(self.ready, self._home.loads / self.load_id)
        # From here on the load is visible, whatever happens.
        self.landed()
        sync_path(self._home.loads)
        return rejects

    def keep_rejects(self) -> Path | None:
        """Put the rejects in place although the load fails: they are why it does."""
        rejects = self.place_rejects()
        self._rejects_stay = True
        return rejects

    def landed(self) -> None:
        """Keep the rejects that are in place: the load is visible."""
        self._rejects_stay = True

    def place_rejects(self) -> Path | None:
        """Put the rejects in place, to be removed again unless the load lands; None where there are none."""
        if not self.rejects.is_dir():
            return None
        sync_path(self.rejects)
        os.rename(self.rejects, self._final_rejects)
        sync_path(self._home.rejects)
        return self._final_rejects
