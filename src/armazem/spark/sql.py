"""Literals and names of Spark SQL. Pure: text in, text out."""

from __future__ import annotations

from collections.abc import Iterable


def text(value: str) -> str:
    """Return a text literal. Characters stay as they are: the escape `\\f` Spark does not know, and takes for f."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def name(identifier: str) -> str:
    """Return the identifier in back quotes."""
    return "`" + identifier.replace("`", "``") + "`"


def among(value: str, texts: Iterable[str]) -> str:
    """Return whether a value is one of the texts."""
    return f"{value} IN ({', '.join(map(text, texts))})"


def full_match(value: str, pattern: str) -> str:
    """Return whether all of a value matches a regular expression of Java, whose `$` would leave a last line break."""
    whole = rf"\A(?:{pattern})\z"
    return f"{value} RLIKE {text(whole)}"
