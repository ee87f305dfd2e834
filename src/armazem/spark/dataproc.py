"""The request for a batch of Dataproc Serverless that loads files: the Batch of its API, as JSON. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from armazem.config import Settings
from armazem.errors import UnsupportedError
from armazem.lake.place import Place, place_of

RUNTIME = "3.0"
"""The runtime with Spark 4.0: none has 4.1 yet."""
JARS = ("org.apache.iceberg:iceberg-spark-runtime-4.0_2.13:1.11.0",)
"""The jar of Iceberg for that Spark."""

_PLACE = re.compile(r"(?P<project>[a-z][a-z0-9.:-]{4,}[a-z0-9])/(?P<region>[a-z]+-[a-z]+[0-9]+)")
_SETTINGS = ("time_zone", "lake_catalog", "lake_warehouse")
"""Settings that the job has to have as they are here."""


def batch(
    settings: Settings,
    place: str,
    path: str,
    options: Mapping[str, Any],
    *,
    image: str = "",
    main: str = "",
    runtime: str = RUNTIME,
    service_account: str = "",
    subnetwork: str = "",
) -> dict[str, Any]:
    """Return the Batch for `google.cloud.dataproc_v1`, or for the body of a POST to `…/batches`.

    `place`: PROJECT/REGION. `options`: those of the command. Raises UnsupportedError for what cannot work there.
    """
    where = _PLACE.fullmatch(place)
    if where is None:
        raise UnsupportedError(f"{place!r} is no place of Dataproc", "--dataproc is like my-project/southamerica-east1")
    lake = place_of(settings)
    _check(lake, path, image, main)
    execution = {"service_account": service_account, "subnetwork_uri": subnetwork}
    return {
        "pyspark_batch": {"main_python_file_uri": main, "args": [path, *_arguments(options)]},
        "runtime_config": {
            "version": runtime,
            "container_image": image,
            "properties": {
                "spark.jars.packages": ",".join(JARS),
                **{
                    f"spark.dataproc.driverEnv.ARMAZEM_{name.upper()}": str(getattr(settings, name))
                    for name in _SETTINGS
                    if getattr(settings, name)
                },
                "spark.dataproc.driverEnv.ARMAZEM_HOME": "/tmp/armazem",
            },
        },
        "environment_config": {"execution_config": {key: value for key, value in execution.items() if value}},
        "labels": {"armazem": "lake-load"},
    }


def _check(lake: Place, path: str, image: str, main: str) -> None:
    """Raise UnsupportedError for what a job in the cloud cannot reach."""
    if not re.match(r"[a-z][a-z0-9+.-]*://", path) or path.startswith("file:"):
        raise UnsupportedError(f"a job on Dataproc cannot read {path}", "copy it to a bucket and name gs://…")
    if lake.sqlite_file is not None:
        raise UnsupportedError(
            "a job on Dataproc cannot use a catalog on SQLite",
            "set ARMAZEM_LAKE_CATALOG to a REST catalog or a database, and ARMAZEM_LAKE_WAREHOUSE to gs://…",
        )
    if urlsplit(lake.catalog).password:
        raise UnsupportedError(
            "the password in ARMAZEM_LAKE_CATALOG would be written into the request",
            "use a catalog without one, such as a REST catalog with the credentials of the service account",
        )
    if lake.properties:
        raise UnsupportedError(
            "the file of ARMAZEM_LAKE_PROPERTIES would be written into the request, with its secrets",
            "put it into the image, and set ARMAZEM_LAKE_PROPERTIES there",
        )
    for flag, value in (("--image", image), ("--main", main)):
        if not value:
            raise UnsupportedError(f"--dataproc needs {flag}", "docs/spark.md says how to make it")


def _arguments(options: Mapping[str, Any]) -> list[str]:
    given: list[str] = []
    for name, value in options.items():
        flag = f"--{name.replace('_', '-')}"
        if value is True:
            given.append(flag)
        elif value not in (None, False):
            given.append(f"{flag}={value}")
    return given
