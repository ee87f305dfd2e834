"""Own models: of each that the user has added, its description, its rows, and a line or bars of them."""

from __future__ import annotations

from collections.abc import Sequence

from nicegui import ui

from armazem.kpis.catalogue import Kpi
from armazem.serve.dashboard.components import ChartPanel
from armazem.serve.dashboard.frame import Frame
from armazem.serve.dashboard.grids import Column, GridPanel
from armazem.serve.dashboard.pages.own_charts import OwnChart, label_of, order, quoted
from armazem.serve.dashboard.queries import Query
from armazem.serve.dashboard.view import View

NONE = (
    "There are no models of your own in the published version.\n"
    "Put SQL and YAML into the folder models beside the home folder, and build:  armazem build\n"
    "docs/own-models.md goes through it step by step."
)
_NO_ROWS = "The table has no rows."
# How a kind of column is written, and how it comes from the database where the browser could not have it as it is.
_WRITTEN = {"integer": "number", "decimal": "decimal", "number": "decimal", "date": "date", "timestamp": "datetime",
            "boolean": "flag"}  # fmt: skip


def columns(kpi: Kpi) -> Sequence[Column]:
    """Of the table, in its order."""
    width = {"string": 150, "timestamp": 140}
    return tuple(
        Column(name, label_of(name), _WRITTEN.get(kind, "text"), kpi.columns[name], width.get(kind))
        for name, kind in kpi.types.items()
    )


def rows(kpi: Kpi) -> Query:
    """All rows; what is neither number, time nor text as text."""
    selected = (
        quoted(name) if kind in _WRITTEN else f"cast({quoted(name)} as varchar) as {quoted(name)}"
        for name, kind in kpi.types.items()
    )
    return Query(f"select {', '.join(selected)} from own.{quoted(kpi.name)}")


def make(frame: Frame) -> None:
    if not frame.own:
        ui.label(NONE).classes("notice plain").props("role=status")
    for kpi in frame.own:
        _add(frame, kpi)


def _add(frame: Frame, kpi: Kpi) -> None:
    with ui.element("div"):
        with ui.element("div").classes("titlerow"):
            ui.label(kpi.title).classes("pagetitle").props("role=heading aria-level=1")
            ui.label(f"own.{kpi.name}").classes("sub")
        ui.label(kpi.description).classes("sub")
    chart: ChartPanel | None = None
    if kpi.chart != "none":
        chart = OwnChart(kpi)
        frame.panels.append(chart)

    def query(view: View) -> Query:
        del view
        return rows(kpi)

    def by(view: View) -> Query:
        del view
        return order(kpi)

    frame.panels.append(
        GridPanel(
            f"{kpi.title}: all rows", kpi.description or f"The rows of own.{kpi.name}.", query, columns(kpi), order=by,
            classes="w6" if chart else "", name=kpi.name, height=360, empty=_NO_ROWS,
        )
    )  # fmt: skip
