"""Customers: who buys at which place in time, where they live, and who comes back.

Every order has a customer_id of its own. The person behind it is named by the slot (place in time) of the person's
first order; a returning slot points back to an earlier one, until a first order is found. So nobody is remembered.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from . import columns
from .geography import CITIES, STATE_CODES, Map, plain
from .ids import Flags, Ints, hex_ids, shuffled, uniform
from .sizes import REAL_ORDERS, Sizes

REAL_PEOPLE = 96_096
SOON_SHARE = 0.35  # of the returning orders: soon after the one before
MOVED_SHARE = 0.06  # of the returning orders: delivered elsewhere
REAL_WITHOUT_POINT = 278  # customers whose zip prefix has no point


@dataclass(frozen=True)
class Buyers:
    """Per order of a chunk: its slot in time, the person's first slot, and the zip prefix (index into the map)."""

    slot: Ints
    person: Ints
    home: Ints


def draw_buyers(sizes: Sizes, zips: Map, seed: int, order: Ints) -> Buyers:
    """Return the buyers of the orders with these indices."""
    slot = shuffled(seed, "slot", order, sizes.orders)
    person = _first_slot(sizes, seed, slot)
    home = _home(sizes, zips, seed, person)
    moved = (person != slot) & (uniform(seed, "moved", slot) < MOVED_SHARE)
    elsewhere = zips.someone(uniform(seed, "new home", slot))
    return Buyers(slot, person, np.where(moved, elsewhere, home))


def customers(zips: Map, seed: int, order: Ints, buyers: Buyers) -> pa.Table:
    """Return the customers' file: one row per order."""
    return pa.table(
        {
            "customer_id": columns.ids(hex_ids(seed, "customer", order)),
            "customer_unique_id": columns.ids(hex_ids(seed, "person", buyers.person)),
            "customer_zip_code_prefix": columns.prefixes(zips.number[buyers.home]),
            "customer_city": columns.choices([plain(c.name) for c in CITIES], zips.city[buyers.home]),
            "customer_state": columns.choices(STATE_CODES, zips.state[buyers.home]),
        }
    )


def _first_slot(sizes: Sizes, seed: int, slot: Ints) -> Ints:
    """The slot of the first order of each slot's person.

    A third comes back within days (a gap log-uniform in slots), the others within months. Earlier slots are
    rounded to multiples of three, so that more of them coincide: some people order three times and more.
    """
    first = slot.copy()
    while (again := np.flatnonzero(_returns(sizes, seed, first))).size:
        here = first[again]
        u = uniform(seed, "gap", here)
        soon = uniform(seed, "soon", here) < SOON_SHARE
        gap = np.where(soon, np.exp(u * np.log(here + 1.0)), 0.8 * here * u**2).astype(np.int64)
        first[again] = (here - gap.clip(1, here)) // 3 * 3
    return first


def _returns(sizes: Sizes, seed: int, slot: Ints) -> Flags:
    """Which slots are orders of somebody who ordered before: an exact share of all, never slot 0."""
    others = sizes.orders - 1
    again = round(sizes.orders * (1 - REAL_PEOPLE / REAL_ORDERS))
    result = np.zeros(slot.size, dtype=bool)
    later = slot > 0
    if others:
        result[later] = shuffled(seed, "returns", slot[later] - 1, others) < again
    return result


def _home(sizes: Sizes, zips: Map, seed: int, person: Ints) -> Ints:
    u = uniform(seed, "home", person)
    lost = shuffled(seed, "lost", person, sizes.orders) < sizes.defect(REAL_WITHOUT_POINT)
    if not zips.pointless:
        return zips.someone(u)
    nowhere = zips.with_points + (u * zips.pointless).astype(np.int64)
    return np.where(lost, nowhere, zips.someone(u))
