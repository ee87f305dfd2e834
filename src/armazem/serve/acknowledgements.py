"""Results of the committer thread for requests that wait on the event loop: one wake-up per commit."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from concurrent.futures import Future
from functools import partial
from typing import Generic, TypeVar

Result = TypeVar("Result")


class Acknowledgements(Generic[Result]):
    """`asyncio.wrap_future` wakes the loop once per future; hundreds of requests wait for the same commit."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._done: deque[tuple[asyncio.Future[Result], Future[Result]]] = deque()
        self._woken = False

    def of(self, future: Future[Result]) -> asyncio.Future[Result]:
        """A future of the event loop with the result of one from the committer thread."""
        waiting: asyncio.Future[Result] = self._loop.create_future()
        future.add_done_callback(partial(self._finished, waiting))
        return waiting

    def _finished(self, waiting: asyncio.Future[Result], future: Future[Result]) -> None:
        self._done.append((waiting, future))
        if not self._woken:
            self._woken = True
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
                self._loop.call_soon_threadsafe(self._deliver)

    def _deliver(self) -> None:
        self._woken = False  # first: what is finished from here on wakes the loop again
        while self._done:
            waiting, future = self._done.popleft()
            if waiting.done():  # its request was given up
                continue
            error = future.exception()
            if error is None:
                waiting.set_result(future.result())
            else:
                waiting.set_exception(error)
