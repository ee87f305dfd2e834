"""Words that mean null in exports of other programs: the same in every column, of files and of events."""

from __future__ import annotations

NULL_WORDS: frozenset[str] = frozenset(
    {"null", "nan", "nat", "none", "n/a", "#n/a", "<na>", r"\n", "-"}
    | {date + time for date in ("0000-00-00", "0000/00/00") for time in ("", " 00:00", " 00:00:00", "t00:00:00")}
)
"""In lower case: databases write NULL and \\N, pandas NaN, NaT and <NA>, spreadsheets #N/A, MySQL zero dates."""


def is_null(text: str) -> bool:
    """Return whether the text, without the white space around it, is empty or such a word in any case."""
    stripped = text.strip()
    return not stripped or stripped.lower() in NULL_WORDS
