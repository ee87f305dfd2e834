"""Every column of every event type reaches its staging table: what is declared is carried."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from contract.event_examples import Message, canonical, event
from reference import cleaning

from armazem.config import Settings
from armazem.contract import Column, ColumnType
from armazem.contract.event_types import EVENT_TYPES, EventType, Part
from armazem.intake.ingest import Ingest

from .shop import Shop

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("accepted events")]

CASES = [(event_type, part) for event_type in EVENT_TYPES.values() for part in event_type.parts]
# Of several values that a column may have, one that the others of the event go with.
NAMED = {"order_status": "delivered", "payment_type": "pix"}
PLACES = {"city": "São José / SP", "state": "sp"}
CLEANED = {
    "identifier": cleaning.identifier,
    "text": cleaning.text,
    "zip_prefix": cleaning.zip_prefix,
    "city": cleaning.city,
    "state": cleaning.state,
}


def sent(column: Column, event_type: EventType) -> Any:
    """A value as a sender writes it. An identifier is the same wherever it stands in the event, and in no other."""
    if column.values:
        return NAMED[column.name]
    match column.type:
        case ColumnType.IDENTIFIER:
            return f"{event_type.name}.{column.name}"
        case ColumnType.INTEGER:
            return (column.minimum or 0) + 1
        case ColumnType.MONEY:
            return 12.34
        case ColumnType.NUMBER:
            return 0.125
        case ColumnType.TIMESTAMP:
            return "2018-05-06T07:08:09"
        case ColumnType.ZIP:
            return "1037"
        case _:
            return PLACES.get(column.cleaning or "", f" {column.name} ")


def staged(column: Column, event_type: EventType) -> Any:
    """What the staging table has of it."""
    value = sent(column, event_type)
    match column.type:
        case ColumnType.MONEY | ColumnType.NUMBER:
            return Decimal(str(value))
        case ColumnType.TIMESTAMP:
            return datetime.fromisoformat(value)
        case _:
            return CLEANED[column.cleaned_by](value) if column.cleaned_by else value


def message(event_type: EventType) -> Message:
    """One with every column of each part."""
    data: dict[str, Any] = {}
    for part in event_type.parts:
        row = {column.name: sent(column, event_type) for column in part.table.columns}
        data[part.name] = [row] if part.many else row
    return event(event_type.name, data)


@pytest.fixture(scope="module")
def built(shop: Shop) -> Shop:
    with Ingest(shop.home, Settings(home=shop.path)) as writer:
        outcome = writer.submit([canonical(message(one)) for one in EVENT_TYPES.values()], "ingest").result()
    assert not outcome.rejected
    shop.build()
    return shop


@pytest.mark.parametrize(("event_type", "part"), CASES, ids=lambda value: value.name)
def test_every_column_of_an_event_is_staged(built: Shop, event_type: EventType, part: Part) -> None:
    expected = {column.name: staged(column, event_type) for column in part.table.columns}
    [row] = [
        row
        for row in built.rows(f"staging.stg_{part.name}")
        if all(row[name] == expected[name] for name in part.table.key)
    ]
    assert {name: row[name] for name in expected} == expected


def test_an_event_with_an_order_is_known_by_it(built: Shop) -> None:
    orders = {row["event_type"]: row["order_id"] for row in built.rows("staging.stg_events")}
    assert orders == {
        name: f"{name}.order_id" if any("order_id" in part.table.key for part in event_type.parts) else None
        for name, event_type in EVENT_TYPES.items()
    }
