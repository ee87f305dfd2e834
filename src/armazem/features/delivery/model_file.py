"""A trained model of both stages as a file, with what it was made of; a folder holds it and its card."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import msgspec
import numpy as np

from armazem.disk.causes import cause_of
from armazem.disk.durable import write_whole
from armazem.errors import FeatureError
from armazem.features.delivery.evaluation import Evaluation
from armazem.features.delivery.frames import Frames
from armazem.features.delivery.model import PARAMETERS, ROUNDS, Model, train
from armazem.features.orders import STAGES

FORMAT = 1
MODEL, CARD = "model.json", "MODEL_CARD.md"
_TRAIN = "train it again: `armazem features train`"


class _Stage(msgspec.Struct):
    """What the file says of the model of a stage."""

    names: tuple[str, ...]
    values: dict[str, tuple[str, ...]]
    trained_on: int
    intercept: float
    slope: float
    errors: Annotated[list[float], msgspec.Meta(min_length=1)]
    booster: str


class _File(msgspec.Struct):
    """What the file holds, without what is only for people to read."""

    build: str
    known_until: str
    fingerprint: str
    library: str
    evaluation: Evaluation
    stages: dict[str, _Stage]


@dataclass(frozen=True)
class Trained:
    """`stages`: the model of each. `build`, `known_until`: the version, and the day up to which it knew things.

    `fingerprint`: of the features, see `Frames`. `library`: the LightGBM that trained it. `evaluation`: how good models
    made in the same way were, month by month.
    """

    build: str
    known_until: str
    fingerprint: str
    library: str
    stages: Mapping[str, Model]
    evaluation: Evaluation

    def check(self, frames: Frames) -> None:
        """Raise FeatureError where the features of the warehouse are others than the model's."""
        if self.fingerprint != frames.fingerprint:
            raise FeatureError(
                f"the model was trained on features of build {self.build}, those of build {frames.build} are defined "
                "otherwise, or made by other models",
                _TRAIN + "; or go back to a version that it fits: `armazem rollback`",
            )


def train_all(frames: Frames, evaluation: Evaluation, library: str) -> Trained:
    """Train both stages on all that is known. Raises FeatureError where that is too little, MissingExtra."""
    stages: dict[str, Model] = {stage: train(frame, frames.until) for stage, frame in frames.of.items()}
    until = str(frames.until.astype("datetime64[D]"))
    return Trained(frames.build, until, frames.fingerprint, library, stages, evaluation)


def content_of(trained: Trained) -> bytes:
    """Return the file's content: JSON, the same for the same model. `sha256` is of all the rest."""
    stages = {
        stage: {
            "names": model.names,
            "values": dict(model.values),
            "trained_on": model.trained_on,
            "intercept": model.intercept,
            "slope": model.slope,
            "errors": model.errors.tolist(),
            "booster": model.booster,
        }
        for stage, model in trained.stages.items()
    }
    written = {
        "format": FORMAT,
        "build": trained.build,
        "known_until": trained.known_until,
        "fingerprint": trained.fingerprint,
        "library": trained.library,
        "parameters": dict(PARAMETERS) | {"rounds": ROUNDS},
        "evaluation": trained.evaluation.as_json(),
        "stages": stages,
    }
    return _json({**written, "sha256": _sum(written)}) + b"\n"


def check_place(folder: Path) -> None:
    """Raise FeatureError where no model can be written into a folder, which need not be there yet."""
    there = next(place for place in (folder, *folder.parents) if place.exists())
    if not there.is_dir():
        raise FeatureError(f"{there} is a file", "name a folder for the model")
    if not os.access(there, os.W_OK | os.X_OK):
        raise FeatureError(f"cannot write into {there}: it is not permitted", "name another folder for the model")


def write(folder: Path, trained: Trained, card: str) -> None:
    """Write the model and its card into a folder, which is made; each replaces its old one by one rename.

    Raises FeatureError where that cannot be; then the old model stays.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # The card first: a model without its card would be one of which nobody knows how good it is.
        write_whole(folder / CARD, card.encode())
        write_whole(folder / MODEL, content_of(trained))
    except OSError as error:
        cause = cause_of(error, folder)
        raise FeatureError(f"cannot write the model into {folder}: {cause.reason}", cause.hint) from error


def read(folder: Path) -> Trained:
    """Return the model of a folder. Raises FeatureError where there is none, or it cannot be read.

    What is not as it was written goes no further: LightGBM ends the process over a text that is cut off.
    """
    path = folder / MODEL
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise FeatureError(f"there is no model in {folder}", "make one: `armazem features train`") from error
    except OSError as error:
        cause = cause_of(error, path)
        raise FeatureError(f"cannot read {path}: {cause.reason}", cause.hint) from error
    damaged = FeatureError(f"{path} is no model of armazem, or is damaged", _TRAIN)
    try:
        written = json.loads(content)
        if not isinstance(written, dict):
            raise damaged
        if written.get("format", FORMAT) != FORMAT:
            raise FeatureError(f"{path} has format {written['format']}, this armazem reads {FORMAT}", _TRAIN)
        if written.pop("sha256", None) != _sum(written):
            raise damaged
        found = msgspec.convert(written, _File)
    except (ValueError, RecursionError, msgspec.ValidationError) as error:
        raise damaged from error
    if tuple(found.stages) != STAGES:
        raise damaged
    stages = {stage: _model(stage, parts) for stage, parts in found.stages.items()}
    return Trained(found.build, found.known_until, found.fingerprint, found.library, stages, found.evaluation)


def _model(stage: str, parts: _Stage) -> Model:
    return Model(
        stage,
        parts.names,
        parts.values,
        parts.booster,
        np.array(parts.errors, dtype=float),
        parts.intercept,
        parts.slope,
        parts.trained_on,
    )


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=1).encode()


def _sum(written: Mapping[str, Any]) -> str:
    return hashlib.sha256(_json(written)).hexdigest()
