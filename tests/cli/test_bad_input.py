"""Files that are not what they should be, through the real command: a clear message, and nothing half loaded."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from small_disk import small_disk
from warehouse.shop import Answer, armazem

from armazem.home import Home
from armazem.landing import read_ledger
from armazem.shop.history import generate

ORDERS = "olist_orders_dataset.csv"
PAYMENTS = "olist_order_payments_dataset.csv"
Change = Callable[[bytes], bytes]


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("input") / "good"
    generate(folder, orders=30, seed=8)
    return folder


@pytest.fixture
def data(good: Path, tmp_path: Path) -> Path:
    """A copy of the good files, to be spoilt."""
    folder = tmp_path / "data"
    folder.mkdir()
    for file in good.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    return folder


@pytest.fixture
def home(good: Path, tmp_path: Path) -> Home:
    """With one load in it, which has to stay as it is."""
    home = Home(tmp_path / "home")
    assert armazem("load", good, home=home.root).code == 0
    return home


def landed(home: Home) -> list[tuple[str, int]]:
    return sorted((str(path), path.stat().st_mtime_ns) for path in home.landing.rglob("*") if ".lock" not in path.name)


def spoil(data: Path, name: str, change: Change) -> None:
    (data / name).write_bytes(change((data / name).read_bytes()))


def line(number: int, change: Change) -> Change:
    """Changes one line only; the header is line 1."""

    def changed(content: bytes) -> bytes:
        lines = content.split(b"\n")
        lines[number - 1] = change(lines[number - 1])
        return b"\n".join(lines)

    return changed


def field(place: int, value: bytes) -> Change:
    return lambda text: b",".join([*text.split(b",")[:place], value, *text.split(b",")[place + 1 :]])


def assert_refused(answer: Answer, home: Home, before: list[tuple[str, int]], *words: str) -> None:
    assert answer.code == 1, answer
    assert len([text for text in answer.err.splitlines() if text.startswith("error: ")]) == 1, answer.err
    for word in words:
        assert word in answer.err
    assert landed(home) == before


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda b: b"", "is empty"),
        (lambda b: os.urandom(64) + b"\0" * 5000, "is not a CSV file"),
        (lambda b: b"PK\x03\x04" + b, "a zip or an Excel workbook"),
        (lambda b: b"<html><body>Not found</body></html>\n", "is not a CSV file of orders"),
        (lambda b: b.decode().encode("utf-16"), "UTF-16"),
        (lambda b: b.replace(b",", b";"), "--delimiter ';'"),
        (lambda b: b.replace(b"order_status", b"state", 1), "lacks the column order_status"),
        (lambda b: b.replace(b"2017-", b"17/").replace(b"2018-", b"18/").replace(b"2016-", b"16/"), "every row of"),
    ],
    ids=["empty", "binary", "excel", "html", "utf-16", "semicolons", "no-column", "other-dates"],
)
def test_a_file_that_cannot_be_used(home: Home, data: Path, change: Change, word: str) -> None:
    before = landed(home)
    spoil(data, ORDERS, change)
    assert_refused(armazem("load", data, home=home.root), home, before, ORDERS, word)


@pytest.mark.parametrize(
    ("name", "change", "code"),
    [
        (ORDERS, line(3, field(2, b"delivred")), "bad_value"),
        (ORDERS, line(3, field(3, b"24/11/2017 10:00")), "bad_timestamp"),
        (ORDERS, line(3, field(0, b"")), "missing_field"),
        (ORDERS, line(3, field(0, b"a\0b")), "nul_byte"),
        (ORDERS, line(3, field(0, b"x" * 10_000_000)), "too_large"),
        (ORDERS, lambda b: b.rstrip(b"\n")[: b.rstrip(b"\n").rindex(b"\n") + 50], "wrong_column_count"),
        (PAYMENTS, line(3, field(4, b'"12,50"')), "wrong_type"),
        (PAYMENTS, line(3, field(4, b"-1.00")), "negative_amount"),
    ],
    ids=["status", "date", "no-id", "nul", "10-mb", "cut-off", "decimal-comma", "negative"],
)
def test_one_bad_row(home: Home, data: Path, name: str, change: Change, code: str) -> None:
    before = landed(home)
    spoil(data, name, change)
    strict = armazem("load", data, "--strict", home=home.root)
    assert_refused(strict, home, before, "1 rows were rejected", name)

    loaded = armazem("load", data, home=home.root)
    assert loaded.code == 0
    assert "1 rejected" in loaded.err
    row = next(row for row in read_ledger(home) if row.rows_rejected)
    assert (row.path, row.rows_accepted + 1) == (name, row.rows_read)
    [kept] = (home.rejects / row.load_id).glob("*.jsonl")
    assert f'"code": "{code}"' in kept.read_text(encoding="utf-8")
    assert str(kept.parent) in loaded.err


def test_keys_that_come_twice_are_no_rejects(home: Home, data: Path) -> None:
    spoil(data, ORDERS, lambda content: content + content.split(b"\n")[1] + b"\n")
    loaded = armazem("load", data, "--strict", home=home.root)
    assert (loaded.code, " 0 rejected" in loaded.err) == (0, True)


def test_only_a_header(home: Home, data: Path) -> None:
    spoil(data, ORDERS, lambda content: content.split(b"\n")[0] + b"\n")
    loaded = armazem("load", data, home=home.root)
    assert (loaded.code, f"{ORDERS} has a header and no rows" in loaded.err) == (0, True)


def test_a_required_file_is_missing(home: Home, data: Path) -> None:
    before = landed(home)
    (data / ORDERS).unlink()
    assert_refused(armazem("load", data, home=home.root), home, before, ORDERS, "--partial")
    assert_refused(armazem("load", data / "nowhere", home=home.root), home, before, "does not exist")
    (data / "empty").mkdir()
    assert_refused(armazem("load", data / "empty", home=home.root), home, before, "holds no source file")


def test_warnings_are_shown_although_the_load_fails(home: Home, data: Path) -> None:
    before = landed(home)
    (data / ORDERS).rename(data / "my_orders.csv")
    refused = armazem("load", data, home=home.root)
    assert_refused(refused, home, before, ORDERS, "--partial", "warning: my_orders.csv is not a file of the contract")
    (data / "my_orders.csv").rename(data / ORDERS)
    spoil(data, PAYMENTS, lambda content: content.replace(b"payment_value", b"payment_value,colour", 1) + b",x")
    spoil(data, PAYMENTS, line(2, lambda text: text + b",red"))
    strict = armazem("load", data, "--strict", home=home.root)
    assert_refused(strict, home, before, "rows were rejected", "warning: ", "column colour is not in the contract")
    loaded = armazem("load", data, home=home.root)
    assert (loaded.code, "most of them as wrong_column_count" in loaded.err, f" of {PAYMENTS})" in loaded.err) == (
        0,
        True,
        True,
    )


def test_other_delimiters(home: Home, data: Path) -> None:
    spoil(data, ORDERS, lambda content: content.replace(b",", b";"))
    loaded = armazem("load", data / ORDERS, "--delimiter", ";", home=home.root)
    assert (loaded.code, "loaded 30 rows" in loaded.err) == (0, True)


AS_NOBODY = """
import os, sys
from armazem import console
from armazem.disk import causes
from armazem.cli.group import all_commands, main
all_commands()  # imported now: root may read the interpreter's own files, nobody perhaps not
if os.getuid() == 0:
    os.setuid(65534)
main(sys.argv[1:])
"""


def as_nobody(*arguments: object) -> Answer:
    """Run the command as somebody to whom permissions apply."""
    command = [sys.executable, "-c", AS_NOBODY, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return Answer(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def open_to_all() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o777)
        yield Path(place)


def test_what_may_not_be_read(data: Path, open_to_all: Path) -> None:
    closed, home = open_to_all / "closed", Home(open_to_all / "home")
    shutil.copytree(data, closed)
    (closed / ORDERS).chmod(0)
    file = as_nobody("--home", home.root, "load", closed)
    closed.chmod(0)
    folder = as_nobody("--home", home.root, "load", closed)
    closed.chmod(0o700)
    assert_refused(file, home, landed(home), f"{ORDERS} cannot be read", "ermission")
    assert_refused(folder, home, landed(home), str(closed), "ermission denied")
    assert list(home.loads.iterdir()) == []


def test_the_disk_is_full(tmp_path: Path) -> None:
    generate(tmp_path / "large", orders=3000, seed=9)
    with small_disk(tmp_path / "disk", "256k") as disk:
        home = Home(disk / "home").open()
        before = landed(home)
        refused = armazem("load", tmp_path / "large", home=home.root)
        assert_refused(refused, home, before, "no space left", "nothing was loaded")
        assert list(home.loads.iterdir()) == []
        full = armazem("generate", disk / "generated", "--orders", "3000")
        assert (full.code, "No space left" in full.err) == (1, True)
