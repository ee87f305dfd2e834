"""Which table a file holds, by its name: one rule for folders, archives and buckets."""

from __future__ import annotations

import re
from typing import Literal

from armazem.contract.model import Table
from armazem.contract.tables import TABLES

Kind = Literal["csv", "tsv", "parquet"]

COMPRESSED = ".gz"
KINDS: tuple[Kind, ...] = ("csv", "tsv", "parquet")

_TABLES = {table.name: table for table in TABLES}
_BETWEEN = re.compile(r"[\s_.-]+")
_DATE = re.compile(r"_(?:19|20)[0-9]{2}_?(?:0[1-9]|1[0-2])(?:_?(?:0[1-9]|[12][0-9]|3[01]))?$")


def kind_of(name: str) -> Kind | None:
    """Return what a file holds by the end of its name, `.gz` or not; None where it is no file of data."""
    ending = name.lower().removesuffix(COMPRESSED).rpartition(".")[2]
    return next((kind for kind in KINDS if kind == ending), None)


def table_of(name: str) -> Table | None:
    """Return the table of a file with this name, without its folder; None where there is none.

    The name is that of the table, in any case, with `olist` in front or not, `dataset` or a date (`2018-08-29`,
    `201808`) or both behind or not, and `_`, `-`, a dot or a space between.
    """
    if kind_of(name) is None:
        return None
    stem = name.lower().removesuffix(COMPRESSED).rpartition(".")[0]
    words = _BETWEEN.sub("_", stem).strip("_").removeprefix("olist_")
    for _ in range(2):
        words = _DATE.sub("", words).removesuffix("_dataset")
    return _TABLES.get(words)
