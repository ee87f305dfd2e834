"""What Snowflake would refuse, as far as it can be told without Snowflake: fakesnow runs on DuckDB, and takes its SQL.

A statement is read by sqlglot as Snowflake's dialect. sqlglot takes much that is not of the dialect, so what DuckDB or
BigQuery have and Snowflake has not is looked for besides, with the names of functions and types.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

import sqlglot
from sqlglot import exp
from sqlglot.tokens import TokenType

# As Snowflake's reference of functions names them; one that is missing here has to be looked up there first.
FUNCTIONS = {
    "ABS", "ARRAY_AGG", "ARRAY_GENERATE_RANGE", "CAST", "CHR", "COALESCE", "CONVERT_TIMEZONE", "COUNT", "DATEADD",
    "DATEDIFF", "DATE_TRUNC", "DAYOFWEEKISO", "DENSE_RANK", "EXTRACT", "FLATTEN", "GET", "GREATEST", "LAG", "LEAST",
    "LENGTH", "LOWER", "LPAD", "MAX", "MAX_BY", "MIN", "MOD", "NTILE", "NULLIF", "OBJECT_CONSTRUCT", "REGEXP_INSTR",
    "REGEXP_REPLACE", "REPLACE", "ROW_NUMBER", "SIGN", "SPLIT_PART", "SUBSTR", "SUM", "SYSDATE", "TO_CHAR", "TO_JSON",
    "TO_TIMESTAMP_TZ", "TRANSLATE", "TRIM", "UPPER",
}  # fmt: skip
_KIND = exp.DataType.Type
TYPES = {
    _KIND.BIGINT: "BIGINT", _KIND.DATE: "DATE", _KIND.DECIMAL: "NUMBER", _KIND.DOUBLE: "FLOAT", _KIND.FLOAT: "FLOAT",
    _KIND.INT: "INTEGER", _KIND.TIMESTAMPNTZ: "TIMESTAMP_NTZ", _KIND.TEXT: "VARCHAR", _KIND.TIMESTAMPTZ: "TIMESTAMP_TZ",
    _KIND.VARCHAR: "VARCHAR", _KIND.VARIANT: "VARIANT",
}  # fmt: skip
STATEMENTS = (
    exp.Alter, exp.Commit, exp.Copy, exp.Create, exp.Delete, exp.Drop, exp.Insert, exp.Merge, exp.Put, exp.Query,
    exp.Transaction, exp.TruncateTable,
)  # fmt: skip
# Words that a parenthesis may follow.
_BEFORE_PARENTHESIS = {
    "ALL", "AND", "AS", "BETWEEN", "BY", "CASE", "CLUSTER BY", "DISTINCT", "ELSE", "EXCEPT", "EXISTS", "FILES", "FROM",
    "GROUP", "IN", "INSERT", "INTO", "JOIN", "LATERAL", "NOT", "ON", "OR", "ORDER BY", "OVER", "PARTITION BY",
    "SELECT", "THEN", "UNION", "USING", "VALUES", "WHEN", "WHERE", "WITH",
}  # fmt: skip
# Snowflake's reserved keywords: no name without quotes may be one of them.
RESERVED = {
    "account", "all", "alter", "and", "any", "as", "between", "by", "case", "cast", "check", "column", "connect",
    "connection", "constraint", "create", "cross", "current", "current_date", "current_time", "current_timestamp",
    "current_user", "database", "delete", "distinct", "drop", "else", "exists", "false", "following", "for", "from",
    "full", "grant", "group", "gscluster", "having", "ilike", "in", "increment", "inner", "insert", "intersect",
    "into", "is", "issue", "join", "lateral", "left", "like", "localtime", "localtimestamp", "minus", "natural", "not",
    "null", "of", "on", "or", "order", "organization", "qualify", "regexp", "revoke", "right", "rlike", "row", "rows",
    "sample", "schema", "select", "set", "some", "start", "table", "tablesample", "then", "to", "trigger", "true",
    "try_cast", "union", "unique", "update", "using", "values", "view", "when", "whenever", "where", "with",
}  # fmt: skip
# What other databases have, or what Snowflake has for texts only, by the name of sqlglot's class.
_STRANGERS = {
    exp.AtTimeZone: "at time zone", exp.Command: "a statement that is not read", exp.Dot: "a path of dots",
    exp.Filter: "a filter of an aggregate", exp.IntDiv: "a division of integers", exp.Lambda: "a lambda",
    exp.List: "a list", exp.Map: "a map", exp.Struct: "a struct", exp.TryCast: "try_cast, which takes texts only",
    exp.Unnest: "unnest",
}  # fmt: skip
# The columns and values that have no types, so that a dot does not lead into them.
_UNTYPED = {"data", "line", "part", "value"}
_NOT_IN_PATTERNS = re.compile(r"\(\?|\\[pP]|[*+?]\?")


def faults(sql: str) -> list[str]:
    """Say what Snowflake would refuse in a text of statements; nothing where it is not known that it would."""
    try:
        trees = sqlglot.parse(sql, read="snowflake", error_level=sqlglot.ErrorLevel.RAISE)
    except sqlglot.errors.SqlglotError as error:
        return [f"not read: {error}"]
    found = [*_of_words(sql)]
    for tree in trees:
        if tree is not None:
            found += [*_of_names(tree), *_of_types(tree), *_of_syntax(tree), *_of_patterns(tree)]
    return found


def _of_words(sql: str) -> Iterator[str]:
    before: tuple[str, TokenType | None] = ("", TokenType.SEMICOLON)
    for token, following in itertools.pairwise(sqlglot.tokenize(sql, read="snowflake")):
        name, next_name = token.text.upper(), following.text.upper()
        if following.token_type == TokenType.L_PAREN and token.token_type not in (
            TokenType.STRING,
            TokenType.IDENTIFIER,
        ):
            is_table = before[1] == TokenType.DOT or before[0] in ("INTO", "TABLE")
            known = is_table or name in {*FUNCTIONS, *TYPES.values(), *_BEFORE_PARENTHESIS}
            if not known and name.replace(" ", "_").isidentifier():
                yield f"an unknown function: {name}"
        if name in ("EXCEPT", "INTERSECT", "MINUS") and next_name in ("DISTINCT", "ALL"):
            yield f"{name} {next_name}"
        if name == "INTERVAL" and following.token_type == TokenType.NUMBER:
            yield "an interval without quotes"
        if name == "FROM" and before[1] in (TokenType.SEMICOLON, TokenType.L_PAREN):
            yield "a query that begins with from"
        before = name, token.token_type
    if re.search(r"//", re.sub(r"'(?:[^'\\]|''|\\.)*'|--[^\n]*", "", sql)):
        yield "//, which begins a remark"


def _of_names(tree: exp.Expression) -> Iterator[str]:
    for identifier in tree.find_all(exp.Identifier):
        if not identifier.quoted and identifier.name.lower() in RESERVED:
            yield f"a reserved word as a name: {identifier.name}"
    for column in tree.find_all(exp.Column):
        if _UNTYPED & {part.name.lower() for part in column.parts[:-1]}:
            yield f"a dot into a variant: {column.sql(dialect='snowflake')}"


def _of_types(tree: exp.Expression) -> Iterator[str]:
    for kind in tree.find_all(exp.DataType):
        if kind.this not in TYPES:
            yield f"an unknown type: {kind.sql(dialect='snowflake')}"
    for path in tree.find_all(exp.JSONExtract):
        above = path.parent
        while isinstance(above, exp.Bracket | exp.JSONExtract | exp.Paren):
            above = above.parent
        if not isinstance(above, exp.Cast | exp.Kwarg | exp.Alias | exp.Select):
            yield f"a path without a type: {path.sql(dialect='snowflake')}"


def _of_syntax(tree: exp.Expression) -> Iterator[str]:
    if not isinstance(tree, STATEMENTS):
        yield f"a statement of another kind: {type(tree).__name__}"
    for kind, words in _STRANGERS.items():
        if stranger := tree.find(kind):
            yield f"{words}: {stranger.sql(dialect='snowflake')[:60]}"
    for select in tree.find_all(exp.Select):
        if select.args.get("windows"):
            yield "a named window"
        if (distinct := select.args.get("distinct")) and distinct.args.get("on"):
            yield "distinct on"
    for join in tree.find_all(exp.Join):
        if (join.method or join.kind or "").upper() in ("ASOF", "POSITIONAL", "SEMI", "ANTI"):
            yield f"a join: {join.method or join.kind}"


def _of_patterns(tree: exp.Expression) -> Iterator[str]:
    for call in tree.find_all(exp.RegexpReplace, exp.RegexpInstr, exp.RegexpLike):
        pattern = call.args.get("expression")
        if isinstance(pattern, exp.Literal) and _NOT_IN_PATTERNS.search(pattern.name):
            yield f"in a pattern: {pattern.name}"
