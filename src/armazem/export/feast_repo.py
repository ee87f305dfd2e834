"""The feature repository of Feast over exported features: its settings, and definitions out of the contract."""

from __future__ import annotations

import json

from armazem.contract.features import ENTITIES, Accumulator, Entity
from armazem.features.catalogue import Feature, features_of
from armazem.features.requests import KEYS

DATA = "data"
REPO = "feature_repo"
SERVICE = "features"
"""All features of all entities, by that name."""

# As good as for ever. Zero is that to Feast too, but `feast materialize-incremental` then begins a year ago.
_TTL_DAYS = 36_525

_HEAD = f'''"""The features of Armazém, for Feast: written by `armazem export feast`, which replaces it."""

from datetime import timedelta

from feast import Entity, FeatureService, FeatureView, Field, FileSource, ValueType
from feast.types import Float64, Int64

# A row holds until the next one of its id, however long that is.
FOREVER = timedelta(days={_TTL_DAYS})
'''


def feature_store(name: str) -> str:
    """Return feature_store.yaml of the export of this name."""
    state = f"../../{name}-state"
    return "\n".join(
        (
            "# Written by `armazem export feast`, which replaces it. Registry and online store lie beside the export:",
            "# they outlast it.",
            "project: armazem",
            "provider: local",
            f"registry: {_quoted(f'{state}/registry.db')}",
            "online_store:",
            "    type: sqlite",
            f"    path: {_quoted(f'{state}/online_store.db')}",
            "offline_store:",
            "    type: dask",
            "entity_key_serialization_version: 3",
            "",
        )
    )


def definitions() -> str:
    """Return definitions.py: an entity, a source and a view for each entity, and a service of all."""
    views = ", ".join(f"{entity.name}_view" for entity in ENTITIES)
    service = f"{SERVICE} = FeatureService(name={_quoted(SERVICE)}, features=[{views}])\n"
    return "\n\n".join((_HEAD, *(_view(entity) for entity in ENTITIES), service))


def join_key(entity: Entity) -> str:
    """Return the column of a request that holds the ids: as in those of `armazem features get`."""
    return KEYS.get(entity.name, entity.name)


def _view(entity: Entity) -> str:
    name, key = entity.name, _quoted(join_key(entity))
    fields = "\n".join(_field(feature) for feature in features_of([entity]))
    return f"""{name} = Entity(
    name={_quoted(name)},
    join_keys=[{key}],
    value_type=ValueType.STRING,
    description={_quoted(entity.description)},
)

{name}_daily = FileSource(
    name="{name}_daily",
    path="../{DATA}/{name}_daily.parquet",
    timestamp_field="feature_timestamp",
    created_timestamp_column="created_timestamp",
    field_mapping={{"entity_id": {key}}},
)

{name}_view = FeatureView(
    name={_quoted(name)},
    entities=[{name}],
    ttl=FOREVER,
    schema=[
{fields}
    ],
    source={name}_daily,
)"""


def _field(feature: Feature) -> str:
    kind = "Int64" if isinstance(feature.of, Accumulator) else "Float64"
    description = f"{feature.of.description} Over {feature.window}; {feature.unit}."
    return f"""        Field(
            name={_quoted(feature.name)},
            dtype={kind},
            description={_quoted(description)},
        ),"""


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
