"""Whatever the core accepts, a build takes in: no value of an event makes it fail its audit."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from contract.event_examples import (
    Message,
    canonical,
    customer_update,
    item,
    order,
    order_initiated,
    order_payment,
    order_review,
    order_status_update,
    payment,
    product_update,
    review,
    seller_update,
)
from golden import Golden
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st
from reference import differences
from soak import NUMBERS

from armazem.config import Settings
from armazem.intake.ingest import Ingest

from .aside import Aside
from .event_reference import KEYS, ZONE, staging
from .shop import Shop

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("accepted events")]

NOW = datetime.now(UTC)
LARGEST = 999_999_999.99
IDENTIFIERS = ("f" * 64, "Pedido-Nº-1", "💡", "o'brien", '"quoted"', "日本語", "%_", "../../x", "\\", "{}", "nulo", "0")
TEXTS = (
    "", " ", "a/b\nc/d", "São Paulo, SP\n(centro)", "x@y", "12345", "İstanbul - ΑΣ", "a\tb\r\nc", "'; drop x; --",
    "é" * 100_000, "\u202e\U0001f600\ufeff", "-sp", "´`’", "{{ x }}",
)  # fmt: skip
AMOUNTS = (0, 0.01, 0.1, 129.9, 1_000_000, LARGEST)
PAST = ("0001-01-01T00:00:00", "1990-01-01T00:00:00", "2018-02-17T23:30:00", "2026-02-28", "2017-10-15T00:30:00")


def soon(hours: float) -> str:
    return (NOW + timedelta(hours=hours)).astimezone(ZONE).isoformat()


def placed(order_id: str, number: int = 1, **columns: Any) -> Message:
    """An order whose items and payments go by the columns that are theirs."""
    items = [item(place + 1, order_id=order_id, **columns.get("items", {})) for place in range(number)]
    paid = [payment(order_id=order_id, **columns.get("payment", {}))]
    return order_initiated(order(order_id=order_id, **columns.get("order", {})), items, paid)


def delivered(order_id: str, at: str, others: dict[str, str]) -> Message:
    row = {"order_id": order_id, "order_status": "delivered", "order_delivered_customer_date": at}
    return order_status_update("delivered", {**row, **others})


def everything_unusual() -> list[Message]:
    """Every extreme value once, and some of them together."""
    part_paid = [placed(f"part-{n}", payment={"payment_value": 1.5}) for n in range(30)]
    free = [placed(f"free-{n}", items={"price": 0, "freight_value": 0}, payment={"payment_value": 0}) for n in range(3)]
    huge = [
        placed(f"huge{n}", items={"price": LARGEST}, payment={"payment_value": LARGEST, "payment_installments": 1000})
        for n in range(4)
    ]
    tiny = placed("tiny", payment={"payment_value": 0.01}, order={"order_purchase_timestamp": "2026-10-02"})
    named = [placed(name, order={"customer_id": name}) for name in IDENTIFIERS]
    long_ago = placed("old", order={"order_purchase_timestamp": PAST[1], "order_estimated_delivery_date": PAST[0]})
    ahead = placed(
        "ahead", order={"order_purchase_timestamp": soon(23), "order_estimated_delivery_date": "2036-01-01T00:00:00"}
    )
    before = {"order_approved_at": PAST[0], "order_delivered_carrier_date": PAST[0]}
    too_early = delivered("tiny", PAST[0], before)
    places = [
        make({key: f"place{number}", **extra, f"{kind}_city": text, f"{kind}_state": text, **zip_})
        for number, text in enumerate(TEXTS)
        for make, kind, key, extra in (
            (customer_update, "customer", "customer_id", {"customer_unique_id": "person"}),
            (seller_update, "seller", "seller_id", {}),
        )
        for zip_ in ({f"{kind}_zip_code_prefix": text},)
    ]
    sold = [placed(f"sold{n}", items={"seller_id": f"place{n}", "product_id": f"thing{n}"}) for n in range(len(TEXTS))]
    sizes = ("product_length_cm", "product_height_cm", "product_width_cm", "product_weight_g")
    things = [
        product_update({"product_id": f"thing{n}", "product_category_name": text, **dict.fromkeys(sizes, size)})
        for n, (text, size) in enumerate(zip(TEXTS, (0, 0.001, 10.125, 9999.999, 1e4, LARGEST, *[5] * 8), strict=True))
    ]
    reviews = [
        order_review(review(order_id=f"sold{n}", review_comment_title=text, review_comment_message=text))
        for n, text in enumerate(TEXTS)
    ]
    # Payments ahead of their orders, more than the rule for cut files would let pass; as many as a message can hold.
    waiting = [order_payment([payment(n, order_id="never-placed") for n in range(300)])]
    waiting.append(order_payment([payment(n, order_id="free-0", payment_value=LARGEST) for n in range(2, 6_000)]))
    # More than was paid: the seller has less than its best product, the shop less than nothing.
    refunded = [placed(f"back{n}", items={"seller_id": "taker", "product_id": f"back{n}"}) for n in range(2)]
    refunded.append(order_payment([payment(2, order_id="back1", payment_type="refund", payment_value=-LARGEST)]))
    empty = order_initiated(order(order_id="empty"), [], [])
    lone = order_status_update(orders={"order_id": "never-placed", "order_status": "canceled"})
    return [
        *part_paid, *free, *huge, tiny, *named, long_ago, ahead, too_early, *places, *sold, *things, *reviews, *waiting,
        *refunded, empty, lone, placed("many", 1500),
    ]  # fmt: skip


names = st.sampled_from(IDENTIFIERS) | st.text(st.characters(exclude_categories=["Cs", "Z", "C"]), min_size=1).map(
    lambda text: text[:64]
)
texts = st.sampled_from([*TEXTS, None]) | st.text(max_size=60)
amounts = st.sampled_from(AMOUNTS) | st.integers(0, 10**9).map(lambda cents: cents / 100)
times = st.one_of(
    st.sampled_from(PAST), st.floats(-20_000, 23.9).map(soon), st.datetimes(max_value=datetime(2026, 1, 1)).map(str)
)


def part(**columns: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=columns)


@st.composite
def unusual_events(draw: st.DrawFn) -> list[Message]:
    """About a few orders, so that events meet; few payments without an order."""
    known = draw(st.lists(names, min_size=3, max_size=8, unique_by=str.lower))
    bought = st.sampled_from(PAST[1:]) | st.floats(-300_000, 23.9).map(soon)
    messages = []
    for name in known:
        rows = {
            "order": draw(
                part(customer_id=names, order_purchase_timestamp=bought, order_estimated_delivery_date=times)
            ),
            "items": draw(part(product_id=names, seller_id=names, price=amounts, freight_value=amounts)),
            "payment": draw(part(payment_value=amounts, payment_installments=st.integers(0, 1000))),
        }
        messages.append(placed(name, draw(st.sampled_from((0, 1, 2, 40))), **rows))
    one = st.sampled_from(known)
    numbers = st.integers(0, 1_000_000)
    stages = part(order_approved_at=times, order_delivered_carrier_date=times)
    comments = part(review_comment_title=texts, review_comment_message=texts, review_creation_date=times)
    people = part(customer_unique_id=names, customer_zip_code_prefix=texts, customer_city=texts, customer_state=texts)
    shops = part(seller_zip_code_prefix=texts, seller_city=texts, seller_state=texts)
    sizes = dict.fromkeys(("product_length_cm", "product_height_cm", "product_width_cm"), amounts)
    things = part(product_category_name=texts, product_name_length=st.integers(0, 2**31 - 1), **sizes)
    others = st.one_of(
        st.builds(delivered, one, times, stages),
        st.builds(lambda o, n, v: order_payment([payment(n, order_id=o, payment_value=v)]), one, numbers, amounts),
        st.builds(
            lambda o, n, v: order_payment([payment(n, order_id=o, payment_type="refund", payment_value=-v)]),
            one,
            numbers,
            amounts.filter(bool),
        ),
        st.builds(lambda o, row: order_review(review(order_id=o, **row)), one, comments),
        st.builds(lambda name, row: customer_update({"customer_id": name, **row}), names, people),
        st.builds(lambda name, row: seller_update({"seller_id": name, **row}), names, shops),
        st.builds(lambda name, row: product_update({"product_id": name, **row}), names, things),
    )
    messages += draw(st.lists(others, min_size=10, max_size=60))
    return [message | {"timestamp": draw(st.floats(-300_000, 23.9).map(soon))} for message in messages]


@pytest.fixture(scope="module")
def before(shop: Shop, golden: Golden) -> Aside:
    return Aside(shop, golden)


def numbered(messages: Sequence[Message]) -> list[Message]:
    return [message | {"event_id": f"event-{number}"} for number, message in enumerate(messages)]


def accepted(shop: Shop, messages: Sequence[Message]) -> list[Message]:
    with Ingest(shop.home, Settings(home=shop.path)) as writer:
        outcome = writer.submit([canonical(message) for message in messages], "ingest").result()
    refused = {rejection.index for rejection in outcome.rejected}
    return [message for index, message in enumerate(messages) if index not in refused]


def test_every_extreme_of_the_list_is_accepted(before: Aside) -> None:
    messages = numbered(everything_unusual())
    assert accepted(before.restore(), messages) == messages


@settings(
    max_examples=NUMBERS.unusual_shops,
    deadline=None,
    database=None,
    # The first random example is the simplest one: not worth a build of its own.
    phases=[Phase.explicit] if NUMBERS.unusual_shops == 1 else [Phase.explicit, Phase.generate],
)
@given(messages=unusual_events())
@example(messages=everything_unusual())
def test_accepted_events_never_fail_a_build(before: Aside, messages: list[Message]) -> None:
    shop = before.restore()
    events = accepted(shop, numbered(messages))
    answer = shop.armazem("build")
    assert answer.code == 0, answer.err
    expected = staging([before.load], events)
    for table in ("orders", "order_items", "order_payments", "products"):
        # Of white space around a text the models take spaces away, the reference every kind.
        found = differences(
            expected[table], shop.rows(f"staging.stg_{table}"), KEYS[table], loose=["product_category_name"]
        )
        assert found == [], table
    placed_ids = {row["order_id"] for row in expected["orders"]}
    paid = [row for row in expected["order_payments"] if row["order_id"] in placed_ids]
    facts = shop.rows("marts.fact_orders")
    assert sum(row["revenue"] for row in facts) == sum(row["payment_value"] for row in paid)
    of_sales = sum((row["payment_value"] for row in shop.rows("marts.fact_sales")), Decimal(0))
    assert of_sales == sum(row["revenue"] for row in facts if row["items"])


def test_a_home_folder_of_events_only(shop: Shop) -> None:
    shop.reset()
    messages = numbered(everything_unusual())
    assert len(accepted(shop, messages)) == len(messages)
    answer = shop.armazem("build")
    assert answer.code == 0, answer.err
    assert differences(staging([], messages)["orders"], shop.rows("staging.stg_orders"), ("order_id",)) == []
