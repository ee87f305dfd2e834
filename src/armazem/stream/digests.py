"""What an event_id is known by among the accepted ones: 128 bits, as two words, many at a time.

A UUID in lower case and 32 hexadecimal digits, which nearly all ids are, hold just 128 bits: their own, stirred, so
that no two of them ever share a digest and ids that count up are spread evenly too. Any other id has its BLAKE2b
digest, which takes five times as long. Whoever makes up a UUID whose digest is that of another id
has to know that id, and could as well send it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from itertools import compress

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.uint64]  # shape (n, 2): a digest is two words, little-endian as its bytes stand

_HEX = b"0123456789abcdef"
_DASHES = (8, 13, 18, 23)
_UUID = re.compile("[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# The digests of UUIDs lie elsewhere than those of the same digits without dashes: ids are compared as text.
_DASHED = np.uint64(0x6C62272E07BB0142)
# The multiplier and shifts of SplitMix64.
_MULTIPLIER = np.uint64(0xBF58476D1CE4E5B9)
_FIRST_SHIFT, _SECOND_SHIFT = np.uint64(30), np.uint64(27)


def words(digests: bytes | bytearray) -> Words:
    """Digests of 16 bytes, one after the other, as words."""
    return np.frombuffer(digests, dtype="<u8").reshape(-1, 2)


def digests_of(event_ids: Sequence[str]) -> Words:
    """The digest of each id. It does not depend on the other ids."""
    lengths = set(map(len, event_ids))
    if len(lengths) == 1 and (digits := _hexadecimal(event_ids, *lengths)):
        return _of_uuids(digits, *lengths)  # ids of one kind of sender, as they nearly always come
    kinds = np.array([len(event_id) if _UUID.fullmatch(event_id) else 0 for event_id in event_ids], dtype=np.uint8)
    digests = np.empty((len(event_ids), 2), dtype=np.uint64)
    for kind in set(kinds.tolist()):
        alike = list(compress(event_ids, kinds == kind))
        digests[kinds == kind] = (
            _of_uuids("".join(alike).replace("-", ""), kind) if kind else words(b"".join(map(_hashed, alike)))
        )
    return digests


def _hexadecimal(event_ids: Sequence[str], length: int) -> str | None:
    """The digits of UUIDs, all with dashes or all without; None if any of the ids, each so long, is something else."""
    text = "".join(event_ids)
    if length not in (32, 36) or not text.isascii():
        return None
    digits = text.encode()
    if length == 36:
        if any(digits[at::36].strip(b"-") for at in _DASHES):
            return None
        digits = digits.replace(b"-", b"")
    if len(digits) != 32 * len(event_ids) or digits.translate(None, _HEX):
        return None
    return digits.decode()


def _of_uuids(digits: str, length: int) -> Words:
    """The digests of UUIDs whose digits these are; each was so long with its dashes."""
    return _stirred(words(bytes.fromhex(digits)), _DASHED if length == 36 else np.uint64(0))


def _stirred(bits: Words, salt: np.uint64) -> Words:
    """One to one: three rounds of a Feistel network, after which each word depends on all bits of both."""
    left, right = bits[:, 0] ^ salt, bits[:, 1]
    for _ in range(3):
        mixed = (right ^ (right >> _FIRST_SHIFT)) * _MULTIPLIER  # overflow is meant
        left, right = right, left ^ mixed ^ (mixed >> _SECOND_SHIFT)
    stirred = np.empty_like(bits)
    stirred[:, 0], stirred[:, 1] = left, right
    return stirred


def _hashed(event_id: str) -> bytes:
    return hashlib.blake2b(event_id.encode("utf-8", "surrogatepass"), digest_size=16).digest()
