"""Records, physical lines, and what is no record: by example, and over arbitrary bytes."""

from __future__ import annotations

import io
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from soak import fuzz

from armazem.errors import SourceError
from armazem.landing import tokenizer
from armazem.landing.tokenizer import MAX_RECORD, Broken, Lines, Record, records


def read(data: bytes, columns: int | None = 2, delimiter: bytes = b",") -> list[Any]:
    """(line, fields) of each record, (line, code, raw) of what is none."""
    return [
        (record.line, record.fields) if isinstance(record, Record) else (record.line, record.code.value, record.raw)
        for record in records(Lines(io.BytesIO(data), "f.csv"), delimiter, columns)
    ]


def test_line_ends_of_all_kinds_and_blank_lines() -> None:
    assert read(b"a,b\r\n\nc,d\re,f\n\r\n\r\rg,h") == [
        (1, [b"a", b"b"]),
        (3, [b"c", b"d"]),
        (4, [b"e", b"f"]),
        (8, [b"g", b"h"]),
    ]


@pytest.mark.parametrize(
    ("line", "fields"),
    [
        (b'"a","b"', [b"a", b"b"]),
        (b'"a,1","b ""x"""', [b"a,1", b'b "x"']),
        (b'"",""', [b"", b""]),
        (b' "a" ,  "b"  ', [b"a", b"b"]),
        (b'a"b,c""d', [b'a"b', b'c""d']),
        (b"a,b,,", [b"a", b"b"]),
        (b'"a","b",""', [b"a", b"b"]),
        (b'a,"line 1\r\nline 2"', [b"a", b"line 1\r\nline 2"]),
        (b'a,""""', [b"a", b'"']),
    ],
)
def test_fields(line: bytes, fields: list[bytes]) -> None:
    assert read(line) == [(1, fields)]
    assert read(line + b"\n") == [(1, fields)]


def test_quoted_line_breaks_count_as_lines() -> None:
    assert read(b'a,"1\n2\r\n3"\nb,c\n') == [(1, [b"a", b"1\n2\r\n3"]), (4, [b"b", b"c"])]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"a", "wrong_column_count"),
        (b"a,b,c", "wrong_column_count"),
        (b'a,"b"x', "bad_quote"),
        (b'a,"b" "c"', "bad_quote"),
        (b'"a"\t,b', "bad_quote"),
        (b'a,"b', "unterminated_quote"),
    ],
)
def test_a_broken_line_costs_one_record(line: bytes, code: str) -> None:
    assert read(b"1,2\n" + line + b"\n3,4\n") == [(1, [b"1", b"2"]), (2, code, line), (3, [b"3", b"4"])]


def test_a_forgotten_quote_does_not_swallow_quoted_records() -> None:
    data = b'a,"open\nb,c\n"d","e"\nf,g\n'
    assert read(data) == [
        (1, "unterminated_quote", b'a,"open'),
        (2, [b"b", b"c"]),
        (3, [b"d", b"e"]),
        (4, [b"f", b"g"]),
    ]


def test_a_forgotten_quote_is_given_up_after_the_limit() -> None:
    rest = [b"%d,x" % number for number in range(300_000)]
    found = read(b'a,"open\n' + b"\n".join(rest))
    assert found[0] == (1, "unterminated_quote", b'a,"open')
    assert [fields for _, fields in found[1:]] == [line.split(b",") for line in rest]
    assert found[-1][0] == 300_001


@pytest.mark.parametrize("quote", [b"", b'"'])
def test_too_large(quote: bytes) -> None:
    large = b"a," + quote + b"x" * (10 << 20) + quote
    assert read(b"1,2\n" + large + b"\r\n3,4\n") == [
        (1, [b"1", b"2"]),
        (2, "too_large", large),
        (3, [b"3", b"4"]),
    ]
    fits = b"a," + b"x" * (MAX_RECORD - 3)
    assert read(fits + b"\n") == [(1, [b"a", fits[2:]])]


def test_a_line_beyond_memory_is_no_csv(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokenizer, "MAX_LINE", 3 << 20)
    with pytest.raises(SourceError, match=r"f\.csv has a line of over 3 MiB: line 2"):
        read(b"1,2\n" + b"x" * (5 << 20))


def test_other_delimiters() -> None:
    assert read(b'a;"b;c"\n', delimiter=b";") == [(1, [b"a", b"b;c"])]
    assert read(b"a\tb\n", delimiter=b"\t") == [(1, [b"a", b"b"])]


def test_any_number_of_fields_for_a_header() -> None:
    assert read(b"a,b,,\n", columns=None) == [(1, [b"a", b"b", b"", b""])]


pieces = st.lists(st.sampled_from([b"a", b",", b'"', b" ", b"\n", b"\r", b"\r\n", b'""', b"\xff", b"\0"]), max_size=60)


@pytest.mark.slow
@settings(max_examples=fuzz(300), deadline=None)
@given(pieces, st.integers(1, 7))
def test_nothing_is_lost_whatever_the_bytes(parts: list[bytes], chunk: int) -> None:
    data = b"".join(parts)
    whole = list(records(Lines(io.BytesIO(data), "f"), b",", 2))
    assert b"".join(_bare(record.raw) for record in whole) == _bare(data)
    physical = data.splitlines()
    for record in whole:
        assert physical[record.line - 1] == record.raw.splitlines()[0]
        assert isinstance(record, Broken) or len(record.fields) == 2
    # The borders of the chunks in which a file is read make no difference.
    small = Lines(io.BytesIO(data), "f")
    small._file = _InChunks(data, chunk)  # type: ignore[assignment]
    assert list(records(small, b",", 2)) == whole


class _InChunks:
    def __init__(self, data: bytes, size: int) -> None:
        self._file = io.BytesIO(data)
        self._size = size

    def read(self, _: int) -> bytes:
        return self._file.read(self._size)


def _bare(raw: bytes) -> bytes:
    return raw.replace(b"\r", b"").replace(b"\n", b"")
