"""The live figures are a function of the set of events: of no order, duplication, batches or restart."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from contract.event_examples import (
    NOW,
    customer_update,
    identifier,
    item,
    order,
    order_initiated,
    order_payment,
    order_review,
    order_status_update,
    payment,
    review,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from soak import fuzz

from armazem.config import Settings
from armazem.contract.tables import ORDER_STATUSES
from armazem.home import Home
from armazem.live.service import LiveState

from .live_journal import Writer, accepted, publish
from .live_reference import figures

ORDERS = (identifier(1), identifier(2), "pedido/3", "4" * 64)
CUSTOMERS = (identifier(11), identifier(12), "cliente:3", identifier(14))
PUBLISHED = {CUSTOMERS[1]: "RJ", CUSTOMERS[2]: "SP", identifier(99): "AC"}
# Few moments, in several zones: many events are equally new but for their ids, which begin alike.
TIMES = (
    "2026-11-22T14:03:11.250-03:00",
    "2026-11-22T17:03:11.250000Z",
    "2026-11-22T17:03:11.250001Z",
    "2026-11-22T23:03:11+06:00",
)
EVENT_IDS = st.text("0aBé-", min_size=1, max_size=3).map(lambda text: f"a-long-beginning-of-an-id-{text}") | st.text(
    "09aZ_", min_size=1, max_size=40
)
CENTS = st.integers(0, 10**11 - 1) | st.integers(0, 300)


def _paid(number: int, order_id: str, cents: int) -> dict[str, Any]:
    return payment(number, order_id=order_id, payment_value=cents / 100)


def _refunded(number: int, order_id: str, cents: int) -> dict[str, Any]:
    return payment(number, order_id=order_id, payment_type="refund", payment_value=-(cents + 1) / 100)


@st.composite
def messages(draw: st.DrawFn, event_id: str) -> dict[str, Any]:
    envelope = {"event_id": event_id, "timestamp": draw(st.sampled_from(TIMES))}
    order_id = draw(st.sampled_from(ORDERS))
    customer_id = draw(st.sampled_from(CUSTOMERS))
    status = draw(st.sampled_from(ORDER_STATUSES))
    numbers = st.lists(st.integers(1, 4), unique=True, max_size=3)
    paid = [draw(st.sampled_from((_paid, _paid, _refunded)))(number, order_id, draw(CENTS)) for number in draw(numbers)]
    match draw(st.sampled_from(("order", "status", "status", "payment", "review", "customer"))):
        case "order":
            row = order(
                order_id=order_id,
                customer_id=customer_id,
                order_status=status,
                order_purchase_timestamp=draw(st.sampled_from(("2026-11-22T14:03:11", "2026-11-20T01:02:03.000004"))),
            )
            items = [item(number, order_id=order_id) for number in draw(numbers) or [1]]
            return order_initiated(row, items, paid or [payment(order_id=order_id)], **envelope)
        case "status":
            row = order_status_update(status)["data"]["orders"]
            return order_status_update(orders={**row, "order_id": order_id}, **envelope)
        case "payment":
            return order_payment(paid or [payment(2, order_id=order_id, payment_value=0)], **envelope)
        case "review":
            return order_review(review(order_id=order_id), **envelope)
        case _:
            state = draw(st.sampled_from(("MG", " mg", "BA", "", None)))
            return customer_update({"customer_id": customer_id, "customer_state": state}, **envelope)


@st.composite
def histories(draw: st.DrawFn) -> list[list[bytes]]:
    """Batches of accepted events in any order, some of them several times."""
    ids = draw(st.lists(EVENT_IDS, unique=True, min_size=1, max_size=25))
    events = accepted([draw(messages(event_id)) for event_id in ids])
    events += draw(st.lists(st.sampled_from(events), max_size=5))
    events = draw(st.permutations(events))
    cuts = sorted(draw(st.lists(st.integers(0, len(events)), max_size=5)))
    return [events[start:end] for start, end in zip([0, *cuts], [*cuts, len(events)], strict=True)]


def shown(live: LiveState, names: Sequence[str]) -> dict[str, Any]:
    assert live.error is None
    return {name: live.snapshot()[name] for name in names}


@given(
    batches=histories(),
    restarts=st.sets(st.integers(0, 5)),
    lost=st.sets(st.integers(0, 5)),
    published_at=st.integers(0, 6),
    lines_per_segment=st.integers(1, 30),
)
@settings(max_examples=fuzz(40), deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_order_duplication_batches_and_restarts(
    batches: list[list[bytes]],
    restarts: set[int],
    lost: set[int],
    published_at: int,
    lines_per_segment: int,
) -> None:
    """`restarts`, `lost`: before which batches, and of which ones the live state is not told."""
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder)).open()
        options = Settings(home=home.root)
        writer = Writer(home, lines_per_segment=lines_per_segment)
        live = LiveState(home, options, clock=lambda: NOW)
        live.rebuild()
        for number, batch in enumerate(batches):
            if number == published_at:
                publish(home, "20261123T000000Z", PUBLISHED)
            if number in restarts:
                live.close()
                live = LiveState(home, options, clock=lambda: NOW)
                live.rebuild()
            lines = writer.write(batch)
            if number not in lost:
                live.add(lines)
                live.apply_waiting()
        live.add(writer.write(accepted([order_review(event_id="the-last")])))
        live.apply_waiting()
        expected = figures(writer.lines, PUBLISHED if published_at < len(batches) else {})
        found = shown(live, [*expected, "seq", "events", "orders_per_minute"])
        live.close()
    assert {name: found[name] for name in expected} == expected
    assert found["seq"] == len(writer.lines) == sum(found["events"].values())
    assert found["orders_per_minute"] == found["events"].get("order_initiated", 0)
