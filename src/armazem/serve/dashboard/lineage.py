"""What a KPI is computed from, step by step, as the published version says of itself."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from armazem.contract.layers import OWN
from armazem.serve.dashboard.queries import Query
from armazem.targets.rows import Rows

LAYERS = (OWN, "kpis", "marts", "intermediate", "staging", "source")
MODELS = Query("select name, layer, description, columns, inputs from meta.models")


@dataclass(frozen=True, slots=True)
class Node:
    """A model or a source table. `inputs`: names of what it reads. Of a source only name and layer are known."""

    name: str
    layer: str
    description: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)
    inputs: tuple[str, ...] = ()


def nodes_of(models: Rows) -> dict[str, Node]:
    """All models of the answer to `MODELS`, by name, and the source tables that they read, as `schema.table`."""
    found = {
        name: Node(name, layer, description, json.loads(columns), tuple(json.loads(inputs)))
        for name, layer, description, columns, inputs in models.rows
    }
    for name in {name for node in found.values() for name in node.inputs if "." in name}:
        found[name] = Node(name, "source")
    return found


def steps(name: str, known: Mapping[str, Node]) -> list[Node]:
    """The table and all that it is computed from, down to the sources: by layer, the nearest first.

    Raises KeyError for a table that is not known. An input that is not known is passed over.
    """
    distance = {name: 0}
    waiting = deque([known[name]])
    while waiting:
        node = waiting.popleft()
        for other in node.inputs:
            if other in known and other not in distance:
                distance[other] = distance[node.name] + 1
                waiting.append(known[other])
    rank = {layer: at for at, layer in enumerate(LAYERS)}
    found = [known[other] for other in distance]
    return sorted(found, key=lambda node: (rank.get(node.layer, len(LAYERS)), distance[node.name]))
