"""One Spark for all tests of a module, as starting it costs most; every test has a lake of its own behind it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from armazem.config import Settings, load_settings
from armazem.errors import SparkError
from armazem.landing import LoadResult

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

JARS = os.environ.get("SPARK_JARS", "")
# Tests end before the second compiler of Java pays.
SHORT_LIVED = {"JDK_JAVA_OPTIONS": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    reason = _missing()
    if reason is not None:
        for item in items:
            if "tests/spark" in item.path.as_posix():
                item.add_marker(pytest.mark.skip(reason=reason))


def _missing() -> str | None:
    """Why there is no Spark here."""
    try:
        import pyspark  # noqa: F401
    except ImportError:
        return "pyspark is not in this environment: `make spark`"
    from armazem.spark.jars import check_java

    try:
        check_java()
    except SparkError as error:
        return str(error)
    return None


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return spark_settings(tmp_path / "home")


def spark_settings(home: Path) -> Settings:
    jars = JARS if JARS and any(Path(JARS).glob("*.jar")) else ""
    return load_settings(home=home, landing="lake", spark_jars=jars)


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    from armazem.spark.session import started

    with ExitStack() as stack:
        with pytest.MonkeyPatch.context() as patch:
            for name, value in SHORT_LIVED.items():
                patch.setenv(name, value)
            home = spark_settings(tmp_path_factory.mktemp("spark"))
            # A task that failed is tried once more, as on a cluster.
            session = stack.enter_context(started(home.model_copy(update={"spark_master": "local[*,2]"})))
        yield session


Loader = Callable[..., LoadResult]


@pytest.fixture
def load(spark: SparkSession, settings: Settings) -> Loader:
    """Loads by Spark into the lake of the test, or of the settings that are given."""
    from armazem.spark.load import load

    def load_(path: Path | str, into: Settings = settings, **options: Any) -> LoadResult:
        return load(path, into, spark, **options)

    return load_
