"""One Airflow for the tests of a run, and a shop whose extracts come day by day."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest
from golden import Golden
from warehouse import history
from warehouse.history import Tables
from warehouse.shop import Shop

from armazem.shop.history import generate

from .extracts import by_calendar
from .runner import PYTHON, Airflow, command_here

ORDERS, SEED = 300, 5
# Something was bought on eight of the twelve days after the first, when nobody bought anything in the golden shop.
FIRST, LAST = date(2018, 9, 28), date(2018, 10, 10)


@dataclass(frozen=True, slots=True)
class Inbox:
    """A home folder and where its extracts come. `environment`: what tells the DAGs of both."""

    folder: Path
    shop: Shop

    @property
    def environment(self) -> dict[str, str]:
        return {
            "ARMAZEM_HOME": str(self.shop.path),
            "WAREHOUSE_INBOX": str(self.folder),
            "WAREHOUSE_EXPORTS": str(self.folder.parent / "exports"),
        }


@pytest.fixture(scope="session")
def airflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Airflow]:
    if PYTHON not in os.environ:
        pytest.skip("Airflow has an environment of its own: make airflow")
    folder = tmp_path_factory.mktemp("airflow")
    with Airflow(folder, command_here(folder)) as airflow:
        yield airflow


@pytest.fixture(scope="session")
def extracts(tmp_path_factory: pytest.TempPathFactory) -> dict[date, Tables]:
    """An extract for each of thirteen days, with the customers, sellers and products that its orders are of.

    That of the first has everything until then.
    """
    folder = tmp_path_factory.mktemp("generated")
    generate(folder, orders=ORDERS, seed=SEED, until=LAST)
    return by_calendar(history.read(folder), FIRST, LAST)


@pytest.fixture(scope="session")
def days(extracts: dict[date, Tables]) -> dict[date, Tables]:
    """Those of the days after the first."""
    return {day: extract for day, extract in extracts.items() if day != FIRST}


@pytest.fixture(scope="module")
def inbox(golden: Golden, tmp_path_factory: pytest.TempPathFactory) -> Inbox:
    """A published home with the golden shop's first extract, and an empty inbox."""
    folder = tmp_path_factory.mktemp("shop")
    return Inbox(folder / "inbox", golden.once(folder / "home"))


def days_with(days: dict[date, Tables]) -> list[date]:
    """The days on which something was bought."""
    return [day for day in days if days[day][history.ORDERS]]


def days_without(days: dict[date, Tables]) -> list[date]:
    return [day for day in days if not days[day][history.ORDERS]]
