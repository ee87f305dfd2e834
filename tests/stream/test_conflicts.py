"""The same event_id again: a duplicate where it is the same event, a dead letter where it is another one."""

from __future__ import annotations

import json
import logging
import random
import shutil
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from soak import fuzz

from armazem.config import Settings
from armazem.home import Home
from armazem.intake.ingest import Ingest, Outcome
from armazem.journal.compaction import compact
from armazem.journal.earlier import EarlierEvents, event_of_line

from .journal_files import line, segment
from .shop_events import assert_conserved, journal, ledger, letters, message, messages, order, seqs

CODE = "conflicting_event_id"


def opened(home: Home) -> Ingest:
    return Ingest(home, Settings(home=home.root))


def submit(home: Home, *batches: list[bytes]) -> list[Outcome]:
    with opened(home) as writer:
        return [writer.submit(batch, "http").result() for batch in batches]


def compact_all(home: Home) -> None:
    for _ in range(2):
        compact(home, grace=-1, include_last=True)
    assert {path.suffix for path in home.journal.glob("date=*/*")} == {".parquet"}


def restart(_home: Home) -> None:
    pass


def forget_ids(home: Home) -> None:
    shutil.rmtree(home.journal / "seen")


BETWEEN = [restart, forget_ids, compact_all]


def spelt_otherwise(number: int) -> bytes:
    """The same event with its keys in another order, white space, an offset, an unknown field."""
    event = order(number)
    orders = event["data"]["orders"]
    orders["order_purchase_timestamp"] = "2018-08-29T17:03:11Z"
    orders["channel"] = "app"
    event["timestamp"] = "2018-08-29T17:03:11.250Z"
    event["data"]["order_items"] = event["data"]["order_items"][0]
    event["data"]["order_payments"][0]["payment_value"] = 12.750
    return json.dumps(dict(reversed(event.items())), indent=2).encode()


def test_another_order_in_the_same_batch(home: Home) -> None:
    other = message(2, event_id="event-1")
    [outcome] = submit(home, [message(1), other, message(1), message(3), other])
    assert (outcome.accepted, outcome.duplicates) == (2, 1)
    assert [(one.index, one.code, one.path) for one in outcome.rejected] == [(n, CODE, "$.event_id") for n in (1, 4)]
    assert outcome.rejected[0].message == (
        '$.event_id "event-1" is that of another event, accepted before: order_initiated of order_id "order1"'
    )
    assert [(one.code, one.event_id, one.content) for one in letters(home)] == [(CODE, "event-1", other)] * 2
    assert ledger(home) == {"http": (5, 2, 1, 2)}
    assert_conserved(home)


@pytest.mark.parametrize("between", BETWEEN)
def test_what_was_accepted_long_ago(home: Home, between: Any) -> None:
    submit(home, messages(1, 300))
    between(home)
    batch = [spelt_otherwise(1), message(999, event_id="event-2"), b"no JSON", message(301), message(300)]
    [outcome, again] = submit(home, batch, messages(1, 301))
    assert (outcome.accepted, outcome.duplicates) == (1, 2)
    assert [(one.index, one.code) for one in outcome.rejected] == [(1, CODE), (2, "not_json")]
    assert (again.accepted, again.duplicates, again.rejected) == (0, 301, [])
    assert ledger(home) == {"http": (606, 301, 303, 2)}


@pytest.mark.parametrize("between", BETWEEN)
@pytest.mark.parametrize(
    "change",
    [
        {"timestamp": "2018-08-29T14:03:11.251-03:00"},
        {"event_type": "order_payment", "data": {"order_payments": order(1)["data"]["order_payments"]}},
        {"data": {**order(1)["data"], "order_items": []}},
        {
            "data": {
                **order(1)["data"],
                "order_payments": [{**order(1)["data"]["order_payments"][0], "payment_value": 1}],
            }
        },
    ],
)
def test_one_value_is_another(home: Home, between: Any, change: dict[str, Any]) -> None:
    submit(home, [message(1)])
    between(home)
    [outcome] = submit(home, [message(1, **change)])
    assert (outcome.accepted, outcome.duplicates, [one.code for one in outcome.rejected]) == (0, 0, [CODE])


def test_a_commit_under_way(home: Home) -> None:
    """Full commits wait behind one another; each is compared with those before it."""
    with opened(home) as writer:
        first = [writer.submit(messages(start, 1000), "http") for start in range(0, 6000, 1000)]
        other = [message(n + 10_000, event_id=f"event-{n}") for n in range(0, 6000, 2)]
        second = [writer.submit(other[start : start + 1000], "http") for start in range(0, 3000, 1000)]
        assert sum(future.result().accepted for future in first) == 6000
        assert [len(future.result().rejected) for future in second] == [1000] * 3
    assert seqs(home) == list(range(1, 6001))
    assert_conserved(home)


def test_a_message_normalised_by_older_rules_is_the_same(home: Home) -> None:
    """What the journal has of it is brought up to the present rules before they are compared."""
    sent = json.loads(line(1))
    event = {name: sent[name] for name in ("event_id", "event_type", "timestamp")} | {"data": order(7)["data"]}
    kept = json.dumps({**event, "unknown": 1})
    event["data"]["orders"]["order_id"] = "older"
    segment(home, 1, line(1, data=event["data"], raw=kept))
    [outcome] = submit(home, [kept.encode(), message(8, event_id="event-1")])
    assert (outcome.accepted, outcome.duplicates, [one.index for one in outcome.rejected]) == (0, 1, [1])


@pytest.mark.parametrize("compacted", [False, True])
def test_a_damaged_line_makes_no_conflict(home: Home, caplog: pytest.LogCaptureFixture, *, compacted: bool) -> None:
    submit(home, messages(1, 100))
    if compacted:
        compact_all(home)
    with opened(home) as writer, caplog.at_level(logging.WARNING):
        [path] = home.journal.glob("date=*/*")
        content = path.read_bytes()
        path.write_bytes(
            b"x" * len(content) if compacted else content.replace(b'"event-7","timestamp"', b'"event-7"."timestamp"')
        )
        outcome = writer.submit([message(999, event_id="event-7")], "http").result()
        assert (outcome.accepted, outcome.duplicates) == (0, 1)
    assert "cannot be read" in caplog.text


def test_any_line_is_found_among_garbage(home: Home) -> None:
    """Numbers with gaps, long lines, and stretches that are no lines."""
    chance = random.Random(1)
    pieces, seq = [], 0
    numbers = []
    for _ in range(600):
        seq += chance.choice([1, 1, 1, 5])
        numbers.append(seq)
        pieces.append(line(seq, raw="é" * chance.choice([0, 10, 3000, 100_000 if seq % 50 == 0 else 0])))
        if seq % 40 == 0:
            pieces.append(b"\x00" * chance.choice([10, 50_000]) + b"\n")
    segment(home, 1, b"".join(pieces) + b'{"seq":99999,"torn')
    earlier = EarlierEvents(home)
    found = earlier.find(range(seq + 10))
    assert sorted(found) == numbers
    for number, content in found.items():
        assert isinstance(content, bytes)
        event = event_of_line(content)
        assert event is not None and event.event_id == f"event-{number}"
    for number in numbers[::7]:
        assert earlier.find([number])[number] == found[number]
    earlier.close()


def test_names_of_senders(home: Home) -> None:
    """An id names an event together with the name of its sender, where the envelope has one."""
    batch = [
        message(1),
        message(2, event_id="event-1", source="shop/á"),
        message(3, event_id="event-1", source="app"),
        message(3, event_id="event-1", source="app"),
        message(4, event_id="event-1", source="app"),
        message(1, source=None),
    ]
    [outcome] = submit(home, batch)
    assert (outcome.accepted, outcome.duplicates, [one.index for one in outcome.rejected]) == (3, 2, [4])
    assert [record.get("sender") for record in journal(home)] == [None, "shop/á", "app"]
    for between in BETWEEN:
        between(home)
        [outcome] = submit(home, batch)
        assert (outcome.accepted, outcome.duplicates, [one.index for one in outcome.rejected]) == (0, 5, [4])


@settings(max_examples=fuzz(5), deadline=None)
@given(data=st.data())
def test_any_order_of_redeliveries(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    """The first content under a key counts, through restarts, compactions and lost ids; nothing is unaccounted for."""
    home = Home(tmp_path_factory.mktemp("conflicts") / "home").open()
    truth: dict[tuple[int, str | None], int] = {}
    events = st.tuples(st.integers(1, 6), st.integers(1, 3), st.sampled_from([None, "a", "b"]))
    for _ in range(data.draw(st.integers(1, 3))):
        data.draw(st.sampled_from(BETWEEN if truth else [restart]))(home)
        batch = data.draw(st.lists(events, min_size=1, max_size=12))
        expected = []
        for n, content, sender in batch:
            first = truth.get((n, sender))
            expected.append("accepted" if first is None else "duplicate" if first == content else "refused")
            truth.setdefault((n, sender), content)
        sent = [
            message(content, event_id=f"event-{n}", **({} if s is None else {"source": s})) for n, content, s in batch
        ]
        [outcome] = submit(home, sent)
        assert (outcome.accepted, outcome.duplicates) == (expected.count("accepted"), expected.count("duplicate"))
        assert [one.index for one in outcome.rejected] == [at for at, what in enumerate(expected) if what == "refused"]
        assert {one.code for one in outcome.rejected} <= {CODE}
