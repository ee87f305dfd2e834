"""Data: what is published, how fresh and how well tested it is, what was refused, and what figures are made of."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from nicegui import run, ui

from armazem.build.descriptions import meaning
from armazem.errors import ArmazemError
from armazem.home import Home
from armazem.kpis.catalogue import Kpi
from armazem.serve.dashboard import data_sources as data
from armazem.serve.dashboard.cards import Card, CardsPanel, Figure
from armazem.serve.dashboard.components import Ask
from armazem.serve.dashboard.formats import NOTHING
from armazem.serve.dashboard.frame import Frame, build_time
from armazem.serve.dashboard.grids import Column
from armazem.serve.dashboard.options import records
from armazem.serve.dashboard.pages.data_panels import HomeGrid, TestsPanel, TextsPanel
from armazem.serve.dashboard.pages.lineage_panel import LineagePanel
from armazem.serve.dashboard.view import View
from armazem.targets.rows import Rows
from armazem.unattended.builder import Standing

_LOOK_SECONDS = 5.0
_SAY_SECONDS = 30.0
"""After so long ages are written anew, though nothing has changed."""


def cards() -> tuple[Card, ...]:
    return (
        Card("Published build", "How long ago the build began whose tables everybody sees.", "neither"),
        Card("Tests", "Of that build: tests passed, those with failing rows that only warn, and those that failed.",
             "neither"),
        Card("Newest order", "When the newest order in the published tables was placed, in business time.", "neither"),
        Card("Newest load", "When files were last loaded, whether they are built or not. See `armazem load`.",
             "neither"),
        Card("Events not built", "Events in the journal that the published tables do not have yet. The live page has "
             "them already; the next build takes them in.", "neither"),
    )  # fmt: skip


def figures(home: Home, view: View, ask: Ask, landed: data.Landed = None) -> Sequence[Figure]:
    """One for each card."""
    found = data.standing(home, ask, landed)
    form, now = view.format, datetime.now(UTC)
    build = found.build
    if build is None:
        published = tests = Figure(NOTHING, note="nothing is published yet")
    else:
        began = build_time(build["build_id"])
        kind = "full" if build["full_refresh"] else "incremental"
        published = Figure(form.ago(now - began) if began else build["build_id"], note=f"{kind}, {_took(build, view)}")
        parts = [f"{form.number(build[f'tests_{name}'])} {name}" for name in ("warned", "failed")]
        tests = Figure(f"{form.number(build['tests_passed'])} passed", note=", ".join(parts))
    counts = ((found.loads_not_built, "not built"), (found.loads_withdrawn, "withdrawn, but still published"))
    waiting = ", ".join(f"{form.number(count)} {what}" for count, what in counts if count) or "all built"
    return [
        published,
        tests,
        Figure(form.date(found.newest_order), note=f"at {found.newest_order:%H:%M}" if found.newest_order else ""),
        Figure(
            form.ago(now - found.newest_load) if found.newest_load else NOTHING,
            note=f"{form.number(found.loads)} loads, {waiting}" if found.loads else "nothing is loaded",
        ),
        Figure(form.number(found.events_not_built), note=f"of {form.number(found.events)} accepted"),
    ]


def _took(build: dict[str, Any], view: View) -> str:
    return f"{view.format.number(build['seconds'], 1)} s"


def advice(found: data.Standing) -> str:
    """What a reader should know first, and do; empty where all is well."""
    if found.failed:
        kept = f"Readers keep {found.build['build_id']}." if found.build else "Nothing is published."
        why = "\n".join(f"  {line}" for line in found.why[:5]) + ("\n  …" if len(found.why) > 5 else "")
        look = (
            'Look at the failing rows below, or with `armazem sql --failed "…"`.'
            if found.kept
            else "The log of dbt is in the home folder: logs/dbt.log."
        )
        return f"The last build, {found.failed.build_id}, was not published. {kept}\n{why}\n{look}"
    if found.build is None and not found.loads and not found.events:
        return "Nothing is loaded yet. `armazem load PATH` loads your files; `armazem up` begins with generated data."
    if found.build is None:
        return "What is loaded is not built yet: `armazem build` builds, tests and publishes it."
    if found.loads_not_built:
        return "There are loads that the published tables do not have yet: `armazem build` takes them in."
    if found.loads_withdrawn:
        return "The published tables still have loads that were withdrawn: `armazem build` makes them without."
    return ""


def details(found: data.Standing, view: View) -> Rows:
    """The published build, a line each."""
    build, form = found.build, view.format
    if build is None:
        return Rows(("what", "value"), ())
    lines = (
        ("Build", build["build_id"]),
        ("Began", f"{form.datetime(build['started_at'])} UTC"),
        ("Took", _took(build, view)),
        ("Kind", "full: everything anew" if build["full_refresh"] else f"incremental, from {build['base_build_id']}"),
        ("Only", build["selector"]),
        ("Reprocessed", " to ".join(form.date(build[at]) for at in ("start_date", "end_date") if build[at])),
        ("Models", f"{form.number(build['models'])} built"),
        (
            "Tests",
            ", ".join(f"{form.number(build[f'tests_{part}'])} {part}" for part in ("passed", "warned", "failed")),
        ),
        ("New loads", form.number(build["new_loads"])),
        ("New events", form.number(build.get("new_events"))),
        ("Journal up to", f"event {form.number(build.get('journal_seq'))} of {form.number(found.events)}"),
        ("Newest order", form.datetime(found.newest_order)),
    )
    return Rows(("what", "value"), tuple(line for line in lines if line[1]))


def by_itself(found: Standing | None, view: View) -> Rows:
    """What a server that builds by itself is at, a line each."""
    if found is None:
        return Rows(("what", "value"), ())
    form = view.format
    moment = {name: f"{form.datetime(at)} UTC" if at else "" for name, at in
              (("next", found.next_build), ("last", found.last_published))}  # fmt: skip
    lines = [
        ("Now", found.doing or "waiting"),
        ("Next build", moment["next"]),
        ("Last published", moment["last"]),
        ("Took", f"{form.number(found.last_seconds, 1)} s" if found.last_published else ""),
        ("Builds since the start", ", ".join(f"{form.number(n)} {name}" for name, n in sorted(found.builds.items()))),
        ("Inbox", found.inbox),
        ("Loads from it", form.number(found.loads) if found.inbox else ""),
        *(("Look at", problem) for problem in found.problems),
    ]
    return Rows(("what", "value"), tuple(line for line in lines if line[1]))


_BUILDS = (
    Column("build_id", "Build", meaning="When it began, in UTC.", width=215),
    Column("state", "State", meaning="current: readers see it; kept: `armazem rollback` can restore it.", width=95),
    Column("finished_at", "Ended (UTC)", "datetime", width=150),
    Column("why", "Why it was not published", width=240),
    Column("seconds", "Seconds", "days", width=90),
    Column("kind", "Kind", width=105),
    Column("new_loads", "New loads", "number", width=95),
    Column("new_events", "New events", "number", width=105),
    Column("models", "Models", "number"),
    Column("passed", "Passed", "number", "Tests without a failing row."),
    Column("warned", "Warned", "number", "Tests with failing rows that only warn."),
    Column("failed", "Failed", "number", "Tests that stopped the publication."),
)
_LOADS = (
    Column("loaded_at", "Loaded (UTC)", "datetime", width=150),
    Column("table", "Table", width=140),
    Column("path", "File", width=230),
    Column("rows_read", "Rows read", "number", "Records in the file.", 100),
    Column("rows_accepted", "Accepted", "number", "Of these, those landed.", 100),
    Column("rows_rejected", "Rejected", "number", "Of these, those kept aside with a reason.", 95),
    Column("size_bytes", "Bytes", "number", width=110),
    Column("seconds", "Seconds", "decimal", "Time it took."),
    Column("encoding", "Encoding"),
    Column("built", "Built", "flag", "Whether the published build has it."),
    Column("load_id", "Load", meaning="`armazem unload` withdraws it.", width=215),
)
_REJECTS = (
    Column("table", "Table", width=120),
    Column("code", "Reason", width=130),
    Column("column", "Column", width=150),
    Column("rows", "Rows", "number"),
    Column("files", "Files", "number"),
    Column("load_id", "Newest load", width=215),
    Column("state", "That load", meaning="loaded; refused as a whole (`--strict`); or withdrawn since.", width=100),
)
_LETTERS = (
    Column("code", "Reason", width=150),
    Column("source", "Source", width=90),
    Column("messages", "Messages", "number", width=100),
    Column("last", "Last (UTC)", "datetime", width=150),
)
_TABLES = (
    Column("schema", "Schema", width=90),
    Column("table", "Table", width=220),
    Column("rows", "Rows", "number", width=100),
    Column("meaning", "What a row is", width=300),
)
_BUILD_FIRST = "Nothing is published yet.\n`armazem build` builds, tests and publishes what is loaded."


def described(rows: Rows, own: Sequence[Kpi] = ()) -> Rows:
    """The tables with what they mean, of own models too; those of `meta` are no models."""
    words = {"builds": "One row per published build that led to this version.",
             "loads": "One row per file and load that this version contains.",
             "test_results": "One row per test and build."}  # fmt: skip
    words |= {kpi.name: kpi.description for kpi in own}

    def said(table: str) -> str:
        try:
            return meaning(table)
        except KeyError:
            return words.get(table, "")

    return Rows((*rows.columns, "meaning"), tuple((*row, said(row[1])) for row in rows.rows))


def make(frame: Frame) -> None:
    home, landed = frame.sources.published.home, frame.sources.landed
    notice = ui.label().classes("notice pre").props("role=status")
    notice.set_visibility(False)
    add = frame.panels.append
    add(CardsPanel(cards(), lambda view, ask: figures(home, view, ask, landed)))
    add(
        TextsPanel("Published build", "What everybody sees: the tables of the last build that passed its tests.",
                   lambda view, ask: details(data.standing(home, ask, landed), view), classes="w4", height=340,
                   empty=_BUILD_FIRST, style="pairs")
    )  # fmt: skip
    add(
        HomeGrid("Builds", "All builds, newest first; those that were not published too. See `armazem builds`.",
                 lambda view, ask: data.builds(home), _BUILDS, classes="w8", height=340,
                 empty="There was no build yet.\n`armazem build` makes the first.")
    )  # fmt: skip
    if frame.sources.standing() is not None:
        words = "This server loads what comes into its inbox and builds what is new. See `armazem serve --help`."
        add(
            TextsPanel("Built by itself", words, lambda view, ask: by_itself(frame.sources.standing(), view),
                       height=260, empty=_BUILD_FIRST, style="pairs")
        )  # fmt: skip
    tests = TestsPanel(frame)
    add(tests)
    add(tests.failing)
    add(
        HomeGrid("Loads", "The files that were loaded, newest first. From the ledger of the landing zone.",
                 lambda view, ask: data.loads(home, ask, landed), _LOADS, height=340,
                 empty="Nothing is loaded yet.\n`armazem load PATH` loads files.")
    )  # fmt: skip
    rejects = "Rows of files that do not fit, kept aside with their line and reason; a file's other rows are loaded."
    _with_examples(
        frame, "Rejected rows", rejects, lambda view, ask: data.rejects(home, landed), _REJECTS, "No row was rejected."
    )
    letters = "Messages that were refused, by reason; kept with their bytes. See `armazem dead-letters`."
    _with_examples(frame, "Dead letters", letters, lambda view, ask: data.dead_letters(home), _LETTERS,
                   "No message was refused.")  # fmt: skip
    add(
        HomeGrid("Published tables", "How many rows each table has. All columns: docs/data-dictionary.md.",
                 lambda view, ask: described(data.tables(home, ask), frame.own), _TABLES, classes="w6", height=560,
                 empty=_BUILD_FIRST)
    )  # fmt: skip
    add(LineagePanel(frame, classes="w6"))
    _follow(frame, home, notice)


def _with_examples(
    frame: Frame, title: str, words: str, read: Callable[[View, Ask], Rows], columns: Sequence[Column], empty: str
) -> None:
    """A table by reason, and beside it a few of what was refused."""
    frame.panels.append(HomeGrid(title, words, read, columns, classes="w6", height=300, empty=empty))
    frame.panels.append(
        TextsPanel(f"{title}: examples", "Of each reason, as they came. They are data: nothing here is run or drawn.",
                   lambda view, ask: _examples(read(view, ask)), classes="w6", height=300, empty=empty)
    )  # fmt: skip


def _examples(rows: Rows) -> Rows:
    """An example a row, under its reason."""
    found = []
    for record in records(rows):
        reason = " · ".join(str(record[name]) for name in ("table", "source", "code", "column") if record.get(name))
        found += [(reason, example) for example in record["examples"] or ()]
    return Rows(("reason", "example"), tuple(found))


def _follow(frame: Frame, home: Home, notice: Any) -> None:
    """Keep the page at what the home folder holds: a load or a failed build changes no published version."""
    seen: tuple[object, ...] | None = None
    said_at = 0.0

    def say(words: str, *, alarming: bool) -> None:
        notice.set_text(words)
        notice.set_visibility(bool(words))
        notice.classes(add="" if alarming else "plain", remove="plain" if alarming else "")

    async def look() -> None:
        nonlocal seen, said_at
        try:
            state = (await run.io_bound(data.fingerprint, home, frame.sources.landed), frame.sources.standing())
            if state == seen and time.monotonic() < said_at + _SAY_SECONDS:
                return
            first, changed = seen is None, state != seen
            seen, said_at = state, time.monotonic()
            found = await run.io_bound(data.standing, home, frame.sources.ask, frame.sources.landed)
            if found is None or frame.closed:  # the server ends, or the reader has left
                return
            problems = built.problems if (built := frame.sources.standing()) else []
            say("\n".join(problems) or advice(found), alarming=found.failed is not None or bool(problems))
            if not first:
                await frame.refresh(None if changed else frame.panels[:1])
        except ArmazemError as error:
            if not frame.closed:
                say(f"{error}\n{error.hint}", alarming=True)

    frame.look(_LOOK_SECONDS, look)
