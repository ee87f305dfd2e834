"""Tables: an AG Grid that sorts by values and shows texts, downloads, and answers clicks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from nicegui import ui
from nicegui.events import GenericEventArguments

from armazem.serve.dashboard.components import NO_ROWS, Ask, Framed, put
from armazem.serve.dashboard.formats import NOTHING, Format
from armazem.serve.dashboard.options import Options
from armazem.serve.dashboard.pictures import Table
from armazem.serve.dashboard.queries import Query
from armazem.serve.dashboard.view import View
from armazem.warehouse.query import Rows


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


_NUMBERS = ("number", "decimal", "ratio", "money", "percent", "days")
_LINK = {"cursor": "pointer", "textDecoration": "underline dotted", "textUnderlineOffset": "3px"}
_EVERY_COLUMN = {"sortable": True, "resizable": True, "suppressMovable": True, "flex": 1, "minWidth": 90}


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

    _drawn: Sequence[Column] = ()

    def _make(self) -> None:
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
        self._grid.style("height:100%;width:100%")
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

    def load(self, view: View, ask: Ask) -> Rows:
        return ask(self._query(view))

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
