"""A thread that makes and sends events, so that a build waits for no endpoint; and how long it waits at its end."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from queue import SimpleQueue
from typing import Any, Protocol

SECONDS = 5.0
"""Longest time that a build waits, at its end, for what is still to be sent."""

_RETRIES = logging.getLogger("urllib3.connectionpool")
_LONGEST = 300  # characters of a reason

Make = Callable[[], Iterable[Any]]


class Client(Protocol):
    """What is used of OpenLineage's client."""

    def emit(self, event: Any) -> None:
        """Send one event. Raises where its endpoint does not take it."""

    def close(self, timeout: float = -1.0) -> bool:
        """Wait for what is still under way."""


class Outbox:
    """Sends in order. After the first failure nothing more is sent: one warning is enough, and each try takes time."""

    def __init__(self, open_client: Callable[[], Client], seconds: float = SECONDS) -> None:
        """`open_client`: makes what sends events, in the thread, as its libraries take a while to import."""
        self._open = open_client
        self._seconds = seconds
        self._queue: SimpleQueue[Make | None] = SimpleQueue()
        self._given_up = threading.Event()
        self._why = ""
        # A daemon: an endpoint that hangs does not keep the process from ending.
        self._thread = threading.Thread(target=self._run, name="armazem-lineage", daemon=True)
        self._remarks = _Remarks(self._thread)
        _RETRIES.addFilter(self._remarks)
        self._thread.start()

    def put(self, make: Make) -> None:
        """Have events made and sent; returns at once."""
        self._queue.put(make)

    def close(self) -> str:
        """Wait until all are sent, for some seconds at most. Return why some are not, empty where all are."""
        self._queue.put(None)
        self._thread.join(self._seconds)
        if self._thread.is_alive():
            self._given_up.set()
            last = f": {self._remarks.last[:_LONGEST]}" if self._remarks.last else ""
            self._why = self._why or f"the endpoint did not take it within {self._seconds:g} s{last}"
        return self._why

    def _run(self) -> None:
        try:
            client = self._open()
            while (make := self._queue.get()) is not None:
                for event in make():
                    if self._given_up.is_set():
                        return
                    client.emit(event)
            client.close()
        except Exception as error:  # noqa: BLE001  whatever the client, its endpoint or we do wrong: a build goes on
            self._why = f"{type(error).__name__}: {' '.join(str(error).split())}"[:_LONGEST]
        finally:
            _RETRIES.removeFilter(self._remarks)


class _Remarks(logging.Filter):
    """Keeps the last warning of a thread, why the client tries again; it is not printed."""

    def __init__(self, thread: threading.Thread) -> None:
        super().__init__()
        self._thread = thread
        self.last = ""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.thread != self._thread.ident or record.levelno < logging.WARNING:
            return True
        self.last = " ".join(record.getMessage().split())
        return False
