"""When people buy: growth, seasons, weekdays, hours and Black Friday.

Monthly totals, hours and the days around Black Friday follow the published totals of the real data set: a first
trickle in 2016, growth through 2017, a plateau in 2018, a few stragglers until 2018-10-17. A history that ends on
another day is that one moved: it grew as many days before its end, and has its own weekdays and Black Fridays.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

import numpy as np

from .ids import Floats, Ints, Seconds
from .sizes import Sizes

FIRST_DAY, LAST_DAY = date(2016, 9, 4), date(2018, 10, 17)
FULL_UNTIL = date(2018, 8, 31)  # after it the real files have stragglers only
EARLIEST, LATEST = date(2000, 1, 1), date(2200, 12, 31)  # of a history's last day
DAY = 86_400

MONTHS: dict[str, int] = {
    "2016-09": 4, "2016-10": 324, "2016-11": 0, "2016-12": 1,
    "2017-01": 800, "2017-02": 1_780, "2017-03": 2_682, "2017-04": 2_404, "2017-05": 3_700, "2017-06": 3_245,
    "2017-07": 4_026, "2017-08": 4_331, "2017-09": 4_285, "2017-10": 4_631, "2017-11": 7_544, "2017-12": 5_673,
    "2018-01": 7_269, "2018-02": 6_728, "2018-03": 7_211, "2018-04": 6_939, "2018-05": 6_873, "2018-06": 6_167,
    "2018-07": 6_292, "2018-08": 6_512, "2018-09": 16, "2018-10": 4,
}  # fmt: skip
BLACK_FRIDAY = (1_176, 499, 391, 403, 380)
"""Orders on the day and on the four after it, in 2017."""
WEEKDAYS = (1.16, 1.15, 1.12, 1.06, 1.01, 0.78, 0.86)  # from Monday
HOURS = (24, 12, 5, 3, 2, 2, 5, 12, 30, 48, 62, 66, 60, 65, 66, 65, 67, 62, 58, 60, 62, 62, 58, 41)


def black_friday(year: int) -> date:
    """Return the day after the fourth Thursday of November."""
    first = date(year, 11, 1)
    return first + timedelta((3 - first.weekday()) % 7 + 22)


@dataclass(frozen=True)
class Calendar:
    """The days of a history that ends with `until`.

    With Olist's own last day it is Olist's own, stragglers included, some of whose parcels come later than that. Every
    other history is in full swing to its end, and knows nothing of what comes after it.
    """

    until: date = LAST_DAY

    def __post_init__(self) -> None:
        if not EARLIEST <= self.until <= LATEST:
            raise ValueError(f"until must be from {EARLIEST} to {LATEST}, not {self.until}")

    @property
    def is_olists(self) -> bool:
        return self.until == LAST_DAY

    @property
    def first(self) -> date:
        return FIRST_DAY + (self.until - self._source_end)

    @property
    def end(self) -> int | None:
        """What lies after it has not happened yet, in seconds since 1970; None: all of it is known."""
        return None if self.is_olists else ((self.until - date(1970, 1, 1)).days + 1) * DAY - 1

    @cached_property
    def weights(self) -> Floats:
        """Orders expected per day at the real size, from `first` on."""
        days = [FIRST_DAY + timedelta(k) for k in range((self._source_end - FIRST_DAY).days + 1)]
        levels = _levels()
        of_peak = levels[f"{black_friday(2017):%Y-%m}"]
        years = range(self.first.year, self.until.year + 1)
        busy = {black_friday(year) + timedelta(k): k for year in years for k in range(len(BLACK_FRIDAY))}
        found = []
        for source in days:
            day, level = source + (self.until - self._source_end), levels[f"{source:%Y-%m}"]
            at = busy.get(day)
            found.append(level * WEEKDAYS[day.weekday()] if at is None else BLACK_FRIDAY[at] * (level / of_peak))
        return np.array(found)

    @property
    def _source_end(self) -> date:
        """The day of Olist's history that is moved to `until`."""
        return LAST_DAY if self.is_olists else FULL_UNTIL


def purchase_times(sizes: Sizes, calendar: Calendar, slot: Ints, rng: np.random.Generator) -> Seconds:
    """Return the moment of purchase of each slot; slots 0 … orders − 1 are in order of day, not of time within it."""
    first = (calendar.first - date(1970, 1, 1)).days
    share = np.cumsum(calendar.weights)
    day = np.searchsorted(share / share[-1], (slot + 0.5) / sizes.orders)
    day[slot == 0] = 0
    day[slot == sizes.orders - 1] = share.size - 1  # the period is the whole one whatever the size
    hours = np.cumsum(HOURS) / sum(HOURS)
    hour = np.searchsorted(hours, rng.random(slot.size), side="right")
    return np.asarray((first + day) * DAY + hour * 3_600 + rng.integers(0, 3_600, slot.size))


def _levels() -> dict[str, float]:
    """Orders of an average day of each month at the real size, those of Black Friday apart."""
    peak = black_friday(2017)
    spike = {peak + timedelta(k): count for k, count in enumerate(BLACK_FRIDAY)}
    weight: dict[str, float] = {}
    for k in range((LAST_DAY - FIRST_DAY).days + 1):
        day = FIRST_DAY + timedelta(k)
        weight[f"{day:%Y-%m}"] = weight.get(f"{day:%Y-%m}", 0.0) + (0.0 if day in spike else WEEKDAYS[day.weekday()])
    peaks = {f"{peak:%Y-%m}": sum(BLACK_FRIDAY)}
    return {month: (MONTHS[month] - peaks.get(month, 0)) / weight[month] for month in MONTHS}
