"""What a reader looks at: the filters of the bar, as they stand in the URL. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any, cast
from urllib.parse import urlencode

from armazem.serve.dashboard.formats import LOCALES, Format, Locale

GRAINS = ("day", "week", "month")
_LONGEST = 200  # characters of a text filter


@dataclass(frozen=True, slots=True)
class View:
    """The filters; None or "" is no filter. `start` and `end` are business dates, both included.

    `theme`: light or dark, where the address says so; `dark`: how it is shown.
    """

    start: date | None = None
    end: date | None = None
    grain: str = "month"
    theme: str = field(default="", kw_only=True)
    state: str = ""
    category: str = ""
    seller: str = ""
    locale: Locale = "en"
    dark: bool = False

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

    def before(self) -> View | None:
        """The period of the same length just before."""
        if not (self.start and self.end and self.days):
            return None
        end = self.start - timedelta(days=1)
        return replace(self, start=end - timedelta(days=self.days - 1), end=end)

    def with_(self, **changes: Any) -> View:
        return replace(self, **changes)

    def url(self, path: str) -> str:
        """The address that shows the same view, with nothing in it that is the default."""
        given = {
            "from": self.start.isoformat() if self.start else "",
            "to": self.end.isoformat() if self.end else "",
            "grain": self.grain if self.grain != "month" else "",
            "state": self.state,
            "category": self.category,
            "seller": self.seller,
            "lang": self.locale if self.locale != "en" else "",
            "theme": self.theme,
        }
        query = urlencode({name: value for name, value in given.items() if value})
        return f"{path}?{query}" if query else path


def parse_view(given: Mapping[str, str]) -> tuple[View, list[str]]:
    """The view of a URL's query, and what of it could not be taken, in words. What is unknown is passed over."""
    problems: list[str] = []

    def day(name: str) -> date | None:
        text = given.get(name, "").strip()
        if not text:
            return None
        try:
            return date.fromisoformat(text)
        except ValueError:
            problems.append(f"{name}={text[:40]}: this is no date; write it as 2018-08-31")
            return None

    start, end = day("from"), day("to")
    if start and end and start > end:
        problems.append(f"from={start} is after to={end}: the dates are the wrong way round, and were swapped")
        start, end = end, start
    grain = given.get("grain", "month")
    if grain not in GRAINS:
        problems.append(f"grain={grain[:40]}: one of {', '.join(GRAINS)}")
        grain = "month"
    locale = given.get("lang", "en")
    if locale not in LOCALES:
        problems.append(f"lang={locale[:40]}: one of {', '.join(LOCALES)}")
        locale = "en"
    texts = {name: given.get(name, "").strip()[:_LONGEST] for name in ("state", "category", "seller")}
    view = View(
        start,
        end,
        grain,
        texts["state"].upper(),
        texts["category"],
        texts["seller"].lower(),
        cast(Locale, locale),
        given.get("theme") == "dark",
    )
    theme = given.get("theme", "")
    return view.with_(theme=theme if theme in ("light", "dark") else ""), problems
