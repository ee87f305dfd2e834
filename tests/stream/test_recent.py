"""The digests in memory: found exactly, however they came, also where many share their first word."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from soak import fuzz

from armazem.stream.digests import Words, digests_of
from armazem.stream.recent import Recent

# Few first words and few second ones, so that they meet.
PAIRS = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=20)


def digests(pairs: list[tuple[int, int]]) -> Words:
    return np.array(pairs, dtype=np.uint64).reshape(-1, 2)


@settings(max_examples=fuzz(200), deadline=None)
@given(st.lists(PAIRS, max_size=12), PAIRS)
def test_like_a_set(batches: list[list[tuple[int, int]]], asked: list[tuple[int, int]]) -> None:
    recent = Recent()
    for batch in batches:
        recent.add(digests(batch))
    truth = [pair for batch in batches for pair in batch]
    assert recent.holds(digests(asked)).tolist() == [pair in truth for pair in asked]
    assert recent.count == len(truth)
    assert sorted(map(tuple, recent.all().tolist())) == sorted(truth)


def test_blocks_stay_few() -> None:
    recent = Recent()
    for number in range(1000):
        recent.add(digests_of([f"id-{number}"]))
    assert len(recent._blocks) <= 10
    assert recent.holds(digests_of([f"id-{number}" for number in range(1001)])).tolist() == [True] * 1000 + [False]
