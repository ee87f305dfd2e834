"""A home folder set aside: tests that each change it begin from it without a build of their own."""

from __future__ import annotations

import shutil
from pathlib import Path

from armazem.shop.history import generate

from . import history
from .event_reference import Load
from .shop import Shop


class Aside:
    """A small shop, loaded and built once."""

    def __init__(self, shop: Shop, folder: Path, *, orders: int, seed: int) -> None:
        self.shop = shop
        shop.reset()
        generate(folder / "shop", orders=orders, seed=seed)
        loaded = shop.load(folder / "shop")
        assert loaded.load_id is not None
        self.load = Load(loaded.load_id, history.read(folder / "shop"))
        shop.build()
        self._kept = folder / "aside"
        shutil.copytree(shop.path, self._kept, symlinks=True, ignore=shutil.ignore_patterns("dbt"))

    def restore(self) -> Shop:
        """The home folder as it was after the build."""
        self.shop.reset()
        shutil.copytree(self._kept, self.shop.path, symlinks=True, dirs_exist_ok=True)
        return self.shop
