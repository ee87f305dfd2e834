"""Compacted segments of a journal as lines again, for Snowflake's stage: `lines.py JOURNAL OUT`.

Writes OUT/NUMBER.jsonl for each JOURNAL/date=…/NUMBER.parquet that is not there yet. Needs DuckDB, as Armazém does.
"""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb

TIMES = ("received_at", "timestamp")


def main(journal: Path, out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    times = (f"strftime(timezone('UTC', \"{name}\"), '%Y-%m-%dT%H:%M:%S.%fZ') as \"{name}\"" for name in TIMES)
    query = f"select * replace ({', '.join(times)}) from read_parquet(?, hive_partitioning = false)"
    for segment in sorted(journal.glob("date=*/*.parquet")):
        lines = out / f"{segment.stem}.jsonl"
        if not lines.exists():
            part = lines.with_suffix(".part")
            duckdb.sql(query, params=[str(segment)]).create("segment")
            duckdb.execute("copy segment to '{}' (format json)".format(str(part).replace("'", "''")))
            duckdb.execute("drop table segment")
            part.rename(lines)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
