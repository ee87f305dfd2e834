"""Tables: an AG Grid that has a page of the rows; the server sorts all of them, and finds words in them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Unpack

from nicegui import ui
from nicegui.events import GenericEventArguments

from armazem.serve.dashboard.components import Ask, Batches, Framed, Framing, Said, put
from armazem.serve.dashboard.formats import NOTHING, Format
from armazem.serve.dashboard.options import Options
from armazem.serve.dashboard.paging import Page, Wanted, all_query, ask_page, page_of_answer, page_query
from armazem.serve.dashboard.pictures import Table
from armazem.serve.dashboard.queries import Query
from armazem.serve.dashboard.turning import TurnBar
from armazem.serve.dashboard.view import View
from armazem.targets.rows import Rows


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


NO_WORDS = "No row has these words.\nTake one away, or look in the whole table again."
_LONGEST = 200  # characters to look for
_NUMBERS = ("number", "decimal", "ratio", "money", "percent", "days")
_LINK = {"cursor": "pointer", "textDecoration": "underline dotted", "textUnderlineOffset": "3px"}
_EVERY_COLUMN = {"sortable": True, "resizable": True, "suppressMovable": True, "flex": 1, "minWidth": 90}


class GridPanel(Framed):
    """A table of the columns that the query gives, in their order, a page at a time.

    `order`: what its rows are ordered by, to the last tie; `first`: a quicker query for a page in that order, with how
    many rows there are as its last column. `note`: a line above it. `on_row`: what a click on a row does, or on its
    cell of the column `clickable`.
    """

    def __init__(
        self,
        title: str,
        meaning: str,
        query: Callable[[View], Query],
        columns: Sequence[Column],
        *,
        order: Callable[[View], Query] = lambda view: Query(""),
        first: Callable[[View, Wanted], Query] | None = None,
        note: Callable[[View, Rows], str] | None = None,
        on_row: Callable[[dict[str, Any]], Any] | None = None,
        clickable: str = "",
        **framing: Unpack[Framing],
    ) -> None:
        self._query = query
        self._order = order
        self._first = first
        self._columns = columns
        self._words_to = note
        self._on_row = on_row
        self._clickable = clickable
        self._wanted = Wanted()
        self._ask: Ask | None = None
        self._batches: Batches | None = None
        framing.setdefault("height", 420)
        super().__init__(title, meaning, **framing)

    _drawn: Sequence[Column] = ()

    def _make(self) -> None:
        with ui.element("div").classes("paged"):
            self._make_grid()
            self._turn_bar = TurnBar(self._name, self._turn_to, self._find)

    def _make_grid(self) -> None:
        self._grid = ui.aggrid(
            {
                "columnDefs": _columns(self._columns, self._clickable),
                "rowData": [],
                "suppressNoRowsOverlay": True,
                "defaultColDef": _EVERY_COLUMN,
                # Texts of cells can be selected by the style sheet; the grid's own way makes three elements of each.
                "suppressCellFocus": False,
                "animateRows": False,
                "rowBuffer": 2,  # of rows that nobody sees yet; ten are the default, and take as long as those one sees
            },
            auto_size_columns=False,
        )
        self._grid.options[":onSortChanged"] = (
            f"p => getElement({self._grid.id}).$emit('sorted', p.api.getColumnState().filter(c => c.sort)"
            ".sort((a, b) => a.sortIndex - b.sortIndex).map(c => [c.colId, c.sort]))"
        )
        self._grid.on("sorted", lambda event: self._sort(event.args))
        if self._on_row:
            on_row = self._on_row

            def clicked(event: GenericEventArguments) -> Any:
                if self._clickable not in ("", event.args["colId"]):
                    return None
                names = (column.name for column in self._columns)
                return on_row(dict(zip(names, event.args["data"], strict=False)))  # after them the texts

            self._grid.on("cellClicked", clicked, ["data", "colId"])
            if not self._clickable:
                self._grid.style("cursor:pointer")

    async def _sort(self, given: Any) -> None:
        """By the columns that the browser says; what it may say is only what there is."""
        names = {column.name for column in self._columns}
        order = [(name, way == "desc") for name, way in given or () if name in names]
        await self._want(self._wanted.sorted_by(order))

    async def _find(self, words: str) -> None:
        await self._want(replace(self._wanted, words=words[:_LONGEST], offset=0))

    async def _turn_to(self, offset: int) -> None:
        await self._want(replace(self._wanted, offset=offset))

    def _begin_anew(self) -> None:
        """With the first page, for other columns; those of them that are there stay sorted."""
        names = {column.name for column in self._columns}
        self._wanted = self._wanted.sorted_by([entry for entry in self._wanted.order if entry[0] in names])

    async def _want(self, wanted: Wanted) -> None:
        """Another page of the same view."""
        if wanted != self._wanted and self._ask is not None:
            self._wanted = wanted
            await self.refresh(self._view, self._ask)

    def attach(self, ask: Ask, batches: Batches, said: Said) -> None:
        super().attach(ask, batches, said)
        self._ask, self._batches = ask, batches

    def _rows_drawn(self, rows: int) -> str:
        page, form = self._rows, self._view.format
        if not isinstance(page, Page):
            return ""
        which = f"Rows {form.number(page.offset + 1)}–{form.number(page.offset + rows)} of {form.number(page.total)}"
        labels = {column.name: column.label for column in self._columns}
        order = ", ".join(
            f"{labels[name]} {'↓' if falls else '↑'}" for name, falls in self._wanted.order if name in labels
        )
        found = f" with “{self._wanted.words}”" if self._wanted.words else ""
        return f"{which}{found}{f', by {order}' if order else ''}."

    async def answer(self, view: View, ask: Ask) -> Callable[[], None]:
        if view.changed(self._view) - {"dark", "theme", "locale", "order"}:
            self._wanted, self._view = replace(self._wanted, offset=0), view
        return await super().answer(view, ask)

    def load(self, view: View, ask: Ask) -> Page:
        return ask_page(lambda wanted: self._page(view, ask, wanted), self._wanted)

    def _page(self, view: View, ask: Ask, wanted: Wanted) -> Page:
        if self._first is not None and wanted.is_plain:
            return page_of_answer(ask(self._first(view, wanted)), wanted)
        query = page_query(self._query(view), self._order(view), self._texts, wanted)
        return page_of_answer(ask(query), wanted)

    @property
    def _texts(self) -> list[str]:
        return [column.name for column in self._columns if column.kind == "text"]

    def csv_rows(self) -> Iterator[Sequence[Sequence[Any]]]:
        """All rows that match, not those of the page."""
        if self._batches is None:
            return
        query = all_query(
            self._query(self._view), self._order(self._view), self._texts, replace(self._wanted, offset=0)
        )
        for rows in self._batches(query):
            yield rows.rows if rows.rows else [rows.columns]

    def show(self, view: View, loaded: Any) -> None:
        super().show(view, loaded)
        self._turn_bar.show(loaded, view.format)
        if not loaded.rows and self._wanted.words:
            self.say(NO_WORDS)

    def fail(self, reason: str) -> None:
        super().fail(reason)
        self._turn_bar.show(Page((), ()), Format())

    def _draw(self, view: View, rows: Rows) -> str:
        form = view.format
        found = [_row(self._columns, row, form) for row in rows.rows]
        columns = _columns(self._columns, self._clickable)
        if not self._drawn:
            put(self._grid, {**self._grid.options, "columnDefs": columns, "rowData": found})
        else:
            # A new grid would take the browser several times as long, and forget how the reader has sorted it.
            if list(self._drawn) != list(self._columns):
                self._grid.run_grid_method("setGridOption", "columnDefs", columns)
            if found != self._grid.options["rowData"]:  # what does not depend on the filters need not be sent again
                self._grid.run_grid_method("setGridOption", "rowData", found)
            dict.update(self._grid.options, columnDefs=columns, rowData=found)
        self._drawn = self._columns
        return self._words_to(view, rows) if self._words_to else ""

    def _as_table(self, rows: Rows) -> Table:
        form, places = self._view.format, [rows.columns.index(column.name) for column in self._columns]
        shown = [
            [written(row[at], column.kind, form) for column, at in zip(self._columns, places, strict=True)]
            for row in rows.rows
        ]
        right = [column.kind in _NUMBERS for column in self._columns]
        return Table(self._title, [column.label for column in self._columns], shown, right)


def _columns(columns: Sequence[Column], clickable: str) -> list[Options]:
    """Of the grid, for rows as `_row` makes them."""
    found, texts = [], len(columns)
    for at, column in enumerate(columns):
        options: Options = {
            "colId": column.name, "field": str(at), "headerName": column.label, "headerTooltip": column.meaning,
            ":comparator": "() => 0",  # the server has sorted them
        }  # fmt: skip
        if column.name == clickable:
            options |= {"cellStyle": _LINK}
        if column.width:
            options |= {"minWidth": column.width, "flex": round(column.width / 90, 2)}
        if column.kind in _NUMBERS:
            options |= {"type": "rightAligned"}
        elif column.kind == "text":
            options |= {"cellDataType": "text", "tooltipField": str(at)}
        if column.kind != "text":
            # The grid sorts by the value and shows its text; a data type would bring its own way to write it.
            options |= {"cellDataType": False, ":valueFormatter": f"p => p.data?.[{texts}]"}
            texts += 1
        found.append(options)
    return found


def _row(columns: Sequence[Column], row: Sequence[Any], form: Format) -> list[Any]:
    """The values, and after them how those that are no text are written.

    A list: names in each row would be half of what is sent.
    """
    texts = (
        written(value, column.kind, form) for column, value in zip(columns, row, strict=True) if column.kind != "text"
    )
    return [*map(_plain, row), *texts]


def _plain(value: Any) -> Any:
    """As JSON has it."""
    if isinstance(value, Decimal):
        return float(value)
    return value.isoformat() if isinstance(value, date | datetime) else value
