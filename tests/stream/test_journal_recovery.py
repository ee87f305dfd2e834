"""What a crash or a bad disk leaves in the journal: kept as dead letters, and the rest is read."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from soak import fuzz

from armazem.config import Settings
from armazem.home import Home
from armazem.intake.ingest import Ingest
from armazem.journal import lines as reading_lines
from armazem.journal.journal import are_lines, decode_line
from armazem.journal.reading import relation

from .journal_files import line
from .shop_events import assert_conserved, event_ids, ledger, letters, message, messages, segment_files, seqs

GARBAGE = [
    pytest.param(b"\0" * 4096, id="zeros"),
    pytest.param(b"\xff\xfe garbage", id="no text"),
    pytest.param(b"{}", id="another object"),
    pytest.param(b'{"seq":2,"received_at":"2026-11-23T12:00:00Z","source":"http","event_ty', id="half a line"),
    pytest.param(b"", id="an empty line"),
]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Two segments of six events, never to be changed."""
    home = Home(tmp_path_factory.mktemp("written") / "home").open()
    for first in (1, 4):
        with Ingest(home, Settings(home=home.root)) as writer:
            writer.submit(messages(first, 3), "http").result()
    return home


def opened(home: Home) -> int:
    """Open and close the journal; how many pieces went to the dead letters."""
    with Ingest(home, Settings(home=home.root)) as writer:
        return writer.recovered


@examples(max_examples=fuzz(15), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_cut_anywhere_the_whole_lines_remain(data: st.DataObject, written: Home, tmp_path: Path) -> None:
    shutil.rmtree(tmp_path / "home", ignore_errors=True)
    shutil.copytree(written.root, tmp_path / "home")
    home = Home(tmp_path / "home")
    last = segment_files(home)[-1]
    whole = last.read_bytes()
    ends = [i + 1 for i, byte in enumerate(whole) if byte == 0x0A]
    near_an_end = st.sampled_from(sorted({0, 1, len(whole), *(e + d for e in ends for d in (-2, -1, 0, 1))}))
    cut = min(len(whole), data.draw(st.one_of(near_an_end, st.integers(0, len(whole)))))
    with last.open("r+b") as file:
        file.truncate(cut)

    kept = sum(end <= cut for end in ends)
    torn = whole[max((end for end in ends if end <= cut), default=0) : cut]
    assert opened(home) == (1 if torn else 0)
    assert event_ids(home) == [f"event-{n}" for n in range(1, 4 + kept)]
    assert [letter.content for letter in letters(home)] == ([torn] if torn else [])
    assert opened(home) == 0
    with Ingest(home, Settings(home=home.root)) as writer:  # the sender was told nothing of them: it sends again
        outcome = writer.submit(messages(1, 6), "http").result()
    assert (outcome.accepted, outcome.duplicates) == (3 - kept, 3 + kept)
    assert sorted(event_ids(home)) == [f"event-{n}" for n in range(1, 7)]
    assert sorted(set(seqs(home))) == seqs(home)
    assert sum(len(path.read_bytes().split(b"\n")[-1]) for path in segment_files(home)) == 0


@pytest.mark.parametrize("garbage", GARBAGE)
@pytest.mark.parametrize("place", [0, 1, 3])
def test_garbage_in_the_middle_is_passed_over(written: Home, tmp_path: Path, garbage: bytes, place: int) -> None:
    home = Home(Path(shutil.copytree(written.root, tmp_path / "damaged")))
    first = segment_files(home)[0]
    lines = first.read_bytes().splitlines(keepends=True)
    damaged = b"".join([*lines[:place], garbage + b"\n", *lines[place:]])
    first.write_bytes(damaged)

    assert opened(home) == 1
    (letter,) = letters(home)
    assert (letter.source, letter.code, letter.path, letter.content) == ("journal", "not_json", "$", garbage)
    offset = sum(map(len, lines[:place]))
    assert letter.message == f"{first.parent.name}/{first.name}, byte {offset}: a line that is no event"
    assert first.read_bytes() == damaged
    assert ledger(home)["journal"] == (1, 0, 0, 1)

    assert opened(home) == 0 and len(letters(home)) == 1
    assert event_ids(home) == [f"event-{n}" for n in range(1, 7)]
    read = duckdb.sql(f"select event_id from {relation(home)} order by seq").fetchall()
    assert [row[0] for row in read] == event_ids(home)
    with Ingest(home, Settings(home=home.root)) as writer:
        assert writer.submit([*messages(1, 6), message(7)], "http").result().duplicates == 6
    assert_conserved(home)


def test_an_event_in_a_damaged_line_may_come_again(written: Home, tmp_path: Path) -> None:
    home = Home(Path(shutil.copytree(written.root, tmp_path / "damaged")))
    first = segment_files(home)[0]
    first.write_bytes(first.read_bytes().replace(b'"event_id":"event-2"', b'"event_id":"event-\xff"'))
    shutil.rmtree(home.journal / "seen")
    assert opened(home) == 1
    with Ingest(home, Settings(home=home.root)) as writer:
        outcome = writer.submit(messages(1, 6), "http").result()
    assert (outcome.accepted, outcome.duplicates) == (1, 5)


def test_killed_between_the_dead_letter_and_the_cut(written: Home, tmp_path: Path) -> None:
    home = Home(Path(shutil.copytree(written.root, tmp_path / "torn")))
    last = segment_files(home)[-1]
    torn = last.read_bytes() + b'{"seq":7,"rec'
    last.write_bytes(torn)
    assert opened(home) == 1
    last.write_bytes(torn)  # as if it had not come to the cut
    assert opened(home) == 0
    assert [letter.content for letter in letters(home)] == [b'{"seq":7,"rec']
    assert last.read_bytes() == torn[:-13]


def test_a_long_stretch_of_garbage_is_kept_in_pieces(written: Home, tmp_path: Path) -> None:
    home = Home(Path(shutil.copytree(written.root, tmp_path / "damaged")))
    last = segment_files(home)[-1]
    with last.open("ab") as file:
        file.truncate(last.stat().st_size + 20 * 2**20)  # zeros, as after a power cut
    assert opened(home) == 2
    assert sum(len(letter.content) for letter in letters(home)) == 20 * 2**20
    assert len(event_ids(home)) == 6 and opened(home) == 0


def test_an_empty_segment_is_removed(written: Home, tmp_path: Path) -> None:
    home = Home(Path(shutil.copytree(written.root, tmp_path / "empty")))
    empty = segment_files(home)[-1].with_name("0000000000000007.jsonl")
    empty.touch()
    assert opened(home) == 0 and not empty.exists()


GOOD = line(1)[:-1]
LINES = st.one_of(
    st.just(GOOD),
    st.just(line(2, "évent")[:-1]),
    st.integers(0, len(GOOD)).map(lambda end: GOOD[:end]),
    st.builds(lambda at, byte: GOOD[:at] + bytes([byte]) + GOOD[at:], st.integers(0, len(GOOD)), st.integers(0, 255)),
    st.sampled_from([GOOD + GOOD, GOOD + b" ", b"", GOOD.replace(b"order1", b"\xc3", 1)]),
).filter(lambda content: b"\n" not in content)


@examples(max_examples=fuzz(300), deadline=None)
@given(st.lists(LINES, max_size=4))
def test_lines_are_good_together_where_each_of_them_is(contents: list[bytes]) -> None:
    assert are_lines(contents) == all(decode_line(content) is not None for content in contents)


@pytest.mark.parametrize("size", [1, 7, 4096])
def test_lines_do_not_depend_on_the_size_of_the_reads(
    size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading_lines, "_BLOCK", size)
    content = b"\none\n\ntwo and three\n" + b"x" * 10_000 + b"\nrest"
    path = tmp_path / "lines"
    path.write_bytes(content)
    found = list(reading_lines.read_lines(path))
    assert [one.content for one in found] == content.split(b"\n")
    assert [one.whole for one in found] == [True] * 5 + [False]
    assert all(content[one.offset :].startswith(one.content) for one in found)
    assert [one.offset for one in found] == [0, 1, 5, 6, 20, 10_021]
