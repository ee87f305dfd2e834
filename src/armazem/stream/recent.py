"""The digests that are not in a run yet, in memory: blocks sorted by the first word, each smaller than the one before.

A block is merged with the new one where that is half as large, so that there are few of them and each digest is moved
a few times. A set of ids would take ten times the memory, and half as long again with its filter.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from armazem.stream.bloom import Vector
from armazem.stream.digests import Words, words


class Recent:
    """Digests, added and looked up many at a time. `count`: how many were added."""

    def __init__(self) -> None:
        self.count = 0
        self._blocks: list[tuple[Vector, Vector]] = []  # first words, second words

    def add(self, digests: Words) -> None:
        if not len(digests):
            return
        block = _sorted(digests[:, 0], digests[:, 1])
        while self._blocks and len(self._blocks[-1][0]) < 2 * len(block[0]):
            first, second = self._blocks.pop()
            block = _sorted(np.concatenate([first, block[0]]), np.concatenate([second, block[1]]))
        self._blocks.append(block)
        self.count += len(digests)

    def holds(self, digests: Words) -> NDArray[np.bool_]:
        """For each digest: whether exactly this one was added."""
        found = np.zeros(len(digests), dtype=np.bool_)
        for first, second in self._blocks:
            at = np.searchsorted(first, digests[:, 0], "left")
            end = np.searchsorted(first, digests[:, 0], "right")
            while len(left := np.flatnonzero(at < end)):  # nearly always one step: few share a first word
                found[left] |= second[at[left]] == digests[left, 1]
                at[left] += 1
        return found

    def all(self) -> Words:
        """All of them, in no order."""
        return np.concatenate([words(b""), *(np.stack(block, axis=1) for block in self._blocks)])


def _sorted(first: Vector, second: Vector) -> tuple[Vector, Vector]:
    order = np.argsort(first, kind="stable")  # recognises what is sorted already: merges take a fifth of the time
    return first[order], second[order]
