"""When people buy: growth, seasons, weekdays, hours and Black Friday.

Monthly totals, hours and the days around Black Friday follow the published totals of the real data set: a first
trickle in 2016, growth through 2017, a plateau in 2018, a few stragglers until 2018-10-17.
"""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np

from .ids import Floats, Ints, Seconds
from .sizes import Sizes

FIRST_DAY, LAST_DAY = date(2016, 9, 4), date(2018, 10, 17)
DAY = 86_400

MONTHS: dict[str, int] = {
    "2016-09": 4, "2016-10": 324, "2016-11": 0, "2016-12": 1,
    "2017-01": 800, "2017-02": 1_780, "2017-03": 2_682, "2017-04": 2_404, "2017-05": 3_700, "2017-06": 3_245,
    "2017-07": 4_026, "2017-08": 4_331, "2017-09": 4_285, "2017-10": 4_631, "2017-11": 7_544, "2017-12": 5_673,
    "2018-01": 7_269, "2018-02": 6_728, "2018-03": 7_211, "2018-04": 6_939, "2018-05": 6_873, "2018-06": 6_167,
    "2018-07": 6_292, "2018-08": 6_512, "2018-09": 16, "2018-10": 4,
}  # fmt: skip
BLACK_FRIDAY: dict[date, int] = {
    date(2017, 11, 24): 1_176,
    date(2017, 11, 25): 499,
    date(2017, 11, 26): 391,
    date(2017, 11, 27): 403,
    date(2017, 11, 28): 380,
}
WEEKDAYS = (1.16, 1.15, 1.12, 1.06, 1.01, 0.78, 0.86)  # from Monday
HOURS = (24, 12, 5, 3, 2, 2, 5, 12, 30, 48, 62, 66, 60, 65, 66, 65, 67, 62, 58, 60, 62, 62, 58, 41)


def purchase_times(sizes: Sizes, slot: Ints, rng: np.random.Generator) -> Seconds:
    """The moment of purchase of each slot; slots 0 … orders − 1 are in order of day, not of time within it."""
    first = (FIRST_DAY - date(1970, 1, 1)).days
    share = np.cumsum(_day_weights())
    day = np.searchsorted(share / share[-1], (slot + 0.5) / sizes.orders)
    day[slot == sizes.orders - 1] = share.size - 1  # the period is the whole one whatever the size
    day[slot == 0] = 0
    hours = np.cumsum(HOURS) / sum(HOURS)
    hour = np.searchsorted(hours, rng.random(slot.size), side="right")
    return np.asarray((first + day) * DAY + hour * 3_600 + rng.integers(0, 3_600, slot.size))


def _day_weights() -> Floats:
    """Orders expected per day of the period at the real size."""
    days = [FIRST_DAY + timedelta(k) for k in range((LAST_DAY - FIRST_DAY).days + 1)]
    weekday = {d: 0.0 if d in BLACK_FRIDAY else WEEKDAYS[d.weekday()] for d in days}
    month_weight: dict[str, float] = {}
    spike: dict[str, int] = {}
    for d in days:
        month_weight[f"{d:%Y-%m}"] = month_weight.get(f"{d:%Y-%m}", 0.0) + weekday[d]
        spike[f"{d:%Y-%m}"] = spike.get(f"{d:%Y-%m}", 0) + BLACK_FRIDAY.get(d, 0)
    return np.array(
        [
            BLACK_FRIDAY.get(d, 0)
            + weekday[d] * (MONTHS[f"{d:%Y-%m}"] - spike[f"{d:%Y-%m}"]) / month_weight[f"{d:%Y-%m}"]
            for d in days
        ]
    )
