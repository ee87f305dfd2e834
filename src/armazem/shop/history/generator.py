"""Putting it together: what exists once, then the orders chunk by chunk."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np

from .catalogue import products, translations
from .effects import Effects, draw_effects
from .geolocation import geolocation
from .ids import Ints, shuffled, stream
from .items import fill_baskets, items
from .lots import fates
from .orders import draw_timeline, known, orders
from .payments import draw_wallets, payments
from .people import customers, draw_buyers
from .reviews import Comments, reviews
from .seasons import LAST_DAY, Calendar, purchase_times
from .sellers import sellers
from .world import World, draw_world
from .writer import Folder


def generate(
    out: Path,
    *,
    orders: int,
    seed: int = 42,
    until: date = LAST_DAY,
    progress: Callable[[str, int], None] | None = None,
) -> dict[str, int]:
    """Write nine CSV files shaped like Olist's, with their defects, into the folder `out` (made if missing).

    Same `orders`, `seed` and `until`, same bytes. `until`: the day of the last order, by default Olist's own; of a
    history moved to another day, see `Calendar`. The files appear under their names only once all of them are complete;
    until then, and after a kill, there are `*.csv.part`, which the next run overwrites. `progress` is called with
    a file name and its rows so far after each chunk. Returns the rows per file. ValueError for orders < 1 or
    a day that is too far away.
    """
    world, calendar = draw_world(orders, seed), Calendar(until)
    effects = draw_effects(world.sizes.sellers, calendar, seed)
    comments = Comments(stream(seed, "comments"))
    with Folder(out, progress) as folder:
        folder.write("product_category_name_translation.csv", translations())
        folder.write("olist_products_dataset.csv", products(world.catalogue, seed))
        folder.write("olist_sellers_dataset.csv", sellers(world.sizes, world.zips, world.shops, seed))
        folder.write("olist_geolocation_dataset.csv", geolocation(world.sizes, world.zips, seed))
        for chunk, (start, end) in enumerate(world.sizes.chunks):
            _write_orders(folder, world, calendar, effects, comments, chunk, np.arange(start, end))
    return folder.rows


def _write_orders(
    folder: Folder,
    world: World,
    calendar: Calendar,
    effects: Effects,
    comments: Comments,
    chunk: int,
    order: Ints,
) -> None:
    """The rows that belong to the orders with these indices, in the five files of orders."""
    seed, sizes, zips = world.seed, world.sizes, world.zips

    def draws(name: str) -> np.random.Generator:
        return stream(seed, name, chunk)

    buyers = draw_buyers(sizes, zips, seed, order)
    fate = fates(sizes, shuffled(seed, "lot", order, sizes.orders))
    wallets = draw_wallets(fate, draws("wallets"))
    basket = fill_baskets(world, order, buyers.home, fate.has_items, draws("baskets"))
    purchase = purchase_times(sizes, calendar, buyers.slot, draws("purchase"))
    time = draw_timeline(purchase, wallets.slow, basket, fate, effects, draws("timeline"))
    fate = known(fate, time, calendar.end)

    folder.write("olist_customers_dataset.csv", customers(zips, seed, order, buyers))
    folder.write("olist_orders_dataset.csv", orders(time, fate, seed, order))
    folder.write("olist_order_items_dataset.csv", items(basket, seed, order, time.approved, draws("items")))
    paid = payments(wallets, fate, basket.total, seed, order, draws("payments"))
    folder.write("olist_order_payments_dataset.csv", paid)
    said = reviews(world, time, fate, order, comments, calendar.end, draws("reviews"))
    folder.write("olist_order_reviews_dataset.csv", said)
