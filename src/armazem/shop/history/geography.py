"""Zip prefixes on the map: which exist, where they are, how many people live in each."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .ids import Floats, Ints, shuffled, stream
from .places import STATES, City
from .sizes import Sizes

CITIES: tuple[City, ...] = tuple(city for state in STATES for city in state.cities)
STATE_CODES: list[str] = [state.code for state in STATES]
STATE_OF_CITY: Ints = np.repeat(np.arange(len(STATES)), [len(s.cities) for s in STATES])
KM_PER_DEGREE = 111.2


def plain(name: str) -> str:
    """Return a city name as the customers' file spells it: lower case, without accents."""
    return "".join(c for c in unicodedata.normalize("NFD", name) if not unicodedata.combining(c))


@dataclass(frozen=True)
class Map:
    """All zip prefixes, as arrays of one length. The last `pointless` ones have no point in the geolocation file.

    number: the prefix; city: index into CITIES; lat, lng: its centre in degrees; people: cumulative share of
    customers, which ends at 1 with the last prefix that has points.
    """

    number: Ints
    city: Ints
    lat: Floats
    lng: Floats
    people: Floats
    pointless: int

    @property
    def with_points(self) -> int:
        """How many prefixes have points: indices 0 … with_points − 1."""
        return self.number.size - self.pointless

    @property
    def state(self) -> NDArray[np.int64]:
        """Index into STATE_CODES of each prefix."""
        return np.asarray(STATE_OF_CITY[self.city])

    def someone(self, u: Floats) -> Ints:
        """Return the prefix at each quantile of the population, from the prefixes with points."""
        found = np.searchsorted(self.people, u, side="right")
        return np.asarray(np.minimum(found, self.with_points - 1))

    def km(self, a: Ints, b: Ints) -> Floats:
        """Return the distance between prefixes, in km, on a plane: good to a few per cent at the size of Brazil."""
        north = self.lat[a] - self.lat[b]
        east = (self.lng[a] - self.lng[b]) * np.cos(np.radians((self.lat[a] + self.lat[b]) / 2))
        return np.asarray(KM_PER_DEGREE * np.hypot(north, east))


def draw_map(sizes: Sizes, seed: int) -> Map:
    """Return the prefixes in use: shared among cities by population, spread over each city's postal range."""
    pointless = sizes.defect(157, of=19_015, here=sizes.prefixes)
    share = np.array([city.weight for city in CITIES])
    per_state = np.bincount(STATE_OF_CITY, weights=share)
    share = share * (np.array([s.customers for s in STATES]) / per_state)[STATE_OF_CITY]
    room = np.array([city.last_prefix - city.first_prefix + 1 for city in CITIES])
    counts = _share_out(sizes.prefixes + pointless, share, room)

    city = np.repeat(np.arange(len(CITIES)), counts)
    place = np.arange(city.size) - np.repeat(np.cumsum(counts) - counts, counts)
    number = np.array([c.first_prefix for c in CITIES])[city] + place * room[city] // counts[city]

    rng = stream(seed, "map")
    spread = 0.02 + 0.1 * np.sqrt(counts / counts.max())[city]  # degrees; big cities are wide
    # Sums of uniforms rather than normal draws: plain arithmetic gives the same bits on every machine.
    lat = np.array([c.lat for c in CITIES])[city] + spread * (rng.random((3, city.size)).sum(axis=0) - 1.5)
    lng = np.array([c.lng for c in CITIES])[city] + spread * (rng.random((3, city.size)).sum(axis=0) - 1.5)
    people = (share / counts.clip(1))[city] * (0.02 + rng.random(city.size) ** 3)

    order = np.argsort(shuffled(seed, "pointless", np.arange(city.size), city.size) < pointless, kind="stable")
    people = people[order]
    people[sizes.prefixes :] = 0.0
    return Map(number[order], city[order], lat[order], lng[order], np.cumsum(people / people.sum()), pointless)


def _share_out(total: int, weight: Floats, room: Ints) -> Ints:
    """Whole numbers in proportion to weight, none above its room, that sum to total."""
    counts = np.zeros(room.size, dtype=np.int64)
    while (left := total - int(counts.sum())) > 0:
        open_ = counts < room
        ideal = np.where(open_, weight, 0.0) * left / weight[open_].sum()
        step = np.minimum(np.floor(ideal).astype(np.int64), room - counts)
        if not step.any():  # fewer left than cities: one each to those with the largest claim
            step[np.argsort(-ideal, kind="stable")[:left]] = 1
        counts += step
    return counts
