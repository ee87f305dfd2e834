"""Results of the committer thread for requests that wait on the event loop: one wake-up per commit."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import Generic, TypeVar

Result = TypeVar("Result")


class Acknowledgements(Generic[Result]):
    """`asyncio.wrap_future` wakes the loop once per future; hundreds of requests wait for the same commit."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._done: deque[tuple[Callable[[Future[Result]], None], Future[Result]]] = deque()
        self._woken = False

    def when_done(self, future: Future[Result], call: Callable[[Future[Result]], None]) -> None:
        """Call back on the event loop with a future that the committer thread finishes."""
        future.add_done_callback(partial(self._finished, call))

    def _finished(self, call: Callable[[Future[Result]], None], future: Future[Result]) -> None:
        self._done.append((call, future))
        if not self._woken:
            self._woken = True
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
                self._loop.call_soon_threadsafe(self._deliver)

    def _deliver(self) -> None:
        self._woken = False  # first: what is finished from here on wakes the loop again
        try:
            while self._done:
                call, future = self._done.popleft()
                call(future)
        finally:
            if self._done:  # one call failed, which the loop reports; the others are not to wait for ever
                self._loop.call_soon(self._deliver)
