"""What a source table is made of: the vocabulary in which `tables.py` declares the contract."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class ColumnType(Enum):
    """Type of a source column, independent of any database.

    IDENTIFIER and ZIP are strings: a zip prefix read as a number loses its leading zeros. MONEY has
    two decimals and NUMBER three, both exact. TIMESTAMP is naive business time.
    """

    IDENTIFIER = "identifier"
    TEXT = "text"
    ZIP = "zip"
    INTEGER = "integer"
    NUMBER = "number"
    MONEY = "money"
    FLOAT = "float"
    TIMESTAMP = "timestamp"


# Type to the dbt macro that cleans its columns.
_CLEANING = {
    ColumnType.IDENTIFIER: "identifier",
    ColumnType.TEXT: "text",
    ColumnType.ZIP: "zip_prefix",
    ColumnType.FLOAT: "degrees",
}


class Pii(Enum):
    """How much a column says about a person.

    PSEUDONYM: a stable identifier of a person. LOCATION: where a person lives. FREE_TEXT: may hold
    anything a person typed.
    """

    NONE = "none"
    PSEUDONYM = "pseudonym"
    LOCATION = "location"
    FREE_TEXT = "free text"


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a source table.

    `required`: an empty value makes the row a reject. `values`: the only ones allowed. `minimum`,
    `maximum`: inclusive. `below_zero_where`: another column and its value, with which an amount is below zero instead,
    and never zero. `aliases`: other spellings of the header that are accepted. `references`:
    the `table.column` this one points to. `optional`: no model needs it, and a file may come without it. `cleaning`:
    the macro of dbt/macros/cleaning.sql that cleans it, where its type does not tell. `staged_as`: what the
    staging table has for the newest value, as SQL over the cleaned columns, where that is not the value itself.
    """

    name: str
    type: ColumnType
    description: str
    required: bool = False
    pii: Pii = Pii.NONE
    values: tuple[str, ...] = ()
    minimum: int | None = None
    maximum: int | None = None
    below_zero_where: tuple[str, str] | None = None
    aliases: tuple[str, ...] = ()
    references: str | None = None
    optional: bool = False
    cleaning: str | None = None
    staged_as: str | None = None

    @property
    def cleaned_by(self) -> str | None:
        """The dbt macro that cleans it; None where it is taken as it is, which is so for a column of named values."""
        return self.cleaning or (None if self.values else _CLEANING.get(self.type))


@dataclass(frozen=True, slots=True)
class Table:
    """One source table: a batch file, and the `raw` table it becomes.

    `key`: its business key, empty where rows have none. `optional`: a load may come without the file.
    """

    name: str
    file: str
    description: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    optional: bool = False

    def column(self, name: str) -> Column:
        """Return the column with this name; KeyError where there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(f"{self.name} has no column {name}")
