"""Messages become the rows that the core says, and the same message the same row whatever comes with it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from contract import event_examples
from contract.fuzz_events import mutated
from google.cloud import bigquery
from hypothesis import given, settings
from hypothesis import strategies as st
from soak import fuzz
from stream.shop_events import message, order

from armazem.contract.dead_letters import MAX_KEPT
from armazem.contract.event_record import event_schema
from armazem.contract.events import Accepted, process_batch
from armazem.targets.bigquery.landing.raw import DEAD_LETTERS, EVENTS, fields
from armazem.targets.bigquery.streaming.arrow import SCHEMAS
from armazem.targets.bigquery.streaming.rows import MAX_REQUEST, Message, Rows, batch_of, rows_of

ZONE = ZoneInfo("America/Sao_Paulo")
NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
SOURCE = "pubsub:shop/orders"


def rows(found: Rows, table: str = "events") -> list[dict[str, Any]]:
    return [row for piece in found.pieces if piece.table == table for row in batch_of(piece).to_pylist()]


def test_an_event() -> None:
    found = rows_of([Message(message(1), "m1", NOW)], SOURCE, ZONE)
    [row] = rows(found)
    assert (row["seq"], row["received_at"], row["source"], row["event_id"]) == (None, NOW, SOURCE, "event-1")
    assert row["timestamp"] == datetime(2018, 8, 29, 17, 3, 11, 250_000, UTC)
    assert row["data"]["orders"]["order_purchase_timestamp"] == datetime(2018, 8, 29, 14, 3, 11)
    assert row["data"]["order_items"][0]["price"] == Decimal("10.500000000")
    assert (row["data"]["customers"], row["raw"], row["sender"]) == (None, None, None)
    assert found.pieces[0].ids == ("m1",)


def test_a_refused_message() -> None:
    bad = [b'{"event_id": "half', b"\xff\xfe", b'{"event_id": "nul\0"}', message(2, event_type="order_lost")]
    found = rows_of([Message(data, f"m{at}", NOW) for at, data in enumerate(bad)], SOURCE, ZONE)
    letters = rows(found, "dead_letters")
    assert [(row["id"], row["code"]) for row in letters] == [
        ("m0", "not_json"), ("m1", "not_utf8"), ("m2", "not_json"), ("m3", "unknown_event_type"),
    ]  # fmt: skip
    assert [row["raw"] is None for row in letters] == [False, True, True, False]
    assert letters[1]["raw_base64"] == "//4="
    assert (letters[3]["event_id"], letters[3]["source"], letters[3]["received_at"]) == ("event-2", SOURCE, NOW)
    assert (found.accepted, [place for place, _ in found.refused]) == (0, [0, 1, 2, 3])


def test_the_columns_are_those_of_the_tables() -> None:
    """As BigQuery's API has them, name by name; a row is read from them as it was written."""
    kinds = {"STRING": "string", "INTEGER": "int64", "INT64": "int64", "NUMERIC": "decimal128(38, 9)",
             "FLOAT64": "double", "TIMESTAMP": "timestamp[us, tz=UTC]", "DATETIME": "timestamp[us]"}  # fmt: skip

    def flat(columns: list[bigquery.SchemaField], above: str = "") -> dict[str, str]:
        found = {}
        for column in columns:
            name = f"{above}{column.name}"
            found |= flat(column.fields, f"{name}.") if column.fields else {name: kinds[column.field_type]}
        return found

    def of_arrow(schema: Any, above: str = "") -> dict[str, str]:
        found = {}
        for field in schema:
            kind = field.type.value_type if str(field.type).startswith("list") else field.type
            nested = str(kind).startswith("struct")
            found |= of_arrow(kind, f"{above}{field.name}.") if nested else {f"{above}{field.name}": str(kind)}
        return found

    for table in (EVENTS, DEAD_LETTERS):
        assert of_arrow(SCHEMAS[table]) == flat(fields(table))
    assert SCHEMAS["events"].names == [field["name"] for field in event_schema()]


@settings(max_examples=fuzz(60), deadline=None)
@given(st.data())
def test_rows_are_what_the_core_says(data: st.DataObject) -> None:
    """Of any messages, good and broken, in one batch or in several, early or late: each as if it came alone."""
    times = st.datetimes(datetime(2026, 11, 21), datetime(2026, 11, 24)).map(lambda at: at.replace(tzinfo=UTC))
    good = event_examples.events().map(event_examples.canonical)
    bodies = st.one_of(good, st.randoms(use_true_random=False).map(mutated), st.binary(max_size=40))
    batch = [
        Message(body, f"m{number}", at)
        for number, (body, at) in enumerate(data.draw(st.lists(st.tuples(bodies, times), max_size=20)))
    ]
    together = rows_of(batch, SOURCE, ZONE)
    expected: dict[str, list[dict[str, Any]]] = {"events": [], "dead_letters": []}
    for one in batch:
        [result] = process_batch([one.data], one.published, ZONE)
        alone = rows_of([one], SOURCE, ZONE)
        table = "events" if isinstance(result, Accepted) else "dead_letters"
        [row] = rows(alone, table)
        if isinstance(result, Accepted):
            assert (row["event_id"], row["event_type"], row["sender"]) == (
                result.event_id, result.event_type, result.sender,
            )  # fmt: skip
            assert _values(row["data"]) == _values(msgspec.to_builtins(result.data, builtin_types=(datetime,)))
        else:
            assert (row["code"], row["path"], row["message"]) == (result.code, result.path, result.message)
        expected[table].append(row)
    for table, wanted in expected.items():
        assert rows(together, table) == wanted
    assert together.accepted + len(together.refused) == len(batch)


def _values(value: Any) -> Any:
    """Without what is null, numbers as decimals: JSON has one kind of them."""
    if isinstance(value, dict):
        found = {name: _values(one) for name, one in value.items() if one not in (None, [])}
        return {name: one for name, one in found.items() if one != {}}
    if isinstance(value, list):
        return [_values(one) for one in value]
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return Decimal(str(value)).normalize()
    return value


def test_what_was_in_the_future_stays_there() -> None:
    """Whether a time is believed depends on when the message was published, not on when it is looked at."""
    early, late = NOW, NOW + timedelta(days=3)
    tomorrow = message(1, timestamp=(NOW + timedelta(days=2)).isoformat())
    found = rows_of([Message(tomorrow, "a", early), Message(tomorrow, "b", late)], SOURCE, ZONE)
    assert [(at, why.code) for at, why in found.refused] == [(0, "future_timestamp")]
    assert rows_of([Message(tomorrow, "b", late)], SOURCE, ZONE).accepted == 1


@pytest.mark.parametrize("body", [b"\xff" * 9 * 2**20, "é".encode() * (9 * 2**19)], ids=["bytes", "text"])
def test_a_message_that_no_request_would_take(body: bytes) -> None:
    [piece] = rows_of([Message(body, "big", NOW)], SOURCE, ZONE).pieces
    assert piece.size < MAX_REQUEST
    [row] = batch_of(piece).to_pylist()
    assert row["code"] == "too_large"
    assert f"of its {len(body):,} bytes the first {MAX_KEPT:,} are kept" in row["message"]
    assert row["raw"] is None or body.startswith(row["raw"].encode())


def test_rows_are_cut_into_requests() -> None:
    noted = [Message(message(number, note="x" * 5000), f"m{number}", NOW) for number in range(40)]
    found = rows_of(noted, SOURCE, ZONE, max_request=50_000)
    assert len(found.pieces) > 4 and max(piece.size for piece in found.pieces) <= 50_000
    assert [name for piece in found.pieces for name in piece.ids] == [one.message_id for one in noted]
    assert [row["event_id"] for row in rows(found)] == [f"event-{number}" for number in range(40)]
    assert json.loads(rows(found)[0]["raw"]) == {**order(0), "note": "x" * 5000}
