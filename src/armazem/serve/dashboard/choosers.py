"""The fields of the bar in which one picks a state, a category or a seller, and the words about what cannot be picked.

What is typed only searches: the page is filtered by what is chosen, with a click or with Enter.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, cast

from nicegui import run, ui

from armazem.contract.states import STATES
from armazem.serve.dashboard.choices import Choices, seller_label, unknown_values
from armazem.serve.dashboard.components import Ask, Panel
from armazem.serve.dashboard.paging import plain
from armazem.serve.dashboard.queries import search_sellers
from armazem.serve.dashboard.view import View
from armazem.targets.rows import Rows

Choose = Callable[[str], Awaitable[None]]
Search = Callable[[str], Awaitable[Mapping[str, str]]]
_SUGGESTED = 30
_STATE_NAMES = {code: state.name for code, state in STATES.items()}


def match(typed: str, options: Mapping[str, str], names: Mapping[str, str] | None = None) -> str | None:
    """The option that is meant: called so, or the first that begins so, or that has it within; None where none is.

    `options`: labels by value; `names`: what some are called besides. Neither case nor accents matter, but first.
    """
    if typed in options:
        return typed
    wanted = _plain(typed)
    if not wanted:
        return None
    called = {value: [_plain(value), _plain(label)] for value, label in options.items()}
    for value, name in (names or {}).items():
        if value in called:
            called[value].append(_plain(name))
    for fits in (str.__eq__, str.startswith, str.__contains__):
        for value, texts in called.items():
            if any(fits(text, wanted) for text in texts):
                return value
    return None


def _plain(text: str) -> str:
    return plain(text.strip().casefold().replace("_", " "))


def chooser(name: str, labels: Mapping[str, str], value: str, choose: Choose, search: Search | None = None) -> Any:
    """A select that narrows as one types. `search`: more options for a text, where `labels` are not all there are."""
    names = _STATE_NAMES if name == "state" else None
    select: Any = ui.select(
        with_value(labels, value), label=name.capitalize(), value=value or None, with_input=True, clearable=True,
        on_change=lambda event: choose(event.value or ""),
    ).props("dense outlined options-dense transition-duration=0").classes(name).mark(name)  # fmt: skip

    async def entered(event: Any) -> None:
        typed = str(event.args or "").strip()
        if not typed:
            return
        options = {**select.options, **(await search(typed) if search else {})}
        if select.is_deleted:  # the reader has left meanwhile
            return
        found = match(typed, options, names)
        if found is None:
            ui.notify(f"There is no {name} named {typed[:60]}.", type="warning")
            return
        select.run_method("hidePopup")
        if found != select.value:
            put_value(select, found, options[found])

    select.on("keydown.enter", entered, js_handler="(event) => emit(event.target.value)")
    if search:

        async def narrowed(event: Any) -> None:
            typed = str(event.args or "").strip()
            found = await search(typed) if typed else labels
            if select.is_deleted:
                return
            # Without the chosen one the select would be emptied, and with it the filter.
            kept = {select.value: select.options.get(select.value, select.value)} if select.value else {}
            select.set_options({**kept, **found})

        select.on("input-value", narrowed, throttle=0.25, leading_events=False)
    return select


def seller_search(ask: Ask) -> Search:
    async def search(typed: str) -> Mapping[str, str]:
        rows = cast(Rows, await run.io_bound(ask, search_sellers(typed, _SUGGESTED)))
        return {str(row[0]): seller_label(*row) for row in rows.rows}

    return search


def with_value(labels: Mapping[str, str], value: str) -> dict[str, str]:
    """The options, with one for the value: what is not there is shown nonetheless, and said, rather than dropped."""
    return dict(labels) if not value or value in labels else {**labels, value: value}


def put_value(select: Any, value: str, label: str = "") -> None:
    """Choose it, also where it is no option yet."""
    if value and value not in select.options:
        select.options = {**select.options, value: label or value}
        select.update()
    select.set_value(value or None)


class Notices(Panel):
    """What of the filters cannot be as the reader meant it, each with a button that takes it away."""

    def __init__(self, choices: Callable[[], Choices | None], remove: Callable[[str], Awaitable[None]]) -> None:
        self._choices = choices
        self._remove = remove
        self._list = ui.element("div").style("display:grid;gap:8px")
        self._list.set_visibility(False)

    def load(self, view: View, ask: Ask) -> Sequence[tuple[str, str]]:
        choices = self._choices()
        return unknown_values(view, choices, ask) if choices else ()

    def show(self, view: View, loaded: Sequence[tuple[str, str]]) -> None:
        self._list.clear()
        outside = outside_of_data(view)
        self._list.set_visibility(bool(loaded or outside))
        with self._list:
            for name, value in loaded:
                self._say(f"There is no {name} named {value} in the data, so nothing matches.", name)
            if outside:
                self._say(outside, "")

    def _say(self, words: str, name: str) -> None:
        with ui.element("div").classes("notice").props("role=alert").style("overflow-wrap:anywhere"):
            ui.label(words)
            if name:
                button = ui.button(f"Remove the {name}", icon="close", color=None, on_click=lambda: self._remove(name))
                button.props("flat dense no-caps")

    def fail(self, reason: str) -> None:
        del reason  # the panels say it
        self._list.set_visibility(False)


def outside_of_data(view: View) -> str:
    """Words for dates of which there are no data at all."""
    if view.data is None or view.as_covered() is not None:
        return ""
    there = view.format.dates(view.data.first, view.data.last)
    return f"There are no data for {view.format.dates(view.start, view.end)}: what there is, is of {there}."
