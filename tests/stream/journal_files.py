"""Files of the journal as its writer makes them, with events of every part and form, written by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb

from armazem.home import Home
from armazem.journal.reading import reading, relation

DAY = "date=2018-08-29"


def line(seq: int, event_id: str | None = None, **changes: Any) -> bytes:
    """One line; its event_id is `event-<seq>` by default."""
    record = {
        "seq": seq,
        "received_at": f"2018-08-29T17:03:{seq % 60:02d}.000001Z",
        "source": "http",
        "event_type": "order_initiated",
        "event_id": f"event-{seq}" if event_id is None else event_id,
        "timestamp": "2018-08-29T14:03:11.250000-03:00",
        "data": {
            "orders": {"order_id": f"order{seq}", "order_purchase_timestamp": "2018-08-29T14:03:11.250000"},
            "order_items": [
                {"order_id": f"order{seq}", "order_item_id": item, "price": 10.1 * item, "freight_value": 0.05}
                for item in range(1, seq % 3 + 1)
            ],
        },
        **changes,
    }
    return json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def lines(first: int, count: int) -> bytes:
    return b"".join(line(seq) for seq in range(first, first + count))


def segment(home: Home, first: int, content: bytes, day: str = DAY) -> Path:
    """Write a segment."""
    folder = home.journal / day
    folder.mkdir(exist_ok=True)
    path = folder / f"{first:016d}.jsonl"
    path.write_bytes(content)
    return path


def rows(home: Home, select: str = "*", **options: Any) -> list[tuple[Any, ...]]:
    """What a reader sees, in its order."""

    def run() -> list[tuple[Any, ...]]:
        with duckdb.connect() as connection:
            return connection.execute(f"select {select} from {relation(home, **options)}").fetchall()

    return reading(home, run)


def seqs(home: Home, **options: Any) -> list[int]:
    return [row[0] for row in rows(home, "seq", **options)]
