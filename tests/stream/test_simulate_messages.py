"""What the simulator sends: believable lives, faults in proportion, and totals that a recount confirms."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from soak import fuzz

from armazem.contract.events import Accepted, Refused, process_batch
from armazem.errors import ArmazemError
from armazem.shop.life import Faults, Offer, Person, Place, Seller, Shop
from armazem.shop.life.course import MEAN_LIFE, MEAN_STEPS, draw_course
from armazem.shop.life.malformed import CODES
from armazem.shop.life.market import Market
from armazem.shop.life.messages import Message, Role
from armazem.shop.life.payments import draw_payments
from armazem.shop.life.totals import Totals
from armazem.shop.life.traffic import Clock, Traffic

ZONE = ZoneInfo("America/Sao_Paulo")
END = datetime(2026, 11, 20, 12, tzinfo=UTC)
SECOND, DAY = 1_000_000, 86_400
FAULTS = Faults(duplicates=5, disorder=20, malformed=10)

# Which statuses may come right after which.
NEXT = {
    "created": {"approved", "canceled"},
    "approved": {"invoiced", "processing", "shipped", "canceled", "unavailable"},
    "invoiced": {"processing", "shipped", "canceled", "unavailable"},
    "processing": {"shipped", "canceled", "unavailable"},
    "shipped": {"delivered"},
    "delivered": set(),
    "canceled": set(),
    "unavailable": set(),
}
STAGES = {
    "approved": "order_approved_at",
    "shipped": "order_delivered_carrier_date",
    "delivered": "order_delivered_customer_date",
}


def some_shop() -> Shop:
    """A shop with what is hard to write as JSON."""
    rng = Random(5)

    def name() -> str:
        return f"{rng.getrandbits(128):032x}"

    places = [
        Place("01037", "são paulo", "SP"),
        Place("98780", 'santa "rosa" d\'oeste', "RS"),
        Place(None, "back\\slash", None),
        Place("00001", None, "AC"),
    ]
    sellers = [Seller(name(), rng.choice(places)) for _ in range(9)]
    offers = [
        Offer(name(), rng.choice(sellers).seller_id, rng.randint(1, 90_000), rng.randint(0, 9_000), rng.randint(0, 9))
        for _ in range(80)
    ]
    return Shop(offers, [Person(name(), rng.choice(places)) for _ in range(50)], sellers, END)


SHOP = some_shop()


def traffic(seed: int, events: int, faults: Faults = FAULTS, days: float = 90) -> list[Message]:
    """The messages of so many events in the days before END, with lives as long as real ones."""
    start = int((END - timedelta(days=days)).timestamp() * SECOND)
    clock = Clock(start, days * DAY * SECOND / events, 0.0)
    return list(Traffic(Market(SHOP, ZONE, Random(seed)), faults, clock, events=events))


def events_of(messages: Iterable[Message]) -> list[dict[str, Any]]:
    """The events among them, each once, oldest first."""
    bodies = {message.body for message in messages if message.role is not Role.MALFORMED}
    found = [json.loads(body, parse_float=Decimal) for body in bodies]
    return sorted(found, key=lambda event: datetime.fromisoformat(event["timestamp"]))


def order_of(event: dict[str, Any]) -> str | None:
    data = event["data"]
    for part in ("orders", "order_reviews"):
        if part in data:
            return str(data[part]["order_id"])
    return str(data["order_payments"][0]["order_id"]) if "order_payments" in data else None


def lives(messages: Iterable[Message]) -> dict[str, list[dict[str, Any]]]:
    """The events of each order in their order of time."""
    found = defaultdict(list)
    for event in events_of(messages):
        if order := order_of(event):
            found[order].append(event)
    return found


def statuses_of(life: Iterable[dict[str, Any]]) -> list[str]:
    return [event["data"]["orders"]["order_status"] for event in life if "orders" in event["data"]]


def introduced(messages: Iterable[Message]) -> list[dict[str, Any]]:
    """The customer rows of orders."""
    rows = [event["data"]["customers"] for event in events_of(messages) if "customers" in event["data"]]
    return [row for row in rows if "customer_unique_id" in row]


def recount(messages: Sequence[Message]) -> dict[str, Any]:
    """The totals from the bytes alone, by the definitions of the contract."""
    distinct = events_of(messages)
    status, paid, items = {}, defaultdict(Decimal), 0
    for event in distinct:
        data, order = event["data"], order_of(event)
        if "orders" in data:
            status[order] = data["orders"]["order_status"]
        items += len(data.get("order_items", ()))
        for payment in data.get("order_payments", ()):
            paid[order] += payment["payment_value"]
    valid = [order for order, last in status.items() if last not in ("canceled", "unavailable")]
    return {
        "messages": len(messages),
        "distinct_events": len(distinct),
        "bytes": sum(len(m.body) for m in messages),
        "orders": len(status),
        "orders_by_status": dict(sorted(Counter(status.values()).items())),
        "items": items,
        "revenue_valid": sum((paid[order] for order in valid), Decimal(0)),
        "revenue_all": sum(paid.values(), Decimal(0)),
        "events_by_type": dict(sorted(Counter(e["event_type"] for e in distinct).items())),
    }


def test_same_seed_same_bytes() -> None:
    once, again, other = (b"\n".join(m.body for m in traffic(seed, 3000)) for seed in (7, 7, 8))
    assert once == again
    assert once != other


def test_at_another_time_the_same_events_come() -> None:
    def ids(start: datetime) -> list[str]:
        clock = Clock(int(start.timestamp() * SECOND), 0.0, SECOND / 3000)
        market = Market(SHOP, ZONE, Random(3), life=1.0)
        messages = Traffic(market, Faults(5, 20, 0), clock, events=10_000)
        return [json.loads(message.body)["event_id"] for message in messages]

    assert ids(END) == ids(END + timedelta(days=3, hours=7.3, microseconds=1))


@settings(max_examples=fuzz(8), deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 4000), st.sampled_from([Faults(), FAULTS, Faults(100, 100, 100)]))
def test_every_life_is_consistent(seed: int, events: int, faults: Faults) -> None:
    messages = traffic(seed, events, faults)
    people = {}
    for event in events_of(messages):
        if "customer_unique_id" in event["data"].get("customers", {}):
            people.setdefault(event["data"]["customers"]["customer_id"], event["timestamp"])
    for order, life in lives(messages).items():
        times = [datetime.fromisoformat(event["timestamp"]) for event in life]
        assert times == sorted(set(times))
        assert END - timedelta(days=90) <= times[0]
        assert times[-1] <= END
        placed = life[0]
        assert placed["event_type"] == "order_initiated"
        head = placed["data"]["orders"]
        assert people[head["customer_id"]] <= placed["timestamp"]
        assert head["order_estimated_delivery_date"] > head["order_purchase_timestamp"]
        items = placed["data"]["order_items"]
        assert [item["order_item_id"] for item in items] == list(range(1, len(items) + 1))
        assert 1 <= len(items) <= 4
        assert {item["order_id"] for item in items} == {order}
        offers = {(offer.product_id, offer.seller_id): offer.price for offer in SHOP.offers}
        for item in items:
            assert item["price"] == Decimal(offers[item["product_id"], item["seller_id"]]) / 100
        updates = [event for event in life if "orders" in event["data"]]
        statuses = [event["data"]["orders"]["order_status"] for event in updates]
        assert statuses[0] == "created"
        for before, after in pairwise(statuses):
            assert after in NEXT[before]
        for event, status in zip(updates, statuses, strict=True):
            if column := STAGES.get(status):
                assert event["data"]["orders"][column] == event["timestamp"][:-6]
        reviews = [event["data"]["order_reviews"] for event in life if "order_reviews" in event["data"]]
        assert len(reviews) <= 1
        if reviews and statuses[-1] not in ("canceled", "unavailable", "shipped"):
            assert statuses[-1] == "delivered"
        payments = [payment for event in life for payment in event["data"].get("order_payments", ())]
        assert [payment["payment_sequential"] for payment in payments] == list(range(1, len(payments) + 1))
        assert all(payment["order_id"] == order for payment in payments)


@settings(max_examples=fuzz(8), deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 3000), st.sampled_from([Faults(), FAULTS, Faults(100, 100, 0)]))
def test_totals_are_those_of_a_recount(seed: int, events: int, faults: Faults) -> None:
    messages = traffic(seed, events, faults)
    totals = Totals()
    for first in range(0, len(messages), 17):
        totals.count(messages[first : first + 17])
    counted, expected = totals.as_dict(), recount(messages)
    assert {name: counted[name] for name in expected} == expected
    assert counted["distinct_events"] == events
    assert counted["messages"] == events + counted["duplicates"] + counted["malformed"]


@settings(max_examples=fuzz(4), deadline=None)
@given(st.integers(0, 2**32))
def test_the_core_accepts_events_and_refuses_the_rest_with_the_code_meant(seed: int) -> None:
    messages = traffic(seed, 1000, Faults(malformed=100))
    results = process_batch([message.body for message in messages], END, ZONE)
    for message, result in zip(messages, results, strict=True):
        if message.role is Role.MALFORMED:
            assert isinstance(result, Refused)
            assert result.code == message.kind
        else:
            assert isinstance(result, Accepted), result
            assert result.event_id == json.loads(message.body)["event_id"]
            assert b'"raw"' not in result.line  # nothing in it that the contract does not know
    assert {message.kind for message in messages if message.role is Role.MALFORMED} == set(CODES)
    assert all(b"\n" not in message.body for message in messages)


def test_all_codes_come_even_among_few() -> None:
    malformed = [m.kind for m in traffic(1, 400, Faults(malformed=5)) if m.role is Role.MALFORMED]
    assert set(malformed) == set(CODES) == {
        "not_utf8", "not_json", "too_large", "unknown_event_type", "missing_field", "wrong_type", "bad_identifier",
        "bad_timestamp", "future_timestamp", "negative_amount", "bad_value", "inconsistent",
    }  # fmt: skip


def test_faults_come_in_the_proportions_asked_for() -> None:
    messages = traffic(3, 20_000, Faults(5, 20, 2))
    counts = Counter(message.role for message in messages)
    assert counts[Role.EVENT] == 20_000
    assert counts[Role.DUPLICATE] == pytest.approx(1000, rel=0.15)
    assert counts[Role.MALFORMED] == pytest.approx(400, rel=0.2)
    assert out_of_order(messages) == pytest.approx(4000, rel=0.1)


def out_of_order(messages: Iterable[Message]) -> int:
    """Events that come after a later one of their order or of its customer, from the bytes alone."""
    customers: dict[str, str] = {}
    parsed = [json.loads(message.body) for message in messages if message.role is Role.EVENT]
    for event in parsed:
        if "order_items" in event["data"]:
            head = event["data"]["orders"]
            customers[head["customer_id"]] = head["order_id"]
    newest: dict[str, str] = {}
    late = 0
    for event in parsed:
        order = order_of(event)
        if order is None and "customers" in event["data"]:
            order = customers.get(event["data"]["customers"]["customer_id"])
        if order is not None:
            late += event["timestamp"] < newest.get(order, "")
            newest[order] = max(newest.get(order, ""), event["timestamp"])
    return late


def test_disorder_is_disorder_and_without_it_there_is_none() -> None:
    assert out_of_order(traffic(3, 5000, Faults(duplicates=20, malformed=20))) == 0
    messages = traffic(3, 5000, Faults(disorder=100))
    assert out_of_order(messages) > 0.6 * 5000
    totals = Totals()
    totals.count(messages)
    assert totals.out_of_order == pytest.approx(out_of_order(messages), rel=0.03)  # master data have no order there


def test_a_duplicate_has_the_same_bytes_and_comes_later() -> None:
    seen = set()
    duplicates = 0
    for message in traffic(9, 3000, Faults(duplicates=30, disorder=30)):
        duplicates += message.role is Role.DUPLICATE
        assert (message.body in seen) == (message.role is Role.DUPLICATE)
        seen.add(message.body)
    assert duplicates > 600


@pytest.fixture(scope="module")
def many() -> list[Message]:
    return traffic(4, 25_000, Faults())


def test_the_mix_is_believable(many: list[Message]) -> None:
    found = lives(many)
    statuses = {order: statuses_of(life) for order, life in found.items()}
    last = Counter(path[-1] for path in statuses.values())
    assert set(last) == set(NEXT)
    assert 0.02 < last["canceled"] / len(found) < 0.05
    assert 0.005 < last["unavailable"] / len(found) < 0.03
    assert last["delivered"] / len(found) > 0.7
    placed = {order: life[0]["data"] for order, life in found.items()}
    kinds = Counter(p["payment_type"] for data in placed.values() for p in data["order_payments"])
    assert 0.7 < kinds["credit_card"] / kinds.total() < 0.82
    assert kinds["boleto"] > kinds["voucher"] > kinds["debit_card"] * 0.5 > 0
    exact = several = 0
    complete = [order for order, path in statuses.items() if path[-1] == "delivered"]
    for order in complete:
        payments = [p for event in found[order] for p in event["data"].get("order_payments", ())]
        cost = sum(item["price"] + item["freight_value"] for item in placed[order]["order_items"])
        paid = sum(payment["payment_value"] for payment in payments)
        assert paid >= cost
        exact += paid == cost
        several += len(payments) > 1
    assert 0.985 < exact / len(complete) < 1
    assert 0.01 < several / len(complete) < 0.08
    people = introduced(many)
    known = {person.customer_unique_id for person in SHOP.people}
    assert 0.02 < sum(p["customer_unique_id"] in known for p in people) / len(people) < 0.04
    assert len({p["customer_id"] for p in people}) == len(people)
    changes = Counter(event["event_type"] for event in events_of(many))
    assert min(changes["product_update"], changes["seller_update"]) > 10
    assert changes["customer_update"] > len(people)


def test_late_orders_are_reviewed_worse(many: list[Message]) -> None:
    scores = defaultdict(list)
    for life in lives(many).values():
        data = {name: part for event in life for name, part in event["data"].items() if name != "orders"}
        orders = {k: v for event in life for k, v in event["data"].get("orders", {}).items()}
        if "order_reviews" in data:
            arrived = orders.get("order_delivered_customer_date")
            late = None if arrived is None else arrived[:10] > orders["order_estimated_delivery_date"][:10]
            scores[late].append(data["order_reviews"]["review_score"])
    mean = {late: sum(found) / len(found) for late, found in scores.items()}
    assert len(scores[True]) > 50
    assert mean[False] > 4
    assert mean[True] < 3
    assert mean[None] < 3


def test_what_courses_are_planned_by_is_their_mean() -> None:
    rng = Random(1)
    courses = [
        draw_course(slow=rng.random() < 0.2, later_payments=rng.random() < 0.018, rng=rng) for _ in range(20_000)
    ]
    assert sum(map(len, courses)) / len(courses) == pytest.approx(MEAN_STEPS, rel=0.02)
    mean = sum(step.wait for course in courses for step in course) / len(courses)
    assert mean == pytest.approx(MEAN_LIFE, rel=0.05)


@given(st.integers(0, 10_000_000), st.integers())
def test_payments_sum_to_the_cost_or_to_little_more(total: int, seed: int) -> None:
    payments = draw_payments(total, Random(seed))
    assert total <= sum(payment.cents for payment in payments) <= 1.06 * total + 1
    assert [payment.sequential for payment in payments] == list(range(1, len(payments) + 1))
    assert all(payment.cents >= 0 and payment.instalments >= 1 for payment in payments)
    assert total == 0 or all(payment.cents > 0 for payment in payments) or len(payments) == 1


def test_a_pace_holds_from_the_first_message_on() -> None:
    start = int(END.timestamp() * SECOND)
    clock = Clock(start, 0.0, SECOND / 1000)
    market = Market(SHOP, ZONE, Random(2), life=5.0)
    messages = list(Traffic(market, FAULTS, clock, until=start + 30 * SECOND))
    at = [message.at for message in messages]
    for number, (message, moment) in enumerate(zip(messages, at, strict=True)):
        assert moment <= start + (number + 1) * SECOND / 1000, message  # none from the future of its sending
    placed = Counter((m.at - start) // (5 * SECOND) for m in messages if m.kind == "order_initiated")
    per_order = MEAN_STEPS * FAULTS.messages_per_event
    assert placed[0] < 3 * 5000 / per_order  # more at first, until as many are alive as live side by side
    for period in (3, 4, 5):
        assert placed[period] == pytest.approx(5000 / per_order, rel=0.25)
    spans = [
        datetime.fromisoformat(life[-1]["timestamp"]) - datetime.fromisoformat(life[0]["timestamp"])
        for life in lives(messages).values()
        if END + timedelta(seconds=10) < datetime.fromisoformat(life[0]["timestamp"]) < END + timedelta(seconds=18)
    ]
    assert sum(spans, timedelta()) / len(spans) == pytest.approx(timedelta(seconds=5), abs=timedelta(seconds=1))


def test_closed_early_it_gives_what_it_kept_back() -> None:
    start = int(END.timestamp() * SECOND)
    market = Market(SHOP, ZONE, Random(2), life=60.0)
    stream = Traffic(market, Faults(50, 100, 0), Clock(start, 0.0, 1000.0))
    messages = []
    for message in stream:
        messages.append(message)
        if len(messages) == 2000:
            stream.close()
    assert len(messages) > 2100
    for life in lives(messages).values():  # without gaps: each begins with its order, and no stage is missing
        assert life[0]["event_type"] == "order_initiated"
        statuses = statuses_of(life)
        assert all(after in NEXT[before] for before, after in pairwise(statuses))


def test_a_shop_that_never_sold_anything_is_none() -> None:
    with pytest.raises(ArmazemError, match="nothing to simulate") as caught:
        Shop([], SHOP.people, SHOP.sellers, END)
    assert "armazem up --no-serve" in caught.value.hint
