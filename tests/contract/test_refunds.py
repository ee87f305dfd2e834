"""Pix and refunds: money that went back is below zero, all other money is not, in files and events alike."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest
from landing.data import csv, rejects, single

from armazem.contract import PAYMENT_TYPES, event_fast
from armazem.contract.event_values import Horizon
from armazem.contract.events import Accepted, process_batch
from armazem.home import Home
from armazem.landing import load
from contract.event_examples import (
    NOW,
    ORDER_ID,
    ZONE,
    Message,
    canonical,
    item,
    order_initiated,
    order_payment,
    payment,
)

# Type and value of a payment, and why it is refused.
PAYMENTS = [
    ("pix", 10.0, None),
    ("pix", 0.0, None),
    ("refund", -0.01, None),
    ("refund", -145.0, None),
    ("refund", -999999999.99, None),
    ("refund", 0.0, "bad_value"),
    ("refund", 10.0, "bad_value"),
    ("pix", -10.0, "negative_amount"),
    ("credit_card", -0.01, "negative_amount"),
    ("Refund", -10.0, "bad_value"),
    ("barter", 10.0, "bad_value"),
]


def messages(kind: str, value: float) -> list[Message]:
    paid = payment(2, payment_type=kind, payment_value=value)
    return [
        order_payment([paid]),
        order_payment([payment(1), paid]),
        order_initiated(order_items=[item(1)], order_payments=[payment(1), paid]),
    ]


@pytest.mark.parametrize(("kind", "value", "code"), PAYMENTS)
def test_events(kind: str, value: float, code: str | None) -> None:
    for message in messages(kind, value):
        [result] = process_batch([canonical(message)], NOW, ZONE)
        if code is None:
            assert type(result) is Accepted, result
            assert f'"payment_type":"{kind}"'.encode() in result.line
        else:
            assert type(result) is not Accepted
            column = "payment_type" if kind not in PAYMENT_TYPES else "payment_value"
            assert (result.code, result.path.rpartition(".")[2]) == (code, column)


def test_refunds_take_the_fast_path_and_what_is_none_does_not() -> None:
    horizon = Horizon.at(NOW, ZONE)
    for kind, value, code in PAYMENTS:
        for message in messages(kind, value):
            positions, _ = event_fast.good(*event_fast.decode([canonical(message)]), horizon)
            assert positions == ([] if code else [0]), (kind, value)


def test_files(tmp_path: Path) -> None:
    home = Home(tmp_path / "home").open()
    rows = [[ORDER_ID, str(number), kind, "1", f"{value:.2f}"] for number, (kind, value, _) in enumerate(PAYMENTS)]
    result = load(single(tmp_path / "in", "order_payments", csv("order_payments", rows)), home)
    refused = [(row["line"] - 2, row["code"], row["message"]) for row in rejects(result.rejects_path, "order_payments")]
    expected = [(number, code) for number, (_, _, code) in enumerate(PAYMENTS) if code]
    assert [row[:2] for row in refused] == expected
    said = {PAYMENTS[row[0]][:2]: row[2] for row in refused}
    assert said["refund", 10.0].endswith('"10.00" is not below 0, as where payment_type is refund')
    assert said["pix", -10.0].endswith('"-10.00" is negative')
    landed: Any = duckdb.execute(f"select count(*) from '{home.loads}/*/order_payments.parquet'").fetchone()
    assert landed == (len(PAYMENTS) - len(expected),)
