"""Requests for features: the entities and times that somebody has in a file, CSV or Parquet."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from armazem.contract.features import ENTITIES, Entity
from armazem.contract.identifiers import canonical
from armazem.disk.causes import cause_of, first_line
from armazem.errors import FeatureError

AT = "at"
"""The column of times, where none is named."""

KEYS = {entity.name: "lane" if entity.name == "lane" else entity.key for entity in ENTITIES if entity.key != "all"}
"""Entity to the column that holds its ids; the marketplace needs none."""

_FORMS = "`.csv` and `.parquet` are read"


@dataclass(frozen=True)
class Requests:
    """A row of `table` is a request; its columns are of any names, those of `KEYS` hold ids.

    `name`: of what holds them, for messages; `place`: where the row of a number from 0 stands in it.
    """

    table: pa.Table
    name: str = "the table"
    place: Callable[[int], str] = lambda row: f"row {row + 1:,} of the table"

    @property
    def entities(self) -> tuple[Entity, ...]:
        """Those whose ids are in it, in the order of the contract; with the marketplace, which needs none."""
        columns = self.table.column_names
        return tuple(entity for entity in ENTITIES if KEYS.get(entity.name, columns[0]) in columns)

    def check(self) -> None:
        """Raise FeatureError where a column is there twice, several have no name, or there are no rows."""
        nameless = [f"{number:,}" for number, name in enumerate(self.table.column_names, 1) if not name]
        if len(nameless) > 1:  # one, such as of row numbers, is told from the others
            raise FeatureError(
                f"{self.name}: columns {', '.join(nameless[:-1])} and {nameless[-1]} have no name", "delete them"
            )
        if twice := [name for name, count in Counter(self.table.column_names).items() if count > 1]:
            raise FeatureError(f"{self.name} has the column {twice[0]} more than once", "keep one of them")
        if not self.table.num_rows:
            raise FeatureError(f"{self.name} has no rows", "give it a row for each entity and time")

    def ids(self, entity: Entity) -> pa.Array:
        """Return the ids as they are compared, text; null where there is none."""
        column = KEYS.get(entity.name)
        if column is None:
            return pa.repeat(pa.scalar(entity.key), self.table.num_rows)
        if column not in self.table.column_names:
            raise FeatureError(
                f"{self.name} has no column {column}, which features of the {entity.name} need",
                f"it has {', '.join(self.table.column_names)}",
            )
        try:
            texts = self.table[column].combine_chunks().cast(pa.string())
        except pa.ArrowException as error:
            raise FeatureError(f"{self.name}: column {column} holds no ids: {first_line(error)}") from error
        coded = texts.dictionary_encode()
        known = pa.array([as_stored(entity, value) for value in coded.dictionary.to_pylist()], pa.string())
        return known.take(coded.indices)


def read_requests(path: Path) -> Requests:
    """Return the requests of a file. Of CSV all columns are text, as they stand there.

    Raises FeatureError where there is no such file, it is neither, it cannot be read, or it holds no rows.
    """
    suffix = path.suffix.lower()
    try:
        if not path.is_file():
            what = f"{path} is a folder or a pipe, and no file" if path.exists() else f"there is no file {path}"
            raise FeatureError(what, "name a CSV or Parquet file with ids and times")
        if suffix == ".csv":
            requests = _of_csv(path)
        elif suffix in (".parquet", ".pq"):
            place: Callable[[int], str] = lambda row: f"{path}, row {row + 1:,}"  # noqa: E731
            with pq.ParquetFile(path) as file:
                requests = Requests(file.read(), str(path), place)
        else:
            raise FeatureError(f"{path} is neither CSV nor Parquet by its name", _FORMS)
    except OSError as error:
        cause = cause_of(error, path)
        raise FeatureError(f"cannot read {path}: {cause.reason}", cause.hint) from error
    except pa.ArrowException as error:
        raise FeatureError(
            f"{path} cannot be read: {first_line(error)}", f"is it what its name says? {_FORMS}"
        ) from error
    requests.check()
    return requests


def _of_csv(path: Path) -> Requests:
    columns = _header(path)
    broken: list[Any] = []

    def refuse(row: Any) -> str:
        broken.append(row)
        return "error"

    try:
        table = pacsv.read_csv(
            path,
            pacsv.ReadOptions(use_threads=False, column_names=columns, skip_rows=0),
            pacsv.ParseOptions(newlines_in_values=True, invalid_row_handler=refuse),
            pacsv.ConvertOptions(
                column_types=dict.fromkeys(columns, pa.string()),
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
            ),
        )
    except pa.ArrowInvalid as error:
        if not broken:
            raise
        row = broken[0]
        raise FeatureError(
            f"{path}, {_place(path, row.number - 1)}: it has {row.actual_columns} columns, "
            f"the header {row.expected_columns}",
            "put values with commas in double quotes",
        ) from error
    return Requests(table.slice(1), str(path), lambda row: f"{path}, {_place(path, row + 1)}")


def _header(path: Path) -> Sequence[str]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            header: list[str] = next(filter(None, csv.reader(file)), [])
    except UnicodeDecodeError as error:
        raise FeatureError(f"{path} is not UTF-8", "save it as UTF-8; a Parquet file ends in .parquet") from error
    except csv.Error as error:
        raise FeatureError(
            f"{path}: its header cannot be read: {error}", "its first line names the columns, such as seller_id,at"
        ) from error
    if not any(name.strip() for name in header):
        raise FeatureError(f"{path} is empty", "its first line names the columns, such as seller_id,at")
    return [name.strip() for name in header]


def _place(path: Path, record: int) -> str:
    """Return the line, from 1, on which a record begins, from 0, the header: values in quotes may go over several.

    Of a file with values that Python's reader refuses for their length it is the row that is told.
    """
    left, begun = record, 1
    with path.open(encoding="utf-8-sig", newline="", errors="replace") as file:
        reader = csv.reader(file)
        try:
            for row in reader:
                if row and not left:
                    break
                left -= bool(row)  # an empty line is no record
                begun = reader.line_num + 1
        except csv.Error:
            return f"row {record:,}"
    return f"line {begun:,}"


def as_stored(entity: Entity, text: str) -> str | None:
    """Return an id as the models write it; None where nothing is left of it."""
    text = text.strip()
    return (text.upper() if entity.name == "lane" else canonical(text)) or None
