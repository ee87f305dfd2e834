"""The digests that are not in a run yet, in memory: blocks sorted by the first word, each smaller than the one before.

A block is merged with the new one where that is half as large, so that there are few of them and each digest is moved
a few times. A set of ids would take ten times the memory, and half as long again with its filter.
"""

from __future__ import annotations

import numpy as np

from armazem.journal.digests import Words, words
from armazem.journal.seen.bloom import Vector

_Block = tuple[Vector, Vector, Vector]  # first words, second words, numbers


class Recent:
    """Digests with the numbers of their events, many at a time. `count`: how many were added."""

    def __init__(self) -> None:
        self.count = 0
        self._blocks: list[_Block] = []

    def add(self, digests: Words, seqs: Vector) -> None:
        if not len(digests):
            return
        block = _sorted((digests[:, 0], digests[:, 1], seqs))
        while self._blocks and len(self._blocks[-1][0]) < 2 * len(block[0]):
            first, second, numbers = self._blocks.pop()
            block = _sorted(
                (
                    np.concatenate([first, block[0]]),
                    np.concatenate([second, block[1]]),
                    np.concatenate([numbers, block[2]]),
                )
            )
        self._blocks.append(block)
        self.count += len(digests)

    def find(self, digests: Words) -> Vector:
        """Return for each digest: the number with which exactly this one was added; 0 where it was not."""
        found = np.zeros(len(digests), dtype=np.uint64)
        for first, second, numbers in self._blocks:
            at = np.searchsorted(first, digests[:, 0], "left")
            end = np.searchsorted(first, digests[:, 0], "right")
            while len(left := np.flatnonzero(at < end)):  # nearly always one step: few share a first word
                there = at[left]
                same = second[there] == digests[left, 1]
                found[left[same]] = numbers[there[same]]
                at[left] += 1
        return found

    def all(self) -> tuple[Words, Vector]:
        """Return all of them, in no order, with their numbers."""
        digests = [words(b""), *(np.stack(block[:2], axis=1) for block in self._blocks)]
        return np.concatenate(digests), np.concatenate([np.zeros(0, np.uint64), *(block[2] for block in self._blocks)])


def _sorted(block: _Block) -> _Block:
    # Recognises what is sorted already: merges take a fifth of the time.
    order = np.argsort(block[0], kind="stable")
    return block[0][order], block[1][order], block[2][order]
