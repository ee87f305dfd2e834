"""Every statement is read and translated once: that is nearly all of bqemulator's work, and running it nearly none.

It parses the same text about thirty times; and a build sends nearly the same texts as the build before.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from copy import deepcopy
from functools import lru_cache
from types import SimpleNamespace
from typing import Any

import sqlglot
from bqemulator.catalog import ddl_sync
from bqemulator.domain.result import Ok, Result
from bqemulator.jobs import ddl_result, executor, routine_ddl
from bqemulator.scripting import interpreter
from bqemulator.sql import catalog_schema
from bqemulator.sql.rewriter import row_access_filter
from bqemulator.sql.translator import SQLTranslator
from sqlglot import exp
from sqlglot.dialects.dialect import Dialect

TEXTS = 256  # what is asked again is asked soon: one statement is rewritten in a dozen steps
STATEMENTS = 512  # of two builds, as they came: trees are large
TRANSLATED = 8192  # texts are not
TEMPORARY = re.compile(r"__dbt_tmp\d{12}")
ANY_TIME = "__dbt_tmp000000000000"
WRITES = {"INSERT", "UPDATE", "DELETE", "MERGE", "TRUNCATE_TABLE"}
Trees = list[exp.Expression | None]


def apply() -> None:
    parse_once()
    no_positions()
    translate_once()
    read_without_a_copy()


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


def translate_once() -> None:
    """A translation follows from the text, the caller, and the types of the columns that it reads.

    dbt names a temporary table by the time of day: its statement is translated under one name for all times.
    """
    translate = SQLTranslator.translate

    @lru_cache(TRANSLATED)
    def translated(sql: str, schema: str, caller: Any) -> Result[str, Any]:
        return translate(SQLTranslator(), sql, schema=json.loads(schema), caller=caller)

    def once(self: SQLTranslator, bq_sql: str, *, schema: Any = None, caller: Any = None) -> Result[str, Any]:
        columns, name = json.dumps(schema), temporary(bq_sql)
        if name is None:
            return translated(bq_sql, columns, caller)
        found = translated(bq_sql.replace(name, ANY_TIME), columns.replace(name, ANY_TIME), caller)
        return Ok(found.value.replace(ANY_TIME, name)) if isinstance(found, Ok) else found

    def rewritten_once(rewrite: Callable[[str, str], str]) -> Callable[[str, str], str]:
        rewritten = lru_cache(TRANSLATED)(rewrite)

        def once(duckdb_sql: str, project_id: str) -> str:
            name = temporary(duckdb_sql)
            if name is None:
                return rewritten(duckdb_sql, project_id)
            return rewritten(duckdb_sql.replace(name, ANY_TIME), project_id).replace(ANY_TIME, name)

        return once

    SQLTranslator.translate = once
    for module in (executor, interpreter):
        module.rewrite_table_refs = rewritten_once(module.rewrite_table_refs)
    executor.classify_statement_type = lru_cache(TRANSLATED)(executor.classify_statement_type)
    executor.detect_drop_routine = lru_cache(TRANSLATED)(executor.detect_drop_routine)


def temporary(sql: str) -> str | None:
    """What is of a time in the name of the temporary table of this statement."""
    names = set(TEMPORARY.findall(sql))
    return names.pop() if len(names) == 1 else None


def read_without_a_copy() -> None:
    """Modules that only look at a statement share one tree of it, and a query changes nothing."""
    shared = lru_cache(STATEMENTS)(sqlglot.parse_one)
    for module in (catalog_schema, ddl_result, ddl_sync, routine_ddl):
        module.sqlglot = SimpleNamespace(parse_one=shared, errors=sqlglot.errors)
    row_access_filter.sqlglot = SimpleNamespace(parse_one=lambda sql, read: deepcopy(shared(sql, read=read)))
    reject, capture = executor._reject_dml_on_immutable, executor._capture_dml_snapshots

    def reject_changes(project_id: str, bq_sql: str, ctx: Any) -> None:
        if executor.classify_statement_type(bq_sql) in WRITES:
            reject(project_id, bq_sql, ctx)

    async def capture_changes(project_id: str, bq_sql: str, ctx: Any) -> None:
        if executor.classify_statement_type(bq_sql) in WRITES:
            await capture(project_id, bq_sql, ctx)

    executor._reject_dml_on_immutable = reject_changes
    executor._capture_dml_snapshots = capture_changes
