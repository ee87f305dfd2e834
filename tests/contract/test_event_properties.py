"""The two paths give the same, normalising twice changes nothing, and no bytes make the core raise."""

from __future__ import annotations

import json
import math
import random
from collections import Counter
from collections.abc import Callable, Sequence
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from soak import Numbers, fuzz

from armazem.contract import RejectCode, event_fast
from armazem.contract.amounts import rounded, tolerance
from armazem.contract.event_types import DECIMALS, MAX_AMOUNT
from armazem.contract.event_values import Horizon
from armazem.contract.events import Accepted, Refused, exact, process_batch
from contract.event_examples import NOW, ZONE, Message, canonical, events
from contract.fuzz_events import mutated

HORIZON = Horizon.at(NOW, ZONE)
CODES = {code.value for code in RejectCode}
mutations = st.builds(lambda message, seed: mutated(random.Random(seed), message), events(), st.integers(0, 2**64))


def agree(one: Accepted | Refused, other: Accepted | Refused) -> None:
    """The two are the same, and written the same: 0.0 == -0.0."""
    assert one == other
    if isinstance(one, Accepted) and isinstance(other, Accepted):
        assert one.line == other.line


def check(message: bytes, result: Accepted | Refused) -> None:
    """What holds for every result."""
    if type(result) is Accepted:
        event = json.loads(b"{" + result.line)
        assert event["event_id"] == result.event_id
        assert {*event} - {"raw"} == {"event_type", "event_id", "timestamp", "data"}
        assert event.get("raw", message.decode()) == message.decode()
        assert b"\n" not in result.line
    else:
        assert isinstance(result, Refused)
        assert result.code in CODES
        assert result.path.startswith("$")
        assert result.message
        assert len(result.message) < 1000
        assert result.raw == message


@settings(max_examples=fuzz(200), deadline=None)
@given(events())
def test_canonical_messages_take_the_fast_path_to_the_result_of_the_exact_one(message: Message) -> None:
    raw = canonical(message)
    positions, _ = event_fast.good(*event_fast.decode([raw]), HORIZON)
    assert positions == [0]
    [result] = process_batch([raw], NOW, ZONE)
    assert type(result) is Accepted
    agree(result, exact(raw, HORIZON))


@settings(max_examples=fuzz(60), deadline=None)
@given(st.lists(mutations, max_size=40))
def test_batches_give_what_the_exact_path_gives_for_each_message(messages: Sequence[bytes]) -> None:
    results = process_batch(messages, NOW, ZONE)
    for message, result in zip(messages, results, strict=True):
        check(message, result)
        agree(result, exact(message, HORIZON))


def decimals(amount: float) -> int:
    """How many the shortest text has that is read as this double: what lines and exact decimals are made of."""
    return max(0, -int(Decimal(repr(amount)).normalize().as_tuple().exponent))


def neighbours(amount: float) -> st.SearchStrategy[float]:
    return st.sampled_from([amount, math.nextafter(amount, 0), math.nextafter(amount, math.inf)])


AMOUNTS = (
    st.floats(0, MAX_AMOUNT, exclude_max=True)
    | st.integers(0, MAX_AMOUNT * 10_000 - 1).map(lambda number: number / 10_000).flatmap(neighbours)
    | st.integers(0, MAX_AMOUNT * 1_000 - 1).map(lambda number: number / 1_000).flatmap(neighbours)
    | st.integers(0, MAX_AMOUNT * 100 - 1).map(lambda number: number / 100).flatmap(neighbours)
).filter(lambda amount: amount < MAX_AMOUNT)


@pytest.mark.parametrize("places", DECIMALS.values())
@settings(max_examples=fuzz(2_000), deadline=None)
@given(amount=AMOUNTS)
def test_amounts_pass_where_their_text_has_so_few_decimals(places: int, amount: float) -> None:
    assert (
        event_fast.has_decimals([amount], places) == (decimals(amount) <= places) == (round(amount, places) == amount)
    )
    assert event_fast.has_decimals([amount, 0.1], places) == event_fast.has_decimals([amount], places)
    assert event_fast.has_decimals([], places)
    assert not event_fast.has_decimals([-0.0], places)


@settings(max_examples=fuzz(500), deadline=None)
@given(cents=st.lists(st.integers(0, 10**8), min_size=1, max_size=30), times=st.integers(1, 12))
def test_the_remainders_of_sums_are_rounded_away(cents: list[int], times: int) -> None:
    """Up to 360 million, added and multiplied as doubles."""
    total = sum(cents) * times
    found = sum(number / 100 for number in cents) * times
    close = total < 10**9  # ten million: there a double is a thousand times nearer than what is rounded
    kept = rounded(Decimal(repr(found)), 2)
    assert kept == Decimal(total) / 100 or (kept is None and not close)
    assert rounded(Decimal(total) / 100 + Decimal("0.00001"), 2) is None
    assert rounded(Decimal(total) / 100 + tolerance(2), 2) == Decimal(total) / 100


@settings(max_examples=fuzz(200), deadline=None)
@given(mutations)
def test_normalising_twice_changes_nothing(message: bytes) -> None:
    [first] = process_batch([message], NOW, ZONE)
    if type(first) is Accepted:
        event = json.loads(b"{" + first.line)
        event.pop("raw", None)
        [second] = process_batch([canonical(event)], NOW, ZONE)
        assert type(second) is Accepted
        assert second.event_id == first.event_id
        assert json.loads(b"{" + second.line) == event
        [third] = process_batch([b"{" + first.line], NOW, ZONE)
        assert type(third) is Accepted
        assert json.loads(b"{" + third.line)["data"] == event["data"]


@settings(max_examples=fuzz(200), deadline=None)
@given(st.binary() | st.text().map(str.encode) | mutations.map(lambda raw: raw[:-1]))
def test_no_bytes_make_it_raise(message: bytes) -> None:
    [result] = process_batch([message], NOW, ZONE)
    check(message, result)


@pytest.mark.slow
def test_mutated_messages(numbers: Numbers, report: Callable[..., None]) -> None:
    """No exception escapes; every refusal has a code and a path; the fast path agrees with the exact one."""
    dice = random.Random(20261123)
    counts: Counter[str] = Counter()
    done = 0
    while done < numbers.fuzzed_messages:
        messages = [mutated(dice) for _ in range(min(100, numbers.fuzzed_messages - done))]
        results = process_batch(messages, NOW, ZONE)
        assert len(results) == len(messages)
        for message, result in zip(messages, results, strict=True):
            check(message, result)
            agree(result, exact(message, HORIZON))
            counts[result.code if type(result) is Refused else "accepted"] += 1
        done += len(messages)
    report("mutated messages", messages=done, **counts)
    of_files = {"wrong_column_count", "unterminated_quote", "bad_quote", "nul_byte"}
    of_events = (
        CODES - of_files - {"too_large", "conflicting_event_id"}
    )  # the one needs a megabyte, the other a journal
    assert set(counts) == of_events | {"accepted"}
