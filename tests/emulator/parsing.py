"""Every statement is read once: bqemulator parses the same text about thirty times, which was most of its work."""

from __future__ import annotations

from copy import deepcopy
from functools import lru_cache
from typing import Any

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect

TEXTS = 256  # what is asked again is asked soon: one statement is rewritten in a dozen steps
Trees = list[exp.Expression | None]


def apply() -> None:
    parse_once()
    no_positions()


def parse_once() -> None:
    """Who asks gets a copy, because some of them change it. It takes a sixth of the time of parsing."""
    parse = Dialect.parse

    @lru_cache(TEXTS)
    def trees(dialect: type[Dialect], sql: str, options: tuple[tuple[str, Any], ...]) -> Trees:
        return parse(dialect(), sql, **dict(options))

    def copied(self: Dialect, sql: str, **options: Any) -> Trees:
        assert not self.settings, "a dialect is asked for by its name alone"
        return deepcopy(trees(type(self), sql, tuple(options.items())))

    Dialect.parse = copied


def no_positions() -> None:
    """Where a name stood in the text, nobody asks; as a dictionary on each name it doubled the time of a copy."""
    exp.Expression.update_positions = lambda self, *_, **__: self
