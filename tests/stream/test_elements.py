"""Elements of a JSON array, cut out of blocks of any size."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from armazem.journal.elements import Elements, begins_array

KEEP = 1000
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text('[]{},:"\\ \n\tab é', max_size=8),
    lambda values: st.lists(values, max_size=4) | st.dictionaries(st.text('[]{},"\\a', max_size=4), values, max_size=4),
    max_leaves=12,
)


def cut(text: bytes, size: int, keep: int = KEEP, most: int | None = None) -> tuple[list[bytes], bytes | None]:
    """The elements, and what follows the array, of blocks of that size."""
    elements = Elements(keep, most)
    found: list[bytes] = []
    for start in range(0, len(text), size):
        found += elements.feed(text[start : start + size])
        if elements.rest is not None:
            return found, elements.rest + text[start + size :]
    return found + elements.finish(), elements.rest


@given(st.lists(VALUES, max_size=6), st.integers(1, 40), st.sampled_from([None, 0, 1]), st.sampled_from([None, 10**6]))
def test_any_array_in_any_blocks(array: list[Any], size: int, indent: int | None, most: int | None) -> None:
    text = json.dumps(array, ensure_ascii=False, indent=indent).encode()
    found, rest = cut(text + b"\n", size, 10**6, most)
    assert [json.loads(element) for element in found] == array
    assert rest == b"\n"
    assert all(element in text for element in found)


@pytest.mark.parametrize("size", [1, 3, 10_000])
@pytest.mark.parametrize("most", [None, 100])
@pytest.mark.parametrize(
    ("text", "found", "rest"),
    [
        (b"[]", [], b""),
        (b"[", [], None),
        (b'[{"a":1}', [b'{"a":1}'], None),
        (b'[{"a":1},{"b":', [b'{"a":1}', b'{"b":'], None),
        (b'[{"a":1},bad,{"b":2}]', [b'{"a":1}', b"bad", b'{"b":2}'], b""),
        (b'[{"a":NaN},{"b":"\\ud800"},{"c":3}]', [b'{"a":NaN}', b'{"b":"\\ud800"}', b'{"c":3}'], b""),
        (b'[{"a":1}\n{"b":2}\n]', [b'{"a":1}', b'{"b":2}'], b""),
        (b'[ , {"a":1},, ] x', [b'{"a":1}'], b" x"),
        (b'[bad\n{"a":1}', [b"bad", b'{"a":1}'], None),
        (b'[}, "a,b" ,[1,2]][', [b"}", b'"a,b"', b"[1,2]"], b"["),
        (b'["ab', [b'"ab'], None),
        (b'["a\\', [b'"a\\'], None),
        (b'[{"x":"' + b"y" * KEEP + b'"},{"b":2}]', [(b'{"x":"' + b"y" * KEEP)[:KEEP], b'{"b":2}'], b""),
    ],
)
def test_what_is_no_whole_array(text: bytes, found: list[bytes], rest: bytes | None, size: int, most: int) -> None:
    got, after = cut(text, size, KEEP, most)
    if size > KEEP and most is None:  # what is whole in a block is not cut off
        got = [element[:KEEP] for element in got]
    assert (got, after) == (found, rest)


def test_no_more_than_so_many() -> None:
    assert len(Elements(10, 5).feed(b"[" + b"1," * 100 + b"1]")) == 6


@pytest.mark.parametrize("text", [b"[", b"[{", b'[{"a":1},\n{"b":2}]', b'[\n{"a":1}\n]', b"[]", b'[1]\n{"a":1}'])
def test_what_begins_an_array(text: bytes) -> None:
    assert begins_array(text)


@pytest.mark.parametrize("text", [b"{", b"", b'[bad\n{"a":1}\n', b'[{"a":\n{"b":2}\n{"c":3}'])
def test_what_begins_none(text: bytes) -> None:
    assert not begins_array(text)
