"""Where the warehouse stands: the last build and its warnings, what was loaded, what was refused, what is due."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from armazem.build.run import why_due
from armazem.contract.dead_letters import LetterCount
from armazem.contract.layers import META
from armazem.report.refused import Rejected, rejected
from armazem.targets.base import Contents, Target
from armazem.targets.records import FAILED, BuildRecord, remarks_on


@dataclass(frozen=True, slots=True)
class LastBuild:
    """The build that ended last. `current`: whether readers see it. `why`: why it failed, a line each, where kept."""

    build_id: str
    status: str
    current: bool
    kind: str
    started_at: datetime
    finished_at: datetime
    seconds: float
    new_loads: int
    new_events: int
    models: int
    models_failed: int
    tests_passed: int
    tests_warned: int
    tests_failed: int
    why: tuple[str, ...]

    @property
    def failed(self) -> bool:
        return self.status == FAILED


@dataclass(frozen=True, slots=True)
class TestWarning:
    """A test of the published build with failing rows that do not stop it.

    `rows_before`: of the build before that ran it. `checks`: rows per check; `remarks`: what is known of these checks.
    `look`: the command that gives the query of the failing rows.
    """

    __test__ = False  # pytest

    test: str
    model: str
    rows: int
    rows_before: int | None
    checks: str
    remarks: tuple[str, ...]
    look: str


@dataclass(frozen=True, slots=True)
class LoadedFile:
    """A file that was loaded. `built`: whether the published build has it."""

    load_id: str
    loaded_at: datetime
    table: str
    path: str
    rows_read: int
    rows_accepted: int
    rows_rejected: int
    built: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """`published`: the build that the figures are of; `due`: why `build` would do something now, None where not.

    `since`: the moment from which on loads, rejects and dead letters are new.
    """

    published: str
    last_build: LastBuild | None
    warnings: tuple[TestWarning, ...]
    since: datetime
    loads: tuple[LoadedFile, ...]
    rejects: tuple[Rejected, ...]
    dead_letters: tuple[LetterCount, ...]
    due: str | None


def standing(target: Target, contents: Contents, since: datetime) -> Standing:
    """Return where it stands; `contents`: what is published. Raises ArmazemError where something cannot be read."""
    assert contents.build is not None
    loads = [load for load in target.loads() if _moment(load.loaded_at) >= since]
    builds = target.builds()
    files = sorted(loads, key=lambda load: load.table)
    return Standing(
        contents.build,
        _last_build(target, builds.records, builds.current),
        _warnings(target),
        since,
        tuple(
            LoadedFile(
                load.load_id, _moment(load.loaded_at), load.table, load.path, load.rows_read, load.rows_accepted,
                load.rows_rejected, load.load_id in contents.state.loads,
            )
            for load in sorted(files, key=lambda load: load.load_id, reverse=True)
        ),
        rejected(target.home, loads, since),
        tuple(target.dead_letters().counts(since)),
        why_due(target),
    )  # fmt: skip


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _last_build(target: Target, records: Sequence[BuildRecord], current: str | None) -> LastBuild | None:
    if not records:
        return None
    last = records[-1]
    return LastBuild(
        last.build_id,
        last.status,
        last.build_id == current,
        "full" if last.full_refresh else "incremental",
        last.started_at,
        last.finished_at,
        last.seconds,
        last.new_loads,
        last.new_events,
        last.models,
        last.models_failed,
        last.tests_passed,
        last.tests_warned,
        last.tests_failed,
        tuple(target.failures(last.build_id)) if last.status != "published" else (),
    )


def _warnings(target: Target) -> tuple[TestWarning, ...]:
    results = f"{target.schema(META)}.test_results"
    found = target.query(
        "select test, model, failures, failures_before, failed_checks, description from (select t.*, "
        f"lag(failures) over (partition by test order by build_id) as failures_before from {results} t) as with_before "
        f"where build_id = (select max(build_id) from {results}) and status = 'warn' order by failures desc, test"
    )
    on = "" if target.name == target.settings.target == "duckdb" else f" --target {target.name}"
    return tuple(
        TestWarning(
            test,
            model,
            int(rows),
            None if before is None else int(before),
            checks or "",
            remarks_on(description or "", checks or ""),
            f"armazem sql{on} \"select sql from {results} where test = '{test}' order by build_id desc limit 1\"",
        )
        for test, model, rows, before, checks, description in found.rows
    )
