"""Order items: what is in the basket, from whom, at which price and freight."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from . import columns
from .catalogue import Catalogue
from .ids import Flags, Floats, Ints, Seconds, hex_ids, shuffled
from .world import World

# Orders by number of items: 88,863 with one, 7,516 with two, … one with 21.
BASKETS = {1: 88_863, 2: 7_516, 3: 1_322, 4: 505, 5: 204, 6: 198, 7: 22, 8: 8, 9: 3, 10: 8, 11: 4, 12: 5, 14: 2,
           15: 2, 20: 2, 21: 1}  # fmt: skip
SAME_PRODUCT, SAME_SELLER = 0.70, 0.17  # of the baskets with several items; the others have several sellers
FREE_FREIGHT_SHARE = 0.0034


@dataclass(frozen=True)
class Basket:
    """The items of a chunk, by order: row of the order in the chunk, number within it, product, seller, cents.

    total: cents per order of the chunk; lead: the seller of its first item (any one without items); km: distance to
    that seller (a typical one without items); origin, destination: the states of that seller and of the customer.
    """

    row: Ints
    number: Ints
    product: Ints
    seller: Ints
    price: Ints
    freight: Ints
    total: Ints
    lead: Ints
    km: Floats
    origin: Ints
    destination: Ints


def fill_baskets(world: World, order: Ints, homes: Ints, has_items: Flags, rng: np.random.Generator) -> Basket:
    """Return the baskets of the orders with these indices; customers live at `homes`, indices into the map."""
    n, zips, catalogue = order.size, world.zips, world.catalogue
    share = np.cumsum(list(BASKETS.values())) / sum(BASKETS.values())
    size = np.array(list(BASKETS))[np.searchsorted(share, rng.random(n), side="right")] * has_items
    start = np.cumsum(size) - size
    row = np.repeat(np.arange(n), size)
    number = np.arange(row.size) - start[row] + 1

    # The first products are a shuffle of all of them, so that nearly every product is sold at least once.
    turn = shuffled(world.seed, "turn", order, world.sizes.orders)
    first = np.where(turn < world.sizes.products, turn, catalogue.popular(rng.random(n)))
    product = _products(catalogue, first, row, number, rng)
    seller = catalogue.seller[product]
    other = (rng.random(n)[row] < 0.3) & (catalogue.second[product] >= 0)
    seller = np.where(other, catalogue.second[product], seller)

    home, shop = homes[row], world.shops[seller]
    km, same = zips.km(home, shop), zips.state[home] == zips.state[shop]
    discount = np.where(rng.random(n) < 0.15, 0.8 + 0.3 * rng.random(n), 1.0)[row]
    price = np.round(catalogue.cents[product] * discount).astype(np.int64).clip(85)
    freight = _freight(km, same, catalogue.grams[product], price, row, n, rng)
    total = np.bincount(row, weights=(price + freight).astype(np.float64), minlength=n).astype(np.int64)
    lead, typical_km = np.zeros(n, dtype=np.int64), np.full(n, 600.0)
    lead[has_items], typical_km[has_items] = seller[number == 1], km[number == 1]
    origin, destination = zips.state[world.shops[lead]], zips.state[homes]
    return Basket(row, number, product, seller, price, freight, total, lead, typical_km, origin, destination)


def items(basket: Basket, seed: int, order: Ints, ready: Seconds, rng: np.random.Generator) -> pa.Table:
    """Return the file's rows. `ready`: when each order was approved, from which its sellers have days to ship."""
    days = np.array([2, 3, 4, 5, 6, 7, 9, 12, 19])
    days = days[rng.choice(days.size, order.size, p=[0.08, 0.05, 0.19, 0.16, 0.34, 0.08, 0.04, 0.04, 0.02])]
    return pa.table(
        {
            "order_id": columns.ids(hex_ids(seed, "order", order)[basket.row]),
            "order_item_id": basket.number,
            "product_id": columns.ids(hex_ids(seed, "product", basket.product)),
            "seller_id": columns.ids(hex_ids(seed, "seller", basket.seller)),
            "shipping_limit_date": columns.times((ready + days * 86_400)[basket.row]),
            "price": columns.money(basket.price),
            "freight_value": columns.money(basket.freight),
        }
    )


def _products(catalogue: Catalogue, first: Ints, row: Ints, number: Ints, rng: np.random.Generator) -> Ints:
    """The product of each item, given that of each order's first."""
    kind = rng.random(first.size)[row]
    same_seller = (number > 1) & (kind >= SAME_PRODUCT) & (kind < SAME_PRODUCT + SAME_SELLER)
    another = (number > 1) & (kind >= SAME_PRODUCT + SAME_SELLER)
    product = first[row]
    seller = catalogue.seller[product[same_seller]]
    shelf = (rng.random(seller.size) * catalogue.count_of[seller]).astype(np.int64)
    product[same_seller] = catalogue.first_of[seller] + shelf
    product[another] = catalogue.popular(rng.random(int(another.sum())))
    return product


def _freight(
    km: Floats, same_state: Flags, grams: Ints, price: Ints, row: Ints, orders: int, rng: np.random.Generator
) -> Ints:
    """Cents per item: by distance, weight and a little by value; the same for equal items of an order."""
    base = 8.6 + 0.0035 * km + np.where(same_state, 0.0, 3.6)
    weight = 1.0 + 0.19 * (grams / 1_000) + 0.0011 * price / 100
    noise = np.exp(0.2 * rng.standard_normal(orders))[row]
    cents = np.round(base * weight * noise * 100).astype(np.int64).clip(200, 40_968)
    return np.where(rng.random(orders)[row] < FREE_FREIGHT_SHARE, 0, cents)
