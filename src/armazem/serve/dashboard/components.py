"""What pages are put together of: cards, charts, tables, each of which asks, draws and downloads by itself."""

from __future__ import annotations

import asyncio
import base64
import html
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from nicegui import run, ui
from nicegui.events import GenericEventArguments

from armazem.errors import ArmazemError
from armazem.serve.dashboard.formats import NOTHING, Format
from armazem.serve.dashboard.queries import Query
from armazem.serve.dashboard.theme import Colors, colors
from armazem.serve.dashboard.view import View
from armazem.serve.formats import to_csv
from armazem.warehouse.query import Rows

Ask = Callable[[Query], Rows]
Options = dict[str, Any]

NO_ROWS = "Nothing was sold that matches these filters.\nWiden the dates or take a filter away."


def help_icon(meaning: str) -> None:
    """What a figure means, on hover, focus and touch."""
    with ui.element("span").classes("help").props(f'tabindex=0 role=img aria-label="{html.escape(meaning)}"'):
        ui.icon("info_outline")
        ui.tooltip(meaning)


class Panel:
    """A part of a page: `load` asks in a thread, `show` puts what came on the page."""

    def load(self, view: View, ask: Ask) -> Any:
        raise NotImplementedError

    def show(self, view: View, loaded: Any) -> None:
        raise NotImplementedError

    def fail(self, reason: str) -> None:
        raise NotImplementedError

    _turn = 0

    async def refresh(self, view: View, ask: Ask) -> None:
        self._turn += 1
        turn = self._turn
        try:
            loaded = await run.io_bound(self.load, view, ask)
        except ArmazemError as error:
            if turn == self._turn:
                self.fail(f"{error}\n{error.hint}" if error.hint else str(error))
        else:
            # Of two views asked for shortly after each other, the first may be answered last.
            if turn == self._turn:
                self.show(view, loaded)


async def refresh_all(panels: Sequence[Panel], view: View, ask: Ask) -> None:
    once = asked_once(ask)
    await asyncio.gather(*(panel.refresh(view, once) for panel in panels))


def asked_once(ask: Ask) -> Ask:
    """For panels that are filled together: those that ask the same wait for one answer."""
    answers: dict[Query, Rows] = {}
    locks: dict[Query, threading.Lock] = {}

    def once(query: Query) -> Rows:
        with locks.setdefault(query, threading.Lock()):
            if query not in answers:
                answers[query] = ask(query)
            return answers[query]

    return once


class Framed(Panel):
    """A panel in a frame: title, what it means, a note, the downloads, and `empty`, said where there is no row."""

    def __init__(
        self,
        title: str,
        meaning: str,
        *,
        classes: str = "",
        name: str = "",
        height: int = 300,
        empty: str = NO_ROWS,
    ) -> None:
        self._name = name or title.lower().replace(" ", "-")
        self._nothing = empty
        self._rows: Rows | None = None
        self._view = View()
        with ui.element("section").classes(f"panel {classes}").props(f'aria-label="{html.escape(title)}"'):
            with ui.element("div").classes("head"):
                with ui.element("h2"):
                    ui.html(html.escape(title), sanitize=False)
                help_icon(meaning)
                ui.element("div").classes("spring")
                self.tools = ui.row().classes("gap-1")
                self._downloads()
            self._note = ui.label().classes("note")
            with ui.element("div").classes("body").style(f"height:{height}px"):
                self._make()
                self._empty = ui.element("div").classes("empty").props("role=status")
                with self._empty:
                    self._words = ui.label("Loading …")

    def _make(self) -> None:
        """The element that shows the rows."""
        raise NotImplementedError

    def _draw(self, view: View, rows: Rows) -> str:
        """Show the rows; the note to them."""
        raise NotImplementedError

    def show(self, view: View, loaded: Any) -> None:
        self._rows, self._view = loaded, view
        if loaded.rows:
            self._note.set_text(self._draw(view, loaded))
            self._empty.set_visibility(False)
        else:
            self._note.set_text("")
            self.say(self._nothing)

    def fail(self, reason: str) -> None:
        self._rows = None
        self.say(f"This could not be read.\n{reason}")

    def say(self, words: str) -> None:
        self._words.set_text(words)
        self._empty.set_visibility(True)

    def _downloads(self) -> None:
        button = ui.button(icon="file_download", color=None, on_click=self._download_csv).props(
            "flat dense round size=sm"
        )
        button.props(f'aria-label="Download {html.escape(self._name)} as CSV"').tooltip("Download as CSV")

    def _download_csv(self) -> None:
        if self._rows is None:
            ui.notify("There is nothing to download yet.")
            return
        # With a byte order mark, without which Excel takes it for Latin-1.
        ui.download.content(to_csv(self._rows).encode("utf-8-sig"), f"{self._name}.csv", "text/csv")


class ChartPanel(Framed):
    """An ECharts chart. `ask`: what to query; `draw`: ECharts options and a note, of a view and its rows."""

    def __init__(
        self,
        title: str,
        meaning: str,
        query: Callable[[View], Query],
        draw: Callable[[View, Rows, Colors], tuple[Options, str]],
        *,
        classes: str = "",
        name: str = "",
        height: int = 300,
        empty: str = NO_ROWS,
        on_click: Callable[[Any], Any] | None = None,
    ) -> None:
        self._query = query
        self._options = draw
        self._on_click = on_click
        super().__init__(title, meaning, classes=classes, name=name, height=height, empty=empty)

    def _make(self) -> None:
        self._chart = ui.echart({}, on_point_click=self._on_click).style("height:100%;width:100%")
        self._chart.props(f'role=img aria-label="chart: {html.escape(self._name)}"')

    def load(self, view: View, ask: Ask) -> Rows:
        return ask(self._query(view))

    def _draw(self, view: View, rows: Rows) -> str:
        shades = colors(dark=view.dark)
        options, note = self._options(view, rows, shades)
        options = base_options(shades) | options
        if options != self._chart.options:  # thousands of points need not be sent again
            self._chart.options.clear()
            self._chart.options.update(options)
            self._chart.update()
        return note

    def _downloads(self) -> None:
        super()._downloads()
        button = ui.button(icon="image", color=None, on_click=self._download_png).props("flat dense round size=sm")
        button.props(f'aria-label="Download {html.escape(self._name)} as PNG"').tooltip("Download as PNG")

    async def _download_png(self) -> None:
        background = colors(dark=self._view.dark).card
        wanted = {"type": "png", "pixelRatio": 2, "backgroundColor": background}
        url = await self._chart.run_chart_method("getDataURL", wanted, timeout=10)
        ui.download.content(base64.b64decode(url.partition(",")[2]), f"{self._name}.png", "image/png")


@dataclass(frozen=True, slots=True)
class Column:
    """Of a table. `kind`: how it is written: text, number, money, percent (of 1), days, date, datetime, flag."""

    name: str
    label: str
    kind: str = "text"
    meaning: str = ""
    width: int | None = None


def written(value: Any, kind: str, form: Format) -> str:
    """A value as a table shows it."""
    if value is None:
        return NOTHING
    match kind:
        case "money":
            return form.money(value)
        case "number":
            return form.number(value)
        case "decimal":
            return form.number(value, 2)
        case "ratio":
            return form.number(value, 4)
        case "percent":
            return form.percent(value)
        case "days":
            return form.number(value, 1)
        case "date":
            return form.date(value)
        case "datetime":
            return form.datetime(value)
        case "flag":
            return "yes" if value else "no"
    return str(value)


_LINK = {"cursor": "pointer", "textDecoration": "underline dotted", "textUnderlineOffset": "3px"}


class GridPanel(Framed):
    """An AG Grid table of the columns that the query gives, in their order.

    `note`: a line above it. `on_row`: what a click on a row does, or on its cell of the column `clickable`.
    """

    def __init__(
        self,
        title: str,
        meaning: str,
        query: Callable[[View], Query],
        columns: Sequence[Column],
        *,
        classes: str = "",
        name: str = "",
        height: int = 420,
        empty: str = NO_ROWS,
        note: Callable[[View, Rows], str] | None = None,
        on_row: Callable[[dict[str, Any]], Any] | None = None,
        clickable: str = "",
    ) -> None:
        self._query = query
        self._columns = columns
        self._words_to = note
        self._on_row = on_row
        self._clickable = clickable
        super().__init__(title, meaning, classes=classes, name=name, height=height, empty=empty)

    def _make(self) -> None:
        self._grid = ui.aggrid(
            {
                "columnDefs": [_column(column, [], Format()) for column in self._columns],
                "rowData": [],
                "suppressNoRowsOverlay": True,
            },
            auto_size_columns=False,
        )
        self._grid.style("height:100%;width:100%")
        if self._on_row:
            on_row = self._on_row

            def clicked(event: GenericEventArguments) -> Any:
                return on_row(event.args["data"]) if self._clickable in ("", event.args["colId"]) else None

            self._grid.on("cellClicked", clicked, ["data", "colId"])
            if not self._clickable:
                self._grid.style("cursor:pointer")

    def load(self, view: View, ask: Ask) -> Rows:
        return ask(self._query(view))

    def _draw(self, view: View, rows: Rows) -> str:
        self._grid.options = {
            "columnDefs": [
                _column(column, [row[at] for row in rows.rows], view.format)
                | ({"cellStyle": _LINK} if column.name == self._clickable else {})
                for at, column in enumerate(self._columns)
            ],
            "rowData": [
                {column.name: _plain(value) for column, value in zip(self._columns, row, strict=True)}
                for row in rows.rows
            ],
            "defaultColDef": {"sortable": True, "resizable": True, "suppressMovable": True, "flex": 1, "minWidth": 90},
            "enableCellTextSelection": True,
            "suppressCellFocus": False,
            "theme": "quartz",
            "animateRows": False,
        }
        self._grid.update()
        return self._words_to(view, rows) if self._words_to else ""


def _column(column: Column, values: Sequence[Any], form: Format) -> Options:
    options: Options = {"field": column.name, "headerName": column.label, "headerTooltip": column.meaning}
    if column.width:
        options |= {"minWidth": column.width, "flex": round(column.width / 90, 2)}
    if column.kind in ("number", "decimal", "ratio", "money", "percent", "days"):
        options |= {"type": "rightAligned"}
    elif column.kind == "text":
        options |= {"cellDataType": "text", "tooltipField": column.name}
    if column.kind != "text":
        # The grid sorts by the value and shows what this says for it; a data type would bring its own way to say it.
        options["cellDataType"] = False
        options["refData"] = {_key(value): written(value, column.kind, form) for value in values}
    return options


def _plain(value: Any) -> Any:
    """As JSON has it."""
    if isinstance(value, Decimal):
        return float(value)
    return value.isoformat() if isinstance(value, date | datetime) else value


def _key(value: Any) -> str:
    """As JavaScript writes the value."""
    plain = _plain(value)
    if plain is None:
        return "null"
    if isinstance(plain, bool):
        return str(plain).lower()
    if isinstance(plain, float) and plain.is_integer():
        return str(int(plain))
    return str(plain)


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


def base_options(shades: Colors) -> Options:
    """What all charts have in common. Tooltips are drawn, not HTML: a name in the data can be no markup."""
    return {
        "color": list(shades.series),
        "textStyle": {"color": shades.text, "fontFamily": "inherit"},
        "animationDuration": 250,
        "grid": {"left": 8, "right": 12, "top": 30, "bottom": 4, "containLabel": True},
        "tooltip": tooltip(shades),
        "aria": {"enabled": True},
    }


def tooltip(shades: Colors, **more: Any) -> Options:
    return {
        "renderMode": "richText",
        "confine": True,
        "backgroundColor": shades.card,
        "borderColor": shades.line,
        "textStyle": {"color": shades.text, "fontSize": 13},
        **more,
    }


def axis(shades: Colors, **more: Any) -> Options:
    return {
        "axisLabel": {"color": shades.muted, "hideOverlap": True},
        "axisLine": {"lineStyle": {"color": shades.line}},
        "axisTick": {"show": False},
        "splitLine": {"lineStyle": {"color": shades.line}},
        "nameTextStyle": {"color": shades.muted},
        **more,
    }


def legend(shades: Colors, **more: Any) -> Options:
    return {"textStyle": {"color": shades.text}, "top": 0, "right": 0, "icon": "roundRect", "itemHeight": 8, **more}


def point(value: Any, said: str, **more: Any) -> Options:
    """A datum with the words of its tooltip."""
    # Curly brackets and bars are markup of ECharts' templates and rich text.
    safe = said.translate(str.maketrans("{}|", "()/"))
    return {"value": value, "tooltip": {"formatter": safe}, **more}


def scaled(values: Sequence[Any], form: Format, *, money: bool = False) -> tuple[list[float | None], str]:
    """Values in the unit that the largest is best written in, and the template of an axis label in it."""
    size, unit = form.unit(max((abs(value) for value in values if value is not None), default=0))
    numbers = [None if value is None else round(float(value) / size, 4) for value in values]
    return numbers, f"{'R$ ' if money else ''}{{value}}{unit}"


def records(rows: Rows) -> list[Mapping[str, Any]]:
    """Each row by the names of its columns."""
    return [dict(zip(rows.columns, row, strict=True)) for row in rows.rows]
