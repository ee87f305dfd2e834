"""What all tests share: the numbers of the long ones, where their figures go, and no settings from outside."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from golden import Golden, base_of_run
from golden import golden as golden_of
from soak import NUMBERS, Numbers
from static_checks import StaticChecks

LONG_GROUPS = (
    "publishing on bigquery", "bigquery", "kafka", "browser", "day by day", "interrupted", "publishing", "killed",
    "dbt command", "lineage", "refused", "install", "queries and kpis", "docs", "dbt unit tests",
)  # fmt: skip


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--with-lint", action="store_true", help="run `make lint` beside the tests")


def pytest_configure(config: pytest.Config) -> None:
    """Let commands that the tests start take Ctrl-C: a shell that runs the tests in the background ignores it, and so
    would they.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if config.getoption("--with-lint") and "PYTEST_XDIST_WORKER" not in os.environ:
        config.pluginmanager.register(StaticChecks(config.rootpath))


@pytest.fixture(scope="session")
def numbers() -> Numbers:
    return NUMBERS


@pytest.fixture(scope="session")
def report() -> Callable[..., None]:
    """Appends the figures of a long test as a line of JSON to the file $ARMAZEM_SOAK_REPORT, if that is set."""
    path = os.environ.get("ARMAZEM_SOAK_REPORT")

    def write(test: str, **figures: object) -> None:
        if path:
            with Path(path).open("a", encoding="utf-8") as file:  # one write of one line: workers do not mix
                file.write(json.dumps({"test": test, **figures}) + "\n")

    return write


@pytest.fixture(scope="session")
def golden(tmp_path_factory: pytest.TempPathFactory) -> Golden:
    return golden_of(base_of_run(tmp_path_factory) / "golden")


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test sees only the settings it makes itself."""
    for name in [name for name in os.environ if name.startswith("ARMAZEM_")]:
        monkeypatch.delenv(name)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The long groups first, where workers share the tests: a group stays on one worker, and its end is waited for."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        ranks = {group: place for place, group in enumerate(LONG_GROUPS)}
        items.sort(key=lambda item: ranks.get(_group(item), len(ranks)))


def _group(item: pytest.Item) -> str:
    marker = item.get_closest_marker("xdist_group")
    return str(marker.args[0]) if marker is not None else ""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "history_seed" in metafunc.fixturenames:
        metafunc.parametrize("history_seed", range(1, NUMBERS.histories + 1))
