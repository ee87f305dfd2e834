"""A client that costs little: keep-alive connections on raw sockets, each sends when its last request is answered."""

from __future__ import annotations

import asyncio
import gc
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from time import perf_counter
from typing import cast

_EVENT = (
    '{"event_id":"%s","event_type":"order_initiated","timestamp":"2026-11-22T14:03:11.250-03:00","data":{"orders":'
    '{"order_id":"%s","customer_id":"%s","order_status":"created","order_purchase_timestamp":"2026-11-22T14:03:11",'
    '"order_estimated_delivery_date":"2026-12-04T00:00:00"},"order_items":[{"order_id":"%s","order_item_id":1,'
    '"product_id":"4244733e06e7ecb4970a6e2683c13e61","seller_id":"48436dade18ac8b2bce089ec2a041202",'
    '"shipping_limit_date":"2026-11-26T14:03:11","price":58.90,"freight_value":13.29}],"order_payments":[{"order_id":'
    '"%s","payment_sequential":1,"payment_type":"credit_card","payment_installments":2,"payment_value":72.19}]}}'
)


def events(seed: int) -> Iterator[bytes]:
    """Orders of one item, about 720 bytes each, without end. Their value is 72.19 each."""
    rng = random.Random(seed)
    while True:
        event, order, customer = (f"{rng.getrandbits(128):032x}" for _ in range(3))
        yield (_EVENT % (event, order, customer, order, order)).encode()


def request(body: bytes, kind: str = "application/json") -> bytes:
    head = f"POST /v1/events HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def batches(source: Iterator[bytes], size: int, count: int) -> list[bytes]:
    """Requests of `size` events as JSON lines; one event goes as JSON."""
    if size == 1:
        return [request(next(source)) for _ in range(count)]
    return [
        request(b"\n".join(next(source) for _ in range(size)) + b"\n", "application/x-ndjson") for _ in range(count)
    ]


@dataclass
class Measured:
    """`seconds` over all; `latencies` of the requests, sorted, in seconds; `refused`: answers other than 200."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    refused: int = 0

    @property
    def rate(self) -> float:
        return len(self.latencies) / self.seconds

    def percentile(self, share: float) -> float:
        return self.latencies[min(len(self.latencies) - 1, int(share * len(self.latencies)))]


class _Connection(asyncio.Protocol):
    def __init__(self, requests: Iterator[bytes], measured: Measured, ended: asyncio.Event) -> None:
        self._requests = requests
        self._measured = measured
        self._ended = ended
        self._sent = 0.0
        self._answer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's own is none by inheritance
        self._send()

    def _send(self) -> None:
        following = next(self._requests, None)
        if following is None:
            self._ended.set()
            self._transport.close()
            return
        self._sent = perf_counter()
        self._transport.write(following)

    def data_received(self, data: bytes) -> None:
        self._answer += data
        if not self._answer.endswith(b"}"):
            return
        self._measured.latencies.append(perf_counter() - self._sent)
        self._measured.refused += not self._answer.startswith(b"HTTP/1.1 200")
        self._answer = b""
        self._send()

    def connection_lost(self, _exc: Exception | None) -> None:
        self._ended.set()


async def run(port: int, requests: list[bytes], connections: int) -> Measured:
    """Send all requests over so many connections, as fast as they are answered."""
    measured = Measured()
    waiting = iter(requests)
    ended = [asyncio.Event() for _ in range(connections)]
    loop = asyncio.get_running_loop()
    gc.collect()
    gc.disable()
    started = perf_counter()
    for event in ended:
        await loop.create_connection(lambda event=event: _Connection(waiting, measured, event), "127.0.0.1", port)
    for event in ended:
        await event.wait()
    measured.seconds = perf_counter() - started
    gc.enable()
    measured.latencies.sort()
    return measured


async def until_counted(port: int, orders: int) -> float:
    """The seconds from now until `/v1/live` has so many orders. Raises TimeoutError after two minutes."""
    started = perf_counter()
    poll = await asyncio.open_connection("127.0.0.1", port)
    async with asyncio.timeout(120):
        while await _orders(*poll) < orders:
            await asyncio.sleep(0.05)
    poll[1].close()
    return perf_counter() - started


async def until_visible(port: int, requests: list[bytes], size: int, rate: int, before: int) -> list[float]:
    """Send requests of `size` new orders at `rate` orders a second; per request the seconds until `/v1/live` has them.

    `before`: the orders that it has. The time counts from when a request was due, and the live figures are asked for
    twenty times a second.
    """
    sent: list[tuple[float, int]] = []
    visible: list[float] = []
    poll = await asyncio.open_connection("127.0.0.1", port)
    senders = [await asyncio.open_connection("127.0.0.1", port) for _ in range(8)]

    async def watch() -> None:
        while len(visible) < len(requests):
            orders = await _orders(*poll)
            now = perf_counter()
            while len(visible) < len(sent) and before + sent[len(visible)][1] <= orders:
                visible.append(now - sent[len(visible)][0])
            await asyncio.sleep(0.05)

    watching = asyncio.create_task(watch())
    started = perf_counter()
    for number, each in enumerate(requests):
        due = started + number * size / rate
        await asyncio.sleep(max(0.0, due - perf_counter()))
        senders[number % len(senders)][1].write(each)
        sent.append((due, (number + 1) * size))
    await asyncio.wait_for(watching, 60)
    for _, writer in (poll, *senders):
        writer.close()
    return sorted(visible)


async def _orders(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> int:
    writer.write(b"GET /v1/live HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    body = await reader.readexactly(int(head.partition(b"content-length:")[2].split(maxsplit=1)[0]))
    return int(json.loads(body)["orders"])
