"""What the warehouse consists of: its models as dbt's manifest has them. Every version carries it in `meta.models`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from armazem.contract.layers import LIVE, layer_of

_TABLES = ("table", "incremental")
_NO_FOLDER = "main"


@dataclass(frozen=True, slots=True)
class Model:
    """One model. `name`: dbt's; `table`: what readers find it as, in schema `layer`.

    `step`: how many models lie between it and the sources at most: who publishes them in this order shows none before
    what it is made of. `inputs`: the models, and the sources as `schema.table`, that it reads. `meta`: dbt's, of its
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


def catalog_of(manifest: Any) -> tuple[Model, ...]:
    """The models of dbt's manifest, in an order in which none comes before what it is made of."""
    nodes = {key: node for key, node in manifest.nodes.items() if str(node.resource_type) == "model"}
    steps: dict[str, int] = {}

    def step(key: str) -> int:
        if key not in steps:
            parents = [parent for parent in nodes[key].depends_on.nodes if parent in nodes]
            steps[key] = 1 + max(map(step, parents), default=0)
        return steps[key]

    models = [
        Model(
            node.name,
            # On BigQuery all are built in one dataset, so that the schema of the node does not tell.
            node.config.schema or (node.fqn[1] if len(node.fqn) > 2 else _NO_FOLDER),
            node.alias,
            str(node.config.materialized),
            step(key),
            " ".join(node.description.split()),
            {name: " ".join(column.description.split()) for name, column in node.columns.items()},
            tuple(map(_name, node.depends_on.nodes)),
            dict(node.config.meta),
        )
        for key, node in nodes.items()
    ]
    return tuple(sorted(models, key=lambda model: (model.step, model.layer, model.name)))


def _name(unique_id: str) -> str:
    kind, *parts = unique_id.split(".")
    return ".".join(parts[-2:]) if kind == "source" else parts[-1]
