"""What a build is to do: which version it starts from, which loads it takes in, which models it runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from armazem.contract import TABLES
from armazem.errors import BuildError
from armazem.landing import LedgerRow
from armazem.warehouse.dbt_project import with_scope


@dataclass(frozen=True, slots=True)
class BuildRequest:
    """What to build. `start_date`, `end_date` (inclusive): reprocess the orders bought between them."""

    full_refresh: bool = False
    start_date: date | None = None
    end_date: date | None = None
    select: str | None = None

    def check(self) -> None:
        """Raise BuildError where it asks for something that cannot be."""
        if self.start_date and self.end_date and self.start_date > self.end_date:
            raise BuildError(f"--start {self.start_date} lies after --end {self.end_date}", "swap them")


@dataclass(frozen=True, slots=True)
class State:
    """What a published version says of itself: the loads in it, and the code that made it."""

    loads: frozenset[str]
    fingerprint: str | None


@dataclass(frozen=True, slots=True)
class Scope:
    """Which rows a build takes in: those of `new_loads`, and the orders bought in the window (inclusive).

    `all_loads`: what was loaded when the build began; what comes later is left to the next one.
    """

    all_loads: tuple[str, ...]
    new_loads: tuple[str, ...]
    start_date: date | None = None
    end_date: date | None = None

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
    tests is carried on. `loads`: the ones to take in. `reason`: why, in words.
    """

    base: str | None
    history: str | None
    request: BuildRequest
    all_loads: tuple[str, ...]
    loads: tuple[LedgerRow, ...]
    fingerprint: str
    reason: str

    @property
    def full_refresh(self) -> bool:
        return self.base is None

    @property
    def is_empty(self) -> bool:
        nothing_asked = self.request.select is None and not self.scope.has_window
        return not self.full_refresh and nothing_asked and not self.loads

    @property
    def scope(self) -> Scope:
        window = self.request if not self.full_refresh else BuildRequest()
        new_loads = tuple(sorted({load.load_id for load in self.loads}))
        return Scope(self.all_loads, new_loads, window.start_date, window.end_date)

    @property
    def selector(self) -> str | None:
        """In dbt's syntax; None for everything."""
        if self.full_refresh:
            return None
        if self.request.select is not None:
            return with_scope(self.request.select)
        changed = {load.table for load in self.loads}
        if self.scope.has_window:
            changed |= {table.name for table in TABLES if any(column.name == "order_id" for column in table.columns)}
        return with_scope(" ".join(f"source:raw.{table.name}+" for table in TABLES if table.name in changed))


def make_plan(
    request: BuildRequest, loads: Sequence[LedgerRow], current: str | None, before: State | None, code: str
) -> Plan:
    """The plan for these loads. `current`: the published version, `before`: what it says, None where damaged.

    Raises BuildError where there is nothing to build, or no version for a selection to start from.
    """
    if not loads:
        raise BuildError("there is nothing to build: no data is loaded", "run `armazem load PATH` first")
    ids = tuple(sorted({load.load_id for load in loads}))
    history = None if before is None else current
    if request.select is None:
        reason = _reason_for_all(current, before, request, ids, code)
        if reason is not None:
            return Plan(None, history, request, ids, tuple(loads), code, reason)
    if before is None:
        raise BuildError("there is no version whose other tables could stay", "build without --select first")
    if request.select is not None:
        # Only what the version has already: a new load is taken in by all models together or by none.
        ids = tuple(load_id for load_id in ids if load_id in before.loads)
        again = tuple(load for load in loads if load.load_id in before.loads) if request.full_refresh else ()
        return Plan(current, history, request, ids, again, code, f"a selection, the rest from {current}")
    new = tuple(load for load in loads if load.load_id not in before.loads)
    count = len({load.load_id for load in new})
    reason = f"incremental from {current}: {count} new load{'s' * (count != 1)}"
    return Plan(current, history, request, ids, new, code, reason)


def _reason_for_all(
    current: str | None, before: State | None, request: BuildRequest, loads: Sequence[str], code: str
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
    if any(load < max(before.loads, default="") for load in set(loads) - before.loads):
        return f"full refresh: a load came back that is older than those of {current}"
    return None
