"""What is known of a build, of each test and model in it: the rows of `meta.builds` and `meta.test_results`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from armazem.targets.catalog import Model

_FORMAT = "%Y%m%dT%H%M%S%fZ"

PUBLISHED, BUILT, FAILED = "published", "built", "failed"


def new_build_id(now: datetime, previous: str | None) -> str:
    """`YYYYMMDDTHHMMSSffffffZ` in UTC, greater than `previous` even where the clock went back."""
    if previous is not None:
        now = max(now, datetime.strptime(previous, _FORMAT).replace(tzinfo=UTC) + timedelta(microseconds=1))
    return now.astimezone(UTC).strftime(_FORMAT)


@dataclass(frozen=True, slots=True)
class AuditResult:
    """One dbt test in one build. `failures` counts failing rows, `failed_checks` per check; `sql` shows them."""

    build_id: str
    test: str
    model: str
    severity: str
    status: str
    failures: int
    failed_checks: str
    seconds: float
    description: str
    sql: str

    def with_failed_checks(self, counted: Sequence[tuple[str, str, int]]) -> AuditResult:
        """The result with the number of failing rows per check: one test holds several. `counted`: of each check,
        its severity and rows.
        """
        # In a test that failed, what only warns is not what failed.
        remark = " (warning)" if self.status == "fail" else ""
        parts = [f"{check} {rows:,}{remark if severity == 'warn' else ''}" for check, severity, rows in counted]
        return replace(self, failed_checks=", ".join(parts))

    @property
    def remarks(self) -> tuple[str, ...]:
        """What is known of the checks that failed, a line each, out of the description: `check: remark`."""
        return remarks_on(self.description, self.failed_checks)


def remarks_on(description: str, failed_checks: str) -> tuple[str, ...]:
    """Return the lines of a test's description that are on its failed checks; all where it holds no checks."""
    known = [line.strip() for line in description.splitlines() if line.strip()]
    return tuple(line for line in known if line.split(":")[0] in failed_checks or not failed_checks)


@dataclass(frozen=True, slots=True)
class ModelResult:
    """One dbt model in one build. `model`: its layer and table; `message` says why where `status` is not success."""

    model: str
    status: str
    seconds: float
    message: str


@dataclass(frozen=True, slots=True)
class BuildRecord:
    """One build. `status`: published, failed, or built, which waits to be published. Times in UTC, `seconds` wall time.

    `base_build_id`: the version it started from, none for a full refresh. `complete`: all models were
    built, so that its loads count as taken in. `fingerprint`: of the models' code. `new_events`: distinct events
    taken in, `journal_seq`: the position in the journal up to which they are.
    """

    build_id: str
    status: str
    base_build_id: str | None
    full_refresh: bool
    complete: bool
    start_date: str | None
    end_date: str | None
    selector: str | None
    fingerprint: str
    new_loads: int
    models: int
    models_failed: int
    tests: int
    tests_passed: int
    tests_warned: int
    tests_failed: int
    started_at: datetime
    finished_at: datetime
    seconds: float
    new_events: int = 0
    journal_seq: int = 0


@dataclass(frozen=True, slots=True)
class DbtRun:
    """What dbt did: results of models and tests, in the order in which they ended.

    `compiled`: name and SQL of each model that becomes a table or a view; `catalog`: all models of the project, also
    those that did not run.
    """

    models: tuple[ModelResult, ...]
    tests: tuple[AuditResult, ...]
    compiled: tuple[tuple[str, str], ...] = ()
    catalog: tuple[Model, ...] = ()

    @property
    def failed_models(self) -> tuple[ModelResult, ...]:
        """Those that failed or were skipped."""
        return tuple(model for model in self.models if model.status != "success")

    @property
    def failed_tests(self) -> tuple[AuditResult, ...]:
        """Those that failed, ended in an error or were skipped."""
        return tuple(test for test in self.tests if test.status not in ("pass", "warn"))

    @property
    def passed(self) -> bool:
        """Whether it may be published."""
        return not (self.failed_models or self.failed_tests)
