"""`armazem ingest`: files in every form, every code of the contract, and what the user is told."""

from __future__ import annotations

import gzip
import io
import json
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from warehouse.shop import Answer, armazem

from armazem.cli import main
from armazem.contract import RejectCode
from armazem.home import Home
from armazem.intake.ingest import Ingest
from armazem.journal.files import KEPT_BYTES, open_batches

from .shop_events import assert_conserved, event_ids, ledger, letters, message, messages, order


def changed(path: str, value: Any) -> bytes:
    """An order with one value changed, or taken out where it is `...`."""
    event: Any = order(1)
    place = event
    *parents, last = [int(part) if part.isdigit() else part for part in path.split("/")]
    for parent in parents:
        place = place[parent]
    if value is ...:
        del place[last]
    else:
        place[last] = value
    return json.dumps(event).encode()


ITEM = order(1)["data"]["order_items"][0]
REFUSED = {
    "not_utf8": (b'{"event_id":"\xff"}', "$"),
    "not_json": (message(1)[:-20], "$"),
    "too_large": (message(1, padding="x" * 2**20), "$"),
    "unknown_event_type": (message(1, event_type="order_lost"), "$.event_type"),
    "missing_field": (changed("data/orders/customer_id", ...), "$.data.orders.customer_id"),
    "wrong_type": (changed("data/order_items/0/order_item_id", "first"), "$.data.order_items[0].order_item_id"),
    "bad_identifier": (changed("data/order_items/0/seller_id", "a b"), "$.data.order_items[0].seller_id"),
    "bad_timestamp": (message(1, timestamp="2018-08-29 14:03"), "$.timestamp"),
    "future_timestamp": (message(1, timestamp="2999-01-01T00:00:00Z"), "$.timestamp"),
    "negative_amount": (changed("data/order_items/0/price", -0.01), "$.data.order_items[0].price"),
    "bad_value": (changed("data/orders/order_status", "lost"), "$.data.orders.order_status"),
    "inconsistent": (changed("data/order_items", [ITEM, ITEM]), "$.data.order_items[1].order_item_id"),
}
OF_CSV = {"wrong_column_count", "unterminated_quote", "bad_quote", "nul_byte"}


def test_every_code_of_an_event_is_tried() -> None:
    of_two = {"conflicting_event_id"}  # see test_conflicts.py
    assert set(REFUSED) | OF_CSV | of_two == {code.value for code in RejectCode}


@pytest.mark.parametrize("code", REFUSED)
def test_every_code_is_kept_with_its_path_and_its_bytes(home: Home, tmp_path: Path, code: str) -> None:
    bad, path = REFUSED[code]
    file = tmp_path / "events.jsonl"
    file.write_bytes(b"\n".join([message(2), bad, message(3)]))
    done = run(home, "ingest", file)
    assert (done.code, "done: 2 accepted, 0 duplicates, 1 refused" in done.err) == (0, True), done
    assert f"{code}: 1, such as {path}: " in done.err and "armazem dead-letters list" in done.err
    assert event_ids(home) == ["event-2", "event-3"]
    (row,) = json.loads(run(home, "dead-letters", "list", "--format", "json").out)
    assert (row["id"], row["source"], row["code"], row["path"]) == ("1", "ingest", code, path)
    assert raw(home, "1") == bad
    assert code in run(home, "dead-letters", "show", "1").out
    assert run(home, "ingest", file, "--strict").code == 1
    assert ledger(home) == {"ingest": (6, 2, 2, 2)}


def run(home: Home, *arguments: object) -> Answer:
    return armazem(*arguments, home=home.root)


def raw(home: Home, letter_id: str) -> bytes:
    shown = CliRunner().invoke(main, ["--home", str(home.root), "dead-letters", "show", letter_id, "--raw"])
    assert shown.exit_code == 0
    return shown.stdout_bytes


def zipped(name: str, content: bytes) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as out:
        out.writestr(name, content)
    return archive.getvalue()


PRETTY = json.dumps(order(1), indent=2).encode()
TWO = message(1) + b"\n" + message(2)

FORMS: dict[str, tuple[bytes, int]] = {
    "lines": (TWO + b"\n", 2),
    "no line break at the end": (TWO, 2),
    "blank lines": (b"\n \n" + TWO.replace(b"\n", b"\n\n\t\n") + b"\n\n", 2),
    "line breaks of Windows": (TWO.replace(b"\n", b"\r\n"), 2),
    "a byte order mark": (b"\xef\xbb\xbf" + TWO, 2),
    "one object over several lines": (PRETTY, 1),
    "the same with blank lines around": (b"\n\n" + PRETTY + b"\n\n", 1),
    "one line": (message(1), 1),
    "an array": (b"[" + TWO.replace(b"\n", b",") + b"]", 2),
    "an array over several lines": (json.dumps([order(1), order(2)], indent=2).encode() + b"\n", 2),
    "an array with a byte order mark": (b"\xef\xbb\xbf [\n" + TWO.replace(b"\n", b",\n") + b"\n]", 2),
    "arrays one after another": (b"[" + message(1) + b"]\n[" + message(2) + b"]\n\n[]", 2),
    "an array and lines": (b"[" + message(1) + b"]\n" + message(2), 2),
    "an array that is not closed": (b"[" + TWO.replace(b"\n", b","), 2),
    "an empty array": (b"[]", 0),
    "nothing": (b"", 0),
    "blank lines only": (b"\n\n \n", 0),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("packed", [False, True])
def test_files_in_every_form(home: Home, tmp_path: Path, form: str, packed: bool) -> None:
    content, expected = FORMS[form]
    file = tmp_path / ("events.jsonl.gz" if packed else "events.jsonl")
    file.write_bytes(gzip.compress(content) if packed else content)
    done = run(home, "ingest", file, "--strict")
    assert (done.code, done.out) == (0, "")
    assert f"done: {expected} accepted, 0 duplicates, 0 refused" in done.err
    assert len(event_ids(home)) == expected


def test_standard_input(home: Home) -> None:
    arguments = ["--home", str(home.root), "ingest", "-"]
    done = CliRunner().invoke(main, arguments, input=TWO)
    assert (done.exit_code, event_ids(home)) == (0, ["event-1", "event-2"])


def test_a_gzip_file_is_told_by_its_content(home: Home, tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    file.write_bytes(gzip.compress(TWO))
    assert run(home, "ingest", file, "--strict").code == 0
    packed = gzip.compress(b"[" + message(3) + b"]")
    assert CliRunner().invoke(main, ["--home", str(home.root), "ingest", "-"], input=packed).exit_code == 0
    assert event_ids(home) == ["event-1", "event-2", "event-3"]


def test_a_bad_element_of_an_array_is_a_dead_letter_by_itself(home: Home, tmp_path: Path) -> None:
    bad = [b'{"event_id": "x",\n "price": NaN}', b"7", b'"a, [b"', b"[1, 2]", message(9)[:-1] + b', "a": "\\ud800"}']
    file = tmp_path / "events.json"
    file.write_bytes(b"[" + message(1) + b",\n" + b",\n".join(bad) + b",\n" + message(2) + b"\n]\n")
    done = run(home, "ingest", file)
    assert (done.code, "2 accepted, 0 duplicates, 5 refused" in done.err) == (0, True), done
    assert event_ids(home) == ["event-1", "event-2"]
    assert [letter.content for letter in letters(home)] == bad


def test_a_large_array_is_read_in_pieces(home: Home, tmp_path: Path) -> None:
    file = tmp_path / "events.json"
    file.write_bytes(b"[" + b", ".join(messages(0, 3_000)) + b"]")
    with open_batches(str(file)) as batches:
        found = [*batches]
    assert len(found) > 2
    assert [one for batch in found for one in batch] == messages(0, 3_000)


CSV = b"order_id,customer_id,order_status\no1,c1,created\n"
OTHERS: dict[str, tuple[bytes, str, str]] = {
    "zip": (zipped("events.jsonl", TWO), "a zip file", "unzip -p"),
    "xlsx": (zipped("[Content_Types].xml", b"<Types/>"), "an Excel workbook", "save it as CSV"),
    "xls": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 500, "an Excel workbook", "save it as CSV"),
    "csv": (CSV, "a CSV file", "armazem load"),
    "csv of Excel": (b"\xef\xbb\xbf" + CSV.replace(b",", b";"), "a CSV file", "armazem load"),
    "quoted csv": (b'"order id","total"\r\n"1","2"\r\n', "a CSV file", "armazem load"),
    "tsv": (CSV.replace(b",", b"\t"), "a CSV file", "armazem load"),
    "utf-16": (TWO.decode().encode("utf-16"), "text in UTF-16", "iconv -f UTF-16"),
    "utf-16 without a mark": (TWO.decode().encode("utf-16-le"), "text in UTF-16", "iconv -f UTF-16"),
    "utf-16 the other way": (TWO.decode().encode("utf-16-be"), "text in UTF-16", "iconv -f UTF-16"),
    "parquet": (b"PAR1\x15\x04\x15" + b"\0" * 100, "a Parquet file", "armazem load"),
    "sqlite": (b"SQLite format 3\0" + b"\0" * 100, "an SQLite database", "JSON lines"),
    "html": (b"<!DOCTYPE html>\n<html>", "a page of HTML", "a server"),
    "gzip twice": (gzip.compress(gzip.compress(TWO)), "a gzip file within a gzip file", "zcat"),
    "a csv in gzip": (gzip.compress(CSV), "a CSV file", "armazem load"),
}


@pytest.mark.parametrize("kind", OTHERS)
def test_files_of_other_kinds_are_refused_before_anything_is_written(tmp_path: Path, kind: str) -> None:
    content, what, hint = OTHERS[kind]
    file = tmp_path / "events.jsonl"
    file.write_bytes(content)
    done = armazem("ingest", file, home=tmp_path / "home")
    assert done.code == 1
    assert f"events.jsonl is {what}" in " ".join(done.err.split())
    assert hint in done.err
    assert len(done.err.splitlines()) == 2
    assert not (tmp_path / "home").exists()
    piped = CliRunner().invoke(main, ["--home", str(tmp_path / "home"), "ingest", "-"], input=content)
    assert (piped.exit_code, f"standard input is {what}" in " ".join(piped.stderr.split())) == (1, True)


@pytest.mark.parametrize(
    "first", [b"order_id,customer_id", b"bad line, but one", b"\xff\xfe", b"[bad", b"<bad>", b"\0"]
)
def test_a_bad_first_line_does_not_stop_the_others(home: Home, tmp_path: Path, first: bytes) -> None:
    file = tmp_path / "events.jsonl"
    file.write_bytes(first + b"\n" + TWO)
    done = run(home, "ingest", file)
    assert (done.code, "2 accepted, 0 duplicates, 1 refused" in done.err) == (0, True), done
    assert [letter.content for letter in letters(home)] == [first]


def test_where_every_line_is_refused_the_exit_code_says_so(home: Home, tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    file.write_bytes(b"one\ntwo\n")
    done = run(home, "ingest", file)
    assert (done.code, "0 accepted, 0 duplicates, 2 refused" in done.err) == (1, True)
    file.write_bytes(b"one\n" + message(1))
    assert run(home, "ingest", file).code == 0
    assert run(home, "ingest", file).code == 0  # a duplicate is no failure
    assert len(letters(home)) == 4


def test_a_file_with_several_objects_is_lines(home: Home, tmp_path: Path) -> None:
    """Two objects over several lines each: nobody can say where one ends, so the lines are refused, and kept."""
    file = tmp_path / "events.json"
    file.write_bytes(PRETTY + b"\n" + PRETTY)
    assert run(home, "ingest", file).code == 1
    assert event_ids(home) == []
    kept = b"\n".join(letter.content for letter in letters(home))
    assert kept == PRETTY + b"\n" + PRETTY


@pytest.mark.parametrize("more", [0, 5_000_000])
def test_a_line_too_long_for_memory(home: Home, tmp_path: Path, more: int) -> None:
    long = b'{"x":"' + b"x" * (KEPT_BYTES - 6) + b"y" * more
    file = tmp_path / "events.jsonl"
    file.write_bytes(b"\n".join([message(1), long, message(2)]))
    done = run(home, "ingest", file)
    assert "2 accepted, 0 duplicates, 1 refused" in done.err
    (letter,) = letters(home)
    assert (letter.code, letter.content == long[:KEPT_BYTES]) == ("too_large", True)


def test_memory_stays_bounded_by_a_line_without_end(home: Home, tmp_path: Path) -> None:
    file = tmp_path / "zeros.jsonl"
    with file.open("wb") as out:
        out.truncate(2**28)
    script = (
        "import re, sys\n"
        "from pathlib import Path\n"
        "from armazem.journal.files import open_batches\n"
        "with open_batches(sys.argv[1]) as batches:\n"
        "    kept = sum(len(message) for batch in batches for message in batch)\n"
        "print(kept, re.search(r'VmHWM:\\s+(\\d+)', Path('/proc/self/status').read_text())[1])"
    )
    done = subprocess.run([sys.executable, "-c", script, file], capture_output=True, text=True, check=True)
    kept, peak = map(int, done.stdout.split())
    assert kept == KEPT_BYTES and peak < 100 * 1024


def test_a_gzip_file_cut_in_the_middle(home: Home, tmp_path: Path) -> None:
    lines = b"\n".join(messages(0, 8_000))
    file = tmp_path / "events.jsonl.gz"
    whole = gzip.compress(lines, 1)
    file.write_bytes(whole[: len(whole) * 2 // 3])
    done = run(home, "ingest", file)
    assert (done.code, "is no whole gzip file" in done.err) == (1, True)
    assert "acknowledged before the error" in done.err
    kept = len(event_ids(home))
    assert 2_000 < kept < 8_000
    file.write_bytes(whole)
    assert f"{8_000 - kept:,} accepted, {kept:,} duplicates, 0 refused" in run(home, "ingest", file).err
    (tmp_path / "text.gz").write_bytes(TWO)
    assert "is no whole gzip file" in run(home, "ingest", tmp_path / "text.gz").err


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda folder: folder / "nowhere.jsonl", "nowhere.jsonl does not exist"),
        (lambda folder: folder, "Is a directory"),
    ],
)
def test_what_is_no_file(home: Home, tmp_path: Path, make: Callable[[Path], Path], said: str) -> None:
    done = run(home, "ingest", make(tmp_path))
    assert (done.code, said in done.err) == (1, True), done.err


def test_a_file_that_does_not_exist_makes_no_home(tmp_path: Path) -> None:
    assert armazem("ingest", tmp_path / "nowhere", home=tmp_path / "home").code == 1
    assert not (tmp_path / "home").exists()


def test_while_somebody_else_writes(home: Home, settings: Any, tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    file.write_bytes(TWO)
    with Ingest(home, settings):
        done = run(home, "ingest", file)
        assert (done.code, f"is written by process {os.getpid()}" in done.err) == (1, True)
        assert "--to URL" in done.err
        # Reading waits for nobody.
        assert run(home, "dead-letters", "list").code == 0


AS_NOBODY = """
import os, sys
import armazem.disk.causes, armazem.console, armazem.journal.files, armazem.intake.ingest, armazem.intake.sending
from armazem.cli.group import all_commands, main
all_commands()  # imported now: root may read the interpreter's own files, nobody perhaps not
if os.getuid() == 0:
    os.setuid(65534)
main(sys.argv[1:])
"""


@pytest.mark.parametrize("closed", ["journal", "dead-letters", "."])
def test_a_folder_that_cannot_be_written(closed: str) -> None:
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o777)
        home = Home(Path(place) / "home").open()
        for folder in (home.root, *home.root.iterdir()):
            folder.chmod(0o755 if folder.name == closed or closed == "." else 0o777)
        file = Path(place) / "events.jsonl"
        file.write_bytes(TWO + b"\nbad")
        command = [sys.executable, "-c", AS_NOBODY, "--home", str(home.root), "ingest", str(file)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if os.getuid() != 0:
            pytest.skip("only root can close a folder to somebody else")
        assert (done.returncode, "Traceback" in done.stderr) == (1, False), done.stderr
        assert "ermission" in done.stderr
        assert letters(home) == []


def test_a_large_file(home: Home, tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    file.write_bytes(b"\n".join([*messages(0, 12_000), *messages(6_000, 1_000), *[b"bad"] * 30]))
    done = run(home, "ingest", file)
    assert "12,000 accepted, 1,000 duplicates, 30 refused" in done.err and "not_json: 30, such as $: " in done.err
    assert_conserved(home)


def test_help_has_examples() -> None:
    for command in (("ingest",), ("dead-letters",), *(("dead-letters", name) for name in ("list", "show", "replay"))):
        shown = armazem(*command, "--help")
        assert (shown.code, "Example" in shown.out) == (0, True)


def test_stdin_is_read_as_it_comes(home: Home) -> None:
    """No line is held back until the pipe ends."""
    reading, writing = os.pipe()
    before = sys.stdin
    try:
        sys.stdin = io.TextIOWrapper(os.fdopen(reading, "rb"))
        os.write(writing, b"a line, and not a good one\n")
        with open_batches("-") as found:
            assert next(found) == [b"a line, and not a good one"]
            os.write(writing, message(1) + b"\n" + message(2) + b"\n")
            assert next(found) == messages(1, 2)
    finally:
        os.close(writing)
        sys.stdin.close()
        sys.stdin = before
