"""What a build is to do: which version it starts from, which loads it takes in, which models it runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from armazem.contract import TABLES
from armazem.contract.event_types import EVENT_TYPES
from armazem.contract.layers import LIVE
from armazem.errors import BuildError
from armazem.landing import LedgerRow, ages

# Tables of the intermediate layer: they exist in what is being built only, and every other model may need them.
OF_SCOPE = "path:models/intermediate,config.materialized:table"
# Views on what came after this very build.
_OF_LIVE = f"path:models/{LIVE}"

SELECTIONS = {
    "dims": "dim_*",
    "facts": "fact_* audit_fact_*",
    "features": "path:models/features",
    "kpis": "path:models/kpis",
}
"""Names for parts of the warehouse, as a selection takes them, to what they are in dbt's syntax."""


@dataclass(frozen=True, slots=True)
class BuildRequest:
    """What to build. `start_date`, `end_date` (inclusive): reprocess the orders bought between them.

    `only_loads`: of the loads that are not published yet, only these are taken in, None for all of them;
    `except_loads`: all but these. `publish`: whether readers get it once it has passed, or it waits for
    `publish_build`. `compare`: whether the report says which tables have other content than before.
    """

    full_refresh: bool = False
    start_date: date | None = None
    end_date: date | None = None
    select: str | None = None
    only_loads: frozenset[str] | None = None
    except_loads: frozenset[str] = frozenset()
    publish: bool = True
    compare: bool = False

    def check(self) -> None:
        """Raise BuildError where it asks for something that cannot be."""
        if self.start_date and self.end_date and self.start_date > self.end_date:
            raise BuildError(f"--start {self.start_date} lies after --end {self.end_date}", "swap them")
        if self.select is not None and (self.only_loads is not None or self.except_loads):
            raise BuildError("--select takes no load in", "leave --select or --only-load out")

    @property
    def selector(self) -> str | None:
        """In dbt's syntax, the names of SELECTIONS replaced."""
        if self.select is None:
            return None
        return " ".join(SELECTIONS.get(part, part) for part in self.select.split())

    def wanted(self, loads: Sequence[LedgerRow], before: State | None) -> list[LedgerRow]:
        """Return the loads that the build takes in or has in it. Raises BuildError for one that does not exist."""
        there = {load.load_id for load in loads}
        if unknown := (self.only_loads or frozenset()) - there:
            raise BuildError(
                f"there is no load {', '.join(sorted(unknown))}", "`armazem load --format json` gives the ids"
            )
        wanted = (there if self.only_loads is None else self.only_loads) - self.except_loads
        taken = wanted | (before.loads if before else frozenset())
        return [load for load in loads if load.load_id in taken]


@dataclass(frozen=True, slots=True)
class State:
    """What a published version says of itself: the loads in it, the position in the journal up to which events are
    in it, position and key of the last of them, and the code that made it.

    `event_days`: where events come without a journal, the rows of each day of arrival that it has seen.
    """

    loads: frozenset[str]
    fingerprint: str | None
    journal_seq: int = 0
    last_event: tuple[int, str] | None = None
    event_days: Mapping[date, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Journal:
    """Where the events end: `last_seq`, 0 without any, and `new_types`, what those after the version before are of.

    `is_other`: it does not have the events of the version before under their numbers. `days`: where there is no
    journal, the rows of each day of arrival, of which `last_seq` is the sum.
    """

    last_seq: int = 0
    new_types: frozenset[str] = frozenset()
    is_other: bool = False
    days: Mapping[date, int] = field(default_factory=dict)

    def days_after(self, before: State) -> tuple[date, ...]:
        """Return the days of arrival that have other rows than this version has seen."""
        return tuple(sorted(day for day, rows in self.days.items() if before.event_days.get(day) != rows))


@dataclass(frozen=True, slots=True)
class Scope:
    """Which rows a build takes in: those of `new_loads`, and the orders bought in the window (inclusive).

    `all_loads`: what was loaded when the build began; what comes later is left to the next one. `ages`: of those
    whose age was told, load and age. Of the journal it
    takes the events after position `events_after` up to `events_up_to`; without a journal those that arrived on
    `event_days`, None for any day, and are of `event_types`, None for any type: what comes while the build is laid out
    may be of a type whose models are not built. `no_news`: none but those of the version that it starts from.
    """

    all_loads: tuple[str, ...]
    new_loads: tuple[str, ...]
    start_date: date | None = None
    end_date: date | None = None
    events_after: int = 0
    events_up_to: int = 0
    ages: tuple[tuple[str, str], ...] = ()
    event_days: tuple[date, ...] | None = None
    no_news: bool = False
    event_types: frozenset[str] | None = None

    @property
    def has_window(self) -> bool:
        return self.start_date is not None or self.end_date is not None

    @property
    def read_loads(self) -> tuple[str, ...]:
        """Loads that are read: without a window old ones are in the tables already."""
        return self.all_loads if self.has_window else self.new_loads


@dataclass(frozen=True, slots=True)
class Plan:
    """`base`: the version to start from, none for a full refresh. `history`: the one whose list of builds and
    tests is carried on. `loads`: the ones to take in. `events_after`, `events_up_to`: the part of the journal to
    take in, whose events are of `event_types`; `event_days`: see Scope. `days`: what Journal has of them. `ages`: of
    all loads. `reason`: why, in words.
    """

    base: str | None
    history: str | None
    request: BuildRequest
    all_loads: tuple[str, ...]
    loads: tuple[LedgerRow, ...]
    fingerprint: str
    reason: str
    events_after: int = 0
    events_up_to: int = 0
    event_types: frozenset[str] = frozenset()
    ages: tuple[tuple[str, str], ...] = ()
    event_days: tuple[date, ...] | None = None
    days: Mapping[date, int] = field(default_factory=dict)

    @property
    def full_refresh(self) -> bool:
        return self.base is None

    @property
    def is_empty(self) -> bool:
        nothing_asked = self.request.select is None and not self.scope.has_window
        return not self.full_refresh and nothing_asked and not self.loads and not self.event_types

    @property
    def scope(self) -> Scope:
        window = self.request if not self.full_refresh else BuildRequest()
        new_loads = tuple(sorted({load.load_id for load in self.loads}))
        start, end = window.start_date, window.end_date
        return Scope(
            self.all_loads, new_loads, start, end, self.events_after, self.events_up_to, self.ages,
            self.event_days, self.request.select is not None,
            None if self.full_refresh or self.request.select is not None else self.event_types,
        )  # fmt: skip

    @property
    def selector(self) -> str | None:
        """In dbt's syntax; None for everything."""
        if self.full_refresh:
            return None
        if self.request.select is not None:
            return _with_scope(str(self.request.selector))
        changed = {load.table for load in self.loads}
        if self.scope.has_window:
            changed |= {table.name for table in TABLES if any(column.name == "order_id" for column in table.columns)}
        selected = [f"source:raw.{table.name}+" for table in TABLES if table.name in changed]
        if self.event_types:
            brought = {part.name for name in self.event_types for part in EVENT_TYPES[name].parts}
            selected += ["stg_events", *(f"stg_{table.name}+" for table in TABLES if table.name in brought)]
        return _with_scope(" ".join(selected))


def make_plan(
    request: BuildRequest,
    loads: Sequence[LedgerRow],
    current: str | None,
    before: State | None,
    code: str,
    journal: Journal = Journal(),
) -> Plan:
    """The plan for these loads. `current`: the published version, `before`: what it says, None where damaged.

    Raises BuildError where there is nothing to build, or no version for a selection to start from.
    """
    if not loads and not journal.last_seq:
        raise BuildError("there is nothing to build: no data is loaded", "run `armazem load PATH` first")
    loads = request.wanted(loads, before)
    ids = tuple(sorted({load.load_id for load in loads}))
    told = ages(loads)
    history = None if before is None else current
    if request.select is None:
        reason = _reason_for_all(current, before, request, ids, code, journal)
        if reason is not None:
            return Plan(
                None, history, request, ids, tuple(loads), code, reason, 0, journal.last_seq, ages=told,
                days=journal.days,
            )  # fmt: skip
    if before is None:
        raise BuildError("there is no version whose other tables could stay", "build without --select first")
    if request.select is not None:
        # Only what the version has already: a new load is taken in by all models together or by none.
        ids = tuple(load_id for load_id in ids if load_id in before.loads)
        again = tuple(load for load in loads if load.load_id in before.loads) if request.full_refresh else ()
        reason = f"a selection, the rest from {current}{_left_out(loads, before, journal)}"
        # Models that are built from nothing need every event that the version has.
        after = 0 if request.full_refresh else before.journal_seq
        days = None if request.full_refresh else ()
        return Plan(
            current, history, request, ids, again, code, reason, after, before.journal_seq, ages=told,
            event_days=days, days=before.event_days,
        )  # fmt: skip
    new = tuple(load for load in loads if load.load_id not in before.loads)
    count = len({load.load_id for load in new})
    reason = f"incremental from {current}: {count} new load{'s' * (count != 1)}"
    if journal.new_types:
        reason += ", new events"
    after, up_to = before.journal_seq, journal.last_seq
    return Plan(
        current, history, request, ids, new, code, reason, after, up_to, journal.new_types, told,
        journal.days_after(before), journal.days,
    )  # fmt: skip


def _left_out(loads: Sequence[LedgerRow], before: State, journal: Journal) -> str:
    """What is new and not taken in, in words: whoever selects a model may expect it there."""
    new = len({load.load_id for load in loads} - before.loads)
    parts = [f"{new} new load{'s' * (new != 1)}"] if new else []
    parts += ["new events"] if journal.last_seq > before.journal_seq else []
    return f"; not taken in: {' and '.join(parts)}, which `armazem build` does" if parts else ""


def _reason_for_all(
    current: str | None,
    before: State | None,
    request: BuildRequest,
    loads: Sequence[str],
    code: str,
    journal: Journal,
) -> str | None:
    """Why everything has to be built anew; None where the difference is enough."""
    if current is None:
        return "first build"
    if before is None:
        return f"full refresh: {current} is missing or damaged"
    if request.full_refresh:
        return "full refresh"
    if before.fingerprint != code:
        return f"full refresh: the models changed since {current}"
    if before.loads - set(loads):
        return f"full refresh: a load of {current} was withdrawn"
    if journal.is_other or journal.last_seq < before.journal_seq:
        return f"full refresh: the journal is not the one of {current}"
    if any(load < max(before.loads, default="") for load in set(loads) - before.loads):
        return f"full refresh: a load came back that is older than those of {current}"
    return None


def _with_scope(selector: str) -> str:
    """The selector, the models that say which rows are computed again, and the views that go with each build."""
    return " ".join([selector, OF_SCOPE, _OF_LIVE]).strip()
