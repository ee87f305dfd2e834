"""Everything random that can be computed from a row's index alone: ids, shuffles, streams.

Nothing here keeps state, so five million orders cost no more memory than a chunk of them, and the same seed gives
the same bytes whatever the order in which chunks are made. The mixing function is that of SplitMix64 (Steele,
Lea and Flood 2014); the Feistel networks around it are bijections, hence ids never collide.
"""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Words = NDArray[np.uint64]
Seconds = NDArray[np.int64]  # since 1970-01-01, Brazilian wall-clock time without a zone

ROUNDS = 4


def stream(seed: int, name: str, chunk: int = 0) -> np.random.Generator:
    """Return a random generator of its own for one purpose and one chunk."""
    digest = hashlib.blake2b(f"{seed}/{name}/{chunk}".encode(), digest_size=16).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest, "little")))


def uniform(seed: int, name: str, index: Ints) -> Floats:
    """Return a number in [0, 1) per index, the same each time that index is asked for."""
    return np.asarray((_mix(index.astype(np.uint64) ^ _key(seed, name)) >> np.uint64(11)) * 2.0**-53)


def shuffled(seed: int, name: str, index: Ints, size: int) -> Ints:
    """Return where a shuffle of 0 … size − 1 puts each index (all of them in that range)."""
    half = max(1, ((size - 1).bit_length() + 1) // 2)
    result = _shuffle_once(seed, name, index.astype(np.uint64), half)
    while (outside := np.flatnonzero(result >= size)).size:  # cycle walking keeps it a bijection of the range
        result[outside] = _shuffle_once(seed, name, result[outside], half)
    return result.astype(np.int64)


def hex_ids(seed: int, name: str, index: Ints) -> NDArray[np.bytes_]:
    """Return 32 lower-case hexadecimal characters per index, unique within (seed, name)."""
    left = np.full(index.shape, _key(seed, name), dtype=np.uint64)
    right = index.astype(np.uint64)
    for turn in range(ROUNDS):
        left, right = right, left ^ _mix(right ^ _key(seed, f"{name}#{turn}"))
    raw = np.stack([left, right], axis=-1).astype(">u8").view(np.uint8)
    return np.asarray(_HEX_PAIRS[raw].view("S32").reshape(index.shape))


def _shuffle_once(seed: int, name: str, value: Words, half: int) -> Words:
    bits, mask = np.uint64(half), np.uint64((1 << half) - 1)
    left, right = value >> bits, value & mask
    for turn in range(ROUNDS):
        left, right = right, left ^ (_mix(right ^ _key(seed, f"{name}#{turn}")) & mask)
    return np.asarray((left << bits) | right)


def _key(seed: int, name: str) -> np.uint64:
    digest = hashlib.blake2b(f"{seed}/{name}".encode(), digest_size=8).digest()
    return np.uint64(int.from_bytes(digest, "little"))


def _mix(value: Words) -> Words:
    value = value + np.uint64(0x9E3779B97F4A7C15)
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(value ^ (value >> np.uint64(31)))


# The two characters of each byte value, as bytes: indexing it with bytes writes the hexadecimal text.
_HEX_PAIRS = np.frombuffer(bytes(range(256)).hex().encode(), dtype="S2")
