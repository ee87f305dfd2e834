"""Which files a path stands for: a folder, a zip, one file, and what cannot be used."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import pytest

from armazem.contract import TABLES, table
from armazem.errors import SourceError
from armazem.sources.files import SourceFile, find_files

OLIST = [t.file for t in TABLES]


@pytest.fixture
def work(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


def folder_of(path: Path, names: list[str]) -> Path:
    path.mkdir(parents=True)
    for name in names:
        (path / name).write_text(name)
    return path


def zip_of(path: Path, names: list[str]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(name, name * 50)
    return path


def tables(files: list[SourceFile]) -> list[str]:
    return [file.table.name for file in files]


def test_a_folder_with_the_files_of_olist(tmp_path: Path, work: Path) -> None:
    files = find_files(folder_of(tmp_path / "in", OLIST), work)
    assert tables(files) == [t.name for t in TABLES]
    assert files[0] == SourceFile(table("orders"), tmp_path / "in" / OLIST[0], OLIST[0])


def test_names_of_tables_in_any_case(tmp_path: Path, work: Path) -> None:
    names = [f"{t.name}.CSV".upper() for t in TABLES]
    assert tables(find_files(folder_of(tmp_path / "in", names), work)) == [t.name for t in TABLES]


def test_missing_required_files_are_all_named(tmp_path: Path, work: Path) -> None:
    names = [name for name in OLIST if "orders" not in name and "sellers" not in name]
    folder = folder_of(tmp_path / "in", names)
    with pytest.raises(SourceError, match=r"olist_orders_dataset\.csv, olist_sellers_dataset\.csv") as raised:
        find_files(folder, work)
    assert "--partial" in raised.value.hint
    assert len(find_files(folder, work, partial=True)) == 7


def test_missing_optional_and_unknown_files_are_warnings(tmp_path: Path, work: Path) -> None:
    names = [t.file for t in TABLES if not t.optional]
    warnings: list[str] = []
    find_files(folder_of(tmp_path / "in", [*names, "notes.csv", "README.md"]), work, warn=warnings.append)
    assert len(warnings) == 1 + 3
    assert warnings[0] == "notes.csv is not a file of the contract: ignored"


def test_a_single_file(tmp_path: Path, work: Path) -> None:
    folder = folder_of(tmp_path / "in", ["Orders.csv", "other.csv"])
    assert tables(find_files(folder / "Orders.csv", work)) == ["orders"]
    with pytest.raises(SourceError, match=r"other\.csv is not the name of a source file") as raised:
        find_files(folder / "other.csv", work)
    assert "order_items.csv" in raised.value.hint


def test_two_files_for_one_table(tmp_path: Path, work: Path) -> None:
    with pytest.raises(SourceError, match="two files for orders"):
        find_files(folder_of(tmp_path / "in", [*OLIST, "orders.csv"]), work)


def test_nothing_there(tmp_path: Path, work: Path) -> None:
    with pytest.raises(SourceError, match="does not exist"):
        find_files(tmp_path / "gone", work)
    with pytest.raises(SourceError, match="holds no source file"):
        find_files(folder_of(tmp_path / "empty", []), work, partial=True)


def test_other_addresses_than_buckets_are_refused(work: Path) -> None:
    with pytest.raises(SourceError, match="is no place to load from"):
        find_files(Path("s3://bucket/olist"), work)


@pytest.mark.parametrize("prefix", ["", "archive/olist/", "../../", "/etc/", "..\\..\\", "C:\\data\\"])
def test_a_zip_stays_inside_the_work_folder(tmp_path: Path, work: Path, prefix: str) -> None:
    path = zip_of(tmp_path / "olist.zip", [prefix + name for name in OLIST])
    files = find_files(path, work)
    assert tables(files) == [t.name for t in TABLES]
    assert files[0].name.startswith("olist.zip!") and files[0].name.endswith(OLIST[0])
    assert files[0].path.read_text() == (prefix + OLIST[0]) * 50
    assert all(file.path.parent == work for file in files)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["olist.zip", "work"]


def test_a_zip_with_other_things_in_it(tmp_path: Path, work: Path) -> None:
    others = ["__MACOSX/._olist_orders_dataset.csv", "._notes.csv", "README.txt", "data/extra.csv"]
    warnings: list[str] = []
    files = find_files(zip_of(tmp_path / "olist.zip", [*OLIST, *others]), work, warn=warnings.append)
    assert len(files) == 9
    assert warnings == ["olist.zip!data/extra.csv is not a file of the contract: ignored"]


def test_damaged_zips(tmp_path: Path, work: Path) -> None:
    path = zip_of(tmp_path / "olist.zip", OLIST)
    whole = path.read_bytes()
    for damaged in (b"no zip", b"", whole[: len(whole) // 2], whole[:60] + b"\xff" * 20 + whole[80:]):
        path.write_bytes(damaged)
        with pytest.raises(SourceError, match="is damaged"):
            find_files(path, work)


def test_an_encrypted_zip(tmp_path: Path, work: Path) -> None:
    path = zip_of(tmp_path / "olist.zip", OLIST)
    data = bytearray(path.read_bytes())
    # The flag of encryption in the local and the central header of the first member.
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.find(signature) + offset] |= 1
    path.write_bytes(data)
    with pytest.raises(SourceError, match="is encrypted"):
        find_files(path, work)


def test_an_unreadable_folder(tmp_path: Path, work: Path) -> None:
    folder = folder_of(tmp_path / "in", OLIST)
    folder.chmod(0)
    try:
        if os.access(folder, os.R_OK):
            pytest.skip("this user may read everything")
        with pytest.raises(SourceError, match="permission denied"):
            find_files(folder, work)
    finally:
        folder.chmod(0o700)


@pytest.mark.parametrize(
    "name",
    [
        "orders_dataset.csv",
        "olist_orders.csv",
        "OLIST Orders Dataset.CSV",
        "orders-2018-08-29.csv",
        "orders_201808.tsv",
    ],
)
def test_well_known_other_names(tmp_path: Path, work: Path, name: str) -> None:
    assert tables(find_files(folder_of(tmp_path / "in", [name]), work, partial=True)) == ["orders"]
    assert tables(find_files(zip_of(tmp_path / "a.zip", [f"deep/{name}"]), work, partial=True)) == ["orders"]
    with pytest.raises(SourceError, match="two files for orders"):
        find_files(folder_of(tmp_path / "two", [name, "orders.csv"]), work, partial=True)


def test_names_that_say_too_little(tmp_path: Path, work: Path) -> None:
    for name in ("old_orders.csv", "orders_backup.csv", "orders_2018_99.csv", "orders2.csv", "orders.txt", "items.csv"):
        with pytest.raises(SourceError, match="holds no source file"):
            find_files(folder_of(tmp_path / name, [name]), work, partial=True)


def test_files_in_folders_below(tmp_path: Path, work: Path) -> None:
    folder_of(tmp_path / "in" / "archive" / "olist", OLIST)
    folder_of(tmp_path / "in" / ".git", ["orders.csv"])
    files = find_files(tmp_path / "in", work)
    assert tables(files) == [t.name for t in TABLES]
    assert files[0].name == f"archive/olist/{OLIST[0]}"
    folder_of(tmp_path / "in" / "archive" / "older", ["orders.csv"])
    with pytest.raises(SourceError, match=r"two files for orders: archive/ol.* and archive/ol"):
        find_files(tmp_path / "in", work)
    # A folder that has files of its own is not searched further.
    folder_of(tmp_path / "more", OLIST)
    folder_of(tmp_path / "more" / "older", ["orders.csv"])
    assert len(find_files(tmp_path / "more", work)) == 9
