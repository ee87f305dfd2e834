"""Which targets there are. A target is imported when it is used: its client may not be installed."""

from __future__ import annotations

from importlib import import_module

from armazem.config import Settings
from armazem.errors import UnsupportedError, extra
from armazem.targets.base import Target

_TARGETS = {
    "duckdb": "armazem.targets.duckdb.target:DuckDBTarget",
    "bigquery": "armazem.targets.bigquery.target:BigQueryTarget",
}


def target_of(settings: Settings) -> Target:
    """Return the target that the settings name. Raises MissingExtra where its client is not installed.

    Raises UnsupportedError where it has no use for the landing zone that they name.
    """
    if settings.landing == "lake" and settings.target != "duckdb":
        raise UnsupportedError(
            f"the target {settings.target} has a landing zone of its own, and ARMAZEM_LANDING is lake",
            f"leave one of them out; {settings.target} can read the lake by itself, see docs/lake.md",
        )
    module, _, name = _TARGETS[settings.target].partition(":")
    with extra(settings.target, f"the target {settings.target}"):
        target: Target = getattr(import_module(module), name)(settings)
    return target


def home_target(settings: Settings, what: str, instead: str = "") -> Target:
    """Return the target, for what needs its tables in the home folder. Raises UnsupportedError where they are not."""
    target = target_of(settings)
    if not target.in_home:
        raise UnsupportedError(
            f"{what} is of the warehouse in a home folder, and the target is {settings.target}",
            instead or f"leave ARMAZEM_TARGET={settings.target} out",
        )
    return target
