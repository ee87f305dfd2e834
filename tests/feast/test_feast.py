"""Feast over an export: what it serves now and joins to the past is what `features get` says, to the bit."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest
from features.known import KEYS

from armazem.contract.features import ENTITIES
from armazem.features.catalogue import FEATURES
from armazem.features.requests import Requests
from armazem.features.training import training_set

from .conftest import EXAMPLE, REQUESTS, Asked

pytestmark = pytest.mark.xdist_group("feast")

NAMES = [feature.name for feature in FEATURES]


def different(expected: pa.Table, found: pa.Table) -> list[str]:
    """Names of features of which a value is another one; nan of pandas is null."""
    return [name for name in NAMES if values(expected, name) != values(found, name)]


def values(table: pa.Table, name: str) -> list[float | int | None]:
    column = table[name].to_pylist()
    return [None if value is None or value != value else value for value in column]


def test_every_entity_is_registered(asked: Asked) -> None:
    assert asked.told["views"] == sorted(entity.name for entity in ENTITIES)
    assert set(NAMES) <= set(asked.online.column_names)
    state = asked.export.with_name("features-state")
    assert sorted(path.name for path in state.iterdir()) == ["online_store.db", "registry.db"]


def test_online_features_of_every_id_are_the_newest(asked: Asked) -> None:
    assert different(training_set(asked.settings, Requests(asked.now)), asked.online) == []
    for entity, column in KEYS.items():
        assert set(asked.now[column].to_pylist()) == set(asked.shown.ids(entity))


def test_features_of_the_past_are_those_of_a_training_set(asked: Asked) -> None:
    assert asked.historical["number"].to_pylist() == list(range(REQUESTS))
    expected = training_set(asked.settings, Requests(asked.past))
    assert different(expected, asked.historical) == []
    assert len(set(values(expected, "seller_sold"))) > 3


def test_the_memory_limit_holds(asked: Asked) -> None:
    assert (asked.told["limit"], asked.told["refused"]) == (3_000_000_000, True)


def test_the_example(asked: Asked, feast: str, tmp_path: Path) -> None:
    home = tmp_path / "a home"
    home.symlink_to(asked.settings.home_folder.root)
    command = f"{sys.executable} -m armazem --home '{home}'"
    done = subprocess.run(
        [feast, EXAMPLE / "run.py", asked.export, "--armazem", command, "--requests", "10", "--memory", "3"],
        cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "10 requests online and 10 in the past: 0 values differ"
