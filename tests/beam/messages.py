"""Messages of a shop with everything that may be wrong with them, and the rows that they have to become."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from apache_beam.io.gcp.pubsub import PubsubMessage
from stream.shop_events import message

from armazem.targets.bigquery.streaming.rows import Message, batch_of, rows_of

PROJECT = "demo-project"
SUBSCRIPTION = f"projects/{PROJECT}/subscriptions/shop"
SOURCE = f"pubsub:{PROJECT}/shop"
ZONE = ZoneInfo("America/Sao_Paulo")
FIRST = datetime(2026, 11, 1, 12, tzinfo=UTC)

_REFUSED = (b"{", b"\xff\xfe", b"", b"a\0b", b'{"event_type": "order_cooked"}', b" " * (2**20 + 1))
_OLD = (
    b'{"event_type": "order_status_update", "timestamp": "2026-10-31T01:02:03Z", "source": "till", '
    b'"data": {"orders": %s}}'
)


def payloads(count: int) -> list[bytes]:
    """So many messages: orders, one in ten of them refused, and now and then an older form or a message twice."""
    found = []
    for number in range(count):
        if number % 10 == 9:
            found.append(_REFUSED[number // 10 % len(_REFUSED)])
        elif number % 10 == 7:
            found.append(_OLD % json.dumps({"order_id": f"order{number}", "order_status": "canceled"}).encode())
        elif number % 10 == 5:
            found.append(message(number - 1))  # as the one before
        else:
            found.append(message(number))
    return found


def messages(count: int) -> list[Message]:
    """As Pub/Sub delivers them, a second after the other."""
    return [
        Message(data, str(1000 + number), FIRST + timedelta(seconds=number, microseconds=number))
        for number, data in enumerate(payloads(count))
    ]


def of_beam(message: Sequence[Any]) -> PubsubMessage:
    """The same as Beam's source has it."""
    data, message_id, published = message
    return PubsubMessage(data, {"not": "looked at"}, message_id, published)


def expected(found: Iterable[Message], source: str = SOURCE) -> dict[str, list[str]]:
    """Table to its rows, in an order of their own, by the pure functions."""
    rows: dict[str, list[dict[str, Any]]] = {"events": [], "dead_letters": []}
    for piece in rows_of(list(found), source, ZONE).pieces:
        rows[piece.table] += batch_of(piece).to_pylist()
    return {table: canonical(of) for table, of in rows.items()}


def canonical(rows: Iterable[dict[str, Any]]) -> list[str]:
    """Rows as text, sorted; what is null or empty is left out, as databases differ in it."""
    return sorted(json.dumps(_plain(row), sort_keys=True) for row in rows)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        parts = {name: _plain(part) for name, part in value.items()}
        return {name: part for name, part in parts.items() if part not in (None, {}, [])}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if isinstance(value, datetime):
        return (value.astimezone(UTC) if value.tzinfo else value).isoformat()
    if isinstance(value, str | int | bool | None):
        return value
    return f"{value:.9f}"
