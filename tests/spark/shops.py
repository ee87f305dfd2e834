"""A shop in three landing zones: what of them is compared."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
from lake.worlds import in_home, land, opened, raw

from armazem.config import Settings
from armazem.landing import LoadResult

# The name of the load, and since when something is known, which is the time of the load.
_OF_LOADS = ("_load_id", "load_id", "build_id")
_MOMENT = "TIMESTAMP WITH TIME ZONE"


@dataclass(frozen=True, slots=True)
class Zones:
    """Settings of three home folders: landed at home, in the lake by `load`, and in the lake by Spark."""

    home: Settings
    lake: Settings
    spark: Settings

    @classmethod
    def below(cls, folder: Path, settings: Settings) -> Zones:
        def of(name: str) -> Settings:
            return settings.model_copy(update={"home": folder / name})

        return cls(in_home(of("home")), of("lake"), of("spark"))

    @property
    def all(self) -> tuple[Settings, Settings, Settings]:
        return (self.home, self.lake, self.spark)


def land_in_all(zones: Zones, load: Any, source: Path, **options: Any) -> list[LoadResult]:
    return [
        land(zones.home, source, **options),
        land(zones.lake, source, **options),
        load(source, zones.spark, **options),
    ]


def rows(settings: Settings) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of the raw tables in their order, without the name of their load but with its number."""
    found = raw(settings)
    loads = sorted({row[0] for of_table in found.values() for row in of_table})
    return {name: [(loads.index(row[0]), *row[1:]) for row in of_table] for name, of_table in found.items()}


def told(result: LoadResult) -> list[tuple[Any, ...]]:
    """What a load says of its files."""
    return [
        (r.table, r.path, r.sha256, r.size_bytes, r.rows_read, r.rows_accepted, r.rows_rejected, r.encoding, r.status)
        for r in result.files
    ]


def rejects(settings: Settings) -> list[dict[str, Any]]:
    """The refused rows, as the files of the home folder have them."""
    found = []
    for number, folder in enumerate(sorted(settings.home_folder.rejects.iterdir())):
        for path in sorted(folder.glob("*.jsonl")):
            found += [{"load": number, "table": path.stem, **json.loads(line)} for line in path.open(encoding="utf-8")]
    return found


def rejects_in_lake(settings: Settings) -> list[dict[str, Any]]:
    """The refused rows, as the table of the lake has them."""
    found = opened(settings).table("rejects").scan().to_arrow().to_pylist()
    loads = sorted({row["load_id"] for row in found})
    kept = [{"load": loads.index(row.pop("load_id")), **row} for row in found]
    kept = [{name: value for name, value in row.items() if value is not None or name == "column"} for row in kept]
    return sorted(kept, key=lambda row: (row["load"], row["table"], row["line"]))


def published(settings: Settings) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of all tables of the published version, sorted, without ids and times of loads and builds."""
    found = {}
    with duckdb.connect(str(settings.home_folder.current), read_only=True) as connection:
        tables = connection.execute(
            "select table_schema, table_name from information_schema.tables "
            "where table_schema not in ('meta', 'raw', 'control', 'live', 'main') order by all"
        ).fetchall()
        for schema, name in tables:
            columns = [row[:2] for row in connection.execute(f'describe "{schema}"."{name}"').fetchall()]
            kept = ", ".join(f'"{column}"' for column, kind in columns if column not in _OF_LOADS and kind != _MOMENT)
            found[f"{schema}.{name}"] = connection.execute(
                f'select {kept} from "{schema}"."{name}" order by all'
            ).fetchall()
    return found
