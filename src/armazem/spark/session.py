"""The Spark session of the job: its catalog is the lake, its times are UTC, its log is quiet."""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from armazem.config import Settings
from armazem.errors import SparkError, extra
from armazem.lake.place import Place
from armazem.spark.catalog import catalog_options, driver_of
from armazem.spark.jars import ICEBERG, PACKAGES, check_java, named_jars

with extra("spark", "a job for Spark"):
    from py4j.protocol import Py4JError, Py4JJavaError
    from pyspark.errors import PySparkException
    from pyspark.sql import SparkSession

_EXTENSIONS = "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions"
_QUIET = Path(__file__).with_name("log4j2.properties")
# Set by spark-submit in the process of the driver, as its options are in the Java that is there already.
_SUBMITTED = "PYSPARK_GATEWAY_PORT"


@contextmanager
def started(settings: Settings) -> Iterator[SparkSession]:
    """Yield a session, which is stopped after that. Under spark-submit it is that one's.

    Raises SparkError where there is no Java, or Spark does not start.
    """
    submitted = _SUBMITTED in os.environ
    options = {"spark.sql.extensions": _EXTENSIONS, "spark.ui.showConsoleProgress": "false"}
    if not submitted:
        check_java()
        options |= _here(settings)
    builder = SparkSession.builder.appName("armazem lake load")
    for name, value in options.items():
        builder = builder.config(name, value)
    try:
        with _own_ctrl_c():
            spark = builder.getOrCreate()
    except (Py4JError, PySparkException, RuntimeError) as error:
        raise _not_started(error) from error
    with _quiet_py4j():
        try:
            # What a job says of a row in doubt is no error of anybody's.
            spark.sparkContext.setLogLevel("OFF")
            yield spark
        finally:
            with suppress(Py4JError, ConnectionError):  # its Java may be gone
                spark.stop()


@contextmanager
def _own_ctrl_c() -> Iterator[None]:
    """Keep what Ctrl-C does: PySpark takes it over, and its way asks Java in the middle of another question."""
    before = signal.getsignal(signal.SIGINT)
    try:
        yield
    finally:
        if before is not None and threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, before)


@contextmanager
def _quiet_py4j() -> Iterator[None]:
    """Let py4j log nothing: what it logs, with a traceback, it raises too, and that is told. It uses two loggers."""
    root, own = logging.getLogger(), logging.getLogger("py4j")
    before = own.level

    def of_others(record: logging.LogRecord) -> bool:
        return "py4j" not in Path(record.pathname).parts

    root.addFilter(of_others)
    own.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        own.setLevel(before)
        root.removeFilter(of_others)


def on_lake(spark: SparkSession, place: Place) -> SparkSession:
    """Return a session beside this one that has the lake as its catalog. Raises SparkError where a jar is missing."""
    _check_jars(spark, place)
    session = spark.newSession()
    options = {"spark.sql.session.timeZone": "UTC", "spark.sql.ansi.enabled": "true"} | catalog_options(place)
    for name, value in options.items():
        session.conf.set(name, value)
    return session


def _here(settings: Settings) -> dict[str, str]:
    """What a session on this machine is told, besides."""
    options = {
        "spark.master": settings.spark_master or "local[*]",
        "spark.driver.memory": settings.spark_memory,
        "spark.ui.enabled": "false",
        # Not the name of the machine, which need not be one that is found.
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.extraJavaOptions": f"-Dlog4j2.configurationFile={_QUIET.as_uri()}",
    }
    jars = named_jars(settings.spark_jars)
    if jars:
        return options | {"spark.jars": ",".join(map(str, jars))}
    return options | {"spark.jars.packages": ",".join(PACKAGES)}


def _check_jars(spark: SparkSession, place: Place) -> None:
    """Raise SparkError where the class path lacks a class that the first table would need."""
    needed = ["org.apache.iceberg.spark.SparkCatalog"]
    driver = driver_of(place)
    loader = spark._jvm.Thread.currentThread().getContextClassLoader()
    for name in [*needed, *([driver] if driver else [])]:
        try:
            loader.loadClass(name)
        except Py4JJavaError as error:
            raise SparkError(
                f"Spark {spark.version} has no {name}",
                f"give it the jars: --packages {','.join(PACKAGES)}, or ARMAZEM_SPARK_JARS; that of Iceberg has to be "
                f"made for its version of Spark, as {ICEBERG} is",
            ) from error


def _not_started(error: Exception) -> SparkError:
    reason = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
    return SparkError(
        f"Spark did not start: {reason}",
        "the lines above say why; without a way to Maven Central name the jars by ARMAZEM_SPARK_JARS",
    )
