"""The bar of filters below the header: dates, grain, state, category and seller."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import date, timedelta
from typing import Any

from nicegui import ui

from armazem.serve.dashboard.choices import Choices
from armazem.serve.dashboard.choosers import chooser, put_value, seller_search
from armazem.serve.dashboard.components import Ask
from armazem.serve.dashboard.periods import GRAINS, start_of
from armazem.serve.dashboard.view import View

_PERIODS = (("All time", None), ("Last 365 days", 365), ("Last 90 days", 90), ("Last 30 days", 30))


class FilterBar:
    """What a reader sets is given to `change`, by the names of `View`; `path`: of the page without any filter."""

    def __init__(self, ask: Ask, change: Callable[..., Awaitable[None]], path: str) -> None:
        self._ask = ask
        self._change = change
        self._path = path
        self._fields: dict[str, Any] = {}
        self._dates: tuple[Any, ...] = ()
        self._element = ui.element("div").classes("filters").props('role=search aria-label="Filters"')

    def fill(self, choices: Choices | None, view: View) -> None:
        """Fill the fields anew with what there is to choose; empty where nothing is published."""
        self._element.clear()
        if choices is None:
            return
        with self._element:
            self._dates = (self._date("From", "start", view.start), self._date("To", "end", view.end))
            self._periods(choices)
            ui.toggle({grain: grain.capitalize() for grain in GRAINS}, value=view.grain).props(
                'dense unelevated no-caps aria-label="Grain"'
            ).on_value_change(lambda event: self._change(grain=event.value)).mark("grain")
            states, categories = ({value: value for value in of} for of in (choices.states, choices.categories))
            for name, labels in (("state", states), ("category", categories), ("seller", choices.sellers)):
                search = seller_search(self._ask) if name == "seller" else None
                self._fields[name] = chooser(name, labels, getattr(view, name), self._chosen(name), search)
            ui.button("Clear", icon="filter_alt_off", color=None, on_click=lambda: ui.navigate.to(self._path)).props(
                "flat dense no-caps"
            )

    def put(self, changes: Mapping[str, Any]) -> None:
        """Put values that were set elsewhere on the page into their fields."""
        for name in changes.keys() & self._fields.keys():
            put_value(self._fields[name], changes[name])

    def show_dates(self, view: View) -> None:
        """Show the dates in the fields, which may hold some that were swapped or moved to the nearest there is."""
        for field, day in zip(self._dates, (view.start, view.end), strict=False):
            field.set_value(day.isoformat() if day else None)

    def _date(self, label: str, name: str, shown: date | None) -> Any:
        async def change(text: str | None) -> None:
            try:
                day = date.fromisoformat(text) if text else None
            except ValueError:
                return  # still being typed
            await self._change(**{name: day})

        return (
            ui.date_input(label, value=shown.isoformat() if shown else None)
            .props("dense outlined stack-label clearable")
            .classes("date")
            .on_value_change(lambda event: change(event.value))
        )

    def _periods(self, choices: Choices) -> None:
        span = choices.span
        lasts = [(label, span.last - timedelta(days=days - 1) if days else span.first) for label, days in _PERIODS]
        with (
            ui.button(icon="event", color=None).props('flat dense round aria-label="Periods"').tooltip("Periods"),
            ui.menu(),
        ):
            for label, day in (("Month to date", start_of(span.last, "month")), *lasts):
                first = max(span.first, day)

                async def choose(first: date = first) -> None:
                    await self._change(start=first, end=span.last)

                ui.menu_item(label, choose)

    def _chosen(self, name: str) -> Callable[[str], Awaitable[None]]:
        return lambda value: self._change(**{name: value})
