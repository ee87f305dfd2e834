"""From numpy arrays to Arrow columns, without a Python object per row."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from .ids import Flags, Ints, Seconds


def ids(values: NDArray[np.bytes_]) -> pa.Array:
    """Return text of 32 bytes each."""
    offsets = np.arange(values.size + 1, dtype=np.int32) * 32
    data = np.ascontiguousarray(values)
    return pa.StringArray.from_buffers(values.size, pa.py_buffer(offsets), pa.py_buffer(data))


def money(cents: Ints) -> pa.Array:
    """Return cents, none negative, as decimals with two places."""
    words = np.zeros((cents.size, 2), dtype=np.int64)  # a decimal128 is the low and the high half
    words[:, 0] = cents
    return pa.Array.from_buffers(pa.decimal128(18, 2), cents.size, [None, pa.py_buffer(words)])


def times(seconds: Seconds, present: Flags | None = None) -> pa.Array:
    """Return timestamps, empty where not `present`."""
    absent = None if present is None else ~present
    return pa.array(seconds.astype("datetime64[s]"), mask=absent)


def numbers(values: Ints, present: Flags | None = None) -> pa.Array:
    """Return whole numbers, empty where not `present`."""
    return pa.array(values, mask=None if present is None else ~present)


def choices(names: list[str], index: Ints, present: Flags | None = None) -> pa.Array:
    """Return the name at each index, empty where not `present`."""
    return pa.array(names, pa.string()).take(numbers(index, present))


def prefixes(values: Ints) -> pa.Array:
    """Return zip prefixes: five digits, leading zeros kept."""
    digits = values[:, None] // np.array([10_000, 1_000, 100, 10, 1]) % 10 + ord("0")
    offsets = np.arange(values.size + 1, dtype=np.int32) * 5
    data = np.ascontiguousarray(digits.astype(np.uint8))
    return pa.StringArray.from_buffers(values.size, pa.py_buffer(offsets), pa.py_buffer(data))
