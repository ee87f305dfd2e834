"""Several questions to one version, while others are published."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest
from warehouse.shop import Shop

from armazem.config import Settings
from armazem.errors import FeatureError
from armazem.features import training
from armazem.features.delivery import frames
from armazem.features.requests import Requests
from armazem.targets.duckdb.reader import VersionReader
from armazem.targets.registry import target_of

READ = 3


class Restless:
    """A target whose version is another one after each of the first `times` readings."""

    def __init__(self, settings: Settings, times: int) -> None:
        self.target = target_of(settings)
        self.times = times
        self.read: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self.target, name)

    def errors(self, doing: str) -> Any:
        return nullcontext()

    @contextmanager
    def reading(self) -> Iterator[Any]:
        with self.target.reading() as reader:
            assert isinstance(reader, VersionReader)
            reader = replace(reader, build=f"version {len(self.read) + 1}")
            self.read.append(reader.build)
            whole = len(self.read) > self.times
            object.__setattr__(reader, "is_of_one_build", lambda: whole)
            yield reader


def restless(monkeypatch: pytest.MonkeyPatch, settings: Settings, times: int) -> Restless:
    target = Restless(settings, times)
    for module in (training, frames):
        monkeypatch.setattr(module, "target_of", lambda settings: target)
    return target


def test_a_training_set_is_read_again_until_it_is_of_one_version(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = restless(monkeypatch, settings, READ - 1)
    found = training.training_set(settings, Requests(pa.table({"seller_id": ["a"]})))
    assert len(target.read) == READ
    assert found.schema.metadata[b"armazem.build"] == b"version 3"


def test_what_is_never_of_one_version_is_refused(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    target = restless(monkeypatch, settings, READ)
    with pytest.raises(FeatureError, match="versions are published faster than they are read"):
        training.training_set(settings, Requests(pa.table({"seller_id": ["a"]})))
    assert len(target.read) == READ


def test_frames_that_are_never_of_one_version_are_refused(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    target = restless(monkeypatch, settings, READ)
    with pytest.raises(FeatureError, match="versions are published faster than they are read"):
        frames.read_frames(settings)
    assert len(target.read) == READ


def test_orders_and_their_features_are_read_of_one_version(
    shop: Shop, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = restless(monkeypatch, settings, READ - 1)
    answer = shop.armazem("features", "get", "--orders", "purchase", "--features", "seller_sold")
    assert answer.code == 0, answer.err
    assert answer.out.splitlines()[0].replace('"', "").endswith(",at,seller_sold")
    assert len(target.read) == READ
    assert "1 features of build version 3" in answer.err
