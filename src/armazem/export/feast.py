"""`export feast`: the features of every entity and day as Parquet, and a feature repository of Feast over them."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from armazem.config import Settings
from armazem.contract.features import ENTITIES, Entity
from armazem.disk.causes import first_line
from armazem.disk.durable import sync_file, sync_path
from armazem.errors import ExportError
from armazem.export.feast_repo import DATA, REPO, definitions, feature_store
from armazem.export.folder import moment, write_build_file, written_folder
from armazem.export.tables import Column, Contents, Exported, OnTable, Table
from armazem.features.orders import newest_day
from armazem.features.reading import has_features
from armazem.features.timeline import timeline, timeline_schema
from armazem.features.times import midnights
from armazem.targets.reader import Reader
from armazem.targets.registry import target_of


def export_feast(settings: Settings, out: Path, on_table: OnTable, *, force: bool = False) -> Exported:
    """Write the features of the current version to folder `out`; `force`: in place of an earlier export.

    Raises HomeError where nothing is published, FeatureError where nothing was ordered yet, ExportError where the
    version has no features, the folder cannot be written, or Feast would read its name as another one.
    """
    out = out.expanduser().resolve()
    if "$" in out.name:
        raise ExportError(
            f"{out.name} has a $, and Feast takes what follows it for a variable", "name the folder without it"
        )
    target = target_of(settings)
    with target.errors("the features"):
        if not has_features(target):
            raise ExportError("the published version has no features", "`armazem build` makes them")
        with target.reading() as reader, written_folder(out, force=force) as new:
            return _written(reader, new, out, settings.time_zone, on_table)


def _written(reader: Reader, new: Path, out: Path, zone: str, on_table: OnTable) -> Exported:
    newest = newest_day(reader)
    (new / DATA).mkdir()
    tables = tuple(_table(entity) for entity in ENTITIES)
    files = [f"{DATA}/{table.name}.parquet" for table in tables]
    rows = []
    for number, (entity, table, file) in enumerate(zip(ENTITIES, tables, files, strict=True), 1):
        on_table(table.full_name, number, len(tables))
        rows.append(_write(reader, entity, newest, zone, new / file))
    repository = {f"{REPO}/feature_store.yaml": feature_store(out.name), f"{REPO}/definitions.py": definitions()}
    (new / REPO).mkdir()
    for file, text in repository.items():
        with (new / file).open("w", encoding="utf-8") as opened:
            opened.write(text)
            sync_file(opened)
    sizes = [(new / file).stat().st_size for file in files]
    told: dict[str, Any] = {
        "features_until": moment(midnights(pa.array([newest], pa.date32()), zone)[0].as_py()),
        "time_zone": zone,
        "tables": [
            {"name": table.name, "file": file, "rows": count, "bytes": size}
            for table, file, count, size in zip(tables, files, rows, sizes, strict=True)
        ],
        "files": [*repository],
    }
    published_at = _published_at(reader)
    write_build_file(new, reader.build, published_at, told)
    return Exported(Contents(reader.build, published_at, tables), tuple(rows), (out,), sum(sizes))


def _write(reader: Reader, entity: Entity, newest: date, zone: str, path: Path) -> int:
    """Write what the features of an entity were to a new file, piece by piece; how many rows that are."""
    rows = 0
    try:
        with path.open("wb") as file, pq.ParquetWriter(file, timeline_schema(entity), compression="zstd") as writer:
            for piece in timeline(reader, entity, newest, zone):
                writer.write_table(piece)
                rows += piece.num_rows
        sync_path(path)
    except pa.ArrowException as error:
        raise ExportError(f"the features of {entity.name} cannot be written as Parquet: {first_line(error)}") from error
    return rows


def _table(entity: Entity) -> Table:
    columns = tuple(Column(field.name, str(field.type)) for field in timeline_schema(entity))
    return Table(DATA, f"{entity.name}_daily", columns)


def _published_at(reader: Reader) -> datetime:
    sql = f"select finished_at from {reader.schema('meta')}.builds where build_id = '{reader.build}'"
    found: datetime = reader.answer(sql)["finished_at"].cast(pa.timestamp("us", "UTC"))[0].as_py()
    return found
