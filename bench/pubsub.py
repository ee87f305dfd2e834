"""`python -m bench.pubsub`: events/s from Pub/Sub into the journal, acknowledged, beside Google's client alone.

Pub/Sub is the server of the tests, in this process: its CPU time is part of the figures.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

if TYPE_CHECKING:
    from pubsub_server import PubSubServer

SUBSCRIPTION = "bench"


def events(count: int) -> list[bytes]:
    """Orders of one item, 900 bytes each."""
    return [_order(number) for number in range(count)]


def _order(number: int) -> bytes:
    order_id = f"{number:032x}"
    item = {"order_id": order_id, "order_item_id": 1, "product_id": "a" * 32, "seller_id": "b" * 32}
    item |= {"shipping_limit_date": "2018-09-02T14:03:11", "price": 129.9, "freight_value": 15.1}
    payment = {"order_id": order_id, "payment_sequential": 1, "payment_type": "credit_card"}
    payment |= {"payment_installments": 3, "payment_value": 145.0}
    times = {"order_purchase_timestamp": "2018-08-29T14:03:11", "order_estimated_delivery_date": "2018-09-12T00:00:00"}
    order = {"order_id": order_id, "customer_id": "c" * 32, "order_status": "created", **times}
    data = {"orders": order, "order_items": [item], "order_payments": [payment]}
    envelope = {"event_id": f"event-{number}", "event_type": "order_initiated"}
    return json.dumps({**envelope, "timestamp": "2018-08-29T14:03:11.250-03:00", "data": data}).encode()


def rate(server: PubSubServer, messages: list[bytes], command: list[str]) -> float:
    """Messages per second of a subscriber, from the first delivery to the last acknowledgement."""
    server.create("events", SUBSCRIPTION)
    server.publish("events", messages)
    with subprocess.Popen(command, env={**os.environ, "PUBSUB_EMULATOR_HOST": server.address}) as process:
        started = 0.0
        while (done := server.acknowledged(SUBSCRIPTION)) < len(messages):
            if process.poll() is not None:
                raise SystemExit(f"{' '.join(command)} ended with {process.returncode} after {done} messages")
            if not started and server.outstanding(SUBSCRIPTION):
                started = time.perf_counter()
            time.sleep(0.01)
        seconds = time.perf_counter() - started
        process.wait()
    server.delete(SUBSCRIPTION)
    return len(messages) / seconds


def bare(project: str, count: int) -> None:
    """Google's client as its examples have it: a callback that acknowledges and writes nothing."""
    import threading

    from google.cloud.pubsub_v1 import SubscriberClient
    from google.cloud.pubsub_v1.subscriber.message import Message
    from google.cloud.pubsub_v1.types import FlowControl

    acknowledged, done = [0], threading.Event()
    lock = threading.Lock()

    def callback(message: Message) -> None:
        message.ack()
        with lock:
            acknowledged[0] += 1
            if acknowledged[0] == count:
                done.set()

    client = SubscriberClient()
    path = client.subscription_path(project, SUBSCRIPTION)
    stream = client.subscribe(path, callback, flow_control=FlowControl(max_messages=5_000))
    done.wait()
    stream.cancel()
    stream.result()


def main() -> None:
    from pubsub_server import PROJECT, PubSubServer

    parser = argparse.ArgumentParser(prog="python -m bench.pubsub", description=__doc__)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--pairs", type=int, default=3, help="runs of each measurement")
    parser.add_argument("--bare", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.bare:
        bare(PROJECT, arguments.events)
        return
    count = str(arguments.events)
    messages = events(arguments.events)
    ours, alone = [], []
    with tempfile.TemporaryDirectory(prefix="armazem-bench-") as folder, PubSubServer() as server:
        for number in range(arguments.pairs):
            alone.append(rate(server, messages, [sys.executable, "-m", "bench.pubsub", "--bare", "--events", count]))
            home = ["--home", f"{folder}/{number}"]
            source = ["subscribe", f"pubsub:{PROJECT}/{SUBSCRIPTION}", "--max-messages", count]
            armazem = str(Path(sys.executable).with_name("armazem"))
            ours.append(rate(server, messages, [armazem, *home, *source]))
    print(f"Google's client alone, callback and acknowledgement: {statistics.median(alone):,.0f} messages/s")
    print(f"`subscribe`, written, fsynced and acknowledged: {statistics.median(ours):,.0f} events/s (limit 15,000)")


if __name__ == "__main__":
    main()
