"""The limit of the event core: `process_batch` beside the bare typed decode of the same bytes.

`python -m bench.event_core [--events N] [--batch N]` prints events/s of both and their ratio, on one core. The mix is
that of orders' lives: half of the events place an order, the others say what became of it.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import random
import statistics
import time
import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from armazem.contract.event_structs import decoder
from armazem.contract.events import Accepted, journal_lines, process_batch

ROUNDS = 5
ZONE = ZoneInfo("America/Sao_Paulo")
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
STAGES = (
    ("approved", "order_approved_at"),
    ("shipped", "order_delivered_carrier_date"),
    ("delivered", "order_delivered_customer_date"),
)


def event(event_type: str, data: dict[str, Any]) -> bytes:
    message = {
        "event_id": str(uuid.uuid4()),
        "event_type": event_type,
        "timestamp": "2026-11-22T14:03:11.250-03:00",
        "data": data,
    }
    return json.dumps(message, separators=(",", ":"), ensure_ascii=False).encode()


def order_life(dice: random.Random) -> list[bytes]:
    """The events of one order: placed, mostly with one item and one payment, then up to three more."""
    order_id = uuid.UUID(int=dice.getrandbits(128)).hex
    items = [
        {
            "order_id": order_id,
            "order_item_id": number,
            "product_id": uuid.UUID(int=dice.getrandbits(128)).hex,
            "seller_id": uuid.UUID(int=dice.getrandbits(128)).hex,
            "shipping_limit_date": "2026-11-28T14:03:11",
            "price": dice.randint(100, 50_000) / 100,
            "freight_value": dice.randint(0, 4_000) / 100,
        }
        for number in range(1, dice.choices((2, 3, 4), (90, 8, 2))[0])
    ]
    payment = {
        "order_id": order_id,
        "payment_sequential": 1,
        "payment_type": "credit_card",
        "payment_installments": dice.randint(1, 10),
        "payment_value": round(sum(item["price"] + item["freight_value"] for item in items), 2),
    }
    order = {
        "order_id": order_id,
        "customer_id": uuid.UUID(int=dice.getrandbits(128)).hex,
        "order_status": "created",
        "order_purchase_timestamp": "2026-11-22T14:03:11",
        "order_estimated_delivery_date": "2026-12-10T00:00:00",
    }
    life = [event("order_initiated", {"orders": order, "order_items": items, "order_payments": [payment]})]
    for status, column in STAGES[: dice.choices((0, 1, 2), (50, 30, 20))[0]]:
        update = {"order_id": order_id, "order_status": status, column: "2026-11-22T15:00:00"}
        life.append(event("order_status_update", {"orders": update}))
    if dice.random() < 0.2:
        review = {
            "review_id": uuid.UUID(int=dice.getrandbits(128)).hex,
            "order_id": order_id,
            "review_score": dice.randint(1, 5),
            "review_comment_message": "Chegou antes do prazo, recomendo a loja.",
            "review_creation_date": "2026-11-22T00:00:00",
        }
        life.append(event("order_review", {"order_reviews": review}))
    return life


def mixed(count: int, seed: int = 1) -> list[bytes]:
    """So many messages, shuffled."""
    dice = random.Random(seed)
    messages: list[bytes] = []
    while len(messages) < count:
        messages += order_life(dice)
    dice.shuffle(messages)
    return messages[:count]


def seconds(work: Callable[[Sequence[bytes]], object], messages: list[bytes], batch: int) -> float:
    """Processor time of the work over all messages, batch by batch."""
    gc.collect()
    started = time.thread_time()
    for start in range(0, len(messages), batch):
        work(messages[start : start + batch])
    return time.thread_time() - started


def bare(messages: Sequence[bytes]) -> None:
    """Decode and forget."""
    decode = decoder().decode
    for message in messages:
        decode(message)


def core(messages: Sequence[bytes]) -> list[Accepted]:
    """Validate a batch; all must be accepted."""
    accepted = [result for result in process_batch(messages, NOW, ZONE) if type(result) is Accepted]
    if len(accepted) < len(messages):
        raise SystemExit("a message was refused")
    return accepted


def lines(messages: Sequence[bytes]) -> bytes:
    """Validate a batch and write its lines, without a file."""
    return journal_lines(core(messages), 1, "2026-11-23T12:00:00.000000Z", ["http"] * len(messages))


def measure(events: int = 200_000, batch: int = 500) -> dict[str, float]:
    """Events/s of the bare typed decode, of `process_batch`, and of both it and the lines; median ratios of rounds."""
    messages = mixed(events)
    rounds = [[seconds(work, messages, batch) for work in (bare, core, lines)] for _ in range(ROUNDS)]
    decode, batches, written = ([times[column] for times in rounds] for column in range(3))
    return {
        "bytes_per_event": sum(map(len, messages)) / events,
        "decode_per_second": events / statistics.median(decode),
        "process_batch_per_second": events / statistics.median(batches),
        "process_batch_and_lines_per_second": events / statistics.median(written),
        "ratio": statistics.median(d / b for d, b in zip(decode, batches, strict=True)),
        "ratio_with_lines": statistics.median(d / w for d, w in zip(decode, written, strict=True)),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--batch", type=int, default=500)
    arguments = parser.parse_args()
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    for name, value in measure(arguments.events, arguments.batch).items():
        print(f"{name}: {value:,.2f}")
