"""The errors a user sees: what went wrong, where, and what to do. The CLI turns them into one line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

# Extra of the package to what its libraries' modules begin with.
_EXTRAS = {
    "beam": ("apache_beam", "google"),
    "bigquery": ("google", "dbt.adapters.bigquery"),
    "iceberg": ("pyiceberg", "sqlalchemy"),
    "kafka": ("confluent_kafka",),
    "lineage": ("openlineage",),
    "ml": ("lightgbm",),
    "pubsub": ("google",),
    "spark": ("pyspark", "py4j"),
    "tableau": ("tableauhyperapi",),
}

# Extra to what makes an environment with it, where that is not `make setup`.
_MAKES = {"beam": "beam", "spark": "spark"}


class ArmazemError(Exception):
    """Work that failed for a reason the user can act on.

    `hint` says what to do about it.
    """

    exit_code: int = 1
    """Of the command that it ends."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class SourceError(ArmazemError):
    """A source of batch data cannot be used: missing, unreadable or not what the contract says."""


class HomeError(ArmazemError):
    """The home folder cannot be used: of a newer version, not writable, held by another process."""


class BuildError(ArmazemError):
    """A build that was not published: a model or a test failed."""


class QueryError(ArmazemError):
    """A query that the published warehouse could not answer."""


class ExportError(ArmazemError):
    """An export that was not written: the place is taken, missing, full or not writable, or a table does not fit."""


class ReportError(ArmazemError):
    """A report that cannot be made: of a day to come, of a warehouse without a build; or that was not written."""


class FeatureError(ArmazemError):
    """Features that cannot be given: the file with entities or times does not fit, there is no such feature, or the
    times lie beyond the data.
    """


class CloudError(ArmazemError):
    """Google Cloud did not do what was asked: no credentials, no permission, not found, not reachable."""


class LakeError(ArmazemError):
    """The Iceberg tables cannot be used: catalog or files are gone or of another lake, or somebody changed a table."""


class BrokerError(ArmazemError):
    """Kafka did not do what was asked: no broker, no topic, no permission, or somebody else in our place."""


class SparkError(ArmazemError):
    """Spark cannot be started or did not do what was asked: no Java, no jars, no memory, or a job that failed."""


class UnsupportedError(ArmazemError):
    """Something was asked of a target that it does not do."""

    exit_code = 2


class SendError(ArmazemError):
    """Messages could not be sent: the target is wrong, refuses them, or gave no answer for too long."""


class MissingExtra(ArmazemError):
    """What was asked for needs libraries that come with an extra of the package, which is not installed."""


@contextmanager
def extra(name: str, what: str) -> Iterator[None]:
    """Raise MissingExtra where a library of this extra, which `what` needs, is missing; no other import error."""
    try:
        yield
    except ImportError as error:
        module = error.name or ""
        if not any(module == prefix or module.startswith(f"{prefix}.") for prefix in _EXTRAS.get(name, ())):
            raise
        raise MissingExtra(
            f"{what} needs {module}, which is not installed",
            f'pip install "armazem[{name}]"; in a checkout `make {_MAKES.get(name, "setup")}`',
        ) from error
