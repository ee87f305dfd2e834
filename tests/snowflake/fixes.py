"""What fakesnow 0.12 does otherwise than Snowflake, where dbt or the models need it as Snowflake does it."""

from __future__ import annotations

from typing import Any

from fakesnow import transforms
from sqlglot import exp


def apply() -> None:
    """Mend fakesnow, in this process."""
    transforms.numeric_agg_implicit_cast = numbers_are_summed_as_they_are
    split = transforms.merge
    transforms.merge = lambda tree: split(new_values_come_from_the_source(views_are_not_temporary(tree)))


def numbers_are_summed_as_they_are(tree: Any) -> Any:
    """A sum of numbers is exact. fakesnow makes floats of what is summed, since it may be texts; here it never is."""
    return tree


def views_are_not_temporary(tree: Any) -> Any:
    """A temporary view may have the name of a database before its own; on DuckDB it may not. dbt drops it by itself."""
    if isinstance(tree, exp.Create) and tree.kind == "VIEW" and (given := tree.args.get("properties")):
        for temporary in list(given.find_all(exp.TemporaryProperty)):
            temporary.pop()
    return tree


def new_values_come_from_the_source(tree: Any) -> Any:
    """In `when not matched then insert … values (a)` a name is one of the source; fakesnow looks in both tables."""
    if isinstance(tree, exp.Merge):
        source = tree.args["using"].alias_or_name
        for when in tree.args["whens"].expressions:
            if isinstance(then := when.args["then"], exp.Insert):
                for column in then.expression.find_all(exp.Column):
                    if not column.table:
                        column.set("table", exp.to_identifier(source))
    return tree
