"""What one pass over the bytes finds, wherever the chunks are cut."""

from __future__ import annotations

import codecs
import hashlib
import threading
from pathlib import Path

import pytest

from armazem.errors import SourceError
from armazem.landing import prescan
from armazem.landing.prescan import Cancelled, Scan, scan_file


@pytest.fixture(params=[1, 2, 5, 2 << 20])
def chunk(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(prescan, "CHUNK", request.param)
    return int(request.param)


def scan(tmp_path: Path, data: bytes) -> Scan:
    path = tmp_path / "f.csv"
    path.write_bytes(data)
    return scan_file(path, "f.csv")


@pytest.mark.usefixtures("chunk")
def test_hash_size_and_lines(tmp_path: Path) -> None:
    data = b"a,b\r\n1,2\n3,4"
    found = scan(tmp_path, data)
    assert (found.sha256, found.size, found.lines) == (hashlib.sha256(data).hexdigest(), 12, 3)
    assert scan(tmp_path, b"").lines == 0
    assert scan(tmp_path, b"a\n").lines == 1


@pytest.mark.usefixtures("chunk")
@pytest.mark.parametrize(
    ("data", "encoding", "invalid"),
    [
        (b"plain", "utf-8", 0),
        ("são paulo €😀".encode(), "utf-8", 0),
        ("são paulo".encode("latin-1"), "windows-1252", 1),
        ("são joão".encode() + b"\xff", "utf-8", 1),
        ("são".encode() + b"\xff", "windows-1252", 1),
        ("é".encode()[:1], "windows-1252", 1),
        ("éàü\ufffd".encode() + b"\xc3", "utf-8", 1),
    ],
)
def test_encoding(tmp_path: Path, data: bytes, encoding: str, invalid: int) -> None:
    found = scan(tmp_path, data)
    assert (found.encoding(), found.invalid) == (encoding, invalid)


@pytest.mark.usefixtures("chunk")
@pytest.mark.parametrize(
    ("data", "odd"),
    [
        (b'a, "b" ,"c"\n', False),
        (b'"bom ""dia"", e"', False),
        (b'"a" "b"', True),
        (b'"a"   "b"', True),
        (b'x,  "b"', True),
        (b'x\n  "b"', True),
        (b'x  "b"', False),
        (b"x,  y", False),
    ],
)
def test_odd_quotes(tmp_path: Path, data: bytes, odd: bool) -> None:
    assert scan(tmp_path, data).odd_quotes is odd


def test_what_is_no_csv(tmp_path: Path) -> None:
    assert scan(tmp_path, codecs.BOM_UTF8 + b"a,b").bom == 3
    assert scan(tmp_path, b"a\0b").has_nul


def test_an_unreadable_or_unwanted_file(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"gone\.csv cannot be read"):
        scan_file(tmp_path / "gone.csv", "gone.csv")
    (tmp_path / "f.csv").write_bytes(b"a")
    cancelled = threading.Event()
    cancelled.set()
    with pytest.raises(Cancelled):
        scan_file(tmp_path / "f.csv", "f.csv", cancelled=cancelled)
