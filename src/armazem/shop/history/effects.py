"""What makes deliveries faster or slower, and for how long: sellers, lanes and the marketplace as a whole.

A lane leads from a seller's state to a customer's. What lasts (how fast a seller and a lane are) and what passes (weeks
in which a seller is overrun or a state is hard to reach) is drawn from the seed; how the marketplace fares from month
to month follows the real data set. All are factors: 2 takes twice as long. Days count from the first one of a history,
so one that is moved keeps its good and bad months; only the rush after Black Friday goes with the calendar.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np

from .ids import Floats, Ints, Seconds, stream
from .places import STATES
from .seasons import DAY, FIRST_DAY, LAST_DAY, Calendar, black_friday
from .sellers import REACH

# Transit by month, without the rush of Black Friday: tuned until about as many orders of a month come late as in
# reality, from 1.3 % in June 2018 to 18 % in March.
MARKET: dict[str, float] = {
    "2016-09": 0.90, "2016-10": 0.70, "2016-11": 0.90, "2016-12": 0.90,
    "2017-01": 0.82, "2017-02": 0.81, "2017-03": 0.96, "2017-04": 1.08, "2017-05": 0.85, "2017-06": 0.87,
    "2017-07": 0.83, "2017-08": 0.79, "2017-09": 0.94, "2017-10": 0.93, "2017-11": 1.04, "2017-12": 0.95,
    "2018-01": 0.92, "2018-02": 1.25, "2018-03": 1.55, "2018-04": 0.91, "2018-05": 1.16, "2018-06": 0.55,
    "2018-07": 0.83, "2018-08": 1.25, "2018-09": 0.90, "2018-10": 0.90,
}  # fmt: skip
RUSH, RUSH_DAYS = 0.7, 14.0  # transit on Black Friday beyond that of its month, and days until a third of it is left
SELLER_SPREAD, LANE_SPREAD = 0.45, 0.2  # of the logarithms of what lasts
DAYS = (LAST_DAY - FIRST_DAY).days + 1
CUSTOMERS = np.array([state.customers for state in STATES]) / sum(state.customers for state in STATES)


@dataclass(frozen=True)
class Spells:
    """Passing trouble, a row per spell and a column for each whom it befalls: first day, day after the last, factor."""

    first: Ints
    end: Ints
    factor: Floats

    def at(self, whom: Ints, day: Ints) -> Floats:
        """Return the factor for each of `whom` on its day: 1 outside of spells, the product where they overlap."""
        found = np.ones(whom.size)
        for first, end, factor in zip(self.first, self.end, self.factor, strict=True):
            found *= np.where((day >= first[whom]) & (day < end[whom]), factor[whom], 1.0)
        return found


@dataclass(frozen=True)
class Effects:
    """The factors of a history that begins `first` days after 1970-01-01.

    sellers: of handling, by seller, which lasts; overrun: of handling, while it passes; lanes: of transit, by state of
    the seller, then of the customer, which lasts; blocked: of transit by state of the customer, while it passes;
    market: of transit by day, in the whole marketplace.
    """

    first: int
    sellers: Floats
    overrun: Spells
    lanes: Floats
    blocked: Spells
    market: Floats

    def handling(self, seller: Ints, approved: Seconds) -> Floats:
        """Return the factor of the time until dispatch, by the moment at which it begins."""
        pickup = np.sqrt(self.level(approved))  # a carrier that is slow comes for the parcels late, too
        return np.asarray(self.sellers[seller] * self.overrun.at(seller, self._day(approved)) * pickup)

    def transit(self, state: Ints, dispatched: Seconds) -> Floats:
        """Return the passing factor of transit to customers in these states, by the moment at which it begins."""
        return np.asarray(self.level(dispatched) * self.blocked.at(state, self._day(dispatched)))

    def level(self, moment: Seconds) -> Floats:
        """Return the factor of transit in the whole marketplace; after the last day that of the last one."""
        return np.asarray(self.market[self._day(moment).clip(0, self.market.size - 1)])

    def _day(self, moment: Seconds) -> Ints:
        return np.asarray(moment // DAY - self.first)


def draw_effects(sellers: int, calendar: Calendar, seed: int) -> Effects:
    """Return the effects on so many sellers; a seller's are the same however many others there are."""
    pace = SELLER_SPREAD * stream(seed, "seller pace").standard_normal(sellers) - SELLER_SPREAD**2 / 2
    blocked = _spells(3, len(STATES), (14, 35), (1.4, 2.2), stream(seed, "blocked states"))
    # What blocks a small state stops a part of a large one.
    blocked = replace(blocked, factor=1 + (blocked.factor - 1) * (1 - np.sqrt(CUSTOMERS)))
    return Effects(
        first=(calendar.first - date(1970, 1, 1)).days,
        sellers=np.exp(pace),
        overrun=_spells(2, sellers, (14, 42), (1.5, 3.5), stream(seed, "overrun sellers")),
        lanes=_lanes(seed),
        blocked=blocked,
        market=_market(calendar),
    )


def _spells(
    count: int, whom: int, days: tuple[int, int], factor: tuple[float, float], rng: np.random.Generator
) -> Spells:
    """So many spells each, at any time of the history, as long and as bad as between the limits."""
    when, length, how = rng.random((whom, 3, count)).transpose(1, 2, 0)  # drawn for one after the other
    first = (when * DAYS).astype(np.int64)
    end = first + days[0] + (length * (days[1] - days[0] + 1)).astype(np.int64)
    return Spells(first, end, factor[0] + how * (factor[1] - factor[0]))


def _lanes(seed: int) -> Floats:
    """Transit beyond what distance explains, 1 on average over the orders: most go from and to São Paulo."""
    lanes = np.exp(LANE_SPREAD * stream(seed, "lanes").standard_normal((len(STATES), len(STATES))))
    sold = np.array([state.sellers * REACH.get(state.code, 0.9) for state in STATES])
    return np.asarray(lanes / (sold / sold.sum() @ lanes @ CUSTOMERS))


def _market(calendar: Calendar) -> Floats:
    """The level of each month, and what parcels take longer while so many are under way after Black Friday."""
    level = np.array([MARKET[f"{FIRST_DAY + timedelta(k):%Y-%m}"] for k in range(DAYS)])
    rush = np.zeros(DAYS)
    for year in range(calendar.first.year, calendar.until.year + 1):
        since = np.arange(DAYS) - (black_friday(year) - calendar.first).days
        rush += np.where(since >= 0, RUSH * np.exp(-since.clip(0) / RUSH_DAYS), 0.0)
    return np.asarray(level * (1 + rush))
