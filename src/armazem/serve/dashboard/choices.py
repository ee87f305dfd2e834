"""What the filters can be set to in the published version, and the view of who has set none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from armazem.serve.dashboard.components import Ask
from armazem.serve.dashboard.periods import Span, end_of, months_later, start_of, starts, whole
from armazem.serve.dashboard.queries import BOUNDS, CATEGORIES, FEATURES, STATES, TOP_SELLERS, known_seller
from armazem.serve.dashboard.view import View

_DAYS = 365  # of the first view, where it is of days or weeks
_MONTHS = 12
_HALF = 180
_DAY = timedelta(days=1)
_FEWEST = 3  # whole periods that make a course


@dataclass(frozen=True, slots=True)
class Choices:
    """`busy`: the data without the few orders that may stand long before or after all others; `sellers`: those with
    most revenue, each with its place in words; there are more, which are searched for. `features`: the tables with
    what is predicted.
    """

    span: Span
    busy: Span
    states: tuple[str, ...]
    categories: tuple[str, ...]
    sellers: Mapping[str, str]
    features: frozenset[str] = frozenset()


def read_choices(ask: Ask, today: date) -> Choices | None:
    """Return what there is to choose; None where no valid sale is published."""
    first, last, busy_first, busy_last = ask(BOUNDS).rows[0]
    if first is None:
        return None
    busy = Span(max(first, busy_first), min(last, end_of(busy_last, "month")), today)
    states, categories = (tuple(str(row[0]) for row in ask(query).rows) for query in (STATES, CATEGORIES))
    sellers = {str(row[0]): seller_label(*row) for row in ask(TOP_SELLERS).rows}
    features = frozenset(str(row[0]) for row in ask(FEATURES).rows)
    return Choices(Span(first, last, today), busy, states, categories, sellers, features)


def seller_label(seller: object, city: object, state: object) -> str:
    """Return an id with its place, which is what people know a seller by."""
    place = ", ".join(part for part in (str(city or "").title(), str(state or "")) if part)
    return f"{seller} · {place}" if place else str(seller)


def first_view(view: View, choices: Choices, *, grain: str = "") -> View:
    """Return the view of who has chosen no dates: the whole periods of the last year, without the running one.

    Fewer where as many days before are known only of fewer, so that the cards have something to compare with. A period
    that is cut would be drawn as a fall. Where no `grain` was chosen, it is the longest of which there are a
    few; where none is whole, all there is is shown, and marked.
    """
    view = view.with_(data=choices.span)
    months = whole(choices.busy, "month")
    span = choices.busy if months and len(starts(*months, "month")) >= _FEWEST else choices.span
    for one in (grain,) if grain else ("month", "week", "day"):
        found = whole(span, one)
        if found and (grain or one == "day" or len(starts(*found, one)) >= _FEWEST):
            return view.with_(start=_since(*found, one), end=found[1], grain=one)
    return view.with_(start=span.first, end=span.last, grain=grain or "day")


def _since(first: date, last: date, grain: str) -> date:
    """The first day of the longest course of at most a year, ending with `last`, for which there are as many days
    before, to compare with; of a year, or of all there is, where that would leave less than half a year.
    """
    year = months_later(start_of(last, grain), 1 - _MONTHS) if grain == "month" else last - timedelta(days=_DAYS - 1)
    courses = [start for start in starts(first, last, grain) if start >= year]
    twice = [start for start in courses if start - (last - start + _DAY) >= first]
    return twice[0] if twice and (last - twice[0]).days >= _HALF else courses[0]


def unknown_values(view: View, choices: Choices, ask: Ask) -> list[tuple[str, str]]:
    """Return filters of the view that nothing published can match, with their values."""
    found = []
    if view.state and view.state not in choices.states:
        found.append(("state", view.state))
    if view.category and view.category not in choices.categories:
        found.append(("category", view.category))
    if view.seller and view.seller not in choices.sellers and not ask(known_seller(view.seller)).rows:
        found.append(("seller", view.seller))
    return found
