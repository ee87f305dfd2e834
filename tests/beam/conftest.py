"""BigQuery for the pipeline: the emulator, and a dataset of its own for every test."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from emulator import Emulator

from armazem.config import Settings

_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Cloud:
    """The tables of events on BigQuery. `arguments`: what the pipeline is told of them."""

    settings: Settings

    @property
    def arguments(self) -> list[str]:
        dataset = f"{self.settings.bigquery_project}.{self.settings.bigquery_dataset_prefix}raw"
        return [f"--dataset={dataset}", f"--write_endpoint={self.settings.bigquery_write_endpoint}"]

    def rows(self, table: str) -> list[dict[str, Any]]:
        from armazem.targets.bigquery.landing.raw import Raw

        raw = Raw(self.settings)
        return [dict(row) for row in raw.client.query(f"select * from `{raw.table(table)}`").result()]

    def environment(self) -> dict[str, str]:
        """The settings as a command gets them."""
        given = self.settings.model_dump(exclude_unset=True)
        return {f"ARMAZEM_{name.upper()}": str(value) for name, value in given.items()}


@pytest.fixture(scope="session")
def emulator() -> Iterator[Emulator]:
    with Emulator() as emulator:
        yield emulator


@pytest.fixture
def cloud(emulator: Emulator, tmp_path: Path) -> Cloud:
    """With empty tables."""
    from armazem.targets.bigquery.sink import opened

    settings = Settings(
        home=tmp_path / "home",
        target="bigquery",
        bigquery_project=emulator.project,
        bigquery_endpoint=emulator.url,
        bigquery_write_endpoint=emulator.grpc,
        bigquery_dataset_prefix=f"t{next(_numbers)}_",
        bigquery_retry_seconds=20.0,
    )
    with opened(settings):
        pass
    return Cloud(settings)
