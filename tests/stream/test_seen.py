"""The ids that were accepted: exact after restarts, crashes, merges and damage, whatever is left of the runs."""

from __future__ import annotations

import concurrent.futures
import os
import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import small_disk
from hypothesis import given, settings
from hypothesis import strategies as st
from soak import fuzz

from armazem.errors import HomeError
from armazem.home import Home
from armazem.journal.digests import Words, words
from armazem.journal.seen.bloom import BloomFilter
from armazem.journal.seen.ids import SeenIds
from armazem.journal.seen.runs import DamagedRun, Entries, Run, _write, write_run

from .journal_files import line, segment


class Writer:
    """A journal with its seen ids, and a plain dict of id to number as the truth."""

    def __init__(self, home: Home, *, recent: int = 8, fanout: int = 2) -> None:
        self.home, self.recent, self.fanout = home, recent, fanout
        self.path = segment(home, 1, b"")
        self.truth: dict[str, int] = {}
        self.seq = 0
        self.seen = self.opened()

    def opened(self) -> SeenIds:
        return SeenIds.open(self.home, recent=self.recent, fanout=self.fanout)

    def reopen(self) -> None:
        self.seen.close()
        self.seen = self.opened()

    def journal(self, ids: list[str]) -> list[str]:
        """Check a batch against the truth, and append what is new in it to the journal."""
        expected = [event_id not in self.truth and event_id not in ids[:at] for at, event_id in enumerate(ids)]
        assert self.seen.check(ids) == expected
        assert self.seen.found == {event_id: self.truth[event_id] for event_id in ids if event_id in self.truth}
        new = [event_id for event_id, is_new in zip(ids, expected, strict=True) if is_new]
        with self.path.open("ab") as file:
            for event_id in new:
                self.seq += 1
                file.write(line(self.seq, event_id))
                self.truth[event_id] = self.seq
        return new

    def accept(self, ids: list[str]) -> None:
        if new := self.journal(ids):
            self.seen.commit(new, self.seq)

    def wait(self) -> None:
        """Let runs be written and merged until nothing is to be done."""
        while jobs := [job for job in (self.seen._writing, self.seen._merging) if job is not None]:
            concurrent.futures.wait(jobs)
            self.seen._settle()

    @property
    def runs(self) -> list[Path]:
        return sorted((self.home.journal / "seen").glob("*.run"))


@pytest.fixture
def writer(home: Home) -> Iterator[Writer]:
    writer = Writer(home)
    yield writer
    writer.seen.close()


def ids(first: int, count: int) -> list[str]:
    return [f"id-{number}" for number in range(first, first + count)]


def entries(digests: Words) -> Entries:
    """Digests, numbered as they come."""
    return Entries(digests, np.arange(1, len(digests) + 1, dtype=np.uint64))


def fill(writer: Writer, count: int = 100) -> None:
    for first in range(0, count, 5):
        writer.accept(ids(first, 5))
    writer.wait()


def test_a_batch(writer: Writer) -> None:
    assert writer.seen.check(["a", "b", "a", "é", "\ud800", "x" * 64]) == [True, True, False, True, True, True]
    assert writer.seen.check(["a"]) == [True]  # a check records nothing
    assert writer.seen.check([]) == []
    writer.accept(["a", "b", "é"])
    assert writer.seen.check(["b", "c", "c", "a", "é", "e\u0301"]) == [False, True, False, False, False, True]


def test_merges_keep_the_runs_few(writer: Writer) -> None:
    fill(writer, 1000)
    assert 1 <= len(writer.runs) <= 8
    assert writer.seen.check(ids(0, 1010)) == [False] * 1000 + [True] * 10
    for number in range(0, 1010, 7):  # one by one: another way than arrays
        assert writer.seen.check([f"id-{number}"]) == [number >= 1000]
    writer.reopen()
    assert writer.seen.check(ids(0, 1010)) == [False] * 1000 + [True] * 10


@settings(max_examples=fuzz(12), deadline=None)
@given(data=st.data())
def test_like_a_set_through_crashes(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    """After a crash there may be any of the runs that there ever were, whole or damaged, and unfinished files."""
    home = Home(tmp_path_factory.mktemp("seen") / "home").open()
    folder = home.journal / "seen"
    recent, fanout = data.draw(st.sampled_from([(1, 2), (3, 2), (8, 2), (8, 3), (20, 2)]))
    writer = Writer(home, recent=recent, fanout=fanout)
    # Which runs there were depends on the worker's speed, so what is done to them is not drawn one by one.
    chance = random.Random(data.draw(st.integers(0, 2**32)))
    history: dict[str, bytes] = {}
    batch = st.lists(st.integers(0, 150).map(str), max_size=30)
    for _ in range(data.draw(st.integers(1, 25))):
        step = data.draw(st.sampled_from(["accept", "accept", "accept", "wait", "restart", "crash"]))
        if step == "accept":
            writer.accept(data.draw(batch))
        elif step == "wait":
            writer.wait()
        elif step == "restart":
            writer.reopen()
        else:
            writer.journal(data.draw(batch))  # on the disk, but killed before `commit`
            writer.seen.close()
            for path in writer.runs:
                path.unlink()
            for name, content in history.items():
                left = chance.choice(["whole", "whole", "gone", "short", "flipped", "unfinished"])
                if left == "short":
                    content = content[: chance.randrange(len(content))]
                elif left == "flipped":
                    at = chance.randrange(len(content) - 24)
                    at = at if at < 40 else at + 24  # the last 24 bytes of the header mean nothing
                    content = content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]
                if left != "gone":
                    (folder / name).with_suffix(".tmp" if left == "unfinished" else ".run").write_bytes(content)
            writer.seen = writer.opened()
            writer.wait()
            assert list(folder.glob("*.tmp")) == []
        history.update({path.name: path.read_bytes() for path in writer.runs})
        universe = [str(number) for number in range(160)]
        assert writer.seen.check(universe) == [event_id not in writer.truth for event_id in universe]
        assert writer.seen.found == writer.truth
    writer.seen.close()


def test_runs_are_used_and_not_only_the_journal(writer: Writer) -> None:
    fill(writer)
    times = {path: path.stat().st_mtime_ns for path in writer.runs}
    writer.reopen()
    assert {path: path.stat().st_mtime_ns for path in writer.runs} == times
    assert writer.seen._written > 80


@pytest.mark.parametrize("damage", ["missing", "short", "longer", "flipped", "empty", "renamed", "all missing"])
@pytest.mark.parametrize("which", [0, -1])
def test_damaged_runs_are_made_anew(writer: Writer, damage: str, which: int) -> None:
    writer.fanout = 100  # no merges
    writer.reopen()
    fill(writer)
    writer.seen.close()
    assert len(writer.runs) > 1
    path = writer.runs[which]
    content = path.read_bytes()
    if damage == "missing":
        path.unlink()
    elif damage == "renamed":
        path.rename(path.with_name(f"{1:016d}-{99:016d}.run"))
    elif damage == "all missing":
        shutil.rmtree(path.parent)
    else:
        changed = {"short": content[:-16], "longer": content + b"x" * 16, "empty": b""}
        path.write_bytes(changed.get(damage, content[:-1] + bytes([content[-1] ^ 1])))
    writer.seen = writer.opened()
    writer.accept(ids(90, 40))
    assert writer.seen.check(ids(0, 140)) == [False] * 130 + [True] * 10


def test_a_run_that_is_damaged_before_it_is_merged(home: Home) -> None:
    """No run is made of it, with a checksum that is right again: the journal is asked."""
    writer = Writer(home, recent=10, fanout=3)
    for first in range(0, 20, 10):
        writer.accept(ids(first, 10))
        writer.wait()
    damaged = writer.runs[0]
    with damaged.open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        last = file.read(1)
        file.seek(-1, os.SEEK_END)
        file.write(bytes([last[0] ^ 1]))
    with pytest.raises(HomeError, match="has changed since it was opened") as raised:
        writer.accept(ids(20, 10))
        writer.wait()
    assert "start again" in raised.value.hint
    writer.reopen()
    assert writer.seen.check(ids(0, 31)) == [False] * 30 + [True]
    writer.seen.close()


def test_a_run_whose_parts_are_in_disorder(tmp_path: Path) -> None:
    """Each megabyte of it is sorted."""
    digests = np.zeros((131_072, 2), dtype=np.uint64)
    digests[:, 0] = np.arange(131_072)
    with pytest.raises(DamagedRun, match="not sorted"):
        _write(tmp_path, [entries(digests[65_536:]), entries(digests[:65_536])], 131_072, 1, 131_072)


def test_runs_beyond_the_end_of_the_journal(writer: Writer) -> None:
    """A journal restored from an older copy: what it does not have was not accepted."""
    fill(writer)
    writer.seen.close()
    writer.path.write_bytes(b"".join(writer.path.read_bytes().splitlines(keepends=True)[:50]))
    writer.seen = writer.opened()
    assert writer.seen.check(ids(0, 100)) == [False] * 50 + [True] * 50


def test_runs_of_another_journal(writer: Writer) -> None:
    fill(writer)
    writer.seen.close()
    writer.path.write_bytes(b"".join(line(seq, f"other-{seq}") for seq in range(1, 201)))
    writer.seen = writer.opened()
    assert writer.seen.check([*ids(0, 100), "other-1", "other-200"]) == [True] * 100 + [False] * 2


def test_the_event_at_the_end_of_a_run_was_damaged(writer: Writer) -> None:
    """Then nothing says that the runs are of this journal: all is read again."""
    fill(writer)
    writer.seen.close()
    last = writer.runs[-1].stem.partition("-")[2]
    content = writer.path.read_bytes().splitlines(keepends=True)
    content[int(last) - 1] = b"garbage\n"
    writer.path.write_bytes(b"".join(content))
    writer.seen = writer.opened()
    expected = [number == int(last) - 1 for number in range(100)]
    assert writer.seen.check(ids(0, 100)) == expected


@pytest.fixture
def full_disk(home: Home) -> Iterator[Path]:
    """The folder of the runs on a disk of its own, that a file called ballast fills."""
    with small_disk.small_disk(home.journal / "seen", "192k") as disk:
        small_disk.fill(disk, 4096)
        yield disk


def test_without_space_for_runs(home: Home, full_disk: Path, caplog: pytest.LogCaptureFixture) -> None:
    writer = Writer(home, recent=400)
    for first in range(0, 4000, 100):
        writer.accept(ids(first, 100))
    writer.wait()
    assert writer.runs == [] or len(writer.runs) == 1
    assert 1 <= caplog.text.count("could not be written") <= 10  # once for each full set, not for each batch
    assert writer.seen.check(ids(0, 4010)) == [False] * 4000 + [True] * 10
    writer.reopen()  # still without space
    assert writer.seen.check(ids(0, 4010)) == [False] * 4000 + [True] * 10
    (full_disk / "ballast").unlink()
    writer.accept(ids(4000, 400))
    writer.wait()
    assert writer.runs
    assert writer.seen.check(ids(0, 4410)) == [False] * 4400 + [True] * 10
    writer.seen.close()


def test_runs_of_an_older_form_are_made_anew(writer: Writer) -> None:
    """Digests alone, after a header with one checksum."""
    fill(writer)
    writer.seen.close()
    for path in writer.runs:
        content = bytearray(path.read_bytes())
        content[:8] = b"azseen2\n"
        path.write_bytes(content)
    writer.seen = writer.opened()
    assert writer.seen.check(ids(0, 101)) == [False] * 100 + [True]
    assert writer.seen.found == writer.truth
    writer.wait()
    assert all(path.read_bytes().startswith(b"azseen3\n") for path in writer.runs)


def test_a_digest_across_two_others_is_not_found(tmp_path: Path) -> None:
    first, second = b"12345677abcdefg7", b"22345677abcdefg7"
    across = first[8:] + second[:8]
    run = write_run(tmp_path, entries(words(first + second)), 1, 2)
    assert [run.find(digest) for digest in (first, second, across)] == [1, 2, 0]
    run.close()


def test_a_run_that_is_none(tmp_path: Path) -> None:
    run = write_run(tmp_path, entries(words(os.urandom(16_000))), 1, 1000)
    run.close()
    path = run.path
    with pytest.raises(DamagedRun):
        Run(path.rename(path.with_name(f"{1:016d}-{1001:016d}.run")))


@settings(max_examples=fuzz(20), deadline=None)
@given(seed=st.integers(0, 2**32), count=st.integers(1, 3000))
def test_a_filter_forgets_nothing(seed: int, count: int) -> None:
    filter_ = BloomFilter(16)  # for 4,096 digests
    chance = np.random.default_rng(seed)
    known, others = words(chance.bytes(16 * count)), words(chance.bytes(16 * 2000))
    filter_.add(known)
    assert filter_.perhaps(known).all()
    assert filter_.perhaps(others).mean() < 0.02
