"""Snapshots for the listeners of `/v1/live/stream`: each is made once, whoever listens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from armazem.live.service import LiveState
from armazem.serve.http.answers import to_json

_INTERVAL = 0.2  # at most five snapshots a second
_HEARTBEAT_SECONDS = 15.0
_HEARTBEAT = b": still here\n\n"


class Broadcast:
    """All of it runs on the event loop, and only while somebody listens."""

    def __init__(self, live: LiveState) -> None:
        self._live = live
        self._version = -1
        self._frame = b""
        self._beat = asyncio.Event()  # set, and replaced by a new one, whenever there is something to send
        self._watch: asyncio.Task[None] | None = None
        self._closed = False
        self.listeners = 0

    async def frames(self) -> AsyncIterator[bytes]:
        """Yield frames of server-sent events: a snapshot at once, then the newest one after each change.

        Who reads slowly misses those in between. Ends when the server stops.
        """
        self.listeners += 1
        if self._watch is None:
            self._watch = asyncio.get_running_loop().create_task(self._watch_changes())
        try:
            self._refresh()
            seen = self._version
            yield self._frame
            while not self._closed:
                if seen == self._version:
                    await self._beat.wait()
                if self._closed:
                    return
                yield self._frame if seen != self._version else _HEARTBEAT
                seen = self._version
        finally:
            self.listeners -= 1

    def close(self) -> None:
        """End all streams."""
        self._closed = True
        self._wake()

    async def _watch_changes(self) -> None:
        quiet, told = 0.0, self._version
        while self.listeners and not self._closed:
            await asyncio.sleep(_INTERVAL)
            quiet += _INTERVAL
            self._refresh()
            if told != self._version or quiet >= _HEARTBEAT_SECONDS:
                quiet, told = 0.0, self._version
                self._wake()
        self._watch = None

    def _refresh(self) -> None:
        version = self._live.version
        if version != self._version:
            self._version = version
            self._frame = b"id: %d\ndata: %b\n\n" % (version, to_json(self._live.snapshot()))

    def _wake(self) -> None:
        beat, self._beat = self._beat, asyncio.Event()
        beat.set()
