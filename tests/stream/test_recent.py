"""The digests in memory: found exactly, however they came, also where many share their first word."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from soak import fuzz

from armazem.journal.digests import Words, digests_of
from armazem.journal.seen.recent import Recent

# Few first words and few second ones, so that they meet.
PAIRS = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=20)


def digests(pairs: list[tuple[int, int]]) -> Words:
    return np.array(pairs, dtype=np.uint64).reshape(-1, 2)


@settings(max_examples=fuzz(200), deadline=None)
@given(st.lists(PAIRS, max_size=12), PAIRS)
def test_like_a_set(batches: list[list[tuple[int, int]]], asked: list[tuple[int, int]]) -> None:
    recent = Recent()
    truth: list[tuple[int, int]] = []
    for batch in batches:
        recent.add(digests(batch), np.arange(len(truth) + 1, len(truth) + 1 + len(batch), dtype=np.uint64))
        truth += batch
    for pair, seq in zip(asked, recent.find(digests(asked)).tolist(), strict=True):
        assert seq in [number for number, known in enumerate(truth, 1) if known == pair] or (
            seq == 0 and pair not in truth
        )
    assert recent.count == len(truth)
    found, seqs = recent.all()
    assert [truth[seq - 1] for seq in seqs.tolist()] == list(map(tuple, found.tolist()))
    assert sorted(seqs.tolist()) == list(range(1, len(truth) + 1))


def test_blocks_stay_few() -> None:
    recent = Recent()
    for number in range(1000):
        recent.add(digests_of([f"id-{number}"]), np.array([number + 1], dtype=np.uint64))
    assert len(recent._blocks) <= 10
    assert recent.find(digests_of([f"id-{number}" for number in range(1001)])).tolist() == [*range(1, 1001), 0]
