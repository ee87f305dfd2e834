"""Commits that wait behind one another: one is encoded while another is written, and what may go wrong then."""

from __future__ import annotations

import _thread
import contextlib
import json
import threading
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from armazem.config import Settings
from armazem.contract.events import journal_batch
from armazem.disk.lock import Held
from armazem.home import Home
from armazem.intake import commit
from armazem.intake.ingest import Ingest, JournalError

from .shop_events import assert_conserved, event_ids, journal, ledger, message, messages, seqs


class Gate:
    """A listener at which the thread that writes is held, so that what is submitted meanwhile waits together."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self.open = threading.Event()
        self._reached = threading.Event()

    def __call__(self, lines: Sequence[bytes]) -> None:
        self.heard += lines
        self._reached.set()
        assert self.open.wait(60)

    @contextlib.contextmanager
    def closed(self, writer: Ingest) -> Iterator[None]:
        writer.submit([message(99_999)], "gate")
        assert self._reached.wait(60)
        try:
            yield
        finally:
            self.open.set()


def test_commits_that_are_encoded_while_the_one_before_is_written(home: Home, settings: Settings) -> None:
    """Each has events of the one before, which are known only when that one is on the disk."""
    gate = Gate()
    with Ingest(home, settings, on_commit=gate) as writer, gate.closed(writer):
        futures = [
            writer.submit([*messages(max(0, first - 900), 900), *messages(first, 1_000), b"{"], "http")
            for first in range(0, 12_000, 1_000)
        ]
    outcomes = [future.result() for future in futures]
    assert [o.accepted for o in outcomes] == [1_000] * 12
    assert [o.duplicates for o in outcomes] == [900] * 12  # in the first of the same submission
    assert [[r.index for r in o.rejected] for o in outcomes] == [[1_900]] * 12
    assert seqs(home) == list(range(1, 12_002))
    assert event_ids(home)[1:] == [f"event-{number}" for number in range(12_000)]
    assert [json.loads(line) for line in gate.heard] == journal(home)
    assert ledger(home) == {"gate": (1, 1, 0, 0), "http": (12 * 1_901, 12_000, 12 * 900, 12)}


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_committer_that_fails_beside_a_write(home: Home, settings: Settings) -> None:
    """The bug is in the third of the commits that wait: whoever has no answer yet gets the reason, at once."""
    gate = Gate()
    times = iter(range(2))

    def clock() -> datetime:
        if gate.open.is_set() and next(times, None) is None:
            raise ZeroDivisionError("a bug")
        return datetime.now(UTC)

    with Ingest(home, settings, on_commit=gate, clock=clock) as writer:
        with gate.closed(writer):
            futures = [writer.submit(messages(first, 1_000), "http") for first in range(0, 12_000, 1_000)]
        failures = [future.exception(60) for future in futures]
        assert isinstance(writer.failed, ZeroDivisionError)
    told = [number for number, failure in enumerate(failures) if failure is None]
    assert 0 < len(told) < 12 and told == list(range(len(told)))
    assert all(isinstance(failure, JournalError) for failure in failures[len(told) :])
    with Ingest(home, settings) as writer:
        outcomes = [writer.submit(messages(first, 1_000), "http").result() for first in range(0, 12_000, 1_000)]
    assert [outcome.duplicates for outcome in outcomes[: len(told)]] == [1_000] * len(told)
    assert sorted(event_ids(home)) == sorted(f"event-{number}" for number in (*range(12_000), 99_999))
    assert_conserved(home)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_failure_while_others_wait(home: Home, settings: Settings) -> None:
    """Nobody of them was taken out of the queue yet."""
    gate = Gate()

    def listen(lines: Sequence[bytes]) -> None:
        gate(lines)
        raise SystemExit

    with Ingest(home, settings, on_commit=listen) as writer:
        with gate.closed(writer):
            future = writer.submit(messages(0, 10), "http")
        assert isinstance(future.exception(60), JournalError)


def test_an_interrupt_while_the_queue_is_written(home: Home, settings: Settings) -> None:
    """A second Ctrl-C: what still writes keeps the journal, so that nobody else writes the same numbers."""
    gate = Gate()
    interrupt = threading.Timer(0.5, _thread.interrupt_main)
    with pytest.raises(KeyboardInterrupt), Ingest(home, settings, on_commit=gate) as writer:
        writer.submit(messages(0, 10), "http").result()
        futures = [writer.submit(messages(first, 100), "http") for first in range(10, 1_010, 100)]
        interrupt.start()
    with pytest.raises(Held), Ingest(home, settings):
        pass
    gate.open.set()
    assert [future.result(60).accepted for future in futures] == [100] * 10
    assert seqs(home) == list(range(1, 1_011))


def test_what_is_written_does_not_wait_for_what_comes_next(
    home: Home, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next commit is one submission of twenty thousand messages, encoded piece by piece.

    Pieces come slowly while the one before is not answered: how long a disk or a busy processor takes says nothing.
    """
    pieces = 0
    seen: dict[str, int] = {}

    def counted(*arguments: Any) -> Any:
        nonlocal pieces
        pieces += 1
        if 20 < pieces < 70 and "first" not in seen:
            time.sleep(0.2)
        return journal_batch(*arguments)

    monkeypatch.setattr(commit, "journal_batch", counted)
    gate = Gate()
    with Ingest(home, settings, on_commit=gate) as writer:
        with gate.closed(writer):
            futures = {
                "first": writer.submit(messages(0, 2_000), "http"),
                "large": writer.submit(messages(2_000, 20_000), "http"),
            }
            for name, future in futures.items():
                future.add_done_callback(lambda _, name=name: seen.update({name: pieces}))
        assert futures["large"].result(60).accepted == 20_000
    assert seen["first"] < seen["large"] - 20
