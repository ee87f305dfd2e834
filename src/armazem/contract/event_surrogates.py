"""Halves of a UTF-16 pair that stand alone, which no text in UTF-8 can hold: where they are in a message."""

from __future__ import annotations

import json
import re
from typing import Any

_ESCAPED = re.compile(rb"\\u[dD][89a-fA-F]")
_LONE = re.compile("[\ud800-\udfff]")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def escaped(message: bytes) -> tuple[str, str] | None:
    """Return JSON path and name, like U+D800, of a lone surrogate that the JSON writes as an escape; None without one.

    The path is that of the string, or of the object where it is in a key.
    """
    if not _ESCAPED.search(message):
        return None
    try:
        value = json.loads(message)
    except (ValueError, RecursionError):
        return None
    waiting: list[tuple[str, Any]] = [("$", value)]
    while waiting:
        path, at = waiting.pop()
        texts = [at] if isinstance(at, str) else at if isinstance(at, dict) else ()
        for text in texts:
            if found := _LONE.search(text):
                return path, f"U+{ord(found[0]):04X}"
        if isinstance(at, dict):
            waiting += reversed([(_member(path, key), one) for key, one in at.items()])
        elif isinstance(at, list):
            waiting += reversed([(f"{path}[{index}]", one) for index, one in enumerate(at)])
    return None


def encoded(message: bytes, at: int) -> str | None:
    """Return the name of the surrogate whose three bytes begin there, as CESU-8 and careless encoders write it."""
    piece = message[at : at + 3]
    if len(piece) < 3 or piece[0] != 0xED or not 0xA0 <= piece[1] <= 0xBF or not 0x80 <= piece[2] <= 0xBF:
        return None
    return f"U+{0xD000 | (piece[1] & 0x3F) << 6 | piece[2] & 0x3F:04X}"


def _member(path: str, key: str) -> str:
    return f"{path}.{key}" if _NAME.fullmatch(key) else f"{path}[{json.dumps(key)[:60]}]"
