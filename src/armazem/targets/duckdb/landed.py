"""What is landed, where the settings say: in the home folder, or in the lake, whose libraries are an extra."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from armazem import landing
from armazem.config import Settings
from armazem.disk.lock import landing_lock
from armazem.errors import extra
from armazem.landing.ledger import LedgerRow
from armazem.landing.zone import HomeZone, Zone
from armazem.targets.duckdb.lake_inputs import files_of
from armazem.targets.plan import Scope

if TYPE_CHECKING:
    from armazem.lake.reading import LandedFile

_WHAT = "ARMAZEM_LANDING=lake"


def zone(settings: Settings) -> Zone:
    """Return where files are landed."""
    if settings.landing == "home":
        return HomeZone(settings.home_folder)
    with extra("iceberg", _WHAT):
        from armazem.lake.zone import LakeZone
    return LakeZone(settings)


def loads(settings: Settings) -> list[LedgerRow]:
    """Return every file that is landed and not withdrawn, in load order."""
    if settings.landing == "home":
        return landing.read_ledger(settings.home_folder)
    with extra("iceberg", _WHAT):
        from armazem.lake.zone import landed
    return landed(settings)


def withdraw(settings: Settings, load_id: str, on_wait: Callable[[], None]) -> Path | None:
    """Withdraw a load; the folder that its files are kept in, None in the lake. Raises an ArmazemError."""
    home = settings.home_folder
    if settings.landing == "home":
        return landing.withdraw(home, load_id, on_wait)
    with extra("iceberg", _WHAT):
        from armazem.lake.zone import LakeZone, withdraw
    with landing_lock(home, on_wait):
        withdraw(LakeZone(settings).lake, load_id)
    return None


def lake_files(settings: Settings, scope: Scope) -> dict[str, list[LandedFile]] | None:
    """Return the files that a build reads of the lake, by table; None where it reads the home folder."""
    return None if settings.landing == "home" else files_of(settings, scope.read_loads)
