"""Small source files, made here: valid by default, and as broken as a test wants them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb

from armazem.contract import TABLES, table
from armazem.home import Home
from armazem.landing import parquet_files

ROWS: dict[str, list[list[str]]] = {
    "orders": [
        [
            "o1",
            "c1",
            "delivered",
            "2018-01-02 10:56:33",
            "2018-01-02 11:07:15",
            "",
            "",
            "2018-01-20 00:00:00",
        ],
        ["o2", "c2", "canceled", "2018-02-03 00:00:01", "", "", "", ""],
    ],
    "order_items": [["o1", "1", "p1", "s1", "2018-01-05 00:00:00", "58.90", "13.29"]],
    "order_payments": [["o1", "1", "credit_card", "2", "72.19"]],
    "order_reviews": [["r1", "o1", "4", "", "muito bom", "2018-01-12 00:00:00", "2018-01-13 08:00:00"]],
    "customers": [["c1", "u1", "01037", "sao paulo", "SP"], ["c2", "u2", "20020", "rio", "RJ"]],
    "sellers": [["s1", "04195", "sao paulo", "SP"]],
    "products": [["p1", "perfumaria", "40", "287", "1", "225", "16", "10", "14"]],
    "geolocation": [["01037", "-23.54562128115268", "-46.63929204800168", "sao paulo", "SP"]],
    "product_category_name_translation": [["perfumaria", "perfumery"]],
}


def header(name: str) -> list[str]:
    """The contract's columns of a table."""
    return [column.name for column in table(name).columns]


def csv(name: str, rows: list[list[str]] | None = None, *, end: str = "\n", delimiter: str = ",") -> bytes:
    """A file of the table with these rows, their fields written as they are."""
    lines = [header(name), *(ROWS[name] if rows is None else rows)]
    return "".join(delimiter.join(fields) + end for fields in lines).encode()


def write(folder: Path, **changed: bytes | None) -> Path:
    """A folder with all nine files; `changed` gives other bytes to some tables, or None for no file."""
    folder.mkdir(parents=True, exist_ok=True)
    for contract in TABLES:
        content = changed.get(contract.name, csv(contract.name))
        if content is not None:
            (folder / contract.file).write_bytes(content)
    return folder


def single(folder: Path, name: str, content: bytes) -> Path:
    """One file alone, to be loaded by its name."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / table(name).file
    path.write_bytes(content)
    return path


def landed(home: Home, name: str) -> list[tuple[Any, ...]]:
    """Every landed row of a table, in load and file order."""
    rows: list[tuple[Any, ...]] = []
    for path in parquet_files(home, name):
        rows += duckdb.sql(f"SELECT * FROM read_parquet('{path}') ORDER BY file_row_number").fetchall()
    return rows


def rejects(folder: Path | None, name: str) -> list[dict[str, Any]]:
    """The rejects of a table, without the file name where that is plain."""
    assert folder is not None
    return [json.loads(line) for line in (folder / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]


def leftovers(home: Home) -> list[Path]:
    """Temporary files and folders that a load should have removed."""
    return [path for folder in (home.landing, home.rejects) for path in folder.glob(".tmp-*")]
