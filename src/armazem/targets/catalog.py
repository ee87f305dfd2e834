"""What the warehouse consists of: its models as dbt's manifest has them. Every version carries it in `meta.models`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from armazem.contract.layers import LIVE, layer_of

_TABLES = ("table", "incremental")
_NO_FOLDER = "main"


@dataclass(frozen=True, slots=True)
class Model:
    """One model. `name`: dbt's; `table`: what readers find it as, in schema `layer`.

    `step`: who publishes the models in this order shows no fact without its dimensions, and no KPI before its facts.
    `inputs`: the models, and the sources as `schema.table`, that it reads. `meta`: dbt's, of its
    YAML.
    """

    name: str
    layer: str
    table: str
    materialized: str
    step: int
    description: str
    columns: Mapping[str, str]
    inputs: tuple[str, ...]
    meta: Mapping[str, Any]

    @property
    def is_published(self) -> bool:
        """Whether a build publishes it as a table."""
        return self.materialized in _TABLES and layer_of(self.layer).published

    @property
    def is_live(self) -> bool:
        """Whether it is a view on what comes after the build."""
        return self.layer == LIVE

    def row(self) -> dict[str, Any]:
        """Return its row of `meta.models`: what is no single value in it is JSON."""
        return {
            "name": self.name,
            "layer": self.layer,
            "table": self.table,
            "materialized": self.materialized,
            "is_published": self.is_published,
            "step": self.step,
            "description": self.description,
            "columns": _json(dict(self.columns)),
            "inputs": _json(self.inputs),
            "meta": _json(dict(self.meta)),
        }


def catalog_of(manifest: Any) -> tuple[Model, ...]:
    """The models of dbt's manifest, in the order in which they are published."""
    nodes = {key: node for key, node in manifest.nodes.items() if str(node.resource_type) == "model"}
    steps = _steps({key: {*node.depends_on.nodes} for key, node in nodes.items()}, _references(manifest))
    models = [
        Model(
            node.name,
            # On BigQuery all are built in one dataset, so that the schema of the node does not tell.
            node.config.schema or (node.fqn[1] if len(node.fqn) > 2 else _NO_FOLDER),
            node.alias,
            str(node.config.materialized),
            steps[key],
            " ".join(node.description.split()),
            {name: " ".join(column.description.split()) for name, column in node.columns.items()},
            tuple(map(_name, node.depends_on.nodes)),
            dict(node.config.meta),
        )
        for key, node in nodes.items()
    ]
    return tuple(sorted(models, key=lambda model: (model.step, model.layer, model.name)))


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)  # YAML has dates


def _references(manifest: Any) -> dict[str, set[str]]:
    """Of each model, those that its tests compare it with (foreign keys, sums), and those that say so themselves."""
    found: dict[str, set[str]] = {}
    for key, node in manifest.nodes.items():
        for name in node.config.meta.get("published_before", ()):
            found.setdefault(f"model.{node.package_name}.{name}", set()).add(key)
        model = getattr(node, "attached_node", None)  # a singular test speaks of several models
        if model:
            found.setdefault(model, set()).update(node.depends_on.nodes)
    return found


def _steps(made_of: Mapping[str, set[str]], refers_to: Mapping[str, set[str]]) -> dict[str, int]:
    """From 1: what a model is made of, and what it refers to, comes before it.

    Where that is a circle, a dimension that is computed of its fact, the reference counts: all is computed before any
    of it is published, and a reader must find what a row refers to.
    """
    steps: dict[str, int] = {}
    while left := made_of.keys() - steps.keys():

        def waits(key: str, left: set[str] = left) -> set[str]:
            return refers_to.get(key, set()) & left - {key}

        ready = [key for key in left if not made_of[key] & left]
        settled = [key for key in ready if not waits(key)]
        if not settled:
            settled = [key for key in set().union(*map(waits, ready)) if not waits(key)] or ready
        steps |= dict.fromkeys(settled, max(steps.values(), default=0) + 1)
    return steps


def _name(unique_id: str) -> str:
    kind, *parts = unique_id.split(".")
    return ".".join(parts[-2:]) if kind == "source" else parts[-1]
