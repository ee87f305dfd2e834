"""The elements of a JSON array, cut out of its bytes without a look at what they say: a bad one harms no other."""

from __future__ import annotations

import re
from contextlib import suppress

import msgspec

_FLAGS = re.DOTALL
# What holds no bracket outside of its strings; between elements also no comma.
_WITHIN = re.compile(rb'(?:[^"\[\]{}]++|"[^"\\]*+(?:\\.[^"\\]*+)*+")*+', _FLAGS)
_BETWEEN = re.compile(rb'(?:[^"\[\]{},]++|"[^"\\]*+(?:\\.[^"\\]*+)*+")*+', _FLAGS)
_IN_STRING = re.compile(rb'[^"\\]*+(?:\\.[^"\\]*+)*+', _FLAGS)
_NO_ELEMENT = re.compile(rb"[ \t\r\n,]*+")
_ENDS_TRIED = 16  # objects that may be open where a block ends

_array = msgspec.json.Decoder(list[msgspec.Raw])


def begins_array(head: bytes) -> bool:
    """Return whether the beginning of a text, without white space in front, is that of an array of events.

    It is not where a bracket is only the beginning of a bad line, and the next line is an object by itself.
    """
    if not head.startswith(b"["):
        return False
    first, _, others = head.partition(b"\n")
    second = others.partition(b"\n")[0].strip()
    return first.strip() == b"[" or not second.startswith(b"{") or is_value(first) or not is_value(second)


def is_value(text: bytes) -> bool:
    """Return whether the text is one JSON value."""
    try:
        msgspec.json.decode(text, type=msgspec.Raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True


class Elements:
    """Takes an array block by block; it must begin with the bracket.

    An object or an array is an element also where no comma is beside it. Of an element of more than `keep` bytes the
    rest is dropped. One that is not closed takes all that follows with it. `rest` is what follows the end of the
    array, None until that is there. With more than `most` elements in a block nothing further is cut.
    """

    def __init__(self, keep: int, most: int | None = None) -> None:
        self.rest: bytes | None = None
        self._keep = keep
        self._most = most
        self._depth = 0
        self._in_string = False
        self._pieces: list[bytes] = []
        self._kept = 0
        self._carry = b""

    def feed(self, block: bytes) -> list[bytes]:
        """Return the elements that end in this block, without white space around."""
        data, self._carry = self._carry + block, b""
        found: list[bytes] = []
        at = start = 0
        untried = self._most is None
        if self._depth == 0 and data:
            self._depth = at = start = 1
        while at < len(data):
            if self._in_string:
                at = _end(_IN_STRING, data, at)
                if at < len(data) and data[at : at + 1] == b"\\":  # what it escapes is in the next block
                    self._carry = data[at:]
                    break
                self._in_string = at == len(data)
                at += not self._in_string
                continue
            if self._depth == 1 and at == start and not self._pieces:
                if untried:
                    whole, at = _whole(data, at)
                    found += whole
                    untried = False
                at = start = _end(_NO_ELEMENT, data, at)
            at = _end(_BETWEEN if self._depth == 1 else _WITHIN, data, at)
            sign = data[at : at + 1]
            if sign == b'"':
                self._in_string = True
            elif sign in (b"[", b"{") and sign:
                if self._depth == 1:
                    self._emit(data[start:at], found)
                    start = at
                self._depth += 1
            elif sign and self._depth > 1:
                self._depth -= 1
                if self._depth == 1:
                    self._emit(data[start : at + 1], found)
                    start = at + 1
            elif sign in (b",", b"]") and sign:
                self._emit(data[start:at], found)
                start = at + 1
                if sign == b"]":
                    self.rest = data[start:]
                    return found
            at += 1
            if self._most is not None and len(found) > self._most:
                return found
        self._push(data[start : len(data) - len(self._carry)])
        return found

    def finish(self) -> list[bytes]:
        """Return the element that the end has cut off."""
        found: list[bytes] = []
        if self.rest is None:
            self._emit(self._carry, found)
        return found

    def _push(self, piece: bytes) -> None:
        kept = piece[: self._keep - self._kept]
        if kept:
            self._pieces.append(kept)
            self._kept += len(kept)

    def _emit(self, piece: bytes, found: list[bytes]) -> None:
        self._push(piece)
        if element := b"".join(self._pieces).strip():
            found.append(element)
        self._pieces, self._kept = [], 0


def _whole(data: bytes, start: int) -> tuple[list[bytes], int]:
    """The elements from there on up to the last object that is whole, where they are JSON, and where that ends.

    The decoder needs a fiftieth of the time that it takes to cut them one by one.
    """
    start = _end(_NO_ELEMENT, data, start)
    end = len(data)
    for _ in range(_ENDS_TRIED):
        end = data.rfind(b"}", start, end)
        if end < 0:
            break
        with suppress(msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return [bytes(element) for element in _array.decode(b"[" + data[start : end + 1] + b"]")], end + 1
    return [], start


def _end(pattern: re.Pattern[bytes], data: bytes, at: int) -> int:
    match = pattern.match(data, at)
    assert match is not None  # each of them matches nothing as well
    return match.end()
