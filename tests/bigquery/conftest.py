"""One emulator for all tests of a worker, and one home folder, so that dbt reads its project for BigQuery once.

There are two groups of them, which take about as long: each worker has one.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from emulator import Emulator
from pubsub_server import PubSubServer
from warehouse.shop import Shop

from .twins import Cloud


@pytest.fixture(scope="session")
def emulator() -> Iterator[Emulator]:
    with Emulator("armazem-test") as running:
        yield running


@pytest.fixture(scope="session")
def cloud_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cloud") / "home"


@pytest.fixture
def empty_cloud(emulator: Emulator, cloud_home: Path) -> Cloud:
    return Cloud.of(emulator, cloud_home).emptied()


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return Shop(tmp_path_factory.mktemp("twin") / "home")


@pytest.fixture
def server(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[PubSubServer]:
    with PubSubServer(scale=getattr(request, "param", 0.05)) as server:
        monkeypatch.setenv("PUBSUB_EMULATOR_HOST", server.address)
        server.create("orders", "shop")
        yield server


@pytest.fixture
def cloud(emulator: Emulator, cloud_home: Path) -> Cloud:
    return Cloud.of(emulator, cloud_home, bigquery_write_endpoint=emulator.grpc, bigquery_retry_seconds=2.0).emptied()
