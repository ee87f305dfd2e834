"""The quotes that DuckDB and the tokenizer read in different ways, found by a look at the bytes."""

from __future__ import annotations


def odd_quotes(window: bytes, delimiter: bytes) -> bool:
    """Return whether a quote follows spaces that follow a quote, or two spaces at the beginning of a field.

    The tokenizer refuses the first and begins a quoted field in the second; DuckDB reads on in other ways.
    Inside a quoted field both are harmless, and so rare that a false alarm costs nothing.
    """
    if b' "' not in window:
        return False
    if b'" "' in window:
        return True
    before = b'"\r\n' + delimiter
    place = window.find(b'  "')
    while place >= 0:
        start = place
        while start > 0 and window[start - 1] == 32:
            start -= 1
        if start > 0 and window[start - 1] in before:
            return True
        place = window.find(b'  "', place + 3)
    return False


def seam_after(seam: bytes, chunk: bytes) -> bytes:
    """Return what of the bytes so far decides on a quote at the beginning of the next chunk: one, and up to two
    spaces.
    """
    if not chunk.endswith(b" "):
        return chunk[-1:]
    stripped = chunk.rstrip(b" ")
    if stripped:
        return stripped[-1:] + chunk[len(stripped) :][:2]
    return (seam + chunk)[:3]
