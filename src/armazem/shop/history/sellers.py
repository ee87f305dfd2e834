"""Sellers: mostly in the south-east, and careless about the name of their city."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from . import columns
from .geography import CITIES, STATE_CODES, Map, plain
from .ids import Floats, Ints, hex_ids, shuffled, stream
from .places import STATES
from .sizes import EVERY_DEFECT_FROM, Sizes

REAL_SELLERS = 3_095
REAL_DIRTY = 28
# Share of the items sold by a state's sellers over its share of the sellers.
REACH = {"SP": 1.25, "MG": 0.95, "PR": 0.65, "RJ": 0.6, "SC": 0.45, "RS": 0.3}
# {city} and {state} are the seller's own, {zip} its prefix; each way of writing is found in the real file.
DIRTY = (
    "{city} / sao paulo",
    "{city} - sp",
    "{zip}255",
    "vendas@exemplo.com.br",
    "sp / sp",
    "maua/sao paulo",
    "sao paulo, sao paulo, brasil",
    "{city}/{state}",
    "{city} / {state}",
    "{city}-{state}",
    "{city} \\{city}",
    "{city}, {state}, brasil",
)
CITY_NAMES = [plain(city.name) for city in CITIES]
IN_SAO_PAULO = 7  # the first so many make sense in or beside the city of São Paulo only


def draw_sellers(sizes: Sizes, zips: Map, seed: int) -> Ints:
    """Return the zip prefix (index into the map) of each seller."""
    rng = stream(seed, "sellers")
    weight = np.array([state.sellers or 0.1 for state in STATES])
    per_state = np.bincount(zips.state, weights=np.diff(zips.people, prepend=0.0), minlength=len(STATES))
    share = np.diff(zips.people, prepend=0.0) * (weight / per_state.clip(1e-12))[zips.state]
    cumulative = np.cumsum(share / share.sum())
    home = np.searchsorted(cumulative, rng.random(sizes.sellers), side="right").clip(max=zips.with_points - 1)
    # The first sellers have a prefix that the geolocation file does not know; those after them are the dirty ones.
    lost = sizes.defect(7, of=REAL_SELLERS, here=sizes.sellers)
    home[:lost] = zips.with_points + rng.integers(0, max(1, zips.pointless), lost)
    capital = np.flatnonzero((zips.city == 0) & (np.arange(zips.number.size) < zips.with_points))
    dirty = min(dirty_sellers(sizes), IN_SAO_PAULO)
    home[lost : lost + dirty] = rng.choice(capital, dirty)
    if dirty and (maua := np.flatnonzero(zips.city[: zips.with_points] == CITY_NAMES.index("maua"))).size:
        home[lost + DIRTY.index("maua/sao paulo")] = rng.choice(maua)
    return np.asarray(home)


def reach(zips: Map, home: Ints) -> Floats:
    """Return how much more or less than their number suggests the sellers of each one's state sell."""
    return np.array([REACH.get(STATE_CODES[k], 0.9) for k in zips.state[home]])


def dirty_sellers(sizes: Sizes) -> int:
    """Return how many cities are mistyped: the real share, and enough for the seven main ways from 1,000 orders on."""
    count = round(REAL_DIRTY * sizes.sellers / REAL_SELLERS)
    return max(IN_SAO_PAULO, count) if sizes.orders >= EVERY_DEFECT_FROM else 0


def sellers(sizes: Sizes, zips: Map, home: Ints, seed: int) -> pa.Table:
    """Return the file: seller_id, zip prefix, city, state; shuffled, as ids are."""
    city = [CITY_NAMES[k] for k in zips.city[home]]
    state = [STATE_CODES[k] for k in zips.state[home]]
    lost = sizes.defect(7, of=REAL_SELLERS, here=sizes.sellers)
    for n in range(dirty_sellers(sizes)):
        k = lost + n
        style = DIRTY[n] if n < IN_SAO_PAULO else DIRTY[IN_SAO_PAULO + n % (len(DIRTY) - IN_SAO_PAULO)]
        city[k] = style.format(city=city[k], state=state[k].lower(), zip=f"{zips.number[home[k]]:05d}")
    order = np.argsort(shuffled(seed, "seller rows", np.arange(home.size), home.size))
    return pa.table(
        {
            "seller_id": columns.ids(hex_ids(seed, "seller", np.arange(home.size)[order])),
            "seller_zip_code_prefix": columns.prefixes(zips.number[home[order]]),
            "seller_city": [city[k] for k in order],
            "seller_state": [state[k] for k in order],
        }
    )
