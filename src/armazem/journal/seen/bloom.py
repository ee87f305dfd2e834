"""A Bloom filter over 128-bit digests: says "never seen" for sure, "perhaps seen" with a small error."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from armazem.journal.digests import Words

Vector = NDArray[np.uint64]  # shape (n,)

_BITS = 4  # of its word that a digest sets
_BITS_PER_DIGEST = 16  # then 1 % of the unseen look seen when the filter is full, and 0.1 % when it is half full
_PART = 8192  # digests at a time, so that the scratch arrays stay in the cache
_ONE, _IN_WORD = np.uint64(1), np.uint64(63)


class BloomFilter:
    """2^`log2_bits` bits of memory, for `capacity` digests.

    All bits of a digest are in one word: far memory is read once for each, which is what takes the time.
    """

    def __init__(self, log2_bits: int) -> None:
        self.log2_bits = log2_bits
        self.capacity = (1 << log2_bits) // _BITS_PER_DIGEST
        self.count = 0
        self._shift = np.uint64(64 - (log2_bits - 6))
        self._words = np.zeros(1 << (log2_bits - 6), dtype=np.uint64)

    def add(self, digests: Words) -> None:
        for start in range(0, len(digests), _PART):
            at, masks = self._places(digests[start : start + _PART])
            while len(at):
                # Of several digests of one word only the last is set; the others come again.
                self._words[at] |= masks
                lost = (self._words[at] & masks) != masks
                at, masks = at[lost], masks[lost]
        self.count += len(digests)

    def perhaps(self, digests: Words) -> NDArray[np.bool_]:
        """Return for each digest: False if it was never added."""
        at, masks = self._places(digests)
        found: NDArray[np.bool_] = (self._words[at] & masks) == masks
        return found

    def _places(self, digests: Words) -> tuple[Vector, Vector]:
        """The word of each digest, by the leading bits of the first half of it, and its bits, by the second."""
        rest = digests[:, 1].copy()
        masks = _ONE << (rest & _IN_WORD)
        for _ in range(_BITS - 1):
            rest >>= np.uint64(6)
            masks |= _ONE << (rest & _IN_WORD)
        return digests[:, 0] >> self._shift, masks
