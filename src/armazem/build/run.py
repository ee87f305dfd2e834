"""`armazem build`: write a new version of the warehouse, audit it, and publish it if it passed.

There is one course for every target. Whatever goes wrong before the end, readers stay on the version they have.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from armazem.build.dbt_project import OnNode, TargetProject, run_dbt, start_import
from armazem.build.outcome import AuditFailed, BuildReport, audit_failed, failures_in_words, record_of
from armazem.build.project import Project, project_of
from armazem.config import Settings
from armazem.errors import BuildError, UnsupportedError
from armazem.lineage.observer import Observer, observed
from armazem.targets.base import OnNotice, Target
from armazem.targets.plan import BuildRequest, Plan, make_plan
from armazem.targets.records import BUILT, PUBLISHED, AuditResult, DbtRun, new_build_id
from armazem.targets.registry import target_of

__all__ = ["AuditFailed", "BuildReport", "BuildRequest", "Estimate", "build", "estimate", "publish_build", "why_due"]


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a query of a build would scan. `bytes` is None where its inputs do not exist before the build."""

    name: str
    bytes: int | None


def build(
    settings: Settings,
    request: BuildRequest,
    *,
    on_node: OnNode = lambda name, number, total: None,
    on_notice: OnNotice = lambda text: None,
) -> BuildReport:
    """Build, audit and publish. Return what was done.

    `on_node(name, number, total)` is called as each model or test starts, `on_notice` with remarks.
    Raises AuditFailed, BuildError, HomeError or CloudError; then nothing has changed for readers.
    """
    request.check()
    target = target_of(settings)
    with observed(target, on_notice) as observer, target.building(on_notice), _no_garbage_collection():
        return _build(target, request, on_node, on_notice, observer)


def _build(
    target: Target, request: BuildRequest, on_node: OnNode, on_notice: OnNotice, observer: Observer
) -> BuildReport:
    started = datetime.now(UTC)
    project = TargetProject(target)
    target.recover(project.catalog, on_notice)
    plan = _plan(target, request, project.project)
    if plan.is_empty:
        assert plan.base is not None
        return BuildReport(None, plan.base, "nothing new since")
    on_notice(plan.reason)
    if own := project.project.own:
        on_notice(own.notice)
    start_import()
    build_id = new_build_id(started, max(target.build_ids(), default=None))
    observer.begun(build_id, plan)
    target.prepare(plan)
    run = run_dbt(project, "build", plan, build_id, observer.noting(on_node))
    run = replace(run, tests=_with_failed_checks(target, run.tests))
    observer.ran(run)
    record = record_of(plan, run, build_id, started, target.new_events())
    if not run.passed:
        target.refuse(record, run, failures_in_words(run))
        raise audit_failed(plan, record, run, target.current_build(), target.failed_rows)
    changed = _changed(target, run) if request.compare else None
    # In its own list of builds it is published: nobody reads that before it is.
    rows = target.keep(record, run, plan.loads if record.complete else ())
    if request.publish:
        target.publish(record, on_notice)
        current = build_id
    else:
        record, current = replace(record, status=BUILT), target.current_build() or ""
        target.wait(record)
    observer.published(rows)
    return BuildReport(record, current, plan.reason, run.tests, run.models, rows, changed, plan.scope.new_loads)


def publish_build(settings: Settings, build_id: str, *, on_notice: OnNotice = lambda text: None) -> str:
    """Give readers a build that was made without publishing it. Return what they saw before; itself where it was that.

    Raises BuildError where there is none of this id, and where another version was published since it was made: it
    would take back what that one took in.
    """
    target = target_of(settings)
    with target.building(on_notice, "publishing"):
        before = target.current_build()
        found = {record.build_id: record for record in target.builds().records}.get(build_id)
        if before == build_id:
            if found is not None and found.status == BUILT:  # cut off before it was written down
                target.publish(replace(found, status=PUBLISHED), on_notice)
            return build_id
        if found is None or found.status != BUILT:
            what = "there is no build" if found is None else f"the build was {found.status}:"
            raise BuildError(f"{what} {build_id}", "`armazem builds` lists those that are `built`")
        target.recover(TargetProject(target).catalog, on_notice)
        if target.replaces(build_id) != before:
            raise BuildError(
                f"{build_id} was made from {target.replaces(build_id)}, and readers have {before} by now",
                "build again: that takes in all of it",
            )
        target.publish(replace(found, status=PUBLISHED), on_notice)
        return before or ""


def estimate(settings: Settings, request: BuildRequest, *, on_notice: OnNotice = lambda text: None) -> list[Estimate]:
    """Return what each model of this build would scan, by dry runs; nothing is built.

    Raises UnsupportedError where nothing is billed by the byte, and what `build` raises.
    """
    request.check()
    target = target_of(settings)
    if not target.bills_bytes:
        raise UnsupportedError("nothing is billed by the byte there", "--dry-run is for --target bigquery")
    with target.building(on_notice, "the dry run"), _no_garbage_collection():
        project = TargetProject(target)
        plan = _plan(target, request, project.project)
        on_notice(plan.reason)
        if plan.is_empty:
            return []
        scan = target.scanned(plan)
        run = run_dbt(project, "compile", plan, "", lambda name, number, total: None)
        return [Estimate(name, scan(sql)) for name, sql in run.compiled]


def why_due(target: Target) -> str | None:
    """Return why `build` would do something now, in words; None where it would say that there is nothing new.

    Where it takes a scan of all events to find new ones, they are left out.
    """
    try:
        project = project_of(target.settings, target.dbt().state)
        plan = _plan(target, BuildRequest(), project, cheap=True)
    except BuildError:  # nothing is loaded
        return None
    return None if plan.is_empty else plan.reason


def _changed(target: Target, run: DbtRun) -> frozenset[str]:
    """The tables that this build computed and that have other content than before."""
    computed = {model.model for model in run.models}
    tables = [(model.layer, model.table) for model in run.catalog if model.is_published]
    asked = [(layer, table) for layer, table in tables if f"{layer}.{table}" in computed]
    return frozenset(f"{layer}.{table}" for layer, table in target.changed(asked))


def _plan(target: Target, request: BuildRequest, project: Project, *, cheap: bool = False) -> Plan:
    code = project.fingerprint(*target.code())
    current, before = target.published()
    return make_plan(request, target.loads(), current, before, code, target.journal(before, cheap=cheap))


def _with_failed_checks(target: Target, tests: Sequence[AuditResult]) -> tuple[AuditResult, ...]:
    """Return the results, those with failing rows with the number of rows per check: one test holds several."""
    named = []
    for test in tests:
        if test.status in ("warn", "fail") and "as failed_check" in test.sql:
            counted = target.rows(
                f"select failed_check, severity, count(*) from ({test.sql}\n) group by 1, 2 order by 2, 1"
            )
            named.append(test.with_failed_checks([(str(c), str(s), int(n)) for c, s, n in counted]))
        else:
            named.append(test)
    return tuple(named)


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """dbt holds its project in small objects, and walking them 900 times took 0.9 s of a build."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
