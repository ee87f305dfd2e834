"""The panels of the data page: tables and texts that are read from more than one query."""

from __future__ import annotations

import html
import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Unpack

from nicegui import ui

from armazem.errors import ArmazemError
from armazem.serve.dashboard import data_sources as data
from armazem.serve.dashboard.components import Ask, Framed, Framing
from armazem.serve.dashboard.downloads import in_batches
from armazem.serve.dashboard.frame import Frame
from armazem.serve.dashboard.grids import Column, GridPanel
from armazem.serve.dashboard.paging import Page, ask_page, matching, page_of
from armazem.serve.dashboard.queries import Query
from armazem.serve.dashboard.view import View
from armazem.targets.duckdb.query import run_query
from armazem.targets.rows import Rows

Read = Callable[[View, Ask], Rows]
FAILING = 100
"""Failing rows shown, """
FAILING_OF_CHECK = 25
"""and of each check of a test."""


class HomeGrid(GridPanel):
    """A table of what `read` gives. Columns of it that are not shown are in the download only, empty ones too."""

    def __init__(
        self,
        title: str,
        meaning: str,
        read: Read,
        columns: Sequence[Column],
        *,
        note: Callable[[View, Rows], str] | None = None,
        on_row: Callable[[dict[str, Any]], Any] | None = None,
        **framing: Unpack[Framing],
    ) -> None:
        self._read = read
        self._all = columns
        self._whole = Rows((), ())
        super().__init__(title, meaning, lambda view: Query(""), columns, note=note, on_row=on_row, **framing)

    def load(self, view: View, ask: Ask) -> Page:
        self._whole = self._read(view, ask)
        return ask_page(lambda wanted: page_of(self._whole, self._texts, wanted), self._wanted)

    def csv_rows(self) -> Iterator[Sequence[Sequence[Any]]]:
        found = matching(self._whole, self._texts, self._wanted)
        return in_batches(found.columns, found.rows)

    @property
    def _texts(self) -> list[str]:
        return [column.name for column in self._all if column.kind == "text"]

    def _draw(self, view: View, rows: Rows) -> str:
        values = {name: [row[at] for row in rows.rows] for at, name in enumerate(rows.columns)}
        filled = {
            name for at, name in enumerate(rows.columns) if any(row[at] not in (None, "") for row in self._whole.rows)
        }
        self._columns = [column for column in self._all if column.name in filled]
        names = tuple(column.name for column in self._columns)
        return super()._draw(view, Rows(names, tuple(zip(*(values[name] for name in names), strict=True))))


class TextsPanel(Framed):
    """Rows of a heading and a text, as plain text; with the style `pairs` beside each other."""

    def __init__(self, title: str, meaning: str, read: Read, *, style: str = "", **framing: Unpack[Framing]) -> None:
        self._read = read
        self._style = style
        super().__init__(title, meaning, **framing)

    def _make(self) -> None:
        self._text = ui.html("", sanitize=False).classes(f"texts {self._style}").props("tabindex=0 role=region")
        self._text.props(f'aria-label="{html.escape(self._name)}"')

    def load(self, view: View, ask: Ask) -> Rows:
        return self._read(view, ask)

    def _draw(self, view: View, rows: Rows) -> str:
        del view
        self._text.set_content(texts(rows.rows))
        return ""


def texts(rows: Sequence[Sequence[Any]]) -> str:
    """HTML of headings and what stands under each; every word of the rows is escaped."""
    lines, last = [], None
    for heading, text in rows:
        if heading != last:
            lines.append(f"<dt>{html.escape(str(heading))}</dt>")
            last = heading
        lines.append(f"<dd>{html.escape(str(text))}</dd>")
    return f"<dl>{''.join(lines)}</dl>"


_TESTS = (
    Column("test", "Test", width=250),
    Column("status", "Status", meaning="`warn`: it has failing rows, and its severity lets the build pass.", width=85),
    Column("failures", "Failing rows", "number", width=115),
    Column("failed_checks", "Failing rows per check", width=260),
    Column("seconds", "Seconds", "decimal"),
    Column("description", "What it checks", width=320),
)


class TestsPanel(HomeGrid):
    """The tests of the published build, or of the one that failed; a click on one fills `failing` with its rows."""

    __test__ = False  # pytest

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._home = frame.sources.published.home
        self._failed = self._failed_kept = False
        super().__init__(
            "Tests", "Tests of the tables. Those that fail stop the publication, those that warn do not.",
            self._results, _TESTS, classes="w7", height=420, on_row=lambda row: self._choose(row["test"]),
            note=self._said, empty="Nothing is tested yet: a build tests what it builds.",
        )  # fmt: skip
        with self.tools:
            self._which = ui.toggle({False: "Published", True: "Failed build"}, value=False).props(
                'dense unelevated no-caps aria-label="Tests of which build"'
            )
            self._which.on_value_change(lambda event: self._switch(event.value)).mark("which-build")
            self._which.set_visibility(False)
        self.failing = FailingRows(lambda sql: self._ask(Query(sql)))

    def _ask(self, query: Query) -> Rows:
        if self._failed:
            with data.readable("the tables of the failed build"):
                return run_query(self._home, query.sql, query.parameters, failed=True)
        return self._frame.sources.ask(query)

    def _results(self, _: View, ask: Ask) -> Rows:
        del ask
        self._failed_kept = data.failed_kept(self._home)
        self._failed = self._failed and self._failed_kept
        if not self._failed and self._frame.sources.published.build_id() is None:
            return Rows((), ())
        return self._ask(data.TESTS)

    def show(self, view: View, loaded: Any) -> None:
        self._which.set_visibility(self._failed_kept)
        self._which.set_value(self._failed)
        super().show(view, loaded)
        self.failing.offer({row[0]: row[-1] for row in self._whole.rows if row[3]})

    def _said(self, *_: object) -> str:
        return "Click a test to see its failing rows."

    def _choose(self, test: str) -> None:
        self.failing.choose(test)

    async def _switch(self, failed: bool) -> None:
        if failed != self._failed:
            self._failed = failed
            await self.refresh(self._frame.view, self._frame.sources.ask)
            await self.failing.refresh(self._frame.view, self._frame.sources.ask)


class FailingRows(Framed):
    """The failing rows of a test, which its own query finds in the tables that it tested."""

    def __init__(self, ask: Callable[[str], Rows]) -> None:
        self._ask = ask
        self._tests: dict[str, str] = {}
        super().__init__(
            "Failing rows", "Found again by the query of the test, in the tables that it tested: they are kept there.",
            classes="w5", height=420, empty="There are no failing rows to show.",
        )  # fmt: skip

    def _make(self) -> None:
        with ui.element("div").classes("chosen"):
            self._select = (
                ui.select([], label="Test", on_change=lambda event: self._changed())
                .props("dense outlined options-dense")
                .mark("failing-test")
            )
            self._text = ui.html("", sanitize=False).classes("texts").props('tabindex=0 role=region aria-label="Rows"')

    def offer(self, tests: dict[str, str]) -> None:
        """Tests that have failing rows, with their queries."""
        self._tests = tests
        kept = self._select.value if self._select.value in tests else next(iter(tests), None)
        self._select.set_options(list(tests), value=kept)

    def choose(self, test: str) -> None:
        if test in self._tests:
            self._select.set_value(test)
        else:
            ui.notify(f"{test} has no failing row.")

    async def _changed(self) -> None:
        await self.refresh(self._view, lambda query: Rows((), ()))

    def load(self, view: View, ask: Ask) -> Rows:
        del view, ask
        test = self._select.value
        if test not in self._tests:
            return Rows((), ())
        try:
            return self._ask(failing_rows(self._tests[test]))
        except ArmazemError as error:
            command = f"armazem sql \"select sql from meta.test_results where test = '{test}'\""
            raise ArmazemError(str(error).partition("\n")[0], f"its query:  {command}") from error

    def csv_rows(self) -> Iterator[Sequence[Sequence[Any]]]:
        """All of them, not only those that are shown."""
        sql = self._tests.get(self._select.value)
        rows = self._ask(f"select * from ({sql}\n)") if sql else Rows((), ())
        return in_batches(rows.columns, rows.rows)

    def _draw(self, view: View, rows: Rows) -> str:
        self._text.set_content(texts([_failing(rows.columns, row) for row in rows.rows]))
        del view
        return (
            f"Up to {FAILING_OF_CHECK} of each check, {FAILING} in all: {len(rows.rows)} rows. The CSV has every one."
        )


def failing_rows(sql: str) -> str:
    """The query of a test as one for a look at what fails: what stops a publication first."""
    if "as failed_check" not in sql:
        return f"select * from ({sql}\n) limit {FAILING}"
    return (
        f"select * from ({sql}\n) qualify row_number() over (partition by failed_check order by failing_row) "
        f"<= {FAILING_OF_CHECK} order by severity, failed_check, failing_row limit {FAILING}"
    )


def _failing(columns: Sequence[str], row: Sequence[Any]) -> tuple[str, str]:
    """A failing row under its check."""
    record = dict(zip(columns, row, strict=True))
    if {"failed_check", "failing_row"} <= record.keys():
        heading, text = f"{record['failed_check']} ({record['severity']})", str(record["failing_row"])
        try:
            record = json.loads(text)
        except ValueError:
            return heading, text
    else:
        heading = "Failing rows"
    return heading, ", ".join(f"{name}: {value}" for name, value in record.items() if value is not None)
