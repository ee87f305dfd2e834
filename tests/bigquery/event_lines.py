"""Events about orders of two extracts, as lines of a journal."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from contract.event_examples import (
    ZONE,
    Message,
    canonical,
    customer_update,
    order_initiated,
    order_payment,
    order_review,
    order_status_update,
    payment,
    product_update,
    seller_update,
)

from armazem.contract import table
from armazem.contract.events import Accepted, process_batch
from armazem.home import Home


def event_lines(first: Path, second: Path) -> list[bytes]:
    """Lines of the journal, in disorder: an order that comes after its updates, updates of orders of the files."""
    known = [*order_ids(first)[:200:20], *order_ids(second)[:100:20]]
    now = datetime.now(UTC)
    stamps = (f"{now - timedelta(minutes=number):%Y-%m-%dT%H:%M:%S.%f+00:00}" for number in range(1000))
    messages = []
    for number, (order_id, stamp) in enumerate(zip(known, stamps, strict=False)):
        status = ("delivered", "canceled", "shipped")[number % 3]
        update = order_status_update(status, timestamp=stamp, event_id=f"update-{number}")
        update["data"]["orders"]["order_id"] = order_id
        paid = order_payment([payment(9, order_id=order_id)], timestamp=next(stamps), event_id=f"payment-{number}")
        messages += [update, paid]
    messages += [
        order_status_update("delivered", timestamp=next(stamps), event_id="before-its-order"),
        order_initiated(timestamp=next(stamps), event_id="the-order"),
        customer_update(timestamp=next(stamps), event_id="its-customer"),
        product_update(timestamp=next(stamps), event_id="its-product"),
        seller_update(timestamp=next(stamps), event_id="its-seller"),
        order_review(timestamp=next(stamps), event_id="its-review"),
        order_status_update("canceled", {"order_id": "nobody", "order_status": "canceled"}, event_id="no-order"),
    ]
    return lines_of(messages[::2] + messages[1::2], now)


def lines_of(messages: list[Message], now: datetime, first: int = 1) -> list[bytes]:
    """The lines of a journal that was given these messages now, the first of them under this number."""
    accepted = process_batch([canonical(message) for message in messages], now, ZONE)
    assert all(isinstance(result, Accepted) for result in accepted)
    prefix = '{{"seq":{},"received_at":"{}","source":"http",'
    return [
        prefix.format(number, f"{now:%Y-%m-%dT%H:%M:%S.%fZ}").encode() + result.line + b"\n"
        for number, result in enumerate(accepted, first)
    ]


def order_ids(extract: Path) -> list[str]:
    with (extract / table("orders").file).open(encoding="utf-8", newline="") as file:
        return [row["order_id"] for row in csv.DictReader(file)]


def write_journal(home: Home, lines: list[bytes]) -> Path:
    """Write the lines as a segment of the journal. Return its file."""
    first = json.loads(lines[0])["seq"]
    segment = home.journal / "date=2026-11-23" / f"{first:016d}.jsonl"
    segment.parent.mkdir(parents=True, exist_ok=True)
    segment.write_bytes(b"".join(lines))
    return segment
