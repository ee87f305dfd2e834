"""A folder and a bucket as inbox: what is copied is what was listed, or nothing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from landing.bucket import Buckets

from armazem.errors import SourceError
from armazem.sources.archives import ARCHIVES
from armazem.unattended.drops import drops
from armazem.unattended.inbox import ChangedMeanwhile, FolderInbox, inbox_of


def never() -> bool:
    return False


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "in" / "day1").mkdir(parents=True)
    (tmp_path / "in" / "day1" / "orders.csv").write_text("a\n")
    (tmp_path / "in" / "day1" / "sellers.csv").write_text("b\n")
    return tmp_path / "in"


def test_a_copy_of_what_was_listed(folder: Path, tmp_path: Path) -> None:
    inbox = inbox_of(str(folder), folder.parent / "home")
    [drop] = drops(inbox.items(), {}, ARCHIVES)
    (work := tmp_path / "work").mkdir()
    assert inbox.copy(drop, work, never) == work
    assert {path.name: path.read_text() for path in work.iterdir()} == {"orders.csv": "a\n", "sellers.csv": "b\n"}
    assert sorted(path.name for path in (folder / "day1").iterdir()) == ["orders.csv", "sellers.csv"]


def test_an_archive_is_given_as_a_file(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "day1.zip").write_bytes(b"PK")
    inbox = FolderInbox(tmp_path / "in")
    [drop] = drops(inbox.items(), {}, ARCHIVES)
    (work := tmp_path / "work").mkdir()
    assert inbox.copy(drop, work, never) == work / "day1.zip"


def written_again(path: Path) -> None:
    path.write_text("c\n")


def put_in_its_place(path: Path) -> None:
    """Of the same length and time: only its number tells."""
    status = path.stat()
    other = path.with_name("other")
    other.write_text("z\n")
    os.utime(other, ns=(status.st_atime_ns, status.st_mtime_ns))
    other.replace(path)


@pytest.mark.parametrize("change", [written_again, put_in_its_place, Path.unlink])
def test_a_file_that_is_replaced_while_it_is_read(folder: Path, tmp_path: Path, change: object) -> None:
    inbox = FolderInbox(folder)
    [drop] = drops(inbox.items(), {}, ARCHIVES)
    assert callable(change)
    change(folder / "day1" / "sellers.csv")
    (work := tmp_path / "work").mkdir()
    with pytest.raises(ChangedMeanwhile):
        inbox.copy(drop, work, never)


def test_a_file_that_comes_again_is_new(folder: Path) -> None:
    inbox = FolderInbox(folder)
    handled = {item.path: item.version for item in inbox.items()}
    assert drops(inbox.items(), handled, ARCHIVES) == []
    os.utime(folder / "day1" / "orders.csv", (0, 0))
    [drop] = drops(inbox.items(), handled, ARCHIVES)
    assert [item.path for item in drop.items] == ["day1/orders.csv"]


def test_a_bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for path in ("shop/in/day1/orders.csv", "shop/in/day1/sellers.csv", "shop/in/day2.zip", "shop/other/orders.csv"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(path)
    with Buckets(tmp_path) as buckets:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", buckets.url)
        inbox = inbox_of("gs://shop/in", tmp_path)
        found = drops(inbox.items(), {}, ARCHIVES)
        assert {drop.place: len(drop.items) for drop in found} == {"day1": 2, "day2.zip": 1}
        folder, archive = sorted(found, key=lambda drop: drop.place)
        (work := tmp_path / "work").mkdir()
        assert inbox.copy(folder, work, never) == work
        assert {path.name: path.read_text() for path in work.iterdir()} == {
            name: f"shop/in/day1/{name}" for name in ("orders.csv", "sellers.csv")
        }
        # The object was replaced after it was listed: another generation is another file.
        (tmp_path / "shop" / "in" / "day2.zip").write_text("another")
        with pytest.raises(ChangedMeanwhile):
            inbox.copy(archive, work, never)
        with pytest.raises(SourceError, match="does not exist"):
            inbox_of("gs://nowhere/in", tmp_path).items()


def test_no_such_folder(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="there is no folder"):
        inbox_of(str(tmp_path / "none"), tmp_path / "home")


@pytest.mark.parametrize(("inbox", "home"), [("a", "a/home"), ("a", "a"), ("a/home/in", "a/home")])
def test_an_inbox_and_a_home_in_each_other(tmp_path: Path, inbox: str, home: str) -> None:
    (tmp_path / inbox).mkdir(parents=True, exist_ok=True)
    (tmp_path / home).mkdir(parents=True, exist_ok=True)
    with pytest.raises(SourceError, match="lie in each other"):
        inbox_of(str(tmp_path / inbox), tmp_path / home)


def test_links_that_lead_out_and_pipes_are_no_files(folder: Path, tmp_path: Path) -> None:
    (secret := tmp_path / "orders.csv").write_text("secret")
    (folder / "orders.csv").symlink_to(secret)
    (folder / "customers.csv").symlink_to("/dev/zero")
    os.mkfifo(folder / "products.csv")
    (folder / "sellers.csv").symlink_to(folder / "day1" / "sellers.csv")
    assert {item.path for item in FolderInbox(folder).items()} == {"day1/orders.csv", "day1/sellers.csv", "sellers.csv"}


def test_a_copy_is_left_off_where_the_server_stops(folder: Path, tmp_path: Path) -> None:
    inbox = FolderInbox(folder)
    [drop] = drops(inbox.items(), {}, ARCHIVES)
    (work := tmp_path / "work").mkdir()
    with pytest.raises(ChangedMeanwhile):
        inbox.copy(drop, work, lambda: True)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_may_not_be_read(folder: Path) -> None:
    """It is told, and the others are looked at; where that is the inbox itself, there is nothing to look at."""
    (folder / "secret").mkdir(mode=0)
    inbox = FolderInbox(folder)
    assert {item.folder for item in inbox.items()} == {"day1"}
    assert inbox.unreadable == [str(folder / "secret")]
    folder.chmod(0)
    with pytest.raises(SourceError, match="cannot be read"):
        inbox.items()
    folder.chmod(0o700)
