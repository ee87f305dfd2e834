"""The frames of both stages, of one published version, and a fingerprint of what their features are."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

import numpy as np

from armazem.config import Settings
from armazem.features.delivery.frame import VECTORS, Frame, names_of, training_frame
from armazem.features.delivery.orders import stage_sql
from armazem.features.orders import STAGES, Stage, newest_day
from armazem.features.reading import read_whole
from armazem.targets.reader import Reader
from armazem.targets.registry import target_of


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
    return read_whole(target_of(settings), "feat_order_delivery", _frames)


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
