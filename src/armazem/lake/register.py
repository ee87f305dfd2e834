"""What was landed in the home folder, put in the lake too; and what was withdrawn there, withdrawn here."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass

from armazem.config import Settings
from armazem.disk.lock import landing_lock
from armazem.errors import HomeError
from armazem.home import Home
from armazem.lake.landing import land
from armazem.lake.ledger import read_entries
from armazem.lake.zone import LakeZone, withdraw
from armazem.landing.ledger import WITHDRAWN, LedgerRow, read_ledger

OnTable = Callable[[LedgerRow, int, int], None]


@dataclass(frozen=True, slots=True)
class Added:
    """A table of a load that was added: its rows, and how long that took, in seconds."""

    load_id: str
    table: str
    rows: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Registered:
    """`added`: what is new in the lake; `withdrawn`: loads that are no more; `there`: loads that were in it already.

    `back`: loads that were withdrawn from the lake and are in the home folder, which nobody can put back.
    """

    added: tuple[Added, ...]
    withdrawn: tuple[str, ...]
    there: tuple[str, ...]
    back: tuple[str, ...]


def register(
    settings: Settings,
    only: Collection[str],
    on_wait: Callable[[], None],
    on_table: OnTable = lambda row, number, total: None,
) -> Registered:
    """Put the loads of the home folder in the lake that are not there. Doing it twice changes nothing.

    `only`: these loads; all of them where it is empty. Raises HomeError for one that is not in the home folder, and
    LakeError.
    """
    home = settings.home_folder.open(create=False)
    with landing_lock(home, on_wait):
        landed = _by_load(read_ledger(home))
        withdrawn = _withdrawn(home)
        if unknown := sorted(set(only) - landed.keys() - withdrawn):
            raise HomeError(
                f"there is no load {', '.join(unknown)} in {home.loads}",
                f"the newest are {', '.join(sorted(landed)[-5:]) or 'none'}",
            )
        zone = LakeZone(settings)
        zone.begin()
        return _register(home, zone, landed, withdrawn, set(only) or landed.keys() | withdrawn, on_table)


def _register(
    home: Home,
    zone: LakeZone,
    landed: dict[str, list[LedgerRow]],
    withdrawn: set[str],
    wanted: Collection[str],
    on_table: OnTable,
) -> Registered:
    in_lake = {entry.row.load_id: entry.withdrawn_at for entry in read_entries(zone.lake)}
    watch = _Watch(on_table)
    there: list[str] = []
    back: list[str] = []
    for load_id in sorted(landed.keys() & wanted):
        if load_id in in_lake:
            (there if in_lake[load_id] is None else back).append(load_id)
        else:
            land(zone.lake, landed[load_id], home.loads / load_id, home.rejects / load_id, watch.begins)
            watch.ended()
    gone = [load_id for load_id in sorted(withdrawn & set(wanted)) if in_lake.get(load_id, True) is None]
    for load_id in gone:
        withdraw(zone.lake, load_id)
    return Registered(tuple(watch.added), tuple(gone), tuple(there), tuple(back))


def _by_load(rows: list[LedgerRow]) -> dict[str, list[LedgerRow]]:
    loads: dict[str, list[LedgerRow]] = {}
    for row in rows:
        loads.setdefault(row.load_id, []).append(row)
    return loads


def _withdrawn(home: Home) -> set[str]:
    folder = home.landing / WITHDRAWN
    return {path.name for path in folder.iterdir()} if folder.is_dir() else set()


class _Watch:
    """Takes the time of each table: what begins ends what was before it."""

    def __init__(self, on_table: OnTable) -> None:
        self.added: list[Added] = []
        self._on_table = on_table
        self._row: LedgerRow | None = None
        self._since = 0.0

    def begins(self, row: LedgerRow, number: int, total: int) -> None:
        self.ended()
        self._on_table(row, number, total)
        self._row, self._since = row, time.perf_counter()

    def ended(self) -> None:
        if (row := self._row) is not None:
            seconds = round(time.perf_counter() - self._since, 3)
            self.added.append(Added(row.load_id, row.table, row.rows_accepted, seconds))
            self._row = None
