"""What came of a build: its record, the report for the user, and the error where it was not published."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from armazem.errors import BuildError
from armazem.targets.plan import Plan
from armazem.targets.records import FAILED, PUBLISHED, AuditResult, BuildRecord, DbtRun, ModelResult

_LONGEST = 300  # characters of a message


@dataclass(frozen=True, slots=True)
class BuildReport:
    """What a build did. `record` is None where there was nothing to do; `current`: what readers see after it.

    `rows`: of each published `layer.table`. `changed`: which of them have other content than before, None where that
    was not asked for. `new_loads`: those that it took in, or would have.
    """

    record: BuildRecord | None
    current: str
    reason: str
    tests: tuple[AuditResult, ...] = ()
    models: tuple[ModelResult, ...] = ()
    rows: tuple[tuple[str, int], ...] = ()
    changed: frozenset[str] | None = None
    new_loads: tuple[str, ...] = ()


class AuditFailed(BuildError):
    """Models or tests failed; nothing was published. `report` has their results.

    Exit code 3 where rows failed a test, which a scheduler need not try again. What could not be run, as memory or the
    network were short, may go well at the next try: 1.
    """

    def __init__(self, message: str, hint: str, report: BuildReport) -> None:
        super().__init__(message, hint)
        self.report = report
        self.exit_code = 3 if any(test.status == "fail" for test in report.tests) else 1


def record_of(plan: Plan, run: DbtRun, build_id: str, started: datetime, new_events: int) -> BuildRecord:
    """The record of a build that ends now and took in so many distinct events."""
    finished = datetime.now(UTC)
    failed_tests = [test for test in run.failed_tests if test.status != "skipped"]
    start, end = plan.request.start_date, plan.request.end_date
    return BuildRecord(
        build_id=build_id,
        status=PUBLISHED if run.passed else FAILED,
        base_build_id=plan.base,
        full_refresh=plan.full_refresh,
        complete=plan.request.select is None,
        start_date=start.isoformat() if start else None,
        end_date=end.isoformat() if end else None,
        selector=plan.request.select,
        fingerprint=plan.fingerprint,
        new_loads=len({load.load_id for load in plan.loads}),
        models=len(run.models),
        models_failed=sum(model.status != "skipped" for model in run.failed_models),
        tests=len(run.tests),
        tests_passed=sum(test.status == "pass" for test in run.tests),
        tests_warned=sum(test.status == "warn" for test in run.tests),
        tests_failed=len(failed_tests),
        started_at=started,
        finished_at=finished,
        seconds=round((finished - started).total_seconds(), 3),
        new_events=new_events,
        journal_seq=plan.events_up_to,
    )


def report_of(report: BuildReport) -> dict[str, Any]:
    """Return a build in JSON's types, as `build --format json` prints it.

    `status`: published, built, failed or unchanged; `build_id`: None where nothing was built; `current`: what readers
    see; `new_loads`: those that it took in, or would have. Of each model `status`, `seconds`, `rows` and whether its
    table has other content than before, None where that is not known; of each test that ran its outcome.
    """
    record, rows, changed = report.record, dict(report.rows), report.changed
    return {
        "build_id": record.build_id if record else None,
        "current": report.current or None,
        "status": record.status if record else "unchanged",
        "reason": report.reason,
        "seconds": record.seconds if record else 0.0,
        "new_loads": list(report.new_loads),
        "models": [
            {
                "model": model.model,
                "status": model.status,
                "seconds": model.seconds,
                "rows": rows.get(model.model),
                "changed": None if changed is None or model.model not in rows else model.model in changed,
            }
            for model in report.models
        ],
        "tests": [
            {name: getattr(test, name) for name in ("test", "model", "status", "failures", "failed_checks", "seconds")}
            for test in report.tests
        ],
    }


def audit_failed(plan: Plan, record: BuildRecord, run: DbtRun, current: str | None, look: str) -> AuditFailed:
    """The error of a build that failed; `look` is the command that shows the failing rows."""
    failed = [test.test for test in run.failed_tests if test.status in ("fail", "error")]
    failed += [model.model for model in run.failed_models if model.status == "error"]
    kept = f"readers keep {current}" if current else "nothing is published"
    return AuditFailed(
        f"build {record.build_id} failed its audit: {', '.join(failed[:5])}{' …' if len(failed) > 5 else ''}",
        f"{kept}; look at the failing rows with `{look}`",
        BuildReport(record, current or "", plan.reason, run.tests, run.models, new_loads=plan.scope.new_loads),
    )


def failures_in_words(run: DbtRun) -> list[str]:
    """What failed and how, a line for each model and test; not what was skipped after it."""
    lines = [
        f"{model.model}: {' '.join(model.message.split())[:_LONGEST]}"
        for model in run.failed_models
        if model.status != "skipped"
    ]
    for test in run.failed_tests:
        if test.status == "fail":
            lines.append(f"{test.test}: {test.failed_checks or f'{test.failures:,} failing rows'}")
        elif test.status != "skipped":
            lines.append(f"{test.test}: it could not be run")
    return lines
