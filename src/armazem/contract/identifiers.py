"""What an identifier is, and when two are the same: declared once for files, events and models.

An identifier is compared as it was sent. Only what has the form of a UUID loses its dashes and capitals, because
senders of one shop write the same UUID in several ways; of nothing else is that known, and to fold it would make
one order of two.
"""

from __future__ import annotations

import re

MAX_IDENTIFIER = 64

UUID_PATTERN = "[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
"""The form of a UUID, as Python, RE2 (DuckDB, BigQuery) and JSON Schema understand it."""

FLOAT_PATTERN = r"[+-]?[0-9]([.,][0-9]*)?[eE]\+[0-9]+"
"""A number that a spreadsheet shortened: its last digits are gone, so many identifiers look the same. The sign is part
of it: hexadecimal digests hold an `e` between digits."""

INVISIBLE: tuple[tuple[int, int], ...] = (
    # Controls and white space of Unicode.
    *((0x0000, 0x0020), (0x007F, 0x00A0), (0x1680, 0x1680), (0x2000, 0x200A), (0x2028, 0x2029), (0x202F, 0x202F)),
    *((0x205F, 0x205F), (0x3000, 0x3000)),
    # Formats, fillers and selectors, which nothing shows (Default_Ignorable_Code_Point, and category Cf).
    *((0x00AD, 0x00AD), (0x034F, 0x034F), (0x0600, 0x0605), (0x061C, 0x061C), (0x06DD, 0x06DD), (0x070F, 0x070F)),
    *((0x0890, 0x0891), (0x08E2, 0x08E2), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F), (0x200B, 0x200F)),
    *((0x202A, 0x202E), (0x2060, 0x206F), (0x3164, 0x3164), (0xFE00, 0xFE0F), (0xFEFF, 0xFEFF), (0xFFA0, 0xFFA0)),
    *((0xFFF0, 0xFFFB), (0x110BD, 0x110BD), (0x110CD, 0x110CD), (0x13430, 0x1343F), (0x1BCA0, 0x1BCA3)),
    *((0x1D173, 0x1D17A), (0xE0000, 0xE0FFF)),
)
"""Ranges of characters that no identifier has, first and last code point: two that differ in one look the same."""

_UUID = re.compile(UUID_PATTERN)
_FLOAT = re.compile(FLOAT_PATTERN)
_INVISIBLE = re.compile("[" + "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in INVISIBLE) + "]")


def re2_class() -> str:
    """Return `INVISIBLE` as a character class of RE2, the regular expressions of DuckDB and BigQuery."""
    return "[" + "".join(rf"\x{{{first:X}}}-\x{{{last:X}}}" for first, last in INVISIBLE) + "]"


def canonical(identifier: str) -> str:
    """Return the identifier as it is compared: a UUID without dashes in lower case, everything else as it is."""
    return identifier.replace("-", "").lower() if _UUID.fullmatch(identifier) else identifier


def fault(identifier: str) -> str | None:
    """Return what is wrong with a canonical identifier, as the end of a sentence; None where nothing is."""
    if not identifier:
        return "it is empty"
    if len(identifier) > MAX_IDENTIFIER:
        return f"it has more than {MAX_IDENTIFIER} characters"
    if found := _INVISIBLE.search(identifier):
        return f"it has white space or an invisible character (U+{ord(found[0]):04X})"
    if _FLOAT.fullmatch(identifier):
        return "it is a number that a spreadsheet shortened: its last digits are lost"
    return None
