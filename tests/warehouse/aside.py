"""A home folder set aside: tests that each change it begin from it without a build of their own."""

from __future__ import annotations

from golden import Golden

from armazem.landing import read_ledger

from . import history
from .event_reference import Load
from .shop import Shop


class Aside:
    """A small shop, loaded and built once."""

    def __init__(self, shop: Shop, golden: Golden) -> None:
        self._shop = shop
        self._golden = golden
        [load_id] = {row.load_id for row in read_ledger(self.restore().home)}
        self.load = Load(load_id, history.read(golden.first))

    def restore(self) -> Shop:
        """The home folder as it was after the build."""
        self._shop.reset()
        return self._golden.once(self._shop.path)
