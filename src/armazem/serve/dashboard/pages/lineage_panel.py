"""In words, what a KPI or an own model is computed from: the panel of the data page."""

from __future__ import annotations

import html
from collections.abc import Mapping

from nicegui import ui

from armazem.build.descriptions import source_text
from armazem.contract.layers import OWN
from armazem.kpis.catalogue import KPIS
from armazem.serve.dashboard import data_sources as data
from armazem.serve.dashboard import lineage
from armazem.serve.dashboard.components import Ask, Framed
from armazem.serve.dashboard.frame import Frame
from armazem.serve.dashboard.lineage import Node
from armazem.serve.dashboard.view import View
from armazem.targets.rows import Rows

_LAYERS = {
    OWN: "Own model",
    "kpis": "KPI",
    "marts": "Marts: facts and dimensions",
    "intermediate": "In between",
    "staging": "Staging: cleaned, one row per key",
    "source": "Sources: rows of files and events, as they came",
}


_KPI_TITLES = {kpi.name: kpi.title for kpi in KPIS}


class LineagePanel(Framed):
    """In words, what a KPI table is and what it is computed from."""

    def __init__(self, frame: Frame, *, classes: str) -> None:
        self._frame = frame
        self._own: list[str] = []
        super().__init__(
            "Lineage of a KPI in words", "What a KPI table is, what its columns mean, and from which tables it is "
            "computed, down to the source tables: as the published version has it.", classes=classes, name="lineage",
            height=560,
        )  # fmt: skip

    def _make(self) -> None:
        with ui.element("div").classes("chosen"):
            self._select = (
                ui.select(_KPI_TITLES, value=KPIS[0].name, label="KPI",
                          on_change=lambda event: self._changed())
                .props("dense outlined options-dense")
                .mark("lineage")
            )  # fmt: skip
            self._text = (
                ui.html("", sanitize=False).classes("texts").props('tabindex=0 role=region aria-label="Lineage"')
            )

    async def _changed(self) -> None:
        await self.refresh(self._frame.view, self._frame.sources.ask)

    def load(self, view: View, ask: Ask) -> Rows:
        del view
        with data.readable("what the version consists of"):
            known = lineage.nodes_of(ask(lineage.MODELS))
            self._own = sorted(node.name for node in known.values() if node.layer == OWN)
            chosen = self._select.value
            return lineage_rows(chosen if chosen in known else KPIS[0].name, known)

    def _draw(self, view: View, rows: Rows) -> str:
        del view
        [(layer, name, *_)] = [row for row in rows.rows if row[0] != "columns"][:1]
        self._select.set_options(_KPI_TITLES | {own: own for own in self._own}, value=name)
        self._text.set_content(lineage_html(rows))
        return f"{layer}.{name}"


def lineage_rows(name: str, known: Mapping[str, Node]) -> Rows:
    """Columns first, then the steps."""
    rows = [("columns", column, words, "") for column, words in known[name].columns.items()]
    for node in lineage.steps(name, known):
        words = _source_words(node.name) if node.layer == "source" else node.description
        rows.append((node.layer, node.name, words, ", ".join(node.inputs)))
    return Rows(("part", "name", "description", "computed_from"), tuple(rows))


def _source_words(name: str) -> str:
    try:
        return source_text(name).description
    except KeyError:  # of a user's own
        return ""


def lineage_html(rows: Rows) -> str:
    """Plain lists; every word is escaped."""
    parts: dict[str, list[str]] = {}
    for part, name, words, inputs in rows.rows:
        computed = f"<br><small>Computed from: {html.escape(inputs)}</small>" if inputs else ""
        parts.setdefault(part, []).append(f"<li><b>{html.escape(name)}</b> {html.escape(words)}{computed}</li>")
    shown = next((layer for layer in parts if layer != "columns"), "")
    order = (shown, "columns", *(layer for layer in parts if layer not in (shown, "columns")))
    headings = {"columns": "Its columns", **_LAYERS}
    return "".join(
        f"<h3>{html.escape(headings.get(part, part))}</h3><ul>{''.join(parts[part])}</ul>"
        for part in order
        if part in parts
    )
