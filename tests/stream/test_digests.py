"""What ids are known by: as different as the ids are as text, whatever they come together with, and spread evenly."""

from __future__ import annotations

import hashlib
import uuid

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from soak import fuzz

from armazem.journal.digests import digests_of

UUIDS = st.uuids()
# What a UUID is, what almost is one, and the spellings of one value.
IDS = st.one_of(
    UUIDS.map(str),
    UUIDS.map(lambda value: value.hex),
    UUIDS.map(lambda value: str(value).upper()),
    UUIDS.map(lambda value: value.hex.upper()),
    UUIDS.map(lambda value: f"{{{value}}}"[:36]),
    UUIDS.map(lambda value: f"-{value.hex}---"),
    st.text(min_size=1, max_size=40),
    st.text("0123456789abcdef-", min_size=32, max_size=36),
)


def known_by(event_id: str) -> bytes:
    return digests_of([event_id]).tobytes()


@settings(max_examples=fuzz(200), deadline=None)
@given(st.lists(IDS, max_size=30))
def test_a_digest_does_not_depend_on_the_other_ids(event_ids: list[str]) -> None:
    digests = digests_of(event_ids)
    assert digests.shape == (len(event_ids), 2)
    assert [digest.tobytes() for digest in digests] == [known_by(event_id) for event_id in event_ids]
    assert len({digest.tobytes() for digest in digests}) == len(set(event_ids))


@given(UUIDS)
def test_spellings_of_one_value_are_different_ids(value: uuid.UUID) -> None:
    spellings = {str(value), value.hex, str(value).upper(), value.hex.upper(), value.urn, f"{value.hex}    "}
    assert len({known_by(spelling) for spelling in spellings}) == len(spellings)


def test_digits_of_other_alphabets_are_no_hexadecimal_ones() -> None:
    plain = "0" * 32
    assert len({known_by(plain), known_by("٠" * 32), known_by("0" * 31 + "٠"), known_by("0" * 31 + " ")}) == 4


@pytest.mark.parametrize("event_id", ["order-17", "É", "A" * 32, "\ud800"])
def test_other_ids_have_a_blake2b_digest(event_id: str) -> None:
    text = event_id.encode("utf-8", "surrogatepass")
    assert known_by(event_id) == hashlib.blake2b(text, digest_size=16).digest()


@pytest.mark.parametrize(
    "event_ids",
    [
        [f"{number:032x}" for number in range(20_000)],
        [f"{number:016x}{0:016x}" for number in range(20_000)],
        [f"{number << 60:032x}" for number in range(20_000)],
        [str(uuid.UUID(fields=(number, 0x1234, 0x11EE, 0x80, 1, 0x0242AC120002))) for number in range(20_000)],
    ],
    ids=["low bits", "high bits", "both halves", "times"],
)
def test_ids_that_count_up_are_spread_evenly(event_ids: list[str]) -> None:
    """Over the leading bits of the first word, where runs look, and the trailing ones of the second: of the filters."""
    digests = digests_of(event_ids)
    for bits in (digests[:, 0] >> np.uint64(56), digests[:, 1] & np.uint64(255), digests[:, 0] & np.uint64(255)):
        counts = np.bincount(bits.astype(np.int64), minlength=256)
        # 78 on average in each of 256; by chance the farthest is 5 standard deviations of 8.8 away at most.
        assert abs(counts - 20_000 / 256).max() < 5 * 8.8
