"""Tables as OpenLineage names datasets, with their columns and rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from openlineage.client.event_v2 import InputDataset, OutputDataset
from openlineage.client.facet_v2 import (
    DatasetFacet,
    InputDatasetFacet,
    OutputDatasetFacet,
    documentation_dataset,
    input_statistics_input_dataset,
    output_statistics_output_dataset,
    schema_dataset,
)

from armazem.landing.ledger import LedgerRow
from armazem.targets.base import Target
from armazem.targets.catalog import Model
from armazem.targets.plan import Plan

RAW, EVENTS = "raw", "raw.events"
_OF_THE_BUILD = "control"  # what a build is told to take in: no data
_EPHEMERAL = "ephemeral"


class Datasets:
    """The datasets of a target and the models of its project.

    In a home folder `duckdb://<its path>` and `marts.fact_orders`; on BigQuery, by OpenLineage's own convention,
    `bigquery` and `project.dataset.table`.
    """

    def __init__(self, target: Target, models: Iterable[Model] = ()) -> None:
        self._target = target
        self.models: Mapping[str, Model] = {model.name: model for model in models}
        self.namespace = f"duckdb://{target.place}" if target.in_home else target.name

    def name(self, layer: str, table: str) -> str:
        if self._target.in_home:
            return f"{layer}.{table}"
        return f"{self._target.place}.{self._target.schema(layer)}.{table}"

    def name_of(self, model: Model) -> str:
        return self.name(model.layer, model.table)

    def inputs(self, model: Model) -> list[InputDataset]:
        """Return what a model reads: tables of models, loads as `raw.…`, events as `raw.events`."""
        return [InputDataset(self.namespace, name) for name in dict.fromkeys(self._read(model))]

    def _read(self, model: Model) -> Iterator[str]:
        for name in model.inputs:
            if (read := self.models.get(name)) is not None:
                if read.materialized == _EPHEMERAL:  # no table: a part of the query of whoever reads it
                    yield from self._read(read)
                else:
                    yield self.name_of(read)
                continue
            schema, _, table = name.rpartition(".")
            if schema and schema != _OF_THE_BUILD:
                yield self.name(schema, table)

    def loaded(self, plan: Plan) -> list[InputDataset]:
        """Return what a build takes in: the tables of its new loads with their rows, and the events."""
        by_table: dict[str, list[LedgerRow]] = {}
        for load in plan.loads:
            by_table.setdefault(load.table, []).append(load)
        found = []
        for table, loads in sorted(by_table.items()):
            read: dict[str, InputDatasetFacet] = {
                "inputStatistics": input_statistics_input_dataset.InputStatisticsInputDatasetFacet(
                    rowCount=sum(load.rows_accepted for load in loads),
                    size=sum(load.size_bytes for load in loads),
                    fileCount=len(loads),
                )
            }
            found.append(InputDataset(self.namespace, self.name(RAW, table), inputFacets=read))
        if plan.event_types:
            found.append(InputDataset(self.namespace, self.name(*EVENTS.split("."))))
        return found

    def output(self, model: Model, types: Mapping[str, str], rows: int | None) -> OutputDataset:
        """Return what a model wrote. `types`: of its columns, where known; `rows`: of its table as it is published."""
        columns = dict.fromkeys((*types, *model.columns))
        fields = [
            schema_dataset.SchemaDatasetFacetFields(
                name=name, type=types.get(name), description=model.columns.get(name)
            )
            for name in columns
        ]
        facets: dict[str, DatasetFacet] = {"schema": schema_dataset.SchemaDatasetFacet(fields=fields)}
        if model.description:
            facets["documentation"] = documentation_dataset.DocumentationDatasetFacet(description=model.description)
        return OutputDataset(self.namespace, self.name_of(model), facets=facets, outputFacets=_written(rows))

    def tables(self, rows: Sequence[tuple[str, int]], written: Iterable[Model]) -> list[OutputDataset]:
        """Return the published tables of these models with their rows, and no more of them."""
        counts = dict(rows)
        names = {f"{model.layer}.{model.table}": model for model in written}
        return [
            OutputDataset(self.namespace, self.name_of(model), outputFacets=_written(counts[name]))
            for name, model in sorted(names.items())
            if name in counts
        ]

    def types(self, layers: Iterable[str]) -> Mapping[str, Mapping[str, str]]:
        """Return the columns of the published tables and their types, by `layer.table`."""
        found: dict[str, dict[str, Any]] = {}
        for layer in sorted(set(layers)):
            for table, column, type_ in self._target.columns(layer):
                found.setdefault(f"{layer}.{table}", {})[column] = type_
        return found


def _written(rows: int | None) -> dict[str, OutputDatasetFacet]:
    if rows is None:
        return {}
    return {"outputStatistics": output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(rowCount=rows)}
