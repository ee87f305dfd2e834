"""What a job of Spark fails with, in words: a row in doubt, which is no failure, and all others."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from armazem.errors import SparkError, extra
from armazem.spark.lines import DOUBT

with extra("spark", "a job for Spark"):
    from py4j.protocol import Py4JError, Py4JNetworkError
    from pyspark.errors import PySparkException

_SHOWN = 300
_HINTS = (
    ("OutOfMemoryError", "give it more memory by ARMAZEM_SPARK_MEMORY, or by --driver-memory and --executor-memory"),
    ("CommitFailedException", "others write to this table too: try again when they are done"),
    ("database is locked", "others write to the catalog too: try again when they are done"),
    ("No space left", "free some space on the disks of Spark and of the warehouse"),
    ("No FileSystem for scheme", "give Spark the connector's jar, as Dataproc does; `armazem load` reads gs:// here"),
)

_GONE = "was it killed, as for want of memory? ARMAZEM_SPARK_MEMORY says how much it may take; load again"


class InDoubt(Exception):
    """The file has a row of which Spark is not sure that it is good."""


@contextmanager
def job_errors(doing: str) -> Iterator[None]:
    """Turn what Spark raises into InDoubt or SparkError."""
    try:
        yield
    except (PySparkException, Py4JError, ConnectionError) as error:
        message = str(error)
        if _is_gone(error):
            raise SparkError(f"{doing} stopped: the Java of Spark has ended", _GONE) from error
        if DOUBT in message:
            raise InDoubt(message.partition(DOUBT)[2].partition("\n")[0]) from error
        hint = next((hint for sign, hint in _HINTS if sign in message), "the log of Spark says more")
        raise SparkError(f"{doing} by Spark stopped: {_reason(message)}", hint) from error


def _is_gone(error: Exception) -> bool:
    """Whether nobody answers; of a question that was under way py4j says no more than which one it was."""
    if isinstance(error, ConnectionError | Py4JNetworkError):
        return True
    return type(error) is Py4JError and "\n" not in str(error).strip()


def _reason(message: str) -> str:
    """The first line of the last cause; of what Java threw, not of how it was called."""
    lines = [line.strip().removeprefix(": ") for line in message.splitlines()]
    causes = [line.partition("Caused by: ")[2] for line in lines if line.startswith("Caused by: ")]
    first = next((line for line in lines if line and not line.startswith("An error occurred while calling")), message)
    reason = causes[-1] if causes else first
    return reason if len(reason) <= _SHOWN else reason[: _SHOWN - 1] + "…"
