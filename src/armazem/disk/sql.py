"""SQL literals and names. Pure: text in, text out."""

from __future__ import annotations


def quoted(text: str) -> str:
    """The text as an SQL string literal. Control characters are spelt chr(n), so a query stays printable."""
    parts: list[str] = []
    plain = ""
    for character in text:
        if character.isprintable():
            plain += character.replace("'", "''")
            continue
        parts += [f"'{plain}'"] if plain else []
        parts.append(f"chr({ord(character)})")
        plain = ""
    if plain or not parts:
        parts.append(f"'{plain}'")
    return " || ".join(parts) if len(parts) == 1 else "(" + " || ".join(parts) + ")"


def guarded(cheap: str, dear: str) -> str:
    """Whether both conditions hold; the dear one is evaluated only for rows of the cheap one.

    DuckDB tries the sides of AND and OR in changing order, and as values it evaluates both: CASE does neither.
    """
    return f"(CASE WHEN {cheap} THEN {dear} ELSE false END)"


def name(identifier: str) -> str:
    """The identifier in double quotes."""
    return '"' + identifier.replace('"', '""') + '"'
