"""What exists before the first order: the map, the sellers and the products."""

from __future__ import annotations

from dataclasses import dataclass

from .catalogue import Catalogue, draw_catalogue
from .geography import Map, draw_map
from .ids import Ints
from .sellers import draw_sellers, reach
from .sizes import Sizes


@dataclass(frozen=True)
class World:
    """Everything an order refers to, computed from the number of orders and the seed.

    shops: the zip prefix (index into `zips`) of each seller.
    """

    seed: int
    sizes: Sizes
    zips: Map
    shops: Ints
    catalogue: Catalogue


def draw_world(orders: int, seed: int) -> World:
    """Return the world of so many orders. Raises ValueError for less than 1."""
    sizes = Sizes.of(orders)
    zips = draw_map(sizes, seed)
    shops = draw_sellers(sizes, zips, seed)
    return World(seed, sizes, zips, shops, draw_catalogue(sizes, reach(zips, shops), seed))
