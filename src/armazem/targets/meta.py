"""The tables of schema `meta`, published with the tables that they speak of: the same on every target."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from armazem.landing import LedgerRow
from armazem.targets.catalog import Model
from armazem.targets.records import AuditResult, BuildRecord, DbtRun

BUILDS, TEST_RESULTS, LOADS, MODELS, EVENT_DAYS = "builds", "test_results", "loads", "models", "event_days"

META: dict[str, dict[str, str]] = {
    BUILDS: {
        "build_id": "varchar", "status": "varchar", "base_build_id": "varchar", "full_refresh": "boolean",
        "complete": "boolean", "start_date": "date", "end_date": "date", "selector": "varchar",
        "fingerprint": "varchar", "new_loads": "integer", "models": "integer", "models_failed": "integer",
        "tests": "integer", "tests_passed": "integer", "tests_warned": "integer", "tests_failed": "integer",
        "started_at": "timestamptz", "finished_at": "timestamptz", "seconds": "double", "new_events": "bigint",
        "journal_seq": "bigint",
    },
    TEST_RESULTS: {
        "build_id": "varchar", "test": "varchar", "model": "varchar", "severity": "varchar", "status": "varchar",
        "failures": "bigint", "failed_checks": "varchar", "seconds": "double", "description": "varchar",
        "sql": "varchar",
    },
    LOADS: {
        "build_id": "varchar", "load_id": "varchar", "table": "varchar", "path": "varchar", "sha256": "varchar",
        "size_bytes": "bigint", "rows_read": "bigint", "rows_accepted": "bigint", "rows_rejected": "bigint",
        "seconds": "double", "loaded_at": "timestamptz", "encoding": "varchar", "as_of": "timestamptz",
    },
    MODELS: {
        "name": "varchar", "layer": "varchar", "table": "varchar", "materialized": "varchar",
        "is_published": "boolean", "step": "integer", "description": "varchar", "columns": "varchar",
        "inputs": "varchar", "meta": "varchar",
    },
    EVENT_DAYS: {"day": "date", "rows": "bigint"},
}  # fmt: skip
"""Table to column to type, in DuckDB's SQL."""

MetaRows = dict[str, list[dict[str, Any]]]


def build_rows(record: BuildRecord, tests: Sequence[AuditResult], loads: Sequence[LedgerRow]) -> MetaRows:
    """Return the rows that a build adds, by table: itself, its tests, the loads that it took in."""
    return {
        BUILDS: [asdict(record)],
        TEST_RESULTS: [asdict(test) for test in tests],
        LOADS: [{"build_id": record.build_id, **asdict(load)} for load in loads],
    }


def published_models(run: DbtRun, there: set[tuple[str, str]]) -> list[Model]:
    """Return the models of which a version consists. `there`: layer and table of what was built.

    With --select a model that is new may not have been made yet.
    """
    return [model for model in run.catalog if not model.is_published or (model.layer, model.table) in there]
