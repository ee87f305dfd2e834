"""Home folders that are built once in a run of the tests, by whichever worker needs one first, and copied: a build
takes seconds of a processor, a copy hundredths.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from filelock import FileLock
from warehouse.shop import Shop

from armazem.shop.history import generate
from armazem.targets.duckdb.versions import make_current

ORDERS, MORE = 150, 60


@dataclass(frozen=True, slots=True)
class Golden:
    """A shop of 150 orders, loaded and published, and an extract with 60 others. Not to be changed.

    `twice` is the same shop with the second extract in it: a version more.
    """

    folder: Path
    first: Path
    second: Path

    def once(self, home: Path) -> Shop:
        return self._copy("once", home)

    def twice(self, home: Path) -> Shop:
        return self._copy("twice", home)

    def _copy(self, name: str, home: Path) -> Shop:
        kept = made_once(self.folder / name, lambda folder: self._build(name, folder))
        shutil.copytree(kept, home, symlinks=True, dirs_exist_ok=True, ignore=shutil.ignore_patterns("current"))
        shop = Shop(home)
        make_current(shop.home, (kept / "current").readlink().stem)  # last: somebody may be reading
        return shop

    def _build(self, name: str, folder: Path) -> None:
        shop = self.once(folder) if name == "twice" else Shop(folder)
        shop.load(self.second if name == "twice" else self.first)
        shop.build()


def golden(base: Path) -> Golden:
    """The one of this run, which keeps its files below `base`."""

    def extracts(folder: Path) -> None:
        generate(folder / "first", orders=ORDERS, seed=3)
        generate(folder / "second", orders=MORE, seed=4)

    files = made_once(base / "extracts", extracts)
    return Golden(base, files / "first", files / "second")


def base_of_run(factory: pytest.TempPathFactory) -> Path:
    """The folder that the workers of a run share, or the one of a run without workers."""
    base = factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


def made_once(folder: Path, make: Callable[[Path], None]) -> Path:
    """The folder, after the first who asked has made it; where that failed, the next one tries."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.lock"):
        if not folder.exists():
            unfinished = folder.with_name(f"{folder.name}.unfinished")
            shutil.rmtree(unfinished, ignore_errors=True)
            make(unfinished)
            unfinished.rename(folder)
    return folder
