"""Every code with which an event is refused, and the forms of older senders, through `POST /v1/events`."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from contract.event_examples import (
    EXAMPLES,
    canonical,
    event,
    identifier,
    item,
    order,
    order_initiated,
    order_payment,
    payment,
    review,
)

from armazem.contract import RejectCode

from .running import LINES, Running, dead_letters, journal

pytestmark = pytest.mark.xdist_group("http-codes")

REVIEW = "$.data.order_reviews"
LARGE = canonical(event("order_review", {"order_reviews": review(review_comment_message="x" * 2**20)}))


def reviewed(**columns: Any) -> bytes:
    return canonical(event("order_review", {"order_reviews": review(**columns)}))


# name: the message, the code and the path with which it is refused
REFUSED = {
    "not UTF-8": (b'{"event_id": "caf\xe9"}', "not_utf8", "$"),
    "not JSON": (b'{"event_id": "1", ', "not_json", "$"),
    "too large": (LARGE, "too_large", "$"),
    "unknown type": (canonical(event("order_lost", {})), "unknown_event_type", "$.event_type"),
    "missing field": (reviewed(review_score=...), "missing_field", f"{REVIEW}.review_score"),
    "wrong type": (reviewed(review_score="good"), "wrong_type", f"{REVIEW}.review_score"),
    "bad identifier": (reviewed(review_id="two words"), "bad_identifier", f"{REVIEW}.review_id"),
    "bad timestamp": (
        canonical(EXAMPLES["order_review"](timestamp="2026-02-30T00:00:00Z")),
        "bad_timestamp",
        "$.timestamp",
    ),
    "future timestamp": (
        canonical(EXAMPLES["order_review"](timestamp=(datetime.now(UTC) + timedelta(days=2)).isoformat())),
        "future_timestamp",
        "$.timestamp",
    ),
    "negative amount": (
        canonical(order_payment([payment(payment_value=-1)])),
        "negative_amount",
        "$.data.order_payments[0].payment_value",
    ),
    "bad value": (reviewed(review_score=6), "bad_value", f"{REVIEW}.review_score"),
    "inconsistent": (
        canonical(order_initiated(order_items=[item(1), item(1)])),
        "inconsistent",
        "$.data.order_items[1].order_item_id",
    ),
}


def test_every_code_of_the_contract_is_here() -> None:
    of_batch_files = {"wrong_column_count", "unterminated_quote", "bad_quote", "nul_byte"}
    of_two = {"conflicting_event_id"}  # see test_conflicts.py
    assert {code for _, code, _ in REFUSED.values()} == set(RejectCode) - of_batch_files - of_two


@pytest.mark.parametrize("name", REFUSED)
def test_refused(server: Running, name: str) -> None:
    message, code, path = REFUSED[name]
    before = len(journal(server.home))
    said = server.post(message)
    assert said.status_code == (413 if code == "too_large" else 400)
    body = said.json()
    assert (body["accepted"], body["duplicates"]) == (0, 0)
    assert [(one["index"], one["code"], one["path"]) for one in body["rejected"]] == [(0, code, path)]
    assert body["rejected"][0]["message"]
    letter = dead_letters(server.home)[-1]
    assert (letter["code"], letter["path"], letter["source"]) == (code, path, "http")
    kept = base64.b64decode(letter["raw_base64"]) if "raw_base64" in letter else letter["raw"].encode()
    assert kept == message
    assert len(journal(server.home)) == before


def test_all_of_them_in_one_request(server: Running) -> None:
    good = canonical(EXAMPLES["seller_update"](event_id="among-bad-ones"))
    said = server.post(b"\n".join([*(message for message, _, _ in REFUSED.values()), good]), LINES)
    assert (said.status_code, said.json()["accepted"]) == (200, 1)
    expected = [(number, code, path) for number, (_, code, path) in enumerate(REFUSED.values())]
    assert [(one["index"], one["code"], one["path"]) for one in said.json()["rejected"]] == expected
    assert journal(server.home)[-1]["event_id"] == "among-bad-ones"


@pytest.mark.parametrize("event_type", EXAMPLES)
def test_every_event_type_is_accepted(server: Running, event_type: str) -> None:
    message = EXAMPLES[event_type](event_id=f"one-{event_type}")
    said = server.post(canonical(message))
    assert (said.status_code, said.json()["accepted"]) == (200, 1)
    line = journal(server.home)[-1]
    assert (line["event_type"], set(line["data"])) == (event_type, set(message["data"]))


def test_the_forms_of_older_senders(server: Running) -> None:
    dashed = "0f8fad5b-d9cb-469f-a165-70867728950E"
    plain = dashed.replace("-", "").lower()
    placed = order_initiated(
        orders=order(order_id=dashed) | {"shop_version": "1.2"},
        order_items=item(order_id=dashed),
        order_payments=payment(order_id=dashed),
        event_id=...,
    )
    delivered = event(
        "order_status_update",
        {
            "orders": {
                "order_id": dashed,
                "order_status": "delivered",
                "order_delivered_timestamp": "2026-11-22T10:00:00Z",
            }
        },
        event_id=identifier(77),
    )
    said = server.post(canonical(placed) + b"\n" + canonical(delivered), LINES)
    assert said.json() == {"accepted": 2, "duplicates": 0, "rejected": []}
    first, second = journal(server.home)[-2:]
    assert first["data"]["orders"]["order_id"] == plain
    assert [row["order_id"] for row in first["data"]["order_items"] + first["data"]["order_payments"]] == [plain] * 2
    assert len(first["event_id"]) == 64  # the SHA-256 of what it says
    assert json.loads(first["raw"])["data"]["orders"]["shop_version"] == "1.2"
    assert second["data"]["orders"]["order_delivered_customer_date"] == "2026-11-22T07:00:00"
    shuffled = dict(reversed(placed.items()))
    assert server.post(json.dumps(shuffled, indent=1).encode()).json()["duplicates"] == 1
