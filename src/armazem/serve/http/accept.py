"""Which form of an answer a client prefers, and whether it has the answer already."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TypeVar

_Media = TypeVar("_Media", bound=str)


def preferred(accept: str, offered: Sequence[_Media]) -> _Media | None:
    """Return the media type that suits the header best, the first of equals; None where none does."""
    ranges = [_range(part) for part in accept.split(",") if part.strip()] or [("*/*", 1.0)]
    best = max(offered, key=lambda media: _quality(media, ranges))  # the first of equals
    return best if _quality(best, ranges) > 0 else None


def is_known(if_none_match: str, etag: str) -> bool:
    """Return whether the header names this answer."""
    return if_none_match.strip() == "*" or etag in re.findall(r'"[^"]*"', if_none_match)


def _range(text: str) -> tuple[str, float]:
    media, *parameters = (part.strip().lower() for part in text.split(";"))
    weight = next((part[2:].strip() for part in parameters if part.startswith("q=")), "1")
    return media, float(weight) if re.fullmatch(r"[01](\.[0-9]{0,3})?", weight) else 0.0


def _quality(media: str, ranges: Sequence[tuple[str, float]]) -> float:
    # The range that says most about a type counts.
    for wanted in (media, f"{media.partition('/')[0]}/*", "*/*"):
        found = [quality for name, quality in ranges if name == wanted]
        if found:
            return max(found)
    return 0.0
