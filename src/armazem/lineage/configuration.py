"""Whether OpenLineage is configured, by its own rules: the client reads the same variables and files."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_URL, _CONFIG, _TRANSPORT = "OPENLINEAGE_URL", "OPENLINEAGE_CONFIG", "OPENLINEAGE__TRANSPORT"
_FILE = "openlineage.yml"
NAMESPACE = "armazem"


def is_configured(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether lineage is to be sent: an endpoint, a transport or a file of configuration is named or there."""
    if environment.get("OPENLINEAGE_DISABLED", "").strip().lower() == "true":
        return False
    if environment.get(_URL) or environment.get(_CONFIG):
        return True
    files = (Path(_FILE), Path("~/.openlineage").expanduser() / _FILE)
    return any(name.startswith(_TRANSPORT) for name in environment) or any(file.is_file() for file in files)


def job_namespace(environment: Mapping[str, str] = os.environ) -> str:
    """Return the namespace of the jobs: OPENLINEAGE_NAMESPACE, which other integrations read too."""
    return environment.get("OPENLINEAGE_NAMESPACE") or NAMESPACE


@dataclass(frozen=True, slots=True)
class Parent:
    """The run that started this build, such as a task of Airflow's."""

    namespace: str
    job: str
    run_id: str


def parent_of(environment: Mapping[str, str] = os.environ, name: str = "OPENLINEAGE_PARENT_ID") -> Parent | None:
    """Return the parent that the variable names, `namespace/job/run id`; None without it.

    Raises ValueError where it has another form.
    """
    value = environment.get(name)
    if not value:
        return None
    namespace, _, rest = value.partition("/")
    job, _, run_id = rest.rpartition("/")
    if not (namespace and job and run_id):
        raise ValueError(f"{name} is '{value}', and not namespace/job/run id")
    return Parent(namespace, job, run_id)
