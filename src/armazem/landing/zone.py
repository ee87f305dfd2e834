"""Where a load lands: what the loader needs of such a place, and the one in the home folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from armazem.home import Home
from armazem.landing.ledger import LedgerRow, new_load_id, read_ledger
from armazem.landing.report import OnProgress
from armazem.landing.staging import Staging


class Zone(Protocol):
    """A landing zone, for the holder of the landing lock. The methods are called in this order."""

    def begin(self) -> str:
        """Undo what killed loads left half done; the id of the load that begins."""

    def ledger(self) -> list[LedgerRow]:
        """Return what is landed and not withdrawn, in load order."""

    def publish(self, staging: Staging, rows: Sequence[LedgerRow], notify: OnProgress) -> Path | None:
        """Land the tables in `staging.ready`, all or none; return the folder of the rejects, None without any.

        Not called where nothing is new.
        """


class HomeZone:
    """The landing zone in the home folder."""

    def __init__(self, home: Home) -> None:
        self._home = home

    def begin(self) -> str:
        return new_load_id(self._home)

    def ledger(self) -> list[LedgerRow]:
        return read_ledger(self._home)

    def publish(self, staging: Staging, rows: Sequence[LedgerRow], notify: OnProgress) -> Path | None:
        del notify  # a rename takes no time
        return staging.publish(rows)
