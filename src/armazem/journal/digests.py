"""What an event_id is known by among the accepted ones: 128 bits, as two words, many at a time.

A UUID in lower case and 32 hexadecimal digits, which nearly all ids are, hold just 128 bits: their own, stirred, so
that no two of them ever share a digest and ids that count up are spread evenly too. Any other id has its BLAKE2b
digest, which takes five times as long. Whoever makes up a UUID whose digest is that of another id
has to know that id, and could as well send it.
"""

from __future__ import annotations

import binascii
import hashlib
import re
from collections.abc import Sequence
from itertools import compress

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.uint64]  # shape (n, 2): a digest is two words, little-endian as its bytes stand

_DASHES = [8, 13, 18, 23]
# Length of a UUID's text -> where its digits are.
_DIGITS = {
    32: (slice(32),),
    36: (slice(0, 8), slice(9, 13), slice(14, 18), slice(19, 23), slice(24, 36)),
}
_LOWER_CASE = np.uint64(0x2020202020202020)
_UUID = re.compile("[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# The digests of UUIDs lie elsewhere than those of the same digits without dashes: ids are compared as text.
_DASHED = np.uint64(0x6C62272E07BB0142)
# The multiplier and shifts of SplitMix64.
_MULTIPLIER = np.uint64(0xBF58476D1CE4E5B9)
_FIRST_SHIFT, _SECOND_SHIFT = np.uint64(30), np.uint64(27)


def words(digests: bytes | bytearray) -> Words:
    """Return digests of 16 bytes, one after the other, as words."""
    return np.frombuffer(digests, dtype="<u8").reshape(-1, 2)


def digests_of(event_ids: Sequence[str]) -> Words:
    """Return the digest of each id. It does not depend on the other ids."""
    if event_ids and (bits := _hexadecimal(event_ids)) is not None:
        return _stirred(bits, len(event_ids[0]))  # ids of one kind of sender, as they nearly always come
    kinds = np.array([len(event_id) if _UUID.fullmatch(event_id) else 0 for event_id in event_ids], dtype=np.uint8)
    digests = np.empty((len(event_ids), 2), dtype=np.uint64)
    for kind in set(kinds.tolist()):
        alike = list(compress(event_ids, kinds == kind))
        digests[kinds == kind] = (
            _stirred(words(bytes.fromhex("".join(alike).replace("-", ""))), kind)
            if kind
            else words(b"".join(map(_hashed, alike)))
        )
    return digests


def _hexadecimal(event_ids: Sequence[str]) -> Words | None:
    """The bits of UUIDs, all with dashes or all without; None if any of the ids is something else."""
    length = len(event_ids[0])
    text = "\n".join([*event_ids, ""])
    if length not in _DIGITS or len(text) != len(event_ids) * (length + 1) or not text.isascii():
        return None
    # One id a row. Where the digits are digits and each row ends in the one newline that was put there, each is an id.
    rows = np.frombuffer(text.encode(), dtype=np.uint8).reshape(-1, length + 1)
    dashes = rows[:, _DASHES] if length == 36 else rows[:, :0]
    if (rows[:, length] != ord("\n")).any() or (dashes != ord("-")).any():
        return None
    digits = np.concatenate([rows[:, part] for part in _DIGITS[length]], axis=1)
    # Upper case is another id. Of what `unhexlify` takes, only that is without this bit.
    if ~np.bitwise_and.reduce(digits.view(np.uint64), axis=None) & _LOWER_CASE:
        return None
    try:
        return words(binascii.unhexlify(digits.data))
    except binascii.Error:
        return None


def _stirred(bits: Words, length: int) -> Words:
    """The digests of UUIDs with these bits, whose text is so long.

    One to one: three rounds of a Feistel network, after which each word depends on all bits of both.
    """
    salt = _DASHED if length == 36 else np.uint64(0)
    left, right = bits[:, 0] ^ salt, bits[:, 1]
    for _ in range(3):
        mixed = (right ^ (right >> _FIRST_SHIFT)) * _MULTIPLIER  # overflow is meant
        left, right = right, left ^ mixed ^ (mixed >> _SECOND_SHIFT)
    stirred = np.empty_like(bits)
    stirred[:, 0], stirred[:, 1] = left, right
    return stirred


def _hashed(event_id: str) -> bytes:
    return hashlib.blake2b(event_id.encode("utf-8", "surrogatepass"), digest_size=16).digest()
