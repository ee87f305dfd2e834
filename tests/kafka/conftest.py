"""One broker for all tests of a worker: a topic and a group for each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from bigquery.twins import Cloud
from emulator import Emulator
from kafka_broker import Broker, why_not

from armazem.config import Settings
from armazem.home import Home
from armazem.intake.ingest import Ingest


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    if reason := why_not():
        pytest.skip(reason)
    with Broker(tmp_path_factory.mktemp("kafka") / "broker") as running:
        yield running


@pytest.fixture(scope="session")
def restless_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    if reason := why_not():
        pytest.skip(reason)
    with Broker(tmp_path_factory.mktemp("kafka") / "restless") as running:
        yield running


@pytest.fixture
def own_broker(restless_broker: Broker) -> Broker:
    """One that a test may stop and kill: nobody else is at it."""
    if not restless_broker.running:
        restless_broker.start()
    return restless_broker


@pytest.fixture
def topic(broker: Broker) -> str:
    return broker.create(f"orders-{uuid4().hex[:8]}")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home").open()


@pytest.fixture
def settings(home: Home) -> Settings:
    return Settings(home=home.root)


@pytest.fixture
def ingest(home: Home, settings: Settings) -> Iterator[Ingest]:
    with Ingest(home, settings) as ingest:
        yield ingest


@pytest.fixture(scope="session")
def emulator() -> Iterator[Emulator]:
    with Emulator("armazem-test") as running:
        yield running


@pytest.fixture
def cloud(emulator: Emulator, tmp_path: Path) -> Cloud:
    more = {"bigquery_write_endpoint": emulator.grpc, "bigquery_retry_seconds": 2.0}
    return Cloud.of(emulator, tmp_path / "cloud", **more).emptied()
