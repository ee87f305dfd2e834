"""The JSON Schemas are up to date, valid, take what the core takes, and refuse what they can tell to be wrong."""

from __future__ import annotations

import json
import random
import re
from typing import Any

import pytest

from armazem.contract.amounts import PLAIN_PATTERN
from armazem.contract.events import Accepted, Refused, process_batch
from contract.event_examples import EXAMPLES, NOW, ZONE, canonical, order_payment, order_status_update, payment
from contract.fuzz_events import mutated
from contract.test_event_codes import CASES, changed
from tools.event_schemas import DOCS, pages

jsonschema = pytest.importorskip("jsonschema")
SCHEMAS: dict[str, Any] = {path.split("/")[1].removesuffix(".json"): json.loads(text) for path, text in pages().items()}
VALIDATORS = {name: jsonschema.Draft202012Validator(schema) for name, schema in SCHEMAS.items()}


def can_tell(value: Any, code: str) -> bool:
    """Whether a schema can say it: none knows the time of day, the calendar, decimals, or what a text counts."""
    if code == "future_timestamp" or (code == "bad_timestamp" and value[:4].isdigit()):
        return False
    if isinstance(value, str) and re.fullmatch(PLAIN_PATTERN, value):
        return False
    return not (code == "wrong_type" and isinstance(value, float) and value != 1.5)


def test_the_pages_are_up_to_date() -> None:
    stale = [path for path, text in pages().items() if (DOCS / path).read_text(encoding="utf-8") != text]
    assert stale == [], "run `make docs`"


def test_there_is_one_for_each_event_type() -> None:
    assert set(SCHEMAS) == set(EXAMPLES)
    for schema in SCHEMAS.values():
        jsonschema.Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("event_type", EXAMPLES)
def test_examples_are_valid(event_type: str) -> None:
    message = EXAMPLES[event_type]()
    VALIDATORS[event_type].validate(message)
    del message["event_id"]
    VALIDATORS[event_type].validate({**message, "extra": 1})
    for other in SCHEMAS.keys() - {event_type}:
        assert not VALIDATORS[other].is_valid(message)


def test_what_is_accepted_is_valid() -> None:
    dice = random.Random(4)
    messages = [mutated(dice) for _ in range(1_000)]
    accepted = [
        json.loads(message)
        for message, result in zip(messages, process_batch(messages, NOW, ZONE), strict=True)
        if type(result) is Accepted
    ]
    assert len(accepted) > 200
    for message in accepted:
        VALIDATORS[message["event_type"]].validate(message)


@pytest.mark.parametrize(
    ("event_type", "row", "column", "value"), [case[:4] for case in CASES if can_tell(case[3], case[4])]
)
def test_refused_columns_are_not_valid(event_type: str, row: Any, column: str, value: Any) -> None:
    message = changed(EXAMPLES[event_type](), ("data", *row, column), value)
    assert type(process_batch([message], NOW, ZONE)[0]) is Refused
    assert not VALIDATORS[event_type].is_valid(json.loads(message))


def test_stages_and_lists() -> None:
    update, paid = VALIDATORS["order_status_update"], VALIDATORS["order_payment"]
    message = order_status_update("delivered")
    columns = message["data"]["orders"]
    time = columns.pop("order_delivered_customer_date")
    assert not update.is_valid(message)
    columns["order_delivered_timestamp"] = time
    assert update.is_valid(message)
    assert not paid.is_valid(order_payment([]))
    assert paid.is_valid(json.loads(canonical(order_payment(payment()))))
