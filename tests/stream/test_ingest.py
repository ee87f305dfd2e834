"""Ingest from Python: what senders are told, and what is on the disk when they are."""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from soak import fuzz

from armazem.config import Settings
from armazem.errors import HomeError
from armazem.home import Home
from armazem.intake.ingest import Ingest, JournalError, Outcome, QueueFull, Rejection
from armazem.journal.ledger import Ledger, load_ledger

from .shop_events import assert_conserved, event_ids, journal, ledger, letters, message, messages, seqs


def test_every_message_has_its_answer(home: Home, settings: Settings) -> None:
    bad = message(3, timestamp="yesterday")
    with Ingest(home, settings) as writer:
        outcome = writer.submit([message(1), bad, message(1), b"{", message(2)], "http").result()
        assert (outcome.accepted, outcome.duplicates) == (2, 1)
        assert [(r.index, r.code, r.path) for r in outcome.rejected] == [
            (1, "bad_timestamp", "$.timestamp"),
            (3, "not_json", "$"),
        ]
        # On the disk already, not at the end.
        assert event_ids(home) == ["event-1", "event-2"]
        assert [(x.id, x.source, x.code, x.event_id, x.content) for x in letters(home)] == [
            ("1", "http", "bad_timestamp", "event-3", bad),
            ("2", "http", "not_json", None, b"{"),
        ]
        assert writer.submit([], "http").result() == Outcome(0, 0, [])
    assert ledger(home) == {"http": (5, 2, 1, 2)}


def test_duplicates_are_recognised_across_restarts(home: Home, settings: Settings) -> None:
    for number in range(3):
        with Ingest(home, settings) as writer:
            outcome = writer.submit(messages(1, 5), f"source-{number}").result()
            assert (outcome.accepted, outcome.duplicates) == ((0, 5) if number else (5, 0))
    assert seqs(home) == [1, 2, 3, 4, 5]
    assert ledger(home) == {"source-0": (5, 5, 0, 0), "source-1": (5, 0, 5, 0), "source-2": (5, 0, 5, 0)}


def test_one_commit_of_several_senders_with_duplicates_and_refusals(home: Home, settings: Settings) -> None:
    """Several hundred messages, so that the commit is encoded in several pieces."""
    blocked, going_on = threading.Event(), threading.Event()

    def wait(_lines: Sequence[bytes]) -> None:
        blocked.set()
        going_on.wait(10)

    sent = {
        "first": [*messages(1, 300), b"{", *messages(200, 200)],
        "second": [b"[]", *messages(390, 310), message(5)],
        "third": [b"{"],
        "fourth": messages(600, 150),
    }
    with Ingest(home, settings, on_commit=wait) as writer:
        writer.submit([message(1)], "before")
        assert blocked.wait(10)
        futures = [writer.submit(some, source) for source, some in sent.items()]
        going_on.set()
        outcomes = [future.result() for future in futures]
    assert [(o.accepted, o.duplicates, [r.index for r in o.rejected]) for o in outcomes] == [
        (398, 102, [300]),
        (300, 11, [0]),
        (0, 0, [0]),
        (50, 100, []),
    ]
    assert seqs(home) == list(range(1, 750))
    assert event_ids(home) == [f"event-{number}" for number in range(1, 750)]
    assert [line["source"] for line in journal(home)] == (
        ["before"] + ["first"] * 398 + ["second"] * 300 + ["fourth"] * 50
    )
    assert ledger(home) == {
        "before": (1, 1, 0, 0),
        "first": (501, 398, 102, 1),
        "second": (312, 300, 11, 1),
        "third": (1, 0, 0, 1),
        "fourth": (150, 50, 100, 0),
    }


def test_an_id_taken_from_the_content_is_recognised(home: Home, settings: Settings) -> None:
    without_id = json.loads(message(1))
    del without_id["event_id"]
    with Ingest(home, settings) as writer:
        for text in (json.dumps(without_id), json.dumps(without_id, indent=2, sort_keys=True)):
            writer.submit([text.encode()], "http").result()
    assert ledger(home) == {"http": (2, 1, 1, 0)}


def test_many_senders_at_once(home: Home, settings: Settings) -> None:
    """Every event comes from two senders; each of them is accepted once."""
    outcomes: list[Outcome] = []

    def send(first: int) -> None:
        for start in range(first, first + 300, 10):
            outcomes.append(writer.submit(messages(start, 10), f"sender-{first}").result())

    with Ingest(home, settings) as writer:
        threads = [threading.Thread(target=send, args=(first,)) for first in (0, 0, 300, 300)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sum(o.accepted for o in outcomes) == sum(o.duplicates for o in outcomes) == 600
    assert sorted(event_ids(home)) == sorted(f"event-{n}" for n in range(600))
    assert seqs(home) == list(range(1, 601))
    assert_conserved(home)


def test_the_exit_writes_what_waits(home: Home, settings: Settings) -> None:
    with Ingest(home, settings) as writer:
        futures = [writer.submit(messages(first, 50), "http") for first in range(0, 2_000, 50)]
    assert all(future.done() for future in futures)
    assert sum(future.result().accepted for future in futures) == 2_000 == len(event_ids(home))
    with pytest.raises(JournalError, match="the journal is closed"):
        writer.submit([message(1)], "http")


def test_a_full_queue_refuses_at_once_and_goes_on(home: Home) -> None:
    proceed = threading.Event()
    with Ingest(home, Settings(home=home.root, queue_megabytes=1), on_commit=lambda lines: proceed.wait()) as writer:
        writer.submit([message(0)], "http").result()  # its listener now holds the committer
        taken: list[Future[Outcome]] = []
        with pytest.raises(QueueFull) as raised:
            for first in range(1, 100_000, 10):
                taken.append(writer.submit(messages(first, 10), "http"))
        assert 0.1 <= raised.value.retry_after <= 30
        stats = writer.stats()
        assert 2**20 - 10_000 < stats["queue_bytes"] <= 2**20 == stats["queue_max_bytes"]
        assert stats["queue_messages"] == 10 * len(taken)
        proceed.set()
        assert sum(future.result().accepted for future in taken) == 10 * len(taken)
        assert writer.submit([message(0)], "http").result().duplicates == 1
    assert ledger(home)["http"][0] == 10 * len(taken) + 2


def test_a_submission_larger_than_the_queue_gets_in_alone(home: Home) -> None:
    many = messages(0, 3_000)
    assert sum(map(len, many)) > 2**20
    with Ingest(home, Settings(home=home.root, queue_megabytes=1)) as writer:
        assert writer.submit(many, "http").result().accepted == 3_000


def test_listeners_get_the_lines_after_the_disk(home: Home, settings: Settings) -> None:
    heard: list[bytes] = []

    def listen(lines: Sequence[bytes]) -> None:
        content = b"".join(path.read_bytes() for path in home.journal.glob("date=*/*.jsonl"))
        assert content.endswith(b"".join(lines))
        heard.extend(lines)

    with Ingest(home, settings, on_commit=listen) as writer:
        for first in range(0, 30, 10):
            writer.submit([*messages(first, 10), b"bad", message(0)], "http").result()
    assert [json.loads(line) for line in heard] == journal(home)


def test_a_listener_that_fails_stops_nobody(home: Home, settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    def fail(lines: Sequence[bytes]) -> None:
        raise ZeroDivisionError("a bug of the listener")

    with Ingest(home, settings, on_commit=fail) as writer:
        for number in range(3):
            assert writer.submit([message(number)], "http").result().accepted == 1
        assert writer.failed is None
    assert caplog.text.count("ZeroDivisionError: a bug of the listener") == 3


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_committer_that_fails_says_so(home: Home, settings: Settings) -> None:
    """A bug, here a clock that raises: nobody waits for ever, nobody is told that a message was kept."""
    broken = threading.Event()

    def clock() -> datetime:
        if broken.is_set():
            raise ZeroDivisionError("a bug")
        return datetime.now(UTC)

    with Ingest(home, settings, clock=clock) as writer:
        assert writer.submit([message(1)], "http").result().accepted == 1
        broken.set()
        deadline = time.monotonic() + 10
        while writer.failed is None:
            assert time.monotonic() < deadline
            try:
                with pytest.raises(JournalError, match="ZeroDivisionError"):
                    writer.submit([message(2)], "http").result(timeout=10)
            except TimeoutError:
                pytest.fail("a sender waits for ever")
        with pytest.raises(JournalError, match="not written any more: ZeroDivisionError"):
            writer.submit([message(3)], "http")
        assert writer.stats()["failed"] == "a bug"
    with Ingest(home, settings) as writer:
        assert writer.submit(messages(1, 3), "http").result().accepted == 2
    assert_conserved(home)


def test_a_sender_that_goes_away_takes_nothing_back(home: Home, settings: Settings) -> None:
    with Ingest(home, settings) as writer:
        futures = [writer.submit([message(number)], "http") for number in range(100)]
        assert not any(future.cancel() for future in futures)
    assert len(event_ids(home)) == 100


@examples(max_examples=fuzz(8), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    sent=st.lists(
        st.tuples(st.sampled_from(["http", "ingest"]), st.lists(st.integers(-3, 12), min_size=1, max_size=12)),
        min_size=1,
        max_size=5,
    ),
    lost=st.sampled_from(["nothing", "the last ledger", "every ledger"]),
)
def test_the_ledger_is_conserved(sent: list[tuple[str, list[int]]], lost: str, tmp_path: Path) -> None:
    """Any submissions of new, repeated and bad messages (below 0); a kill may have cost the ledger its last counts."""
    shutil.rmtree(tmp_path / "home", ignore_errors=True)
    home = Home(tmp_path / "home").open()
    file = home.journal / "ledger.json"
    for source, numbers in sent:
        before = file.read_bytes() if file.exists() else b""
        with Ingest(home, Settings(home=home.root)) as writer:
            submitted = [message(n) if n >= 0 else b"bad %d" % n for n in numbers]
            writer.submit(submitted, source).result()
        if lost == "the last ledger" and before:
            file.write_bytes(before)
        if lost == "every ledger":
            file.unlink()
        assert_conserved(home)
    good = {n for _, numbers in sent for n in numbers if n >= 0}
    assert sorted(event_ids(home)) == sorted(f"event-{n}" for n in good)
    if lost == "nothing":
        total = {source: sum(len(n) for s, n in sent if s == source) for source, _ in sent}
        assert {source: counts[0] for source, counts in ledger(home).items()} == total


def test_a_damaged_ledger_is_named(home: Home, settings: Settings) -> None:
    (home.journal / "ledger.json").write_text("{")
    with pytest.raises(HomeError, match=r"ledger\.json cannot be read") as raised:
        Ingest(home, settings).__enter__()
    assert "remove it" in raised.value.hint


def test_numbers_that_a_crash_had_reserved_are_not_given_after_an_idle_start(home: Home, settings: Settings) -> None:
    with Ingest(home, settings) as ingest:
        ingest.submit(messages(0, 5), "test").result()
        as_killed = (home.journal / "ledger.json").read_bytes()
    (home.journal / "ledger.json").write_bytes(as_killed)
    with Ingest(home, settings) as ingest:
        after = ingest.journal.next_seq
    assert after > 100_000
    with Ingest(home, settings) as ingest:
        assert ingest.journal.next_seq == after
        assert ingest.submit(messages(5, 2), "test").result().accepted == 2
    assert seqs(home) == [1, 2, 3, 4, 5, after, after + 1]


def test_a_reservation_stands_until_the_end(home: Home) -> None:
    home.open()
    home.journal.mkdir(exist_ok=True)
    books = Ledger(home)
    books.reserve(5)
    books.write()  # as once a second, while the first commit is under way
    assert load_ledger(home).reserved_seq == 100_005
    books.write(reserve=0)
    assert load_ledger(home).reserved_seq == 0


def test_the_ledger_can_be_read_while_it_grows(home: Home, settings: Settings) -> None:
    with Ingest(home, settings) as writer:
        seen = 0
        for first in range(0, 2_000, 100):
            writer.submit([*messages(first, 100), b"bad"], "http").result()
            received, accepted, duplicates, dead = ledger(home)["http"]
            assert received == accepted + duplicates + dead == first + 100 + first // 100 + 1
            assert received > seen
            seen = received


def test_rejections_are_part_of_the_interface() -> None:
    assert Rejection(1, "bad_value", "$.x", "why").__struct_fields__ == ("index", "code", "path", "message")
