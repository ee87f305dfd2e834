"""Dead letters through the command: list, show, repair, replay; a replay changes nothing the second time."""

from __future__ import annotations

import csv
import io
import json
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from warehouse.shop import Answer, armazem

from armazem.cli import main
from armazem.config import Settings
from armazem.contract.dead_letters import Refusal
from armazem.disk.lock import replay_lock
from armazem.errors import HomeError
from armazem.home import Home
from armazem.intake.ingest import Ingest
from armazem.intake.queue import Outcome, Rejection
from armazem.intake.replay import MARKS_FILE, HomeLetters, Replay, select_letters
from armazem.intake.sending import to_ingest
from armazem.journal.dead_letters import DeadLetters, read_dead_letters

from .shop_events import assert_conserved, event_ids, journal, ledger, letters, message

SOON = datetime.now(UTC) + timedelta(days=3)
BAD = message(2, timestamp="yesterday")
CONFLICT = "conflicting_event_id"
FUTURE = message(3, timestamp=SOON.isoformat())


@pytest.fixture
def kept(home: Home, settings: Settings) -> Home:
    """With an event and three dead letters: 1 bad_timestamp, 2 future_timestamp (three days), 3 not_utf8."""
    with Ingest(home, settings) as writer:
        writer.submit([message(1), BAD, FUTURE], "http").result()
        writer.submit([b"\xff"], "pubsub:p/s").result()
    return home


def run(home: Home, *arguments: object) -> Answer:
    return armazem("dead-letters", *arguments, home=home.root)


def listed(home: Home, *arguments: object) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = json.loads(run(home, "list", "--format", "json", *arguments).out)
    return rows


def ids(home: Home, *arguments: object) -> list[object]:
    return [row["id"] for row in listed(home, *arguments)]


def test_the_list(kept: Home) -> None:
    assert ids(kept) == ["3", "2", "1"]
    assert ids(kept, "--code", "not_utf8") == ids(kept, "--source", "pubsub:p/s") == ["3"]
    assert ids(kept, "--code", "bad_timestamp", "--source", "pubsub:p/s") == []
    newest = run(kept, "list", "--limit", 2, "--format", "csv")
    assert [row["id"] for row in csv.DictReader(io.StringIO(newest.out))] == ["3", "2"]
    assert "the newest 2 of 3; --all shows all" in newest.err
    first = listed(kept)[-1]
    assert (first["code"], first["path"], first["event_id"]) == ("bad_timestamp", "$.timestamp", "event-2")
    assert "yesterday" in str(first["message"])
    assert "bad_timestamp" in run(kept, "list").out


def test_showing_one(kept: Home) -> None:
    shown = run(kept, "show", 1).out
    assert (
        "code:        bad_timestamp" in shown and '  "event_id": "event-2",\n' in shown and "replayed:    no" in shown
    )
    assert "\\xff" in run(kept, "show", 3).out
    for letter_id, content in (("1", BAD), ("2", FUTURE), ("3", b"\xff")):
        result = CliRunner().invoke(main, ["--home", str(kept.root), "dead-letters", "show", letter_id, "--raw"])
        assert result.stdout_bytes == content
    missing = run(kept, "show", 4)
    assert (missing.code, "there is no dead letter 4" in missing.err) == (1, True)


def test_replay_after_time_has_made_it_right(kept: Home, settings: Settings) -> None:
    """What was too far in the future is not any more; the others stay, without a second dead letter."""
    later = datetime.now(UTC) + timedelta(days=5)
    for expected in ((1, 0), (0, 0)):
        with replay_lock(kept), Ingest(kept, settings, clock=lambda: later) as writer:
            replay = Replay(HomeLetters(kept), ZoneInfo("America/Sao_Paulo"), to_ingest(writer, "replay"), later)
            done = replay.run(select_letters(kept))
        assert (done.accepted, done.duplicates) == expected
        assert done.refused == {"bad_timestamp": 1, "not_utf8": 1}
    assert ids(kept) == ["3", "1"] and ids(kept, "--all") == ["3", "2", "1"]
    assert [(row["id"], row["replayed"]) for row in listed(kept, "--all")] == [("3", False), ("2", True), ("1", False)]
    assert [(r["event_id"], r["source"]) for r in journal(kept)] == [("event-1", "http"), ("event-3", "replay")]
    assert ledger(kept)["replay"] == (1, 1, 0, 0) and len(letters(kept)) == 3
    assert_conserved(kept)


def test_replay_of_a_repaired_message(kept: Home, tmp_path: Path) -> None:
    repaired = tmp_path / "message.json"
    repaired.write_bytes(BAD)
    done = run(kept, "replay", 1, "--with", repaired)
    assert (done.code, "1: bad_timestamp at $.timestamp" in done.err, ids(kept)) == (0, True, ["3", "2", "1"])
    repaired.write_bytes(b"\xef\xbb\xbf" + BAD.replace(b"yesterday", b"2018-08-29T12:00:00Z"))  # as Notepad saves it
    assert "1 would be accepted" in run(kept, "replay", 1, "--with", repaired, "--dry-run").err
    assert event_ids(kept) == ["event-1"]
    assert "1 accepted, 0 duplicates" in run(kept, "replay", 1, "--with", repaired).err
    assert event_ids(kept) == ["event-1", "event-2"] and ids(kept) == ["3", "2"]
    assert "0 accepted, 0 duplicates" in run(kept, "replay", 1, "--with", repaired).err
    assert_conserved(kept)


def test_what_is_refused_where_it_is_sent_is_not_replayed_twice(home: Home, settings: Settings) -> None:
    """BigQuery refuses what the core takes: it lies there anew, and the old one is marked."""
    with Ingest(home, settings) as writer:
        writer.submit([message(3, timestamp=SOON.isoformat())], "http").result()

    def refuses(sent: list[bytes]) -> Future[Outcome]:
        future: Future[Outcome] = Future()
        future.set_result(Outcome(0, 0, [Rejection(0, "bad_value", "$", "BigQuery did not take it")]))
        return future

    later = SOON + timedelta(days=1)
    for anew, left in ((False, ["1"]), (True, [])):
        replay = Replay(HomeLetters(home), ZoneInfo(settings.time_zone), refuses, later, anew=anew)
        assert replay.run(select_letters(home)).refused == {"bad_value": 1}
        assert ids(home) == left


def test_what_has_the_id_of_another_event_stays(home: Home, settings: Settings, tmp_path: Path) -> None:
    """However often it is replayed, it makes no second dead letter; repaired, it is an event."""
    late = message(3, event_id="event-1", timestamp=SOON.isoformat())
    with Ingest(home, settings) as writer:
        writer.submit([message(1), message(2, event_id="event-1"), late], "http").result()
    with Ingest(home, settings, clock=lambda: SOON) as writer:
        replay = Replay(HomeLetters(home), ZoneInfo(settings.time_zone), to_ingest(writer, "replay"), SOON)
        replay.run(select_letters(home))
    assert [letter.code for letter in letters(home)] == [CONFLICT, "future_timestamp", CONFLICT]
    assert letters(home)[2].raw == letters(home)[1].raw and ids(home) == ["3", "1"]
    for _ in range(2):
        assert run(home, "replay").code == 0
    assert len(letters(home)) == 3 and ids(home) == ["3", "1"]
    repaired = tmp_path / "repaired.json"
    repaired.write_bytes(message(2, event_id="event-1"))
    assert run(home, "replay", "3", "--with", repaired).code == 0
    repaired.write_bytes(message(2))
    assert run(home, "replay", "1", "--with", repaired).code == 0
    assert event_ids(home) == ["event-1", "event-2"]
    assert_conserved(home)


def test_a_kill_between_the_journal_and_the_mark(kept: Home, tmp_path: Path) -> None:
    """The mark is lost, or half of it is written: the next replay finds a duplicate, and marks it."""
    repaired = tmp_path / "message.json"
    repaired.write_bytes(message(2))
    marks = kept.dead_letters / MARKS_FILE
    for left in (0, 5):
        run(kept, "replay", 1, "--with", repaired)
        marks.write_bytes(marks.read_bytes()[:left])
        assert ids(kept) == ["3", "2", "1"]
    assert "0 accepted, 1 duplicates" in run(kept, "replay", 1, "--with", repaired).err
    assert ids(kept) == ["3", "2"]
    assert event_ids(kept) == ["event-1", "event-2"]
    assert ledger(kept)["replay"] == (3, 1, 2, 0)


def test_replay_of_a_selection(home: Home, settings: Settings) -> None:
    """Messages of now that an older version refused: only those asked for are replayed."""
    with Ingest(home, settings):
        pass
    refused = [
        ("http", "bad_value", 1),
        ("http", "wrong_type", 2),
        ("ingest", "bad_value", 3),
        ("http", "bad_value", 4),
    ]
    writer = DeadLetters(home, settings)
    writer.append([Refusal(s, c, "$", "once", message(n), f"event-{n}") for s, c, n in refused], datetime.now(UTC))
    writer.close()
    assert "1 accepted" in run(home, "replay", "--code", "bad_value", "--source", "ingest").err
    assert event_ids(home) == ["event-3"]
    assert "1 accepted" in run(home, "replay", 4).err
    assert "1 accepted" in run(home, "replay", "--code", "bad_value").err
    assert "1 would be accepted" in run(home, "replay", "--dry-run").err
    assert event_ids(home) == ["event-3", "event-4", "event-1"] and ids(home) == ["2"]
    assert "1 accepted" in run(home, "replay").err
    assert ids(home) == []


def test_wrong_use(kept: Home, tmp_path: Path) -> None:
    assert run(kept, "replay", 1, 2, "--with", tmp_path / "x").code == 2
    assert run(kept, "replay", "--with", tmp_path / "x").code == 2
    missing = run(kept, "replay", 1, "--with", tmp_path / "nowhere")
    assert (missing.code, "nowhere cannot be read" in missing.err) == (1, True)
    unknown = run(kept, "replay", 1, 77, "x")
    assert (unknown.code, "there is no dead letter 77, x" in unknown.err) == (1, True)
    nowhere = armazem("dead-letters", "list", home=tmp_path / "nowhere")
    assert (nowhere.code, "there is no home folder" in nowhere.err) == (1, True)


def test_one_replay_at_a_time(kept: Home) -> None:
    with replay_lock(kept):
        refused = run(kept, "replay")
    assert (refused.code, "another replay" in refused.err) == (1, True)
    with pytest.raises(HomeError), replay_lock(kept), replay_lock(kept):
        pass


@examples(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(raws=st.lists(st.one_of(st.binary(max_size=50), st.text().map(str.encode)), min_size=1, max_size=5))
def test_any_bytes_are_kept_as_they_came(raws: list[bytes], home: Home, settings: Settings) -> None:
    before = len(letters(home))
    writer = DeadLetters(home, settings)
    writer.append([Refusal("http", "not_json", "$", "why", raw) for raw in raws], datetime.now(UTC))
    writer.close()
    after = letters(home)
    assert [letter.content for letter in after[before:]] == raws
    assert [letter.id for letter in after] == [str(number) for number in range(1, len(after) + 1)]


def test_a_dead_letter_that_was_cut_off_is_passed_over(kept: Home, settings: Settings) -> None:
    newest = sorted(kept.dead_letters.glob("date=*/*.jsonl"))[-1]
    newest.write_bytes(newest.read_bytes() + b'{"id":"4","rec')
    assert ids(kept) == ["3", "2", "1"]
    with Ingest(kept, settings) as writer:
        writer.submit([b"bad"], "http").result()
    assert ids(kept) == ["4", "3", "2", "1"]
    assert [letter.id for letter in read_dead_letters(kept, after=2)] == ["3", "4"]
    assert_conserved(kept)
