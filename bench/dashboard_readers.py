"""Many open dashboards that cost this machine little: what a browser sends and receives, without one."""

from __future__ import annotations

import ast
import asyncio
import json
import re
import threading
import urllib.request
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlencode

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

_QUERY = re.compile(r"^ *query: ({.*}),$", re.MULTILINE)
_NUMBER = re.compile(r'"_id":(\d+)}\]$')
_ACKNOWLEDGE_SECONDS = 3.0  # as the page does it


@dataclass
class Received:
    """By all readers. `lost`: connections that the server has closed."""

    messages: int = 0
    size: int = 0
    lost: int = 0


@contextmanager
def reading(url: str, paths: Sequence[str]) -> Iterator[Received]:
    """One reader of each path, all of them connected before it begins."""
    received = Received()
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        for path in paths:  # one after the other, as people come
            connected = threading.Event()
            asyncio.run_coroutine_threadsafe(_read(url, path, received, connected), loop)
            if not connected.wait(30):
                raise SystemExit(f"{path}: no connection")
        yield received
    finally:
        asyncio.run_coroutine_threadsafe(_end(), loop).result(30)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _end() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


async def _read(url: str, path: str, received: Received, connected: threading.Event) -> None:
    page = await asyncio.to_thread(_page, url + path)
    found = _QUERY.search(page)
    if found is None:
        raise SystemExit(f"{path}: the page has no connection")
    own = {name: str(uuid.uuid4()) for name in ("document_id", "tab_id", "old_tab_id")} | {"implicit_handshake": "true"}
    query = ast.literal_eval(found[1]) | own
    client = query["client_id"]
    address = urlencode({**query, "EIO": 4, "transport": "websocket"})
    async with connect(
        f"{url.replace('http', 'ws', 1)}/_nicegui_ws/socket.io/?{address}", max_size=None, ping_interval=None
    ) as socket:
        await socket.recv()
        await socket.send("40")
        acknowledged, last, due = -1, -1, 0.0
        try:
            async for message in socket:
                text = message if isinstance(message, str) else message.decode()
                if text == "2":
                    await socket.send("3")
                elif text.startswith("40"):
                    connected.set()
                elif text.startswith("42"):
                    received.messages += 1
                    received.size += len(text)
                    if number := _NUMBER.search(text, max(0, len(text) - 40)):
                        last = int(number[1]) + 1
                now = asyncio.get_running_loop().time()
                if last > acknowledged and now >= due:
                    due, acknowledged = now + _ACKNOWLEDGE_SECONDS, last
                    said = json.dumps(["ack", {"client_id": client, "next_message_id": last}])
                    await socket.send(f"42{said}")
        except ConnectionClosed:
            pass
        received.lost += 1


def _page(url: str) -> str:
    with urllib.request.urlopen(url, timeout=30) as answer:
        return bytes(answer.read()).decode()
