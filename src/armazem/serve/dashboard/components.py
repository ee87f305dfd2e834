"""What pages are put together of: panels, each of which asks, draws and downloads by itself."""

from __future__ import annotations

import asyncio
import html
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, TypedDict, Unpack

from nicegui import run, ui

from armazem.errors import ArmazemError
from armazem.serve.dashboard.captions import Caption, of_picture, picture_script
from armazem.serve.dashboard.downloads import in_batches, offer
from armazem.serve.dashboard.options import Options, base_options
from armazem.serve.dashboard.pictures import Table, draw_table
from armazem.serve.dashboard.queries import Query
from armazem.serve.dashboard.theme import Colors, colors
from armazem.serve.dashboard.view import View
from armazem.targets.rows import Rows

Ask = Callable[[Query], Rows]
Batches = Callable[[Query], Iterator[Rows]]
Said = Callable[[View], tuple[str, str]]
"""Which filters a view has, if the page has any; where it is from."""
_TOGETHER = 0.1  # seconds
_DRAWING_SECONDS = 10

NO_ROWS = "Nothing was sold that matches these filters.\nWiden the dates or take a filter away."


def help_icon(meaning: str) -> None:
    """What a figure means, on hover, focus and touch."""
    with ui.element("span").classes("help").props(f'tabindex=0 role=img aria-label="{html.escape(meaning)}"'):
        ui.icon("info_outline")
        ui.tooltip(meaning)


class Panel(ABC):
    """A part of a page: `load` asks in a thread, `show` puts what came on the page."""

    @abstractmethod
    def load(self, view: View, ask: Ask) -> Any: ...

    @abstractmethod
    def show(self, view: View, loaded: Any) -> None: ...

    @abstractmethod
    def fail(self, reason: str) -> None: ...

    reads: frozenset[str] = frozenset()
    """The filters of one page (`view.OF_ONE_PAGE`) that it shows; of the others it shows all."""

    def attach(self, ask: Ask, batches: Batches, said: Said) -> None:
        """Whom a panel asks later than the page is filled: for a whole answer, or for some rows at a time; and what
        its pictures say of a view.
        """
        del ask, batches, said

    async def refresh(self, view: View, ask: Ask) -> None:
        (await self.answer(view, ask))()

    _turn = 0
    _closed = False

    def close(self) -> None:
        """Put nothing on the page any more, whatever was asked: it has other panels now, or the reader has left."""
        self._closed = True

    async def answer(self, view: View, ask: Ask) -> Callable[[], None]:
        """What puts the answer, or why there is none, on the page."""
        self._turn += 1
        turn = self._turn
        try:
            loaded = await run.io_bound(self.load, view, ask)
        except ArmazemError as error:
            put_on = partial(self.fail, f"{error}\n{error.hint}" if error.hint else str(error))
        else:
            put_on = partial(self.show, view, loaded)

        # Of two views asked for shortly after each other, the first may be answered last.
        return lambda: put_on() if turn == self._turn and not self._closed else None


async def refresh_all(panels: Sequence[Panel], view: View, ask: Ask) -> None:
    """Fill them; those whose answers come at about the same time together.

    For each message of the server the browser goes through the whole page.
    """
    once = asked_once(ask)
    async with asyncio.TaskGroup() as group:
        waiting = {group.create_task(panel.answer(view, once)) for panel in panels}
        while waiting:
            ready, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            if waiting:
                more, waiting = await asyncio.wait(waiting, timeout=_TOGETHER)
                ready |= more
            for answer in ready:
                answer.result()()


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


class Framing(TypedDict, total=False):
    """How a frame looks. `name`: of files, the title without it; `empty`: said where there is no row."""

    classes: str
    name: str
    height: int
    empty: str


class Framed(Panel):
    """A panel in a frame: title, what it means, a note, and the downloads."""

    def __init__(self, title: str, meaning: str, **framing: Unpack[Framing]) -> None:
        self._title = title
        self._name = framing.get("name") or title.lower().replace(" ", "-")
        self._nothing = framing.get("empty", NO_ROWS)
        self._rows: Rows | None = None
        self._view = View()
        self._caption_of: Said = lambda view: ("", "")
        self._section = ui.element("section").classes(f"panel {framing.get('classes', '')}")
        self._section.props(f'aria-label="{html.escape(title)}"')
        with self._section:
            with ui.element("div").classes("head"):
                with ui.element("h2"):
                    ui.html(html.escape(title), sanitize=False)
                help_icon(meaning)
                ui.element("div").classes("spring")
                self.tools = ui.row().classes("gap-1")
                self._downloads()
            self._note = ui.label().classes("note")
            with ui.element("div").classes("body").style(f"height:{framing.get('height', 300)}px"):
                self._make()
                self._empty = ui.element("div").classes("empty").props("role=status")
                with self._empty:
                    self._words = ui.label("Loading …")

    @abstractmethod
    def _make(self) -> None:
        """The element that shows the rows."""

    @abstractmethod
    def _draw(self, view: View, rows: Rows) -> str:
        """Show the rows; the note to them."""

    def attach(self, ask: Ask, batches: Batches, said: Said) -> None:
        del ask, batches
        self._caption_of = said

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
        self._address = offer(self)
        for icon, kind, download in (
            ("file_download", "CSV", self._download_csv),
            ("image", "PNG", self._download_png),
        ):
            button = ui.button(icon=icon, color=None, on_click=download).props("flat dense round size=sm")
            button.props(f'aria-label="Download {html.escape(self._name)} as {kind}"').tooltip(f"Download as {kind}")

    def _download_csv(self) -> None:
        if self._rows is None:
            ui.notify("There is nothing to download yet.")
            return
        ui.download.from_url(self._address, f"{self._name}.csv", "text/csv")

    @property
    def file_name(self) -> str:
        return self._name

    def csv_rows(self) -> Iterator[Sequence[Sequence[Any]]]:
        """All rows of the view, under their names."""
        rows = self._rows or Rows((), ())
        return in_batches(rows.columns, rows.rows)

    async def _download_png(self) -> None:
        """The rows as a picture of a table, which a chart that nobody sees draws."""
        if self._rows is None or not self._rows.rows:
            ui.notify("There is nothing to download yet.")
            return
        table = replace(self._as_table(self._rows), title="")  # stands above
        picture = draw_table(table, colors(dark=self._view.dark))
        size = f"width:{picture.width}px;height:{picture.height}px"
        with self._section:
            chart = ui.echart(picture.options).style(f"position:fixed;left:-99999px;top:0;{size}")
        drawn = asyncio.Event()
        chart.on("chart:finished", drawn.set, [])
        try:
            await asyncio.wait_for(drawn.wait(), _DRAWING_SECONDS)
            await self._download_chart(chart, picture.ratio, self._rows_drawn(picture.rows))
        except TimeoutError:
            if not self._closed:
                ui.notify(
                    "The browser did not draw the picture in time. Try again, or download it as CSV.", type="warning"
                )
        finally:
            if not chart.is_deleted:
                chart.delete()

    def _as_table(self, rows: Rows) -> Table:
        """What a picture of the rows shows."""
        shown = [["" if value is None else str(value) for value in row] for row in rows.rows]
        return Table(self._title, rows.columns, shown, [False] * len(rows.columns))

    def _rows_drawn(self, rows: int) -> str:
        """Which rows a picture of so many shows."""
        return f"The first {rows} rows." if self._rows and rows < len(self._rows.rows) else ""

    async def _download_chart(self, chart: ui.echart, ratio: float, more: str = "") -> None:
        filters, source = self._caption_of(self._view)
        caption = Caption(self._title, (filters, of_picture(self._note.text), more), source)
        script = picture_script(chart.id, ratio, self._name, caption, colors(dark=self._view.dark))
        await ui.run_javascript(script, timeout=_DRAWING_SECONDS)


def put(element: Any, options: Options) -> None:
    """Give a chart or a grid other options.

    Past the dictionary that watches each list and dictionary in it for changes: with thousands of points that takes
    most of the time of a page, and nothing here changes one by one.
    """
    dict.clear(element.options)
    dict.update(element.options, options)
    element.update()


class ChartPanel(Framed):
    """An ECharts chart. `draw`: its options and a note, of a view and the rows; `of`: its rows, of the answer."""

    def __init__(
        self,
        title: str,
        meaning: str,
        query: Callable[[View], Query],
        draw: Callable[[View, Rows, Colors], tuple[Options, str]],
        *,
        on_click: Callable[[Any], Any] | None = None,
        of: Callable[[View, Rows], Rows] = lambda view, rows: rows,
        **framing: Unpack[Framing],
    ) -> None:
        self._query = query
        self._of = of
        self._options = draw
        self._on_click = on_click
        super().__init__(title, meaning, **framing)

    def _make(self) -> None:
        self._chart = ui.echart({}, on_point_click=self._on_click).style("height:100%;width:100%")
        self._chart.props(f'role=img aria-label="chart: {html.escape(self._name)}"')

    def load(self, view: View, ask: Ask) -> Rows:
        return self._of(view, ask(self._query(view)))

    def _draw(self, view: View, rows: Rows) -> str:
        shades = colors(dark=view.dark)
        options, note = self._options(view, rows, shades)
        options = base_options(shades) | options
        if options != self._chart.options:  # thousands of points need not be sent again
            put(self._chart, options)
        return note

    async def _download_png(self) -> None:
        if self._rows is None or not self._rows.rows:
            ui.notify("There is nothing to download yet.")
            return
        await self._download_chart(self._chart, 2)
