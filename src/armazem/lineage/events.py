"""The events of a build: a run of its own, and below it a run for each model and one for the audit.

Classes and names are those of OpenLineage 2-0-2, by its own client.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from openlineage.client.event_v2 import InputDataset, Job, OutputDataset, Run, RunEvent, RunState
from openlineage.client.facet_v2 import (
    JobFacet,
    RunFacet,
    data_quality_assertions_dataset,
    documentation_job,
    error_message_run,
    execution_parameters_run,
    job_type_job,
    parent_run,
    processing_engine_run,
    set_producer,
    sql_job,
    test_run,
)
from openlineage.client.uuid import generate_new_uuid

from armazem import __version__
from armazem.lineage.configuration import Parent, job_namespace
from armazem.lineage.datasets import Datasets
from armazem.lineage.happened import Happened
from armazem.targets.base import Target
from armazem.targets.catalog import Model
from armazem.targets.records import AuditResult, DbtRun, ModelResult

BUILD, AUDIT = "build", "build.audit"
_MODEL, _TEST = "MODEL", "TEST"
_SUCCESS = "success"
_SKIPPED = "skipped"
_PASSED = ("pass", "warn")


@dataclass(frozen=True, slots=True)
class _Task:
    """A run: what it is of, and the facets of all its events."""

    run_id: UUID
    job: str
    facets: Mapping[str, RunFacet]
    job_facets: Mapping[str, JobFacet]


class BuildEvents:
    """Makes the events of one build. `parent`: the run that started it; `root`: the one that started that, if any."""

    def __init__(self, target: Target, parent: Parent | None, root: Parent | None) -> None:
        set_producer(f"https://pypi.org/project/armazem/{__version__}")
        self._target = target
        self._namespace = job_namespace()
        self._build_id = generate_new_uuid()
        self._root = root or parent or Parent(self._namespace, BUILD, str(self._build_id))
        self._parent = parent

    def start(self, happened: Happened) -> Iterator[RunEvent]:
        """The build has begun."""
        inputs = Datasets(self._target).loaded(happened.plan)
        yield self._event(RunState.START, self._build(happened), happened.begun_at, inputs)

    def end(self, happened: Happened) -> Iterator[RunEvent]:
        """The build has ended: its models and its audit, then itself."""
        run = happened.run or DbtRun((), ())
        datasets = Datasets(self._target, run.catalog)
        models = {f"{model.layer}.{model.table}": model for model in run.catalog}
        ran = [(result, models[result.model]) for result in run.models if result.status != _SKIPPED]
        published = happened.rows is not None
        types = datasets.types(model.layer for _, model in ran if model.is_published) if published else {}
        for result, model in ran:
            yield from self._model(happened, datasets, result, model, types)
        if any(test.status != _SKIPPED for test in run.tests):
            yield from self._audit(happened, datasets, run.tests)
        state, facets = RunState.COMPLETE, {}
        if happened.error is not None:
            state = RunState.FAIL if isinstance(happened.error, Exception) else RunState.ABORT
            facets = _error(_in_words(happened.error))
        outputs = datasets.tables(happened.rows or (), [model for _, model in ran])
        ended = happened.ended_at or datetime.now(UTC)
        yield self._event(state, self._build(happened), ended, datasets.loaded(happened.plan), outputs, facets)

    def _build(self, happened: Happened) -> _Task:
        plan = happened.plan
        window = (plan.request.start_date, plan.request.end_date)
        known = {
            "build_id": happened.build_id,
            "base_build_id": plan.base,
            "reason": plan.reason,
            "selector": plan.request.select,
            **{name: day.isoformat() for name, day in zip(("start_date", "end_date"), window, strict=True) if day},
        }
        parameters = [execution_parameters_run.ExecutionParameter(key=k, value=v) for k, v in known.items() if v]
        facets: dict[str, RunFacet] = {
            "processing_engine": processing_engine_run.ProcessingEngineRunFacet(
                version=__version__, name="armazem", openlineageAdapterVersion=__version__
            ),
            "executionParameters": execution_parameters_run.ExecutionParametersRunFacet(parameters=parameters),
        }
        if self._parent:
            facets["parent"] = self._below(self._parent)
        said = "Builds the warehouse: models, their audit, and the publication of what passed."
        job_facets = {**_kind("BUILD"), "documentation": documentation_job.DocumentationJobFacet(description=said)}
        return _Task(self._build_id, BUILD, facets, job_facets)

    def _model(
        self, happened: Happened, datasets: Datasets, result: ModelResult, model: Model,
        types: Mapping[str, Mapping[str, str]],
    ) -> Iterator[RunEvent]:  # fmt: skip
        compiled = dict(happened.run.compiled if happened.run else ())
        job_facets = {**_kind(_MODEL)}
        if model.description:
            job_facets["documentation"] = documentation_job.DocumentationJobFacet(description=model.description)
        if sql := compiled.get(model.name):
            job_facets["sql"] = sql_job.SQLJobFacet(query=sql, dialect=self._target.name)
        task = self._child(f"{BUILD}.{model.layer}.{model.table}", job_facets)
        start = happened.starts.get(model.name, happened.begun_at)
        inputs = datasets.inputs(model)
        # What was not published was not written, as far as anybody can see.
        table = f"{model.layer}.{model.table}"
        rows = None if happened.rows is None else dict(happened.rows).get(table)
        outputs = [] if happened.rows is None else [datasets.output(model, types.get(table, {}), rows)]
        done = result.status == _SUCCESS
        facets = {} if done else _error(result.message or result.status)
        yield self._event(RunState.START, task, start, inputs)
        end = start + timedelta(seconds=result.seconds)
        yield self._event(RunState.COMPLETE if done else RunState.FAIL, task, end, inputs, outputs, facets)

    def _audit(self, happened: Happened, datasets: Datasets, tests: Sequence[AuditResult]) -> Iterator[RunEvent]:
        said = "Tests what was built, before it is published."
        job_facets = {**_kind(_TEST), "documentation": documentation_job.DocumentationJobFacet(description=said)}
        task = self._child(AUDIT, job_facets)
        by_model: dict[str, list[AuditResult]] = {}
        for test in tests:
            by_model.setdefault(test.model, []).append(test)
        inputs = [
            InputDataset(datasets.namespace, datasets.name_of(datasets.models[name]), inputFacets={
                "dataQualityAssertions": data_quality_assertions_dataset.DataQualityAssertionsDatasetFacet(
                    assertions=[_assertion(test) for test in found if test.status != _SKIPPED]
                )
            })
            for name, found in by_model.items()
            if name in datasets.models and any(test.status != _SKIPPED for test in found)
        ]  # fmt: skip
        failed = [test for test in tests if test.status not in (*_PASSED, _SKIPPED)]
        facets: dict[str, RunFacet] = {"test": test_run.TestRunFacet(tests=[_execution(test) for test in tests])}
        if failed:
            facets |= _error("; ".join(_failure(test) for test in failed))
        starts = [happened.starts[test.test] for test in tests if test.test in happened.starts]
        ends = [happened.starts[test.test] + timedelta(seconds=test.seconds)
                for test in tests if test.test in happened.starts]  # fmt: skip
        start = min(starts, default=happened.begun_at)
        yield self._event(RunState.START, task, start, [])
        state = RunState.FAIL if failed else RunState.COMPLETE
        yield self._event(state, task, max(ends, default=start), inputs, (), facets)

    def _child(self, job: str, job_facets: Mapping[str, JobFacet]) -> _Task:
        above = Parent(self._namespace, BUILD, str(self._build_id))
        return _Task(generate_new_uuid(), job, {"parent": self._below(above)}, job_facets)

    def _below(self, parent: Parent) -> RunFacet:
        root = self._root
        return parent_run.ParentRunFacet(
            run=parent_run.Run(runId=parent.run_id),
            job=parent_run.Job(namespace=parent.namespace, name=parent.job),
            root=parent_run.Root(
                run=parent_run.RootRun(runId=root.run_id),
                job=parent_run.RootJob(namespace=root.namespace, name=root.job),
            ),
        )

    def _event(
        self, state: RunState, task: _Task, at: datetime, inputs: Iterable[InputDataset],
        outputs: Iterable[OutputDataset] = (), facets: Mapping[str, RunFacet] = {},
    ) -> RunEvent:  # fmt: skip
        return RunEvent(
            eventType=state,
            eventTime=at.isoformat(),
            run=Run(str(task.run_id), {**task.facets, **facets}),
            job=Job(self._namespace, task.job, dict(task.job_facets)),
            inputs=list(inputs),
            outputs=list(outputs),
        )


def _kind(kind: str) -> dict[str, JobFacet]:
    return {
        "jobType": job_type_job.JobTypeJobFacet(processingType="BATCH", integration="ARMAZEM", jobType=kind),
    }


def _error(message: str) -> dict[str, RunFacet]:
    return {"errorMessage": error_message_run.ErrorMessageRunFacet(message=message, programmingLanguage="SQL")}


def _in_words(error: BaseException) -> str:
    return " ".join(filter(None, (str(error) or type(error).__name__, getattr(error, "hint", ""))))


def _failure(test: AuditResult) -> str:
    return f"{test.test}: {test.failed_checks or f'{test.failures:,} failing rows'}"


def _assertion(test: AuditResult) -> data_quality_assertions_dataset.Assertion:
    return data_quality_assertions_dataset.Assertion(
        assertion="custom_sql",
        success=test.status == "pass",
        severity="warn" if test.status == "warn" else test.severity,
        name=test.test,
        description=test.description or None,
        expected="0",
        actual=str(test.failures),
        content=test.sql,
        contentType="sql",
    )


def _execution(test: AuditResult) -> test_run.TestExecution:
    status = {"pass": "pass", _SKIPPED: "skip"}.get(test.status, "fail")
    return test_run.TestExecution(
        name=test.test,
        status=status,
        severity="warn" if test.status == "warn" else test.severity,
        type="custom_sql",
        description=test.failed_checks or None,
        expected="0",
        actual=str(test.failures),
    )
