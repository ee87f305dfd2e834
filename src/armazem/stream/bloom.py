"""A Bloom filter over 128-bit digests: says "never seen" for sure, "perhaps seen" with a small error."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.uint64]  # shape (n, 2): a digest is two words, little-endian as its bytes stand

_PROBES = 6
_BITS_PER_DIGEST = 10  # 6 probes of 10 bits a digest: 1 % of the unseen look seen when the filter is full
_PART = 8192  # digests at a time, so that the scratch arrays stay in the cache
_STEPS = np.arange(_PROBES, dtype=np.uint64)


def words(digests: bytes | bytearray) -> Words:
    """Digests of 16 bytes, one after the other, as words."""
    return np.frombuffer(digests, dtype="<u8").reshape(-1, 2)


class BloomFilter:
    """2^`log2_bits` bits of memory, for `capacity` digests."""

    def __init__(self, log2_bits: int) -> None:
        self.log2_bits = log2_bits
        self.capacity = (1 << log2_bits) // _BITS_PER_DIGEST
        self.count = 0
        self._mask = (1 << log2_bits) - 1
        self._bytes = np.zeros(1 << (log2_bits - 3), dtype=np.uint8)

    def _bits(self, digests: Words) -> Words:
        # Double hashing: the second word, made odd, is the step. Overflow is meant.
        return (digests[:, 1:] + (digests[:, :1] | np.uint64(1)) * _STEPS) & np.uint64(self._mask)

    def add(self, digests: Words) -> None:
        for start in range(0, len(digests), _PART):
            bits = self._bits(digests[start : start + _PART]).ravel()
            at = bits >> np.uint64(3)
            masks = np.left_shift(np.uint8(1), (bits & np.uint64(7)).astype(np.uint8))
            while len(at):
                # Of several bits of one byte only the last is set; the others come again. A quarter of
                # the time of np.bitwise_or.at.
                self._bytes[at] |= masks
                lost = (self._bytes[at] & masks) == 0
                at, masks = at[lost], masks[lost]
        self.count += len(digests)

    def perhaps(self, digests: Words) -> NDArray[np.bool_]:
        """For each digest: False if it was never added."""
        # Most unseen digests fail at their first bit, and only the others cost five more reads of far memory.
        hits = self._set(digests[:, 1] & np.uint64(self._mask))
        if hits.any():
            hits[hits] = self._set(self._bits(digests[hits])).all(axis=1)
        return hits

    def _set(self, bits: Words) -> NDArray[np.bool_]:
        found = self._bytes[bits >> np.uint64(3)] >> (bits & np.uint64(7)).astype(np.uint8)
        hits: NDArray[np.bool_] = (found & np.uint8(1)).astype(np.bool_)
        return hits
