"""Rebuilds the live figures beside the server, which takes events from its first moment on."""

from __future__ import annotations

import logging
import threading

import duckdb

from armazem.disk.causes import first_line
from armazem.errors import ArmazemError
from armazem.live.service import LiveState

_logger = logging.getLogger(__name__)
_RETRY_SECONDS = 5.0


class LiveStart:
    """`with LiveStart(live):` rebuilds it in a thread, again until that succeeds, and then keeps it up to date.

    `missing`: why there are no figures yet; None once there are.
    """

    def __init__(self, live: LiveState) -> None:
        self.missing: str | None = "the live figures are being rebuilt from the journal"
        self._live = live
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="live-start", daemon=True)

    def __enter__(self) -> LiveStart:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join()
        self._live.close()

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                self._live.rebuild()
            except (duckdb.Error, OSError, ArmazemError) as error:
                # No reason to refuse events: they are safe in the journal.
                _logger.exception("the live figures could not be rebuilt; trying again")
                self.missing = f"the live figures could not be rebuilt: {first_line(error)}"
                self._stopped.wait(_RETRY_SECONDS)
            else:
                self._live.start()
                self.missing = None
                return
