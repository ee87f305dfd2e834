"""What accepted messages become: the canonical form, the forms of older senders, the limits of each type."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from armazem.contract import event_fast
from armazem.contract.event_values import Horizon
from armazem.contract.events import Accepted, Refused, process_batch
from contract.event_examples import (
    CUSTOMER_ID,
    EXAMPLES,
    NOW,
    ORDER_ID,
    ZONE,
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

UUID = "E481F51C-BDC5-4678-B7CC-49136F2D6AF7"


def line_of(message: Message | bytes) -> bytes:
    raw = message if isinstance(message, bytes) else canonical(message)
    [result] = process_batch([raw], NOW, ZONE)
    assert type(result) is Accepted, result
    return result.line


def event_of(message: Message | bytes) -> dict[str, Any]:
    """The accepted event as a reader of the journal gets it."""
    line = line_of(message)
    assert b"\n" not in line
    event: dict[str, Any] = json.loads(b"{" + line)
    assert list(event)[:4] == ["event_type", "event_id", "timestamp", "data"]
    return event


def data_of(message: Message | bytes) -> dict[str, Any]:
    data: dict[str, Any] = event_of(message)["data"]
    return data


@pytest.mark.parametrize("event_type", EXAMPLES)
def test_canonical_messages_stay_as_they_are_and_take_the_fast_path(event_type: str) -> None:
    message = EXAMPLES[event_type]()
    event = event_of(message)
    assert event == {**message, "timestamp": "2026-11-22T14:03:11.250000-03:00"}
    assert len(event_fast.decode([canonical(message)])[1]) == 1


def test_the_line_is_exactly_this() -> None:
    message = order_status_update("shipped", event_id="e-1", timestamp="2026-11-22 17:03:11Z")
    assert line_of(message) == (
        b'"event_type":"order_status_update","event_id":"e-1","timestamp":"2026-11-22T17:03:11Z","data":{"orders":'
        b'{"order_id":"%b","order_status":"shipped","order_delivered_carrier_date":"2026-11-22T15:00:00"}}}'
    ) % (ORDER_ID.encode(),)


@pytest.mark.parametrize("status", ["created", "invoiced", "processing", "canceled", "unavailable"])
def test_other_stages_need_no_time(status: str) -> None:
    assert data_of(order_status_update(status)) == {"orders": {"order_id": ORDER_ID, "order_status": status}}


# -- older senders: the exact forms that the contract names ----------------------------------------------------


@pytest.mark.parametrize("event_type", ["order_initiated", "order_payment"])
def test_one_payment_as_an_object(event_type: str) -> None:
    message = EXAMPLES[event_type](order_payments=payment())
    event = event_of(message)
    assert event["data"]["order_payments"] == [payment()]
    assert event["raw"] == canonical(message).decode()


def test_one_item_as_an_object() -> None:
    event = event_of(order_initiated(order_items=item()))
    assert event["data"] == order_initiated()["data"]
    assert json.loads(event["raw"])["data"]["order_items"] == item()


def test_identifiers_with_dashes() -> None:
    plain = "e481f51cbdc54678b7cc49136f2d6af7"
    message = order_initiated(
        event_id=UUID,
        orders=order(order_id=UUID, customer_id=UUID),
        order_items=[item(order_id=UUID.lower(), product_id=UUID, seller_id=UUID)],
        order_payments=[payment(order_id=plain)],
    )
    event = event_of(message)
    assert event["event_id"] == UUID  # kept as it is
    assert event["data"]["orders"] == order(order_id=plain, customer_id=plain)
    assert event["data"]["order_items"] == [item(order_id=plain, product_id=plain, seller_id=plain)]
    assert event["raw"] == canonical(message).decode()


@pytest.mark.parametrize(
    "name",
    [
        *("SP-1-23", "SP-12-3", "AbC1", "aBc1", CUSTOMER_ID.upper(), UUID.replace("-", ""), "gid://shopify/Order/1"),
        *("#1001", "1234e5678", "1.5", "a+b", "x-1@shop", "nulo", "n", "--", "-1", "Z2lk==", "9" * 64),
        *(UUID[:-1] + "g", "0" + UUID, UUID[1:], "e481f51c-bdc5-4678-b7cc-49136-2d6af7", "-".join("x" * 32)),
    ],
)
def test_other_identifiers_stay_as_they_were_sent_and_take_the_fast_path(name: str) -> None:
    message = seller_update({"seller_id": name})
    event = event_of(message)
    assert event["data"] == message["data"]
    assert "raw" not in event
    raw = [canonical(message)]
    assert event_fast.good(*event_fast.decode(raw), Horizon.at(NOW, ZONE))[0] == [0]


@pytest.mark.parametrize("name", ["pão", "naïve_1", "日本", "a<b>", "a\\b"])
def test_identifiers_in_other_alphabets(name: str) -> None:
    assert data_of(seller_update({"seller_id": name})) == {"sellers": {"seller_id": name}}


@pytest.mark.parametrize("number", [0, 1001, 5726128734520, 2**64, 10**64 - 1, -5])
def test_identifiers_as_whole_numbers(number: int) -> None:
    message = order_initiated(
        event_id=number,
        orders=order(order_id=number),
        order_items=[item(order_id=str(number))],
        order_payments=[payment(order_id=number)],
    )
    event = event_of(message)
    assert event["event_id"] == str(number)
    assert {row["order_id"] for row in (event["data"]["orders"], *event["data"]["order_items"])} == {str(number)}
    assert event["raw"] == canonical(message).decode()


@pytest.mark.parametrize(
    "name", ["order 1001 / paid", "a\u00a0b", "é", "\u2028", " ", "NULL", "-", "\U0001f600" * 128, "\u200b"]
)
def test_an_event_id_is_any_text(name: str) -> None:
    event = event_of(seller_update(event_id=name))
    assert event["event_id"] == name
    assert "raw" not in event


def test_order_delivered_timestamp() -> None:
    delivered = {"order_id": ORDER_ID, "order_status": "delivered", "order_delivered_timestamp": "2026-11-22T15:00:00"}
    event = event_of(order_status_update(orders=delivered))
    assert event["data"] == order_status_update("delivered")["data"]
    assert "raw" in event
    both = {**delivered, "order_delivered_customer_date": "2026-11-21T10:00:00"}
    assert data_of(order_status_update(orders=both))["orders"]["order_delivered_customer_date"] == "2026-11-21T10:00:00"
    null = {**delivered, "order_delivered_customer_date": None}
    assert data_of(order_status_update(orders=null)) == order_status_update("delivered")["data"]


def test_columns_in_the_spelling_of_the_source() -> None:
    columns = {"product_id": "p1", "product_name_lenght": 40, "product_description_lenght": 287}
    expected = {"product_id": "p1", "product_name_length": 40, "product_description_length": 287}
    assert data_of(product_update(columns)) == {"products": expected}


@pytest.mark.parametrize("absent", [..., None, ""])
def test_no_event_id(absent: Any) -> None:
    message = order_review(review(review_comment_message="já é\u2028"), event_id=absent)
    text = json.dumps(message, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    event = event_of(message)
    assert event["event_id"] == hashlib.sha256(text).hexdigest()
    shuffled = json.dumps(dict(reversed(message.items())), indent=2).encode()  # written in another way, the same event
    assert event_of(shuffled)["event_id"] == event["event_id"]


def test_the_digest_is_this_one() -> None:
    message = b'{"event_type":"seller_update","timestamp":"2026-01-01T00:00:00Z","data":{"sellers":{"seller_id":"s1"}}}'
    text = '{"data":{"sellers":{"seller_id":"s1"}},"event_type":"seller_update","timestamp":"2026-01-01T00:00:00Z"}'
    assert event_of(message)["event_id"] == hashlib.sha256(text.encode()).hexdigest()


def test_unknown_fields_are_kept_and_ignored() -> None:
    message = order_initiated(orders=order(coupon="X10"), order_items=[item(gift=True)], channel={"app": [1, None]})
    message["data"]["basket"] = []
    event = event_of(message)
    assert event["data"] == order_initiated()["data"]
    assert event["raw"] == canonical(message).decode()
    del event["raw"]
    assert list(event) == ["event_type", "event_id", "timestamp", "data"]


def test_zip_codes_as_numbers() -> None:
    event = event_of(customer_update({"customer_id": "c1", "customer_zip_code_prefix": 1046}))
    assert event["data"]["customers"]["customer_zip_code_prefix"] == "01046"
    assert "raw" in event
    assert data_of(seller_update({"seller_id": "s1", "seller_zip_code_prefix": 0}))["sellers"] == {
        "seller_id": "s1",
        "seller_zip_code_prefix": "00000",
    }
    whole = canonical(seller_update({"seller_id": "s1", "seller_zip_code_prefix": 1037.0}))
    assert data_of(whole)["sellers"]["seller_zip_code_prefix"] == "01037"


@pytest.mark.parametrize("word", ["NULL", "nan", r"\N", "None", "N/A", "#n/a", "<NA>", "NaT", "-", " null\t", "", "  "])
def test_null_words_are_null_in_optional_columns(word: str) -> None:
    """Texts, times, numbers, whole numbers, zip codes and identifiers."""
    rated = review(review_comment_title=word, review_comment_message=word, review_creation_date=word)
    message = order_review(rated)
    event = event_of(message)
    assert (
        event["data"]
        == order_review(review(review_comment_title=..., review_comment_message=..., review_creation_date=...))["data"]
    )
    assert event["raw"] == canonical(message).decode()
    assert data_of(customer_update({"customer_id": "c1", "customer_unique_id": word})) == {
        "customers": {"customer_id": "c1"}
    }
    sizes = {"product_category_name": word, "product_weight_g": word, "product_photos_qty": word}
    assert data_of(product_update({"product_id": "p1", **sizes})) == {"products": {"product_id": "p1"}}
    place = {"seller_zip_code_prefix": word, "seller_city": word}
    assert data_of(seller_update({"seller_id": "s1", **place})) == {"sellers": {"seller_id": "s1"}}
    assert data_of(order_initiated(order_payments=[payment(payment_installments=word)]))["order_payments"] == [
        payment(payment_installments=...)
    ]
    delivered = order_status_update("delivered")["data"]["orders"]
    older = {**delivered, "order_delivered_customer_date": word, "order_delivered_timestamp": "2026-11-22T15:00:00"}
    assert data_of(order_status_update(orders=older)) == {"orders": delivered}


@pytest.mark.parametrize("text", ["nulo", "Nan Goldin", "0", "--", "n", "NA", "null null", "\u200b"])
def test_other_words_are_texts(text: str) -> None:
    assert data_of(seller_update({"seller_id": "s1", "seller_city": text}))["sellers"]["seller_city"] == text


def test_zero_dates_are_null() -> None:
    for zero in ("0000-00-00", "0000-00-00 00:00:00", "0000-00-00T00:00:00"):
        assert data_of(order_initiated(orders=order(order_approved_at=zero)))["orders"] == order()


# -- values ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("2026-11-22 14:03:11", "2026-11-22T14:03:11"),
        ("2026-11-22T14:03:11.5", "2026-11-22T14:03:11.500000"),
        ("2026-11-22T14:03:11.123456", "2026-11-22T14:03:11.123456"),
        ("2026-11-22T14:03:11.123456499", "2026-11-22T14:03:11.123456"),
        ("2018-01-02T03:04:05.123456789", "2018-01-02T03:04:05.123457"),
        ("2018-12-31T23:59:59.999999999", "2019-01-01T00:00:00"),
        ("2016-12-31T23:59:60", "2017-01-01T00:00:00"),
        ("2016-12-31 23:59:60.25", "2017-01-01T00:00:00.250000"),
        ("2016-12-31T23:59:60Z", "2016-12-31T22:00:00"),
        ("2016-12-31T21:59:60-02:00", "2016-12-31T22:00:00"),
        ("2016-12-31T23:59:60-03:00", "2017-01-01T01:00:00"),
        ("2018-01-02 03:04:05 UTC", "2018-01-02T01:04:05"),
        ("2018-01-02 03:04:05.123000 UTC", "2018-01-02T01:04:05.123000"),
        ("2018-01-02 03:04:05+00", "2018-01-02T01:04:05"),
        ("2018-01-02T03:04:05.250-0300", "2018-01-02T04:04:05.250000"),
        ("2018-01-02 03:04:05 -0300", "2018-01-02T04:04:05"),
        ("2026-11-22", "2026-11-22T00:00:00"),
        ("2026-11-22T14:03:11Z", "2026-11-22T11:03:11"),
        ("2026-11-22T14:03:11-03:00", "2026-11-22T14:03:11"),
        ("2026-11-22 01:03:11.25+09:30", "2026-11-21T12:33:11.250000"),
        ("2018-11-04T02:30:00Z", "2018-11-03T23:30:00"),  # the hour before summer time began in São Paulo
        ("2018-11-04T03:00:00Z", "2018-11-04T01:00:00"),
        ("2018-02-18T01:30:00Z", "2018-02-17T23:30:00"),  # 23:30 came twice that night
        ("2018-02-18T02:30:00Z", "2018-02-17T23:30:00"),
        ("2026-11-24T09:00:00", "2026-11-24T09:00:00"),  # exactly a day ahead
        ("1990-01-01", "1990-01-01T00:00:00"),
    ],
)
def test_times_become_business_time(written: str, kept: str) -> None:
    assert data_of(order_initiated(orders=order(order_purchase_timestamp=written)))["orders"] == order(
        order_purchase_timestamp=kept
    )


def test_business_time_is_that_of_the_zone() -> None:
    message = canonical(order_initiated(orders=order(order_purchase_timestamp="2026-11-22T14:03:11Z")))
    [result] = process_batch([message], NOW, ZoneInfo("Asia/Kolkata"))
    assert b'"order_purchase_timestamp":"2026-11-22T19:33:11"' in result.line  # type: ignore[union-attr]


def test_promises_may_lie_years_ahead() -> None:
    late = "2036-11-20T00:00:00"
    message = order_initiated(
        orders=order(order_estimated_delivery_date=late), order_items=[item(shipping_limit_date=late)]
    )
    assert data_of(message) == message["data"]


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        (b"129.9", 129.9),
        (b"129.90", 129.9),
        (b"129", 129.0),
        (b"1.29e2", 129.0),
        (b"0", 0.0),
        (b"-0", 0.0),
        (b"-0.0", 0.0),
        (b"-0.0e3", 0.0),
        (b"0.01", 0.01),
        (b"999999999.99", 999999999.99),
        (b"0.29", 0.29),
        (b"1.10000000000000001", 1.1),
    ],
)
def test_amounts(written: bytes, kept: float) -> None:
    message = canonical(order_initiated(order_items=[item(price=123.45)])).replace(b"123.45", written)
    line = line_of(message)
    assert json.loads(b"{" + line)["data"]["order_items"][0]["price"] == kept
    assert b"-0" not in line.partition(b'"data"')[2]
    assert b'"raw"' not in line


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("100.00", 100.0),
        ("2", 2.0),
        ("29.9900", 29.99),
        ("-0.00", 0.0),
        ("58.900000000000006", 58.9),
        ("999999999.99", 999999999.99),
        (58.900000000000006, 58.9),
        (0.1 + 0.2, 0.3),
        (1234567.8900000001, 1234567.89),
        (12345678.900000002, 12345678.9),
        (sum([0.1] * 999), 99.9),
        (0.1 + 0.2 - 0.3, 0.0),
        (0.3 - 0.2 - 0.1, 0.0),
        (58.90000001, 58.9),  # a millionth of a cent
    ],
)
def test_amounts_as_texts_and_with_remainders(written: Any, kept: float) -> None:
    message = order_initiated(order_items=[item(price=written)], order_payments=[payment(payment_value=written)])
    event = event_of(message)
    assert event["data"]["order_items"] == [item(price=kept)]
    assert event["data"]["order_payments"] == [payment(payment_value=kept)]
    assert event["raw"] == canonical(message).decode()
    assert b"-0" not in line_of(message).partition(b'"data"')[2].partition(b'"raw"')[0].replace(b"-03:00", b"")


def test_numbers_as_texts() -> None:
    message = order_initiated(order_items=[item("2.0000")], order_payments=[payment("1", payment_installments="3")])
    data = data_of(message)
    assert data["order_items"] == [item(2)]
    assert data["order_payments"] == [payment(1, payment_installments=3)]
    assert data_of(order_review(review(review_score="5")))["order_reviews"] == review()
    sizes = {"product_id": "p1", "product_weight_g": "225.500", "product_length_cm": 0.1 + 0.2}
    expected = {"product_id": "p1", "product_weight_g": 225.5, "product_length_cm": 0.3}
    assert data_of(product_update(sizes)) == {"products": expected}


def test_whole_numbers_may_be_written_as_decimals() -> None:
    message = canonical(order_initiated(order_items=[item(77)])).replace(b":77,", b":77.0,")
    line = line_of(message)
    assert b'"order_item_id":77,' in line
    assert b'"raw"' not in line


def test_sizes_have_three_decimals() -> None:
    sizes = {"product_id": "p1", "product_weight_g": 0.125, "product_length_cm": 0, "product_width_cm": 1e8}
    assert data_of(product_update(sizes)) == {"products": sizes}


def test_null_is_absent() -> None:
    nulls = {"order_approved_at": None, "order_estimated_delivery_date": None}
    event = event_of(order_initiated(orders=order(**nulls), order_items=[item(shipping_limit_date=None)]))
    assert event["data"]["orders"] == order(order_estimated_delivery_date=...)
    assert event["data"]["order_items"] == [item(shipping_limit_date=...)]
    assert "raw" not in event


def test_lists_may_be_empty_or_long() -> None:
    assert data_of(order_initiated(order_items=[], order_payments=[]))["order_items"] == []
    items = [item(number) for number in range(1, 501)]
    payments = [payment(number, payment_value=0) for number in range(500)]
    assert data_of(order_initiated(order_items=items, order_payments=payments))["order_items"] == items
    assert data_of(order_payment(payments)) == {"order_payments": payments}


def test_the_last_of_two_equal_keys_wins_and_only_it_is_kept() -> None:
    message = canonical(order_initiated()).replace(b'"price":129.9', b'"price":1,"price":129.9')
    assert line_of(message) == line_of(order_initiated())
    bad_first = canonical(order_initiated()).replace(b'"price":129.9', b'"price":"x","price":129.9')
    assert line_of(bad_first) == line_of(order_initiated())


def test_a_byte_order_mark_in_front_is_no_part_of_a_message() -> None:
    assert line_of(b"\xef\xbb\xbf" + canonical(order_initiated())) == line_of(order_initiated())


def test_the_largest_message() -> None:
    message = canonical(order_review(review(review_comment_message="é" * 500_000)))
    padded = message[:-1] + b" " * (1_048_576 - len(message)) + b"}"
    assert len(padded) == 1_048_576
    assert line_of(padded) == line_of(message)


def test_the_day_after_now_is_measured_exactly() -> None:
    assert event_of(seller_update(timestamp="2016-12-31T23:59:60Z"))["timestamp"] == "2017-01-01T00:00:00Z"
    for stamp in ("2026-11-24T12:00:00Z", "2026-11-24T09:00:00-03:00", "1970-01-01T00:00:00Z"):
        when = datetime.fromisoformat(event_of(seller_update(timestamp=stamp))["timestamp"])
        assert when == datetime.fromisoformat(stamp)


@pytest.mark.parametrize("event_type", EXAMPLES)
@pytest.mark.parametrize("source", ["shop", "/orders/app 2", "loja são", "x" * 128])
def test_the_name_of_the_sender(event_type: str, source: str) -> None:
    message = {**EXAMPLES[event_type](), "source": source}
    [result] = process_batch([canonical(message)], NOW, ZONE)
    assert isinstance(result, Accepted)
    assert (result.sender, result.raw, result.key) == (source, None, f"{message['event_id']}\n{source}")
    positions, events = event_fast.decode([canonical(message)])
    assert positions == [0] and events[0].source == source
    assert "sender" not in event_of({**EXAMPLES[event_type](), "source": None})


@pytest.mark.parametrize("source", ["", 7, {"db": "shop"}])
def test_what_older_senders_put_there_is_no_name(source: Any) -> None:
    message = {**EXAMPLES["order_review"](), "source": source}
    [result] = process_batch([canonical(message)], NOW, ZONE)
    assert isinstance(result, Accepted)
    assert (result.sender, result.raw) == (None, canonical(message).decode())


@pytest.mark.parametrize(
    ("source", "code"),
    [("x" * 129, "bad_identifier"), ("a\tb", "bad_identifier")],
)
def test_what_is_no_name_of_a_sender(source: Any, code: str) -> None:
    [result] = process_batch([canonical({**EXAMPLES["order_review"](), "source": source})], NOW, ZONE)
    assert isinstance(result, Refused) and (result.code, result.path) == (code, "$.source")
