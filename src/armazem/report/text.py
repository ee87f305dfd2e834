"""A report on a terminal."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from armazem.report.words import Cell, Page, Section

_BAR = 24
_STYLES = {"": "", "good": "green", "bad": "red"}


def print_page(console: Console, page: Page) -> None:
    """Print all of it; what is data is never taken for markup."""
    console.print(Text(page.title, "bold"))
    for line in page.lead:
        console.print(Text(line))
    for alert in page.alerts:
        console.print(Text.assemble(("! ", "red"), alert))
    for section in page.sections:
        console.print(_table(section) if section.rows else Text(f"\n{section.title}: {section.empty}"))
        # What the figures mean is in the mail and in the manual: here it would be longer than they are.
        for note in section.notes if len(section.notes) == 1 else ():
            console.print(Text(note))
    console.print(Text(f"\n{page.foot}"))


def _table(section: Section) -> Table:
    table = Table(title=Text(f"\n{section.title}"), box=SIMPLE_HEAD, title_justify="left", title_style="bold")
    for column in section.columns:
        table.add_column(Text(column.title), justify="right" if column.right else "left", overflow="fold")
    for row in section.rows:
        table.add_row(*map(_cell, row))
    return table


def _cell(cell: Cell) -> Text:
    return Text("█" * round(cell.bar * _BAR)) if cell.bar is not None else Text(cell.text, _STYLES[cell.tone])
