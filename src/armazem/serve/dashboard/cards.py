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


@dataclass(slots=True)
class Figure:
    """A number on a card: its text, its change since the period before (a share), and its course."""

    text: str
    change: float | None = None
    course: Sequence[float] = ()
    note: str = ""


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
        self._course.set_content(sparkline(figure.course, shades.first))
        self._course.set_visibility(len(figure.course) > 1)

    def _said(self, figure: Figure, form: Format) -> str:
        if figure.change is None:
            return html.escape(figure.note) or "&nbsp;"
        good = self.more_is == "good"
        tone = (
            "" if self.more_is == "neither" or not figure.change else "good" if (figure.change > 0) == good else "bad"
        )
        arrow = "▲" if figure.change > 0 else "▼" if figure.change < 0 else "="
        return f'<span class="{tone}">{arrow} {form.change(figure.change)}</span> {html.escape(figure.note)}'


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


def sparkline(values: Sequence[float], color: str) -> str:
    """A small line as SVG, without axes."""
    if len(values) < 2:
        return ""
    low, high = min(values), max(values)
    span = (high - low) or 1
    width, height = 120, 30
    points = " ".join(
        f"{width * at / (len(values) - 1):.1f},{height - 2 - (height - 4) * (value - low) / span:.1f}"
        for at, value in enumerate(values)
    )
    return (
        f'<svg viewBox="0 0 {width} {height}" preserveAspectRatio="none" width="100%" height="30" aria-hidden="true">'
        f'<polyline points="{points}" fill="none" stroke="{color}" stroke-width="1.8" '
        'vector-effect="non-scaling-stroke" stroke-linejoin="round"/></svg>'
    )
