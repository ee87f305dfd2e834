"""Files that hold data but are none that can be loaded: what they are, and what to do with them."""

from __future__ import annotations

import codecs
import zipfile
from dataclasses import dataclass
from pathlib import Path

_START = 64


@dataclass(frozen=True, slots=True)
class Foreign:
    """What a file is, in words, and how to get its data out of it."""

    what: str
    hint: str


WORKBOOK = Foreign(
    "an Excel workbook", "save each sheet as CSV, named after its table: orders.csv (Excel: 'CSV UTF-8')"
)
_SHEETS = Foreign("an OpenDocument spreadsheet", "save each sheet as CSV, named after its table: orders.csv")
_SQLITE = Foreign(
    "a SQLite database",
    "export each table as CSV: sqlite3 -header -csv FILE 'select * from orders' > orders.csv",
)
_JSON = Foreign("a JSON file", "export it as CSV; events go to `armazem ingest`")
_SQL = Foreign("a dump of SQL", "load it into its database and export each table as CSV: orders.csv")
_PDF = Foreign("a PDF", "export the data as CSV, one file per table: orders.csv")
_WIDE = Foreign("encoded as UTF-16 or UTF-32", "save it as UTF-8 (Excel: 'CSV UTF-8')")
_DAMAGED = Foreign("a zip or an Excel workbook", "save it as CSV, or load the zip by its name")
_ZIP = Foreign("a zip", "give it a name that ends in .zip, or unpack it")
_GZIP = Foreign("gzip-compressed", "give it a name that ends in .csv.gz, or unpack it")
_PARQUET = Foreign("a Parquet file", "give it a name that ends in .parquet: orders.parquet")
_PACKED = Foreign("compressed in a way that is not read here", "unpack it, or compress it with gzip: orders.csv.gz")

_BY_ENDING = {
    "xlsx": WORKBOOK,
    "xls": WORKBOOK,
    "xlsm": WORKBOOK,
    "xlsb": WORKBOOK,
    "ods": _SHEETS,
    "sqlite": _SQLITE,
    "sqlite3": _SQLITE,
    "db": _SQLITE,
    "json": _JSON,
    "jsonl": _JSON,
    "sql": _SQL,
    "7z": _PACKED,
    "rar": _PACKED,
    "bz2": _PACKED,
    "xz": _PACKED,
    "zst": _PACKED,
}
_BY_START = (
    (codecs.BOM_UTF16_LE, _WIDE),
    (codecs.BOM_UTF16_BE, _WIDE),
    (codecs.BOM_UTF32_BE, _WIDE),
    (b"\x1f\x8b", _GZIP),
    (b"PAR1", _PARQUET),
    (b"%PDF", _PDF),
    (b"\xd0\xcf\x11\xe0", WORKBOOK),
    (b"SQLite format 3", _SQLITE),
    (b"7z\xbc\xaf\x27\x1c", _PACKED),
    (b"Rar!", _PACKED),
    (b"\x28\xb5\x2f\xfd", _PACKED),
    (b"BZh", _PACKED),
    (b"\xfd7zXZ", _PACKED),
)


def foreign_by_name(name: str) -> Foreign | None:
    """Return what a file is by the end of its name; None where that says nothing."""
    return _BY_ENDING.get(name.lower().rpartition(".")[2])


def foreign_by_content(path: Path) -> Foreign | None:
    """Return what a file is by its first bytes; None where it may be CSV."""
    with path.open("rb") as file:
        start = file.read(_START)
    if start.startswith(b"PK\x03\x04"):
        return _zipped(path)
    return next((foreign for magic, foreign in _BY_START if start.startswith(magic)), None)


def _zipped(path: Path) -> Foreign:
    """Office documents are zips too."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, NotImplementedError, OSError):
        return _DAMAGED
    if any(name.startswith("xl/") for name in names):
        return WORKBOOK
    return _SHEETS if "content.xml" in names else _ZIP
