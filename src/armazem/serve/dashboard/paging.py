"""A page of a table: which of its rows, in which order, with which words. Pure; values are bound, never written in."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from armazem.disk.sql import sql_name
from armazem.serve.dashboard.queries import Query
from armazem.targets.rows import Rows

SIZE = 100
"""Rows of a page."""
_MOST_WORDS = 10
_COUNT = "rows_of_the_table"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a reader asks of a table: rows that have all of the `words`, ordered by columns (True: largest first)."""

    order: tuple[tuple[str, bool], ...] = ()
    words: str = ""
    offset: int = 0

    @property
    def is_plain(self) -> bool:
        """In the table's own order, all of it."""
        return not self.order and not self.words.strip()

    @property
    def each_word(self) -> list[str]:
        return plain(self.words).split()[:_MOST_WORDS]

    def sorted_by(self, order: Sequence[tuple[str, bool]]) -> Wanted:
        return replace(self, order=tuple(order), offset=0)


@dataclass(frozen=True, slots=True)
class Page(Rows):
    """Rows of a table that has `total` that match, and those before them."""

    total: int = 0
    offset: int = 0


def page_query(query: Query, own_order: Query, texts: Sequence[str], wanted: Wanted) -> Query:
    """The rows of a page, and as a last column how many there are in all: see `page_of_answer`.

    `own_order`: what `order by` takes of the query's columns, to the last tie; `texts`: columns that words are
    looked for in.
    """
    whole = all_query(query, own_order, texts, wanted, more=f", count(*) over () as {_COUNT}")
    return Query(f"{whole.sql} limit {SIZE} offset {max(0, int(wanted.offset))}", whole.parameters)


def all_query(query: Query, own_order: Query, texts: Sequence[str], wanted: Wanted, more: str = "") -> Query:
    """All rows that match, in their order."""
    words = wanted.each_word if texts else []
    columns = ", ".join(f"cast({sql_name(name)} as varchar)" for name in texts)
    where = " and ".join(f"contains(lower(strip_accents(concat_ws(' ', {columns}))), ?)" for _ in words)
    order = [f"{sql_name(name)} {'desc' if falls else 'asc'} nulls last" for name, falls in wanted.order]
    by = ", ".join([*order, *([own_order.sql] if own_order.sql else [])])
    return Query(
        f"select *{more} from ({query.sql}){f' where {where}' if where else ''}{f' order by {by}' if by else ''}",
        (*query.parameters, *words, *own_order.parameters),
    )


def page_of_answer(rows: Rows, wanted: Wanted) -> Page:
    """Of the answer to `page_query`, or to a query with the same last column."""
    total = int(rows.rows[0][-1]) if rows.rows else 0
    return Page(rows.columns[:-1], tuple(row[:-1] for row in rows.rows), total, wanted.offset)


def matching(rows: Rows, texts: Sequence[str], wanted: Wanted) -> Rows:
    """The same as `all_query`, of rows that are there already."""
    at = {name: place for place, name in enumerate(rows.columns)}
    places, found = [at[name] for name in texts if name in at], list(rows.rows)
    for word in wanted.each_word if places else ():
        found = [row for row in found if word in plain(" ".join(_text(row[place]) for place in places))]
    for name, falls in reversed(wanted.order):
        if name in at:
            place = at[name]
            known = [row for row in found if row[place] is not None]
            known.sort(key=lambda row: row[place], reverse=falls)
            found = [*known, *(row for row in found if row[place] is None)]
    return Rows(rows.columns, tuple(found))


def page_of(rows: Rows, texts: Sequence[str], wanted: Wanted) -> Page:
    """The same as `page_query`, of rows that are there already."""
    found = matching(rows, texts, wanted)
    shown = found.rows[wanted.offset : wanted.offset + SIZE]
    return Page(rows.columns, shown, len(found.rows), wanted.offset)


def ask_page(ask: Callable[[Wanted], Page], wanted: Wanted) -> Page:
    """The page wanted, or the last one where the table ends before it."""
    page = ask(wanted)
    if page.rows or not wanted.offset:
        return page
    total = ask(replace(wanted, offset=0)).total
    return ask(replace(wanted, offset=max(0, (total - 1) // SIZE * SIZE)))


def plain(text: str) -> str:
    """In small letters without accents, as words are looked for."""
    split = unicodedata.normalize("NFD", text)
    return "".join(letter for letter in split if not unicodedata.combining(letter)).lower()


def _text(value: Any) -> str:
    return "" if value is None else str(value)
