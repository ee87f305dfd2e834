"""The layers of models: folders of dbt/models, schemas of the warehouse, datasets on BigQuery.

A folder that is not named here is a layer too, published and exported; here is what differs, and how they are told.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer. `published`: readers find its tables; else they exist while a build runs. `exported`: its tables are
    in the files of `armazem export`.
    """

    name: str
    description: str = ""
    published: bool = True
    exported: bool = True


LAYERS: tuple[Layer, ...] = (
    Layer(
        "staging",
        "One cleaned table per source table: of each key and column the newest value, out of files and events. "
        "`stg_batch_…` are what the files alone say, `stg_events` what the events do.",
        exported=False,
    ),
    Layer("intermediate", "Steps between staging and marts. They are not published.", published=False, exported=False),
    Layer("marts", "Dimensions and facts: what to query."),
    Layer(
        "features",
        "Features at a point in time, and what is predicted of them: see [features.md](features.md).",
    ),
    Layer("kpis", "The KPI tables. Their definitions, with examples, are in [kpis.md](kpis.md)."),
    Layer(
        "own",
        "A user's own models, out of the folder that the setting `models` names: see "
        "[own-models.md](own-models.md). It exists where there are some.",
    ),
    Layer(
        "live",
        "Views on the published tables and on every event accepted since: the state of now.",
        exported=False,
    ),
)
LIVE = "live"
OWN = "own"
META = "meta"
"""What builds say of themselves; no models are in it."""


def layer_of(name: str) -> Layer:
    """The layer with this name."""
    return next((layer for layer in LAYERS if layer.name == name), Layer(name))
