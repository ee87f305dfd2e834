"""Cards: a number with its change and its course, and what it means."""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from nicegui import ui

from armazem.serve.dashboard.components import Ask, Panel, help_icon
from armazem.serve.dashboard.formats import NOTHING, Format
from armazem.serve.dashboard.theme import Colors, colors
from armazem.serve.dashboard.view import View

_DASHED = 'stroke-dasharray="1 4" stroke-opacity="0.7" '


@dataclass(slots=True)
class Figure:
    """A number on a card: its text, its change since the period before, and its course.

    `change`: a share of what it was; with `points` a difference of shares. `course`: None where there is no value.
    `cut`: of each of its periods whether only a part of it is known.
    """

    text: str
    change: float | None = None
    course: Sequence[float | None] = ()
    note: str = ""
    points: bool = False
    cut: Sequence[bool] = ()


@dataclass(slots=True)
class Card:
    """`more_is`: whether an increase is good, bad, or neither."""

    name: str
    meaning: str
    more_is: str = "good"
    _value: Any = field(default=None, init=False)
    _change: Any = field(default=None, init=False)
    _course: Any = field(default=None, init=False)

    def make(self) -> None:
        with ui.element("section").classes("panel card").props(f'aria-label="{html.escape(self.name)}"'):
            with ui.element("div").classes("name"):
                ui.label(self.name)
                help_icon(self.meaning)
            self._value = ui.label(NOTHING).classes("value").mark(self.name)
            self._change = ui.html("&nbsp;", sanitize=False).classes("change")
            self._course = ui.html("", sanitize=False).style("height:34px")

    def show(self, figure: Figure, form: Format, shades: Colors) -> None:
        self._value.set_text(figure.text)
        self._change.set_content(self._said(figure, form))
        self._course.set_content(sparkline(figure.course, shades.first, figure.cut))
        self._course.set_visibility(len(figure.course) > 1)

    def _said(self, figure: Figure, form: Format) -> str:
        if figure.change is None:
            return html.escape(figure.note) or "&nbsp;"
        change = round(figure.change, 3)  # one that is written as 0.0 is none
        good = self.more_is == "good"
        tone = "" if self.more_is == "neither" or not change else "good" if (change > 0) == good else "bad"
        arrow = "▲" if change > 0 else "▼" if change < 0 else "="
        said = form.points(change) if figure.points else form.change(change)
        return f'<span class="{tone}">{arrow} {said}</span> {html.escape(figure.note)}'


class CardsPanel(Panel):
    """A row of cards that one `load` fills: `figures(view, ask)` gives one Figure a card."""

    def __init__(self, cards: Sequence[Card], figures: Callable[[View, Ask], Sequence[Figure]]) -> None:
        self._cards = cards
        self._figures = figures
        with ui.element("div").classes("cards"):
            for card in cards:
                card.make()

    def load(self, view: View, ask: Ask) -> Sequence[Figure]:
        return self._figures(view, ask)

    def show(self, view: View, loaded: Any) -> None:
        for card, figure in zip(self._cards, loaded, strict=True):
            card.show(figure, view.format, colors(dark=view.dark))

    def fail(self, reason: str) -> None:
        for card in self._cards:
            card.show(Figure(NOTHING, note=reason.partition("\n")[0]), Format(), colors(dark=False))


def sparkline(values: Sequence[float | None], color: str, cut: Sequence[bool] = ()) -> str:
    """Return a small line as SVG, without axes: with a gap where there is no value, dashed to and from what is cut."""
    known = [value for value in values if value is not None]
    if len(values) < 2 or not known:
        return ""
    low, high = min(known), max(known)
    span = (high - low) or 1
    width, height = 120, 30
    places = [
        None
        if value is None
        else f"{width * at / (len(values) - 1):.1f},{height - 2 - (height - 4) * (value - low) / span:.1f}"
        for at, value in enumerate(values)
    ]
    cuts = list(cut) or [False] * len(values)
    lines: list[tuple[bool, list[str]]] = []
    joined = False
    for at, place in enumerate(places):
        if place is None:
            joined = False
            continue
        dashed = cuts[at] or (at > 0 and cuts[at - 1])
        if not joined:
            lines.append((dashed, [place]))
        elif lines[-1][0] == dashed or len(lines[-1][1]) == 1:
            lines[-1] = (dashed, [*lines[-1][1], place])
        else:
            lines.append((dashed, [lines[-1][1][-1], place]))
        joined = True
    drawn = "".join(
        # A line of one point has a round end, and is seen as a dot.
        f'<polyline points="{" ".join(points if len(points) > 1 else points * 2)}" fill="none" stroke="{color}" '
        f'stroke-width="1.8" {_DASHED if dashed else ""}'
        'vector-effect="non-scaling-stroke" stroke-linejoin="round" stroke-linecap="round"/>'
        for dashed, points in lines
    )
    return (
        f'<svg viewBox="0 0 {width} {height}" preserveAspectRatio="none" width="100%" height="30" aria-hidden="true">'
        f"{drawn}</svg>"
    )
