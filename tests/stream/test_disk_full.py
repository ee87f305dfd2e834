"""A disk that is full in the middle: nobody is acknowledged for nothing, and it goes on when there is space again."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from small_disk import fill, mounted, remount, small_disk

from armazem.config import Settings
from armazem.errors import ArmazemError
from armazem.home import Home
from armazem.intake.ingest import DiskFull, Ingest, JournalError
from armazem.journal.errors import JournalBroken

from .shop_events import assert_conserved, event_ids, ledger, letters, messages, seqs


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path / "disk", "1m") as disk:
        yield disk


@pytest.mark.parametrize("left", [0, 4096, 12_288])
def test_nothing_is_acknowledged_while_the_disk_is_full(disk: Path, left: int) -> None:
    home = Home(disk / "home").open()
    settings = Settings(home=home.root)
    acknowledged: list[int] = []
    refused: list[int] = []
    with Ingest(home, settings) as writer:
        for start in range(0, 50, 10):
            assert writer.submit(messages(start, 10), "http").result().accepted == 10
            acknowledged += range(start, start + 10)
        ballast = fill(disk, left)
        for start in range(50, 250, 10):
            try:
                writer.submit([*messages(start, 10), b"bad %d" % start], "http").result()
                acknowledged += range(start, start + 10)
            except DiskFull as error:
                assert "free some space" in error.hint
                refused += range(start, start + 10)
        assert len(refused) >= 170
        assert writer.failed is None and "no space left" in writer.stats()["last_error"]
        whole = set(event_ids(home))
        assert {f"event-{n}" for n in acknowledged} <= whole
        ballast.unlink()
        again = [writer.submit(messages(start, 10), "http").result() for start in range(50, 250, 10)]
        assert all(outcome.accepted + outcome.duplicates == 10 for outcome in again)
        assert writer.stats()["last_error"] is None
    assert sorted(event_ids(home)) == sorted(f"event-{n}" for n in range(250))
    assert seqs(home) == sorted(set(seqs(home)))
    assert_conserved(home)
    with Ingest(home, settings) as writer:
        assert writer.recovered == 0
        assert writer.submit(messages(0, 250), "http").result().duplicates == 250


def test_commits_that_wait_while_the_disk_becomes_full(disk: Path) -> None:
    """The write of one fails while the next is encoded, which counts its numbers on from it."""
    home = Home(disk / "home").open()
    ballast = fill(disk, 700_000)  # for about a thousand events
    with Ingest(home, Settings(home=home.root)) as writer:
        for _ in range(2):
            futures = [writer.submit(messages(start, 100), "http") for start in range(0, 12_000, 100)]
            failures = [future.exception() for future in futures]
            assert all(failure is None or isinstance(failure, DiskFull) for failure in failures)
            assert any(failures)
            ids = set(event_ids(home))
            for number, failure in enumerate(failures):
                assert failure or ids >= {f"event-{n}" for n in range(100 * number, 100 * number + 100)}
        ballast.unlink()
        assert writer.submit(messages(0, 50), "http").result() is not None
        assert writer.stats()["last_error"] is None
    numbers = seqs(home)
    assert numbers == sorted(set(numbers)) and len(set(event_ids(home))) == len(numbers)
    assert_conserved(home)


def test_the_numbers_of_a_failed_write_are_gone_after_a_restart_too(disk: Path) -> None:
    """Somebody may have read its lines before they were taken back."""
    home = Home(disk / "home").open()
    with Ingest(home, Settings(home=home.root)) as writer:
        writer.submit(messages(0, 10), "http").result()
        ballast = fill(disk, 16_384)
        with pytest.raises(DiskFull):
            writer.submit(messages(10, 300), "http").result()
        assert writer.stats()["last_commit_events"] == 0
    ballast.unlink()
    with Ingest(home, Settings(home=home.root)) as writer:
        assert writer.submit(messages(310, 5), "http").result().accepted == 5
    assert seqs(home) == [*range(1, 11), *range(311, 316)]
    assert_conserved(home)


def test_dead_letters_without_space(disk: Path) -> None:
    """The bad messages are large, the good ones small: the journal has room where the dead letters have none."""
    home = Home(disk / "home").open()
    with Ingest(home, Settings(home=home.root)) as writer:
        writer.submit(messages(0, 2), "http").result()
        ballast = fill(disk, 16_384)
        with pytest.raises(DiskFull, match="dead-letters"):
            writer.submit([*messages(2, 2), b"x" * 50_000], "http").result()
        assert letters(home) == [] and len(event_ids(home)) == 4
        assert ledger(home) == {"http": (4, 4, 0, 0)}
        ballast.unlink()
        outcome = writer.submit([*messages(2, 2), b"x" * 50_000], "http").result()
        assert (outcome.accepted, outcome.duplicates, len(outcome.rejected)) == (0, 2, 1)
    assert len(letters(home)) == 1
    assert_conserved(home)


def test_a_start_on_a_full_disk(disk: Path) -> None:
    """Either it starts and refuses until there is space, or it says what to do; nothing is damaged."""
    home = Home(disk / "home").open()
    settings = Settings(home=home.root)
    with Ingest(home, settings) as writer:
        writer.submit(messages(0, 10), "http").result()
    ballast = fill(disk)
    try:
        with Ingest(home, settings) as writer, pytest.raises(DiskFull):
            writer.submit(messages(10, 10), "http").result()
    except ArmazemError as error:
        assert "space" in f"{error} {error.hint}"
    ballast.unlink()
    with Ingest(home, settings) as writer:
        outcome = writer.submit(messages(0, 20), "http").result()
        assert (outcome.accepted, outcome.duplicates) == (10, 10)
    assert_conserved(home)


def test_a_disk_that_fails(tmp_path: Path) -> None:
    """It takes the bytes and cannot keep them: a file system on a file that has no room to grow to its size.

    What was acknowledged is on it when it is mounted anew, with room: the memory of the kernel proves nothing.
    """
    make_file_system = shutil.which("mkfs.ext4", path=f"{os.defpath}:/usr/sbin:/sbin")
    if make_file_system is None:
        pytest.skip("mkfs.ext4 is not installed")
    below, disk = tmp_path / "below", tmp_path / "disk"
    image = below / "image"
    with small_disk(below, "8m"):
        with image.open("wb") as file:
            file.truncate(64 << 20)
        subprocess.run([make_file_system, "-q", image], check=True)
        with mounted(disk, "-o", "loop", image):
            acknowledged = write_until_it_fails(disk / "home")
        assert acknowledged
        remount(below, "size=80m")
        with mounted(disk, "-o", "loop", image):
            home = Home(disk / "home").open()
            with Ingest(home, Settings(home=home.root)) as writer:
                whole = event_ids(home)
                assert set(acknowledged) <= set(whole) and len(set(whole)) == len(whole)
                outcome = writer.submit(messages(0, len(acknowledged) + 500), "http").result()
                assert outcome.accepted == len(acknowledged) + 500 - len(whole)
            assert_conserved(home)


def write_until_it_fails(folder: Path) -> list[str]:
    """The ids of the events that were acknowledged."""
    home = Home(folder).open()
    acknowledged: list[str] = []
    with Ingest(home, Settings(home=home.root)) as writer:
        for start in range(0, 50_000, 500):
            try:
                writer.submit(messages(start, 500), "http").result()
            except JournalError as error:
                assert not isinstance(error, DiskFull)
                # Where the lines could not be taken back either, nothing more is written: what is there nobody knows.
                assert writer.failed is None or isinstance(writer.failed, JournalBroken)
                return acknowledged
            acknowledged += [f"event-{n}" for n in range(start, start + 500)]
    pytest.fail("the disk never failed")
