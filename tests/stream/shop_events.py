"""Messages as a shop sends them, and what the tests of ingest ask of a home folder."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

from armazem.contract.dead_letters import DeadLetter
from armazem.home import Home
from armazem.journal.dead_letters import read_dead_letters
from armazem.journal.ledger import read_ledger
from armazem.journal.segments import list_segments


def order(number: int, **changes: Any) -> dict[str, Any]:
    """An order of one item; its event_id is `event-<number>`."""
    order_id = f"order{number}"
    return {
        "event_id": f"event-{number}",
        "event_type": "order_initiated",
        "timestamp": "2018-08-29T14:03:11.250-03:00",
        "data": {
            "orders": {
                "order_id": order_id,
                "customer_id": "customer1",
                "order_status": "created",
                "order_purchase_timestamp": "2018-08-29T14:03:11",
            },
            "order_items": [
                {
                    "order_id": order_id,
                    "order_item_id": 1,
                    "product_id": "product1",
                    "seller_id": "seller1",
                    "shipping_limit_date": "2018-09-02T14:03:11",
                    "price": 10.5,
                    "freight_value": 2.25,
                }
            ],
            "order_payments": [
                {
                    "order_id": order_id,
                    "payment_sequential": 1,
                    "payment_type": "credit_card",
                    "payment_installments": 1,
                    "payment_value": 12.75,
                }
            ],
        },
        **changes,
    }


def message(number: int, **changes: Any) -> bytes:
    return json.dumps(order(number, **changes)).encode()


def messages(first: int, count: int) -> list[bytes]:
    return [message(number) for number in range(first, first + count)]


def segment_files(home: Home) -> list[Path]:
    return [segment.path for segment in list_segments(home.journal)]


def journal(home: Home) -> list[dict[str, Any]]:
    """Every line of the journal that is one, in order."""
    found = []
    for path in segment_files(home):
        for line in path.read_bytes().split(b"\n")[:-1]:
            try:
                record = json.loads(line)
            except ValueError:
                continue
            if isinstance(record, dict) and "seq" in record:
                found.append(record)
    return found


def seqs(home: Home) -> list[int]:
    return [line["seq"] for line in journal(home)]


def event_ids(home: Home) -> list[str]:
    return [line["event_id"] for line in journal(home)]


def letters(home: Home) -> list[DeadLetter]:
    return list(read_dead_letters(home))


def ledger(home: Home) -> dict[str, tuple[int, int, int, int]]:
    """Source to received, accepted, duplicates and dead letters."""
    return {row.source: (row.received, row.accepted, row.duplicates, row.dead_letters) for row in read_ledger(home)}


def assert_conserved(home: Home) -> None:
    """Nothing is unaccounted for: in the ledger, and between the ledger and the files."""
    rows = read_ledger(home)
    for row in rows:
        assert row.received == row.accepted + row.duplicates + row.dead_letters, row
    assert {row.source: row.accepted for row in rows if row.accepted} == Counter(r["source"] for r in journal(home))
    assert {row.source: row.dead_letters for row in rows if row.dead_letters} == Counter(
        letter.source for letter in letters(home)
    )
