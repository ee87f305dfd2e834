"""Products: category, price, weight, size, who sells them and how well."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from . import columns
from .categories import CATEGORIES
from .ids import Floats, Ints, hex_ids, shuffled, stream
from .sizes import Sizes

REAL_PRODUCTS = 32_951
REAL_UNCATEGORISED = 610
REAL_UNMEASURED = 2  # one of them has no category either
EVERY_CATEGORY_FROM = 300  # products
SECOND_SELLER_SHARE = 0.03


@dataclass(frozen=True)
class Catalogue:
    """Products sorted by seller, so that a seller's are a range; arrays of one length but for the last two.

    category: index into CATEGORIES, -1 for none; cents: list price; grams: weight, 0 if not given; sold: cumulative
    share of sales; seller, second: index of the seller and of another who has it too (-1: none);
    first_of, count_of: the range of each seller.
    """

    category: Ints
    cents: Ints
    grams: Ints
    sold: Floats
    seller: Ints
    second: Ints
    first_of: Ints
    count_of: Ints

    def popular(self, u: Floats) -> Ints:
        """Return the product at each quantile of the sales."""
        return np.asarray(np.searchsorted(self.sold, u, side="right").clip(max=self.sold.size - 1))


def draw_catalogue(sizes: Sizes, reach: Floats, seed: int) -> Catalogue:
    """Return the seller of each product: every seller has one, the others go to a few large sellers.

    `reach`: each seller's pull for its size.
    """
    rng = stream(seed, "catalogue")
    n = sizes.products
    weight = np.cumsum(reach * rng.permutation(1.0 / (np.arange(sizes.sellers) + 8.0) ** 0.9))
    others = np.searchsorted(weight / weight[-1], rng.random(n - sizes.sellers), side="right")
    seller = np.sort(np.concatenate([np.arange(sizes.sellers), others]))
    category = _categories(sizes, rng)
    median = np.array([c.price for c in CATEGORIES] + [85.0])[category]
    heavy = rng.standard_normal(n)
    grams = np.array([c.weight for c in CATEGORIES] + [700.0])[category] * np.exp(1.12 * heavy)
    # Heavier than others of its category means dearer, a little.
    cents = _price_tags(median * np.exp(0.25 * heavy + 0.86 * rng.standard_normal(n)), rng)
    popularity = np.cumsum(rng.permutation(1.0 / (np.arange(n) + 13.0) ** 0.9))
    second = np.where(rng.random(n) < SECOND_SELLER_SHARE, rng.integers(0, sizes.sellers, n), -1)
    unmeasured = _unmeasured(sizes, category)
    grams = np.where(grams < 1_000, np.round(grams / 50) * 50, np.round(grams / 100) * 100).clip(50, 40_000)
    grams[unmeasured] = 0
    return Catalogue(
        category=category,
        cents=cents,
        grams=grams.astype(np.int64),
        sold=popularity / popularity[-1],
        seller=seller,
        second=np.where(second == seller, -1, second),
        first_of=np.searchsorted(seller, np.arange(sizes.sellers)),
        count_of=np.bincount(seller, minlength=sizes.sellers),
    )


def products(catalogue: Catalogue, seed: int) -> pa.Table:
    """Return the file: lengths in characters, weight in grams, size in centimetres; shuffled, as ids are."""
    rng = stream(seed, "products")
    n = catalogue.category.size
    known, measured = catalogue.category >= 0, catalogue.grams > 0
    edge = np.cbrt(catalogue.grams.clip(100) * 6.0)  # centimetres of a cube of light goods
    length = (edge * np.exp(0.35 * rng.standard_normal(n)) + 8).clip(16, 105)
    height = (edge * np.exp(0.55 * rng.standard_normal(n)) * 0.75).clip(2, 105)
    width = (edge * np.exp(0.3 * rng.standard_normal(n)) + 3).clip(11, 118)
    order = np.argsort(shuffled(seed, "product rows", np.arange(n), n))

    def whole(values: Floats | Ints) -> Ints:
        return np.asarray(values.astype(np.int64)[order])

    names = [c.name for c in CATEGORIES]
    name_length = (64 - rng.gamma(1.6, 9.0, n)).clip(5, 64)
    description = (600 * np.exp(0.78 * rng.standard_normal(n))).clip(4, 3_992)
    photos = (1 + rng.gamma(0.65, 2.0, n)).clip(1, 20)
    return pa.table(
        {
            "product_id": columns.ids(hex_ids(seed, "product", np.arange(n)[order])),
            "product_category_name": columns.choices(names, catalogue.category[order], known[order]),
            "product_name_lenght": columns.numbers(whole(name_length), known[order]),
            "product_description_lenght": columns.numbers(whole(description), known[order]),
            "product_photos_qty": columns.numbers(whole(photos), known[order]),
            "product_weight_g": columns.numbers(whole(catalogue.grams), measured[order]),
            "product_length_cm": columns.numbers(whole(length), measured[order]),
            "product_height_cm": columns.numbers(whole(height), measured[order]),
            "product_width_cm": columns.numbers(whole(width), measured[order]),
        }
    )


def translations() -> pa.Table:
    """Return the 71 categories that have an English name."""
    known = [c for c in CATEGORIES if c.english]
    return pa.table(
        {
            "product_category_name": [c.name for c in known],
            "product_category_name_english": [c.english for c in known],
        }
    )


def _categories(sizes: Sizes, rng: np.random.Generator) -> Ints:
    """The category of each product: real shares, each category at least once if there are products enough."""
    n = sizes.products
    none = sizes.defect(REAL_UNCATEGORISED, of=REAL_PRODUCTS, here=n)
    share = np.array([c.products for c in CATEGORIES], dtype=np.float64)
    counts = np.floor(share / share.sum() * (n - none)).astype(np.int64)
    if n >= EVERY_CATEGORY_FROM:
        counts = counts.clip(1)
    counts[np.argmax(counts)] += n - none - counts.sum()
    return rng.permutation(np.repeat(np.append(np.arange(len(CATEGORIES)), -1), np.append(counts, none)))


def _unmeasured(sizes: Sizes, category: Ints) -> Ints:
    """The products without weight and size: one with a category, then one without, in turn."""
    count = sizes.defect(REAL_UNMEASURED, of=REAL_PRODUCTS, here=sizes.products)
    with_, without = np.flatnonzero(category >= 0), np.flatnonzero(category < 0)
    return np.concatenate([with_[: (count + 1) // 2], without[: count // 2]])


def _price_tags(price: Floats, rng: np.random.Generator) -> Ints:
    """Prices in cents that end as shop prices do: ,90 and ,99 mostly."""
    ending = rng.choice(np.array([90, 99, 0, 50, 95, 49]), price.size, p=[0.42, 0.28, 0.17, 0.06, 0.04, 0.03])
    return np.asarray((np.floor(price).astype(np.int64) * 100 + ending).clip(85, 673_500))
