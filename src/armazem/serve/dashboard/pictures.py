"""A table as a picture: ECharts options that draw it, for those who want it on a slide. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from armazem.serve.dashboard.options import Options
from armazem.serve.dashboard.theme import Colors

MOST = 50
"""Rows of a picture; the CSV has all."""

_FONT = "13px Roboto, sans-serif"
_LETTER = 7.4  # width of a letter on average
_WIDEST, _GAP, _LINE, _TITLE = 320, 24, 28, 44
# A browser may send a megabyte at once. So many letters make about half of one with each pixel once; with more pixels
# for each the picture is larger and sharper.
_LETTERS = {2.0: 2100, 1.5: 3100, 1.0: 5000}


@dataclass(frozen=True, slots=True)
class Table:
    """Texts as they are shown; no title where it stands elsewhere. `right`: which columns stand at the right."""

    title: str
    labels: Sequence[str]
    rows: Sequence[Sequence[str]]
    right: Sequence[bool]


@dataclass(frozen=True, slots=True)
class Picture:
    """Options of a chart of so many pixels, how often each is drawn, and of how many rows it is."""

    options: Options
    width: int
    height: int
    ratio: float
    rows: int


def draw_table(table: Table, shades: Colors) -> Picture:
    """Return the first rows, as many as a picture can have."""
    rows = list(_that_fit(table.rows))
    letters = sum(map(_letters, rows))
    ratio = next((ratio for ratio, most in _LETTERS.items() if letters <= most), 1.0)
    widths = [
        min(_WIDEST, round(_LETTER * max(len(text) for text in (label, *(row[at] for row in rows)))) + _GAP)
        for at, label in enumerate(table.labels)
    ]
    head = _TITLE if table.title else 0
    width, height = sum(widths) + _GAP, head + _LINE * (len(rows) + 1) + _GAP // 2
    title = _text(table.title, _GAP, 14, shades.text, font="bold 15px Roboto, sans-serif")
    drawn = [title] if table.title else []
    for line, row in enumerate((table.labels, *rows)):
        top, x = head + line * _LINE, _GAP
        for text, column, right in zip(row, widths, table.right, strict=True):
            room = column - _GAP
            drawn.append(
                _text(
                    text, x + room if right else x, top + 7, shades.muted if line == 0 else shades.text,
                    align="right" if right else "left", width=room, overflow="truncate", ellipsis="…",
                )
            )  # fmt: skip
            x += column
        below = top + _LINE
        drawn.append(
            {
                "type": "line",
                "silent": True,
                "shape": {"x1": _GAP, "x2": width - _GAP, "y1": below, "y2": below},
                "style": {"stroke": shades.line},
            }
        )
    return Picture({"animation": False, "graphic": drawn}, width, height, ratio, len(rows))


def _that_fit(rows: Sequence[Sequence[str]]) -> Iterator[Sequence[str]]:
    letters = 0
    for at, row in enumerate(rows[:MOST]):
        letters += _letters(row)
        if at and letters > _LETTERS[1.0]:
            return
        yield row


def _letters(row: Sequence[str]) -> int:
    return sum(min(len(text), round(_WIDEST / _LETTER)) for text in row)


def _text(text: str, x: int, y: int, color: str, *, font: str = _FONT, **style: object) -> Options:
    shown = {"text": " ".join(text.split()), "x": x, "y": y, "fill": color, "font": font, **style}
    return {"type": "text", "silent": True, "style": shown}
