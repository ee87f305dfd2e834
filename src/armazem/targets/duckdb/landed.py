"""What is landed, where the settings say: in the home folder, or in the lake, whose libraries are an extra."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from armazem import landing
from armazem.config import Settings
from armazem.disk.lock import landing_lock
from armazem.errors import extra
from armazem.home import Home
from armazem.landing.ledger import WITHDRAWN, LedgerRow
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
    return ledger(settings).rows


@dataclass(frozen=True, slots=True)
class Ledger:
    """`rows`: every file that is landed and not withdrawn, in load order; `withdrawn`: the loads that were."""

    rows: list[LedgerRow]
    withdrawn: frozenset[str]


def home_ledger(home: Home) -> Ledger:
    """Return the ledger of a home folder."""
    folder = home.landing / WITHDRAWN
    return Ledger(landing.read_ledger(home), frozenset(path.name for path in folder.glob("*")))


def ledger(settings: Settings) -> Ledger:
    """Return the ledger of the landing zone."""
    if settings.landing == "home":
        return home_ledger(settings.home_folder)
    with extra("iceberg", _WHAT):
        from armazem.lake.catalog import find_lake
        from armazem.lake.ledger import live, read_entries
    lake = find_lake(settings)
    entries = [] if lake is None else read_entries(lake)
    return Ledger(live(entries), frozenset(entry.row.load_id for entry in entries if entry.withdrawn_at is not None))


def withdraw(settings: Settings, load_id: str, on_wait: Callable[[], None]) -> Path | None:
    """Withdraw a load; the folder that its files are kept in, None in the lake. Raises an ArmazemError."""
    home = settings.home_folder
    if settings.landing == "home":
        return landing.withdraw(home, load_id, on_wait)
    with extra("iceberg", _WHAT):
        from armazem.lake.history import existing_lake
        from armazem.lake.zone import withdraw
    with landing_lock(home, on_wait):
        withdraw(existing_lake(settings), load_id)
    return None


def lake_files(settings: Settings, scope: Scope) -> dict[str, list[LandedFile]] | None:
    """Return the files that a build reads of the lake, by table; None where it reads the home folder."""
    return None if settings.landing == "home" else files_of(settings, scope.read_loads)
