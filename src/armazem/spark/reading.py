"""Reading by Spark: a file of plain lines becomes rows of its table in the lake; the landing's reader takes others.

What is plain is seen from the bytes before Spark begins. A row that is not good for sure ends Spark's work on the file:
nothing of it is committed then, and the reader has all of it, for its rejects and for its rows.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import duckdb

from armazem.contract import Table
from armazem.errors import extra
from armazem.lake.ledger import summary
from armazem.lake.place import CATALOG, NAMESPACE
from armazem.lake.tables import LOAD_ID, ROW
from armazem.landing.convert import Converted, Paths, check_unchanged, convert
from armazem.landing.form import Format
from armazem.landing.header import Header, read_header
from armazem.landing.prescan import Scan
from armazem.landing.report import OnProgress
from armazem.landing.tokenizer import MAX_RECORD, Lines
from armazem.sources.files import SourceFile, Warn
from armazem.sources.foreign import foreign_by_content
from armazem.spark.failures import InDoubt, job_errors
from armazem.spark.lines import joined_lines, single_lines
from armazem.spark.remote import Remote
from armazem.spark.sql import name, text
from armazem.spark.validation import validated

with extra("spark", "a job for Spark"):
    from py4j.protocol import Py4JError
    from pyspark.sql import DataFrame, Observation, SparkSession
    from pyspark.sql import functions as functions_

_BLOCK = 128 << 20
_SMALL_BLOCK = 8 << 20
_TASKS_A_CORE = 2


class SparkReading:
    """Reads files by a session whose catalog is the lake."""

    def __init__(self, spark: SparkSession) -> None:
        self.written: dict[str, int] = {}
        """Table to the rows that Spark has added to it for this load."""
        self.begun = False
        """Whether Spark may have added rows, to whatever table."""
        self._load_id = ""
        self._spark = spark
        self._remote = Remote(spark)
        # Workers on other machines see no file of this one.
        self._alone = spark.sparkContext.master.startswith("local")

    def begin(self, load_id: str, announce: Callable[[], None]) -> None:
        """Say which load it is, before a file is read; `announce` is called before the first rows are added."""
        self._load_id = load_id
        self.announce = announce

    def cancel(self) -> None:
        """Let Spark give up what it is at. Nothing happens where it is gone."""
        with suppress(Py4JError, ConnectionError):
            self._spark.sparkContext.cancelAllJobs()

    def find(self, path: str | Path, work: Path, *, partial: bool, warn: Warn, notify: OnProgress) -> list[SourceFile]:
        return self._remote.find(path, work, partial=partial, warn=warn, notify=notify)

    def convert(
        self,
        connection: duckdb.DuckDBPyConnection,
        file: SourceFile,
        scan: Scan,
        form: Format,
        paths: Paths,
        on_rows: Callable[[int], None],
    ) -> Converted:
        started = time.perf_counter()
        url = self._remote.url(file) or (file.path.absolute().as_uri() if self._alone else None)
        header = _plain_header(file, scan, form) if url is not None else None
        if url is not None and header is not None:
            try:
                rows = self._append(url, file, scan, header, form)
            except InDoubt:
                pass
            else:
                check_unchanged(file, scan)
                self._remote.check_unchanged(file)
                empty = () if rows else (f"{file.name} has a header and no rows",)
                seconds = round(time.perf_counter() - started, 3)
                return Converted(rows, 0, "utf-8", seconds, "", "", (*header.warnings, *empty))
        return convert(connection, file, scan, form, paths, on_rows)

    def _append(self, url: str, file: SourceFile, scan: Scan, header: Header, form: Format) -> int:
        """Add the rows of a file to its table, in one snapshot; how many they are. Raises InDoubt, and adds none."""
        seen = Observation()
        with job_errors(f"reading {file.name}"):
            rows = self._rows(url, file, scan, header, form)
            rows = rows.observe(seen, functions_.count(functions_.lit(1)).alias("rows"))
            table = f"{CATALOG}.{NAMESPACE}.{file.table.name}"
            writer = rows.writeTo(table)
            for key, value in summary(self._load_id, "load").items():
                writer = writer.option(f"snapshot-property.{key}", value)
            if not self.begun:
                self.announce()
                self.begun = True
            writer.option("check-nullability", "false").append()
            self.written[file.table.name] = int(seen.get["rows"])
            return self.written[file.table.name]

    def _rows(self, url: str, file: SourceFile, scan: Scan, header: Header, form: Format) -> DataFrame:
        delimiter = form.between(file).decode("ascii")
        self._block(scan.size)
        lines = self._spark.read.option("lineSep", "\n").text(url)
        lines = lines.selectExpr("value", "_metadata.file_block_start AS block")
        view = f"lines_of_{file.table.name}"
        lines.createOrReplaceTempView(view)
        joined = scan.has_quotes and _has_free_text(file.table)
        records = (joined_lines if joined else single_lines)(view)
        blocks = {} if joined else self._lines_before(view, scan.size)
        before = _case(blocks)
        # Behind the header, whose place in the first block is 0.
        numbered = f"SELECT {before} + place - 1L AS number, raw FROM ({records}) WHERE block + place > 0"
        query = validated(
            file.table,
            f"({numbered})",
            header.positions,
            header.width,
            delimiter=delimiter,
            written=form.written,
            keep=("number",),
        )
        columns = ", ".join(name(column.name) for column in file.table.columns)
        landed = f"SELECT {columns}, {text(self._load_id)} AS {name(LOAD_ID)}, number AS {name(ROW)} FROM ({query})"
        return self._spark.sql(landed)

    def _block(self, size: int) -> None:
        """Let each task have one block of a file, so that the places of its lines count from the block's beginning."""
        tasks = self._spark.sparkContext.defaultParallelism * _TASKS_A_CORE
        self._bytes = max(_SMALL_BLOCK, min(_BLOCK, -(-size // tasks)))
        self._spark.conf.set("spark.sql.files.maxPartitionBytes", str(self._bytes))
        self._spark.conf.set("spark.sql.files.openCostInBytes", str(self._bytes))

    def _lines_before(self, view: str, size: int) -> dict[int, int]:
        """Where each block of the file begins, and how many records begin before it; the first is left out."""
        if size <= self._bytes:
            return {}
        counted = f"SELECT block, count(*) AS lines FROM ({single_lines(view)}) GROUP BY block ORDER BY block"
        found = self._spark.sql(counted).collect()
        before: dict[int, int] = {}
        lines = 0
        for row in found:
            before[row["block"]] = lines
            lines += row["lines"]
        return before


def _case(blocks: dict[int, int]) -> str:
    cases = " ".join(f"WHEN {block}L THEN {lines}L" for block, lines in blocks.items())
    return f"CASE block {cases} END" if cases else "0L"


def _has_free_text(table: Table) -> bool:
    """Whether values may have line breaks."""
    return any(column.pii.value == "free text" for column in table.columns)


def _plain_header(file: SourceFile, scan: Scan, form: Format) -> Header | None:
    """The header of a file that Spark may read; None for one that it should not try.

    Raises SourceError, as the reader would, where the header is not that of the table.
    """
    encoded = form.encoding in ("auto", "utf-8") and not scan.invalid
    if file.kind == "parquet" or not scan.size or not encoded or scan.bom or scan.has_nul or scan.odd_quotes:
        return None
    if foreign_by_content(file.path) is not None:
        return None
    with file.path.open("rb") as opened:
        header = read_header(Lines(opened, file.name), file.table, file.name, form.between(file))
        opened.seek(0)
        first = opened.readline(MAX_RECORD)
    # Lines may end in CR alone: for Spark all of such a file would be its header.
    return header if header.plain and b"\r" not in first.rstrip(b"\r\n") else None
