"""Whether a body is an event of OpenLineage: it is made again of the client's own classes, which know every field."""

from __future__ import annotations

import typing
from typing import Any

import attr
from openlineage.client import event_v2
from openlineage.client.facet_v2 import (
    data_quality_assertions_dataset,
    documentation_dataset,
    documentation_job,
    error_message_run,
    execution_parameters_run,
    input_statistics_input_dataset,
    job_type_job,
    output_statistics_output_dataset,
    parent_run,
    processing_engine_run,
    schema_dataset,
    sql_job,
    tags_run,
    test_run,
)
from openlineage.client.serde import Serde

# By place in the event, as the standard names facets there.
FACETS: dict[str, dict[str, type]] = {
    "run": {
        "parent": parent_run.ParentRunFacet,
        "errorMessage": error_message_run.ErrorMessageRunFacet,
        "executionParameters": execution_parameters_run.ExecutionParametersRunFacet,
        "processing_engine": processing_engine_run.ProcessingEngineRunFacet,
        "test": test_run.TestRunFacet,
        "tags": tags_run.TagsRunFacet,
    },
    "job": {
        "jobType": job_type_job.JobTypeJobFacet,
        "documentation": documentation_job.DocumentationJobFacet,
        "sql": sql_job.SQLJobFacet,
    },
    "dataset": {
        "schema": schema_dataset.SchemaDatasetFacet,
        "documentation": documentation_dataset.DocumentationDatasetFacet,
    },
    "input": {
        "inputStatistics": input_statistics_input_dataset.InputStatisticsInputDatasetFacet,
        "dataQualityAssertions": data_quality_assertions_dataset.DataQualityAssertionsDatasetFacet,
    },
    "output": {"outputStatistics": output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet},
}


def event(body: dict[str, Any]) -> event_v2.RunEvent:
    """The event of this body. Raises where a field is missing, unknown or of another form; loses nothing of it."""
    made = event_v2.RunEvent(
        eventType=event_v2.RunState(body["eventType"]),
        eventTime=body["eventTime"],
        producer=body["producer"],
        run=event_v2.Run(body["run"]["runId"], _facets("run", body["run"]["facets"])),
        job=event_v2.Job(body["job"]["namespace"], body["job"]["name"], _facets("job", body["job"]["facets"])),
        inputs=[
            event_v2.InputDataset(
                one["namespace"], one["name"], facets=_facets("dataset", one["facets"]),
                inputFacets=_facets("input", one["inputFacets"]),
            )
            for one in body["inputs"]
        ],
        outputs=[
            event_v2.OutputDataset(
                one["namespace"], one["name"], facets=_facets("dataset", one["facets"]),
                outputFacets=_facets("output", one["outputFacets"]),
            )
            for one in body["outputs"]
        ],
    )  # fmt: skip
    assert Serde.to_dict(made) == body
    return made


def _facets(place: str, found: dict[str, Any]) -> dict[str, Any]:
    return {name: _made(FACETS[place][name], value) for name, value in found.items()}


def _made(kind: Any, value: Any) -> Any:
    """An instance of a class of the client's, and of those that its fields are of."""
    if isinstance(value, list):
        return [_made(kind, one) for one in value]
    if not (isinstance(value, dict) and attr.has(kind)):
        return value
    hints = typing.get_type_hints(kind)
    fields = {name: one for name, one in value.items() if name != "_schemaURL"}
    made = kind(**{name.lstrip("_"): _made(_class_in(hints[name]), one) for name, one in fields.items()})
    assert getattr(made, "_schemaURL", None) == value.get("_schemaURL")
    return made


def _class_in(hint: Any) -> Any:
    """The class of the client's in a hint such as `list[Assertion] | None`; None for one such as `dict[str, Facet]`."""
    for part in (hint, *typing.get_args(hint)):
        if typing.get_origin(part) is dict:
            return None
        if attr.has(part):
            return part
        for inner in typing.get_args(part):
            if attr.has(inner):
                return inner
    return None
