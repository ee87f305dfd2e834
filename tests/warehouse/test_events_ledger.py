"""Every message is accounted for: accepted, known already or refused, and what was accepted is in the tables."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from contract.event_examples import canonical, identifier, item, order, order_initiated, payment
from golden import Golden
from serve.running import Running
from soak import NUMBERS

from armazem.journal.ledger import LEDGER_FILE

from .aside import Aside
from .shop import Shop

Ledger = dict[str, dict[str, Any]]


def ledger(shop: Shop) -> Ledger:
    """The books by source, after a look at what must hold of every row."""
    answer = shop.armazem("status", "--ledger", "--format", "json")
    assert answer.code == 0, answer.err
    rows = json.loads(answer.out)
    for row in rows:
        assert row["received"] == row["accepted"] + row["duplicates"] + row["dead_letters"], row
        assert (row["difference"], row["in_journal"]) == (0, row["accepted"]), row
    *sources, everything = rows
    assert everything["source"] == "all"
    for name in everything.keys() - {"source"}:
        assert everything[name] == sum(row[name] for row in sources), name
    return {row["source"]: row for row in rows}


def figures(row: dict[str, Any]) -> tuple[int, ...]:
    return tuple(row[name] for name in ("received", "accepted", "duplicates", "dead_letters", "in_staging"))


def placed(number: int, price: float = 10.5) -> bytes:
    order_id = identifier(1000 + number)
    rows = order(order_id=order_id), [item(order_id=order_id, price=price)], [payment(order_id=order_id)]
    return canonical(order_initiated(*rows, event_id=f"event-{number}"))


@pytest.fixture(scope="module")
def before(shop: Shop, golden: Golden) -> Aside:
    return Aside(shop, golden)


@pytest.fixture
def filled(before: Aside) -> Shop:
    """A home folder with a small shop in it, published."""
    return before.restore()


def test_the_books_from_file_to_tables(filled: Shop, tmp_path: Path) -> None:
    assert figures(ledger(filled)["all"]) == (0, 0, 0, 0, 0)
    good = [placed(number) for number in range(20)]
    broken = [b"\xff", b'{"event_id": "half', placed(20, price=-1), placed(21)[:-30]]
    file = tmp_path / "events.jsonl"
    file.write_bytes(b"\n".join([*good, *broken, *good[:5]]) + b"\n")

    assert filled.armazem("ingest", file).code == 0
    assert figures(ledger(filled)["ingest"]) == (29, 20, 5, 4, 0)
    assert filled.armazem("ingest", file, "--strict").code == 1
    assert figures(ledger(filled)["ingest"]) == (58, 20, 30, 8, 0)

    # Nothing changed, so the same messages are refused again; they stay what they are.
    assert filled.armazem("dead-letters", "replay").code == 0
    assert ledger(filled)["all"]["accepted"] == 20
    listed = json.loads(filled.armazem("dead-letters", "list", "--code", "negative_amount", "--format", "json").out)
    repaired = tmp_path / "repaired.json"
    repaired.write_bytes(placed(20))
    for _ in range(2):
        filled.armazem("dead-letters", "replay", listed[0]["id"], "--with", repaired)
    books = ledger(filled)
    assert (books["all"]["accepted"], books["ingest"]["accepted"], books["replay"]["accepted"]) == (21, 20, 1)

    assert filled.armazem("build").code == 0
    books = ledger(filled)
    assert {source: row["in_staging"] for source, row in books.items()} == {"ingest": 20, "replay": 1, "all": 21}
    bought = {identifier(1000 + number) for number in range(21)}
    revenue = [row["revenue"] for row in filled.rows("marts.fact_orders") if row["order_id"] in bought]
    assert sum(revenue) == 21 * Decimal("145.00")
    assert filled.armazem("build").code == 0
    assert ledger(filled) == books
    # A model that is built from nothing has every event of its version.
    built = filled.armazem("build", "--full-refresh", "--select", "stg_events")
    assert built.code == 0, built.err
    assert ledger(filled) == books


def test_books_that_do_not_add_up_are_a_failure(filled: Shop, tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    file.write_bytes(placed(1) + b"\n")
    assert filled.armazem("ingest", file).code == 0
    kept = filled.home.journal / LEDGER_FILE
    kept.write_text(kept.read_text().replace('"received": 1', '"received": 3'))
    answer = filled.armazem("status", "--ledger")
    assert answer.code == 1
    assert "2 received messages are unaccounted for" in answer.err


@pytest.mark.slow
@pytest.mark.parametrize("way", ["ingest", "http"])
def test_every_simulated_event_is_accounted_for(
    filled: Shop, tmp_path: Path, way: str, report: Callable[..., None]
) -> None:
    before = filled.rows("marts.fact_orders")
    count = NUMBERS.simulated_events
    if way == "http":
        with Running(filled.path) as server:
            sent = simulate(filled, count, server.url)
    else:
        file = tmp_path / "messages.jsonl"
        sent = simulate(filled, count, file)
        answer = filled.armazem("ingest", file)
        assert answer.code == 0, answer.err
    assert sent["distinct_events"] == count
    assert min(sent["duplicates"], sent["malformed"], sent["out_of_order"]) > 0
    assert sent["messages"] == sent["distinct_events"] + sent["duplicates"] + sent["malformed"]
    assert filled.armazem("build").code == 0

    books = ledger(filled)[way]
    assert figures(books) == (sent["messages"], count, sent["duplicates"], sent["malformed"], count)
    known = {row["order_id"] for row in before}
    facts = [row for row in filled.rows("marts.fact_orders") if row["order_id"] not in known]
    assert len(facts) == sent["orders"]
    assert sum(row["revenue"] for row in facts) == Decimal(str(sent["revenue_all"]))
    assert sum(row["revenue"] for row in facts if row["is_valid_sale"]) == Decimal(str(sent["revenue_valid"]))
    statuses = [row["order_status"] for row in facts]
    assert {status: statuses.count(status) for status in set(statuses)} == sent["orders_by_status"]
    assert sum(row["items"] for row in facts) == sent["items"]
    shown = {name: sent[name] for name in ("messages", "duplicates", "malformed", "out_of_order", "orders")}
    report("simulated events", way=way, **shown)


def simulate(shop: Shop, events: int, to: object) -> dict[str, Any]:
    """What the simulator says it sent."""
    answer = shop.armazem(
        "simulate", "--rate", 0, "--events", events, "--duplicates", 5, "--disorder", 20, "--malformed", 2,
        "--seed", 11, "--to", to, "--format", "json",
    )  # fmt: skip
    assert answer.code == 0, answer.err
    (figures,) = json.loads(answer.out, parse_float=Decimal)
    return figures


def test_numbers_that_are_given_again(filled: Shop, tmp_path: Path) -> None:
    """A build has read lines that a power cut took: events that then got their numbers are in the next build."""
    file = tmp_path / "events.jsonl"
    file.write_bytes(b"\n".join(placed(number) for number in range(6)))
    assert filled.armazem("ingest", file).code == 0
    assert filled.build().reason.startswith("incremental")
    (segment,) = filled.home.journal.glob("date=*/*.jsonl")
    segment.write_bytes(b"".join(segment.read_bytes().splitlines(keepends=True)[:3]))
    (filled.home.journal / LEDGER_FILE).unlink()
    file.write_bytes(b"\n".join(placed(number) for number in range(10, 15)))
    assert filled.armazem("ingest", file).code == 0  # numbers 4 to 8
    assert "the journal is not the one of" in filled.build().reason
    expected = [f"event-{number}" for number in (0, 1, 2, 10, 11, 12, 13, 14)]
    assert sorted(str(row["event_id"]) for row in filled.rows("staging.stg_events")) == sorted(expected)
    assert filled.build().reason == "nothing new since"
