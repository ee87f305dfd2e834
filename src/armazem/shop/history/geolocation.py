"""The geolocation file: many points per zip prefix, with the defects of the real one."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from . import columns
from .geography import CITIES, STATE_CODES, STATE_OF_CITY, Map, plain
from .ids import Floats, Ints, shuffled, stream
from .sizes import Sizes

REAL_ROWS = 1_000_163
REAL_DUPLICATES = 261_831
REAL_ABROAD = 29
ACCENTED_SHARE = 0.12  # of the points whose city has an accent at all
TWO_CITIES_SHARE = 0.015  # of the prefixes: they also appear under a neighbouring city's name
# Where Brazilian addresses end up when a geocoder takes their street for one elsewhere.
ABROAD = np.array(
    [
        (38.72, -9.14),
        (41.15, -8.61),
        (45.06, 7.67),
        (-34.60, -58.38),
        (14.59, 121.0),
        (19.43, -99.13),
        (42.35, -71.06),
    ]
)


def geolocation(sizes: Sizes, zips: Map, seed: int) -> pa.Table:
    """Return all rows, grouped by prefix: about 26 % of them repeat another row exactly."""
    rng = stream(seed, "geolocation")
    repeats = sizes.defect(REAL_DUPLICATES, of=REAL_ROWS, here=sizes.points)
    points = sizes.points - repeats
    prefix = _prefixes(zips, points, rng)
    lat = zips.lat[prefix] + 0.01 * (rng.random(points) + rng.random(points) - 1.0)
    lng = zips.lng[prefix] + 0.01 * (rng.random(points) + rng.random(points) - 1.0)

    far = np.sort(
        shuffled(seed, "abroad", np.arange(sizes.defect(REAL_ABROAD, of=REAL_ROWS, here=sizes.points)), points)
    )
    country = rng.integers(0, len(ABROAD), far.size)
    lat[far] = ABROAD[country, 0] + 0.1 * rng.random(far.size)
    lng[far] = ABROAD[country, 1] + 0.1 * rng.random(far.size)
    name = _names(zips, prefix, rng, seed)

    rows = np.sort(np.concatenate([np.arange(points), rng.integers(0, points, repeats)]))
    names = [plain(city.name) for city in CITIES] + [city.name for city in CITIES]
    return pa.table(
        {
            "geolocation_zip_code_prefix": columns.prefixes(zips.number[prefix[rows]]),
            "geolocation_lat": _degrees(lat)[rows],
            "geolocation_lng": _degrees(lng)[rows],
            "geolocation_city": columns.choices(names, name[rows]),
            "geolocation_state": columns.choices(STATE_CODES, zips.state[prefix[rows]]),
        }
    )


def _prefixes(zips: Map, points: int, rng: np.random.Generator) -> Ints:
    """The prefix of each point, ascending: one point for every prefix, the others unevenly."""
    weight = np.cumsum(0.1 + rng.random(zips.with_points) * rng.random(zips.with_points))
    others = np.searchsorted(weight / weight[-1], rng.random(points - zips.with_points), side="right")
    return np.sort(np.concatenate([np.arange(zips.with_points), others]))


def _names(zips: Map, prefix: Ints, rng: np.random.Generator, seed: int) -> Ints:
    """City name of each point: index of the city, plus the number of cities where spelt with accents."""
    city = zips.city[prefix]
    shared = max(1, round(TWO_CITIES_SHARE * zips.with_points))
    two = shuffled(seed, "two cities", np.arange(zips.with_points), zips.with_points) < shared
    # A city beside it in the list, of the same state (before it, for the last one of a state).
    beside = np.where(np.append(STATE_OF_CITY[1:] == STATE_OF_CITY[:-1], False), 1, -1)
    last_of_prefix = np.append(prefix[1:] != prefix[:-1], True)
    moved = two[prefix] & (last_of_prefix | (rng.random(prefix.size) < 0.15))
    city = np.where(moved, city + beside[city], city)
    return np.asarray(city + len(CITIES) * (rng.random(prefix.size) < ACCENTED_SHARE))


def _degrees(values: Floats) -> Floats:
    """Ten decimals: finer than any geocoder, and short enough to print the same everywhere."""
    return np.round(values, 10)
