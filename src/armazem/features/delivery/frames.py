"""The frames of both stages, of one published version, and a fingerprint of what their features are."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

import numpy as np

from armazem.config import Settings
from armazem.errors import CloudError, FeatureError, QueryError
from armazem.features.delivery.frame import VECTORS, Frame, names_of, training_frame
from armazem.features.delivery.orders import STAGES, Stage, stage_sql
from armazem.features.orders import newest_day
from armazem.targets.base import Target
from armazem.targets.reader import Reader
from armazem.targets.registry import target_of

_ATTEMPTS = 3


@dataclass(frozen=True)
class Frames:
    """`of`: the frame of each stage. `until`: the midnight up to which things are known. `build`: the version.

    `fingerprint`: of the features, by their definitions here and the code of all models that the version was built
    with. Whatever makes a feature another one changes it; so does a change of any other model.
    """

    of: dict[Stage, Frame]
    until: np.datetime64
    build: str
    fingerprint: str


def read_frames(settings: Settings) -> Frames:
    """Return the frames of what is published. Raises FeatureError where it has no features, QueryError."""
    target = target_of(settings)
    try:
        with target.errors("the features"):
            for _ in range(_ATTEMPTS):
                with target.reading() as reader:
                    found = _frames(reader)
                    if reader.is_of_one_build():
                        return found
    except (QueryError, CloudError) as error:
        if not _has_features(target):
            raise FeatureError("the published version has no features", "`armazem build` makes them") from error
        raise
    raise FeatureError("versions are published faster than they are read", "try again when no build runs")


def _frames(reader: Reader) -> Frames:
    until = np.datetime64(newest_day(reader), "us")
    found = {stage: training_frame(reader, stage) for stage in STAGES}
    return Frames(found, until, reader.build, _fingerprint(reader, found))


def _fingerprint(reader: Reader, found: dict[Stage, Frame]) -> str:
    builds = reader.answer(f"select fingerprint from {reader.schema('meta')}.builds where build_id = '{reader.build}'")
    definitions = {
        "code": builds["fingerprint"].to_pylist(),
        "features": {stage: names_of(frame) for stage, frame in found.items()},
        "vectors": [(one.name, one.entity.key, one.formula, one.known) for one in VECTORS],
        "orders": [stage_sql(stage, "marts", "features") for stage in found],
    }
    return hashlib.sha256(json.dumps(definitions).encode()).hexdigest()


def _has_features(target: Target) -> bool:
    return any(table == "feat_order_delivery" for table, _, _ in target.columns("features"))
