"""Every code of the contract for every event type where it can occur, with its exact path."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from armazem.contract import RejectCode
from armazem.contract.event_types import EVENT_TYPES
from armazem.contract.events import Accepted, Refused, process_batch
from contract.event_examples import (
    EXAMPLES,
    NOW,
    ORDER_ID,
    ZONE,
    canonical,
    identifier,
    item,
    order_initiated,
    payment,
    seller_update,
)

OTHER_ORDER = identifier(99)
# The part of each event type, as a path of keys, in which a row stands.
ROWS: dict[str, tuple[tuple[str | int, ...], ...]] = {
    name: tuple((part.name, 0) if part.many else (part.name,) for part in event_type.parts)
    for name, event_type in EVENT_TYPES.items()
}
KEY = {"orders": "order_id", "order_items": "order_id", "order_payments": "order_id", "order_reviews": "review_id"} | {
    "customers": "customer_id",
    "products": "product_id",
    "sellers": "seller_id",
}


def refused(message: bytes) -> Refused:
    """The refusal of one message, alone; it must be one."""
    [result] = process_batch([message], NOW, ZONE)
    assert type(result) is Refused, result
    assert result.raw == message
    assert result.code in set(RejectCode)
    assert result.message
    assert "\n" not in result.message
    return result


def changed(message: dict[str, Any], path: tuple[str | int, ...], value: Any) -> bytes:
    """The message with another value at the path, or without what is there if the value is `...`."""
    message = copy.deepcopy(message)
    at: Any = message
    for key in path[:-1]:
        at = at[key]
    if value is ...:
        del at[path[-1]]
    else:
        at[path[-1]] = value
    return canonical(message)


def json_path(path: tuple[str | int, ...]) -> str:
    return "$" + "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path)


ENVELOPE = [
    ("event_type", ..., "missing_field"),
    ("event_type", None, "missing_field"),
    ("event_type", 7, "wrong_type"),
    ("event_type", "order_deleted", "unknown_event_type"),
    ("event_id", 7.5, "wrong_type"),
    ("event_id", True, "wrong_type"),
    ("event_id", ["a"], "wrong_type"),
    ("event_id", "a\nb", "bad_identifier"),
    ("event_id", "a\x00b", "bad_identifier"),
    ("event_id", "a\x85b", "bad_identifier"),
    ("event_id", "x" * 129, "bad_identifier"),
    ("event_id", 10**128, "bad_identifier"),
    ("event_id", int("9" * 4_000), "bad_identifier"),
    ("timestamp", ..., "missing_field"),
    ("timestamp", None, "missing_field"),
    ("timestamp", 1795370591, "wrong_type"),
    ("timestamp", "yesterday", "bad_timestamp"),
    ("timestamp", "", "bad_timestamp"),
    ("timestamp", "2026-11-22", "bad_timestamp"),
    ("timestamp", "2026-11-22T14:03:11", "bad_timestamp"),
    ("timestamp", "2026-11-31T14:03:11Z", "bad_timestamp"),
    ("timestamp", "2026-11-22T24:00:00Z", "bad_timestamp"),
    ("timestamp", "2026-11-22T14:03:60Z", "bad_timestamp"),
    ("timestamp", "NULL", "bad_timestamp"),
    ("timestamp", "1969-12-31T23:59:59Z", "bad_timestamp"),
    ("timestamp", "0001-01-01T00:00:00+14:00", "bad_timestamp"),
    ("timestamp", "2026-11-24T12:00:00.000001Z", "future_timestamp"),
    ("timestamp", "2026-11-24T09:00:01-03:00", "future_timestamp"),
    ("timestamp", "9999-12-31T23:59:59-14:00", "future_timestamp"),
    ("data", ..., "missing_field"),
    ("data", None, "missing_field"),
    ("data", [], "wrong_type"),
    ("data", "{}", "wrong_type"),
]


@pytest.mark.parametrize("event_type", EXAMPLES)
@pytest.mark.parametrize(("field", "value", "code"), ENVELOPE)
def test_envelope(event_type: str, field: str, value: Any, code: str) -> None:
    result = refused(changed(EXAMPLES[event_type](), (field,), value))
    assert (result.code, result.path) == (code, f"$.{field}")


BYTES = [
    (lambda message: message[:-1] + b" " * 1_048_576 + b"}", "too_large"),
    (lambda message: message.replace(b"order", b"\xff\xfe") + b"\xff", "not_utf8"),
    (lambda message: message.decode().encode("utf-16"), "not_utf8"),
    (lambda message: message + b"\xed\xa0\x80", "not_utf8"),
    (lambda message: b"", "not_json"),
    (lambda message: b" ", "not_json"),
    (lambda message: message[:-1], "not_json"),
    (lambda message: message[: len(message) // 2], "not_json"),
    (lambda message: message + b"}", "not_json"),
    (lambda message: message + message, "not_json"),
    (lambda message: message + b"\x00", "not_json"),
    (lambda message: message[:-1] + b',"x":"a\x01b"}', "not_json"),
    (lambda message: message[:-1] + b',"x":NaN}', "not_json"),
    (lambda message: b"\xef\xbb\xbf" + message, "not_json"),
    (lambda message: message[:-1] + b',"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "not_json"),
    (lambda message: b"[" + message + b"]", "wrong_type"),
    (lambda message: b"null", "wrong_type"),
    (lambda message: json.dumps(message.decode()).encode(), "wrong_type"),
    (lambda message: message[:-1] + b',"x":1e999}', "bad_value"),
    (lambda message: message[:-1] + b',"x":' + b"9" * 5_000 + b"}", "bad_value"),
]


@pytest.mark.parametrize("event_type", EXAMPLES)
@pytest.mark.parametrize("number", range(len(BYTES)))
def test_bytes_that_are_no_event(event_type: str, number: int) -> None:
    change, code = BYTES[number]
    result = refused(change(canonical(EXAMPLES[event_type]())))
    assert (result.code, result.path) == (code, "$")


PARTS = [(name, part) for name, event_type in EVENT_TYPES.items() for part in event_type.parts]


@pytest.mark.parametrize(("event_type", "part"), PARTS, ids=lambda value: getattr(value, "name", value))
def test_parts(event_type: str, part: Any) -> None:
    path = ("data", part.name)
    wrong = 7 if part.many else [{}]
    for value, code in ((..., "missing_field"), (None, "missing_field"), (wrong, "wrong_type"), ("{}", "wrong_type")):
        result = refused(changed(EXAMPLES[event_type](), path, value))
        assert (result.code, result.path) == (code, json_path(path))
    if part.many:
        result = refused(changed(EXAMPLES[event_type](), path, [None]))
        assert (result.code, result.path) == ("wrong_type", json_path((*path, 0)))


NULLS = [(..., "missing_field"), (None, "missing_field"), *[(word, "missing_field") for word in ("NULL", "-", " nan ")]]
WRONG_IDS = [
    (7.0, "wrong_type"),
    (True, "wrong_type"),
    ({}, "wrong_type"),
    ("a b", "bad_identifier"),
    (" a", "bad_identifier"),
    ("a\x00", "bad_identifier"),
    ("a\u2003b", "bad_identifier"),
    ("\ufeffs2", "bad_identifier"),
    ("a\u200bb", "bad_identifier"),
    ("a\u2060", "bad_identifier"),
    ("5.72613E+12", "bad_identifier"),
    ("1e+16", "bad_identifier"),
    ("x" * 65, "bad_identifier"),
    ("-".join("x" * 33), "bad_identifier"),
    (10**64, "bad_identifier"),
    (int("9" * 4_000), "bad_identifier"),
]
KEY_VALUES = [*NULLS, ("", "bad_identifier"), ("\t", "bad_identifier"), *WRONG_IDS]


@pytest.mark.parametrize(("event_type", "row"), [(name, row) for name, rows in ROWS.items() for row in rows])
@pytest.mark.parametrize(("value", "code"), KEY_VALUES)
def test_keys(event_type: str, row: tuple[str | int, ...], value: Any, code: str) -> None:
    path = ("data", *row, KEY[str(row[0])])
    result = refused(changed(EXAMPLES[event_type](), path, value))
    assert (result.code, result.path) == (code, json_path(path))


ORDERS, ITEMS, PAYMENTS = ("orders",), ("order_items", 0), ("order_payments", 0)
REVIEWS, CUSTOMERS, PRODUCTS, SELLERS = ("order_reviews",), ("customers",), ("products",), ("sellers",)
Row = tuple[str | int, ...]
MONEY: list[tuple[Any, str]] = [
    *NULLS,
    ("", "wrong_type"),
    ("129,90", "wrong_type"),
    ("1e2", "wrong_type"),
    (" 129.90", "wrong_type"),
    ("１", "wrong_type"),
    ("0x10", "wrong_type"),
    ("9" * 41, "wrong_type"),
    ("58.905", "wrong_type"),
    (True, "wrong_type"),
    (129.901, "wrong_type"),
    (58.905, "wrong_type"),
    (58.9000001, "wrong_type"),
    (1e-7, "wrong_type"),
    ("-1.50", "negative_amount"),
    ("9" * 40, "bad_value"),
    ("999999999.999999999", "bad_value"),
    (-0.01, "negative_amount"),
    (-1, "negative_amount"),
    (-(10**30), "negative_amount"),
    (10**12, "bad_value"),
    (1e300, "bad_value"),
    (10**30, "bad_value"),
]


def times(code: str, late: str) -> list[tuple[Any, str]]:
    return [
        (1795370591, "wrong_type"),
        ("soon", "bad_timestamp"),
        ("2026-11-22T14:03:60", "bad_timestamp"),
        ("2026-11-22T23:59:61", "bad_timestamp"),
        ("2026-11-22 14:03:11 BRT", "bad_timestamp"),
        ("2026-11-22 14:03:11+3", "bad_timestamp"),
        ("9999-12-31T23:59:60", "bad_timestamp"),
        ("2026-11-22T14:03", "bad_timestamp"),
        ("22/11/2026 14:03:11", "bad_timestamp"),
        ("2026-02-29", "bad_timestamp"),
        ("0001-01-01T00:00:00+14:00", "bad_timestamp"),
        ("9999-12-31T23:59:59", code),
        (late, code),
    ]


def integers(least: int, most: int) -> list[tuple[Any, str]]:
    wrong = [
        ("1.5", "wrong_type"),
        ("one", "wrong_type"),
        ("1e0", "wrong_type"),
        (True, "wrong_type"),
        (1.5, "wrong_type"),
        ([1], "wrong_type"),
    ]
    return [*wrong, (least - 1, "bad_value"), (most + 1, "bad_value"), (10**30, "bad_value"), (1e300, "bad_value"),
            (str(least - 1), "bad_value"), ("9" * 40, "bad_value")]  # fmt: skip


PAST = times("future_timestamp", "2026-11-24T09:00:01")  # 12:00 UTC is 09:00 in São Paulo
PROMISED = times("bad_timestamp", "2036-11-30T00:00:00")
TEXT: list[tuple[Any, str]] = [(7, "wrong_type"), (False, "wrong_type"), ([], "wrong_type"), ("a\0b", "bad_value")]
ZIP: list[tuple[Any, str]] = [
    (-1, "bad_value"), (100_000, "bad_value"), (1.5, "wrong_type"), (True, "wrong_type"), ("0\0", "bad_value"),
]  # fmt: skip
ID = WRONG_IDS
REQUIRED_ID = KEY_VALUES
SIZE: list[tuple[Any, str]] = [
    ("1.0001", "wrong_type"), (False, "wrong_type"), (1.0001, "wrong_type"), (1.00000001, "wrong_type"),
    (-1, "bad_value"), ("-1", "bad_value"), (10**12, "bad_value"),
]  # fmt: skip
COUNT = integers(0, 2**31 - 1)
CHOICE: list[tuple[Any, str]] = [(7, "wrong_type"), ("Created", "bad_value"), ("paid", "bad_value")]

COLUMNS: list[tuple[tuple[str, ...], Row, str, list[tuple[Any, str]]]] = [
    (("order_initiated",), ORDERS, "customer_id", REQUIRED_ID),
    (("order_status_update",), ORDERS, "customer_id", ID),
    (("order_initiated", "order_status_update"), ORDERS, "order_status", [*NULLS, ("", "bad_value"), *CHOICE]),
    (
        ("order_initiated",),
        ORDERS,
        "order_purchase_timestamp",
        [*NULLS, ("0000-00-00 00:00:00", "missing_field"), ("", "bad_timestamp")],
    ),
    (
        ("order_initiated", "order_status_update"),
        ORDERS,
        "order_purchase_timestamp",
        [*PAST, ("1989-12-31T23:59:59", "bad_timestamp")],
    ),
    (("order_initiated", "order_status_update"), ORDERS, "order_approved_at", PAST),
    (("order_initiated", "order_status_update"), ORDERS, "order_delivered_carrier_date", PAST),
    (("order_initiated", "order_status_update"), ORDERS, "order_delivered_customer_date", PAST),
    (("order_initiated", "order_status_update"), ORDERS, "order_delivered_timestamp", PAST),
    (("order_initiated", "order_status_update"), ORDERS, "order_estimated_delivery_date", PROMISED),
    (("order_initiated",), ITEMS, "order_item_id", [*NULLS, ("", "wrong_type"), *integers(1, 1_000_000)]),
    (("order_initiated",), ITEMS, "product_id", REQUIRED_ID),
    (("order_initiated",), ITEMS, "seller_id", REQUIRED_ID),
    (("order_initiated",), ITEMS, "shipping_limit_date", PROMISED),
    (("order_initiated",), ITEMS, "price", MONEY),
    (("order_initiated",), ITEMS, "freight_value", MONEY),
    (
        ("order_initiated", "order_payment"),
        PAYMENTS,
        "payment_sequential",
        [*NULLS, *integers(0, 1_000_000)],
    ),
    (("order_initiated", "order_payment"), PAYMENTS, "payment_type", [*NULLS, ("", "bad_value"), *CHOICE]),
    (("order_initiated", "order_payment"), PAYMENTS, "payment_installments", integers(0, 1_000)),
    (("order_initiated", "order_payment"), PAYMENTS, "payment_value", MONEY),
    (("order_review",), REVIEWS, "order_id", REQUIRED_ID),
    (("order_review",), REVIEWS, "review_score", [*NULLS, *integers(1, 5)]),
    (("order_review",), REVIEWS, "review_comment_title", TEXT),
    (("order_review",), REVIEWS, "review_comment_message", TEXT),
    (("order_review",), REVIEWS, "review_creation_date", PAST),
    (("order_review",), REVIEWS, "review_answer_timestamp", PAST),
    (("customer_update",), CUSTOMERS, "customer_unique_id", ID),
    (("customer_update",), CUSTOMERS, "customer_zip_code_prefix", ZIP),
    (("customer_update",), CUSTOMERS, "customer_city", TEXT),
    (("customer_update",), CUSTOMERS, "customer_state", TEXT),
    (("seller_update",), SELLERS, "seller_zip_code_prefix", ZIP),
    (("seller_update",), SELLERS, "seller_city", TEXT),
    (("seller_update",), SELLERS, "seller_state", TEXT),
    (("product_update",), PRODUCTS, "product_category_name", TEXT),
    (("product_update",), PRODUCTS, "product_name_length", COUNT),
    (("product_update",), PRODUCTS, "product_description_length", COUNT),
    (("product_update",), PRODUCTS, "product_photos_qty", COUNT),
    (("product_update",), PRODUCTS, "product_weight_g", SIZE),
    (("product_update",), PRODUCTS, "product_length_cm", SIZE),
    (("product_update",), PRODUCTS, "product_height_cm", SIZE),
    (("product_update",), PRODUCTS, "product_width_cm", SIZE),
]
CASES = [
    (event_type, row, column, value, code)
    for event_types, row, column, values in COLUMNS
    for event_type in event_types
    for value, code in values
]


@pytest.mark.parametrize(("event_type", "row", "column", "value", "code"), CASES)
def test_columns(event_type: str, row: Row, column: str, value: Any, code: str) -> None:
    path = ("data", *row, column)
    result = refused(changed(EXAMPLES[event_type](), path, value))
    assert (result.code, result.path) == (code, json_path(path))


def test_every_column_of_every_event_type_is_among_the_cases() -> None:
    tried = {(event_type, str(row[0]), column) for event_type, row, column, _, _ in CASES}
    tried |= {(name, part.name, KEY[part.name]) for name, part in PARTS}
    declared = {(name, part.name, column.name) for name, part in PARTS for column in part.table.columns}
    assert declared - tried == set()


@pytest.mark.parametrize(
    ("status", "column"),
    [
        ("approved", "order_approved_at"),
        ("shipped", "order_delivered_carrier_date"),
        ("delivered", "order_delivered_customer_date"),
    ],
)
@pytest.mark.parametrize("value", [..., None, "", "NaT", "0000-00-00"])
def test_a_stage_needs_its_time(status: str, column: str, value: Any) -> None:
    message = EXAMPLES["order_status_update"](status)
    result = refused(changed(message, ("data", "orders", column), value))
    assert (result.code, result.path) == ("missing_field", f"$.data.orders.{column}")


def test_order_payment_needs_a_payment() -> None:
    result = refused(canonical(EXAMPLES["order_payment"]([])))
    assert (result.code, result.path) == ("missing_field", "$.data.order_payments")


INCONSISTENT = [
    (order_initiated(order_items=[item(order_id=OTHER_ORDER)]), "$.data.order_items[0].order_id"),
    (order_initiated(order_items=[item(1), item(2, order_id=OTHER_ORDER)]), "$.data.order_items[1].order_id"),
    (order_initiated(order_items=[item(1), item(2), item(1)]), "$.data.order_items[2].order_item_id"),
    (order_initiated(order_items=item(order_id=OTHER_ORDER)), "$.data.order_items.order_id"),
    (order_initiated(order_payments=[payment(order_id=OTHER_ORDER)]), "$.data.order_payments[0].order_id"),
    (order_initiated(order_payments=[payment(1), payment(1)]), "$.data.order_payments[1].payment_sequential"),
    (
        EXAMPLES["order_payment"]([payment(1), payment(2, order_id=OTHER_ORDER)]),
        "$.data.order_payments[1].order_id",
    ),
    (EXAMPLES["order_payment"]([payment(0), payment(0)]), "$.data.order_payments[1].payment_sequential"),
]


@pytest.mark.parametrize(("message", "path"), INCONSISTENT)
def test_parts_that_do_not_belong_together(message: dict[str, Any], path: str) -> None:
    result = refused(canonical(message))
    assert (result.code, result.path) == ("inconsistent", path)


def test_the_first_problem_is_reported() -> None:
    message = order_initiated(order_items=[item(price=-1), item(1, price="x")], order_payments=[{}])
    assert refused(canonical(message)).path == "$.data.order_items[0].price"
    message["data"]["orders"]["order_status"] = "lost"
    assert refused(canonical(message)).path == "$.data.orders.order_status"
    message["timestamp"] = "?"
    assert refused(canonical(message)).path == "$.timestamp"


def test_a_refusal_tells_the_event_id_where_it_is_a_valid_one() -> None:
    assert refused(canonical(order_initiated(event_id="e-1", order_items=7))).event_id == "e-1"
    assert refused(canonical(order_initiated(event_id="e 1", order_items=7))).event_id == "e 1"
    assert refused(canonical(order_initiated(event_id=71, order_items=7))).event_id == "71"
    assert refused(canonical(order_initiated(event_id="", order_items=7))).event_id is None
    assert refused(canonical(order_initiated(event_id="e\n1"))).event_id is None
    assert refused(canonical(order_initiated(event_id=..., order_items=7))).event_id is None
    assert refused(b"{").event_id is None


def test_messages_say_what_was_expected_and_found() -> None:
    result = refused(canonical(order_initiated(order_items=[item(price="129,90")])))
    assert result.message == '$.data.order_items[0].price must be a number, found "129,90"'
    result = refused(canonical(order_initiated(order_items=[item(price="NULL")])))
    assert result.message == '$.data.order_items[0].price is required, but "NULL" means null'
    result = refused(canonical(seller_update({"seller_id": "s\u200b2"})))
    assert "white space or an invisible character (U+200B)" in result.message
    result = refused(canonical(seller_update({"seller_id": "5.72613E+12"})))
    assert "a number that a spreadsheet shortened" in result.message
    result = refused(canonical(order_initiated(order_items=[item(product_id="x" * 1000)])))
    assert len(result.message) < 200


@pytest.mark.parametrize(
    ("value", "path", "name"),
    [
        ('"\\ud800"', "$.x", "U+D800"),
        ('"a\\uDC01b"', "$.x", "U+DC01"),
        ('"\\ud83d\\ude00 \\uD83D"', "$.x", "U+D83D"),
        ('[1, {"y": ["\\ud800\\u0041"]}]', "$.x[1].y[0]", "U+D800"),
        ('{"\\udfff": 1}', "$.x", "U+DFFF"),
        ('{"a b": "\\udfff"}', '$.x["a b"]', "U+DFFF"),
    ],
)
def test_a_lone_surrogate_is_named(value: str, path: str, name: str) -> None:
    result = refused(canonical(order_initiated())[:-1] + f',"x":{value}}}'.encode())
    assert (result.code, result.path) == ("not_json", path)
    assert f"the lone surrogate {name}" in result.message


def test_an_escaped_backslash_is_no_surrogate() -> None:
    result = refused(canonical(order_initiated())[:-1] + b',"x":"\\\\ud800"')
    assert "surrogate" not in result.message
    result = refused(b"[" * 100_000 + b'"\\ud800"')
    assert (result.code, result.path) == ("not_json", "$")


@pytest.mark.parametrize(
    ("text", "name"),
    [(b"\xed\xa0\x80", "U+D800"), (b"\xed\xbf\xbf", "U+DFFF"), (b"\xed\xa0\xbd\xed\xb8\x80", "U+D83D")],
)
def test_an_encoded_surrogate_is_named(text: bytes, name: str) -> None:
    message = canonical(order_initiated())[:-1] + b',"x":"' + text + b'"}'
    result = refused(message)
    assert (result.code, result.path) == ("not_utf8", "$")
    assert f"byte {message.index(text)} of the message begins the lone surrogate {name}" in result.message


def test_a_batch_keeps_its_order_and_one_bad_message_harms_no_other() -> None:
    messages = []
    for number in range(100):
        bad = {7: {"order_items": [item(price=0.001)]}, 50: {"order_payments": [payment(order_id="x")]}}.get(number, {})
        messages.append(canonical(order_initiated(event_id=f"e{number}", **bad)))
    messages[30] = b"{"
    results = process_batch(messages, NOW, ZONE)
    assert {i for i, result in enumerate(results) if type(result) is Refused} == {7, 30, 50}
    assert all(result.event_id == f"e{i}" for i, result in enumerate(results) if type(result) is Accepted)
    assert ORDER_ID.encode() in results[0].line  # type: ignore[union-attr]


def test_an_empty_batch() -> None:
    assert process_batch([], NOW, ZONE) == []
