"""What a reader looks at: the filters of the bar, as they stand in the URL. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import date, timedelta
from typing import Any, cast
from urllib.parse import urlencode

from armazem.contract.identifiers import canonical
from armazem.serve.dashboard.formats import LOCALES, Format, Locale
from armazem.serve.dashboard.periods import GRAINS, Span, end_of, start_of

PARAMETERS = ("from", "to", "grain", "state", "category", "seller", "reason", "order", "lang", "theme")
"""What may stand in an address."""
REASONS = ("overdue", "seller", "lane", "market", "promise", "none")
"""Why an order may come late: `main_reason` of features.feat_order_delivery."""
OF_ONE_PAGE = ("reason", "order")
"""Filters that no other page has: its links leave them out."""
EARLIEST, LATEST = date(1900, 1, 1), date(2199, 12, 31)
"""Days that a filter may name: with those outside nobody can reckon, neither Python nor DuckDB."""
_LONGEST = 200  # characters of a text filter
_SAID = 40  # characters of a wrong value that are repeated


@dataclass(frozen=True, slots=True)
class View:
    """The filters; None or "" is no filter. `start` and `end` are business dates, both included.

    `reason`: of the worklist of open orders; `order`: the one that is open on the page.
    `theme`: light or dark, where the address says so; `dark`: how it is shown. `data`: what the published data cover,
    where that is known; it is no filter and stands in no address.
    """

    start: date | None = None
    end: date | None = None
    grain: str = "month"
    theme: str = field(default="", kw_only=True)
    state: str = ""
    category: str = ""
    seller: str = ""
    reason: str = field(default="", kw_only=True)
    order: str = field(default="", kw_only=True)
    locale: Locale = "en"
    dark: bool = False
    data: Span | None = None

    @property
    def format(self) -> Format:
        return Format(self.locale)

    @property
    def days(self) -> int | None:
        """Length of the period, where it has both ends."""
        return (self.end - self.start).days + 1 if self.start and self.end else None

    @property
    def by_item(self) -> bool:
        """Whether it looks at a part of an order only."""
        return bool(self.category or self.seller)

    def as_covered(self) -> View | None:
        """Return the view, its dates only as far as there are data; None where there are none at all."""
        if self.data is None:
            return self
        start = max(self.start, self.data.first) if self.start else None
        end = min(self.end, self.data.last) if self.end else None
        if (start and start > self.data.last) or (end and end < self.data.first):
            return None
        return replace(self, start=start, end=end)

    def before(self) -> View | None:
        """Return the period to compare with: of a month so far the same days of the month before, else as many days
        just before. None where the view has not both ends.
        """
        if not (self.start and self.end and self.days):
            return None
        end = self.start - timedelta(days=1)
        if self.is_month_to_date and end.day >= self.days:
            first = start_of(end, "month")
            return replace(self, start=first, end=first + timedelta(days=self.days - 1))
        return replace(self, start=end - timedelta(days=self.days - 1), end=end)

    @property
    def is_month_to_date(self) -> bool:
        """Whether it is the first days of a month, and not all of them."""
        return bool(
            self.start and self.end and self.start.day == 1 and self.start <= self.end < end_of(self.start, "month")
        )

    def with_(self, **changes: Any) -> View:
        return replace(self, **changes)

    def changed(self, other: View) -> set[str]:
        """The names of what the two differ in."""
        return {each.name for each in fields(self) if getattr(self, each.name) != getattr(other, each.name)}

    def for_pages(self) -> View:
        """Without what one page alone has."""
        return self.with_(**dict.fromkeys(OF_ONE_PAGE, ""))

    def url(self, path: str) -> str:
        """Return the address that shows the same view, with nothing in it that is the default."""
        given = {
            "from": self.start.isoformat() if self.start else "",
            "to": self.end.isoformat() if self.end else "",
            "grain": self.grain if self.grain != "month" else "",
            "state": self.state,
            "category": self.category,
            "seller": self.seller,
            "reason": self.reason,
            "order": self.order,
            "lang": self.locale if self.locale != "en" else "",
            "theme": self.theme,
        }
        query = urlencode({name: value for name, value in given.items() if value})
        return f"{path}?{query}" if query else path


def parse_view(given: Mapping[str, str]) -> tuple[View, list[str]]:
    """Return the view of a URL's query, and what of it could not be taken, in words."""
    unknown = ", ".join(name[:_SAID] for name in [name for name in given if name not in PARAMETERS][:3])
    problems = [f"{unknown}: not known here, and passed over; known are {', '.join(PARAMETERS)}"] if unknown else []

    def day(name: str) -> date | None:
        text = given.get(name, "").strip()
        if not text:
            return None
        try:
            found = date.fromisoformat(text)
        except ValueError:
            problems.append(f"{name}={text[:_SAID]}: this is no date; write it as 2018-08-31")
            return None
        taken = min(max(found, EARLIEST), LATEST)
        if taken != found:
            problems.append(
                f"{name}={found}: taken as {taken}, the {'first' if found < taken else 'last'} day there is"
            )
        return taken

    start, end = day("from"), day("to")
    if start and end and start > end:
        problems.append(f"from={start} is after to={end}: the dates are the wrong way round, and were swapped")
        start, end = end, start
    grain = given.get("grain", "month")
    if grain not in GRAINS:
        problems.append(f"grain={grain[:_SAID]}: one of {', '.join(GRAINS)}")
        grain = "month"
    locale = given.get("lang", "en")
    if locale not in LOCALES:
        problems.append(f"lang={locale[:_SAID]}: one of {', '.join(LOCALES)}")
        locale = "en"
    reason = given.get("reason", "")
    if reason not in ("", *REASONS):
        problems.append(f"reason={reason[:_SAID]}: one of {', '.join(REASONS)}")
        reason = ""
    texts = {name: given.get(name, "").strip()[:_LONGEST] for name in ("state", "category", "seller", "order")}
    view = View(
        start,
        end,
        grain,
        texts["state"].upper(),
        texts["category"],
        canonical(texts["seller"]),
        cast(Locale, locale),
        given.get("theme") == "dark",
        reason=reason,
        order=canonical(texts["order"]),
    )
    theme = given.get("theme", "")
    return view.with_(theme=theme if theme in ("light", "dark") else ""), problems
