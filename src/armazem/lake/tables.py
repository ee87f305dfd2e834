"""The tables of the lake: the nine of the contract, the rejects and the ledger; made, and kept as the contract says.

Every row of a source table has `_load_id`, by which the table is partitioned, and `_row`, the number of the row in its
file. A file that was added as it was landed has neither column: its load is the value of its partition, which readers
take from the manifest, and `_row` is null, which means the position in the file.
"""

from __future__ import annotations

from contextlib import suppress

from armazem.contract import TABLES, ColumnType, Table
from armazem.errors import LakeError, extra
from armazem.lake.catalog import LOADS, REJECTS, Lake, lake_errors, remember
from armazem.lake.place import NAMESPACE

with extra("iceberg", "the lake"):
    from pyiceberg.exceptions import CommitFailedException, NamespaceAlreadyExistsError, TableAlreadyExistsError
    from pyiceberg.partitioning import UNPARTITIONED_PARTITION_SPEC, PartitionField, PartitionSpec
    from pyiceberg.schema import Schema
    from pyiceberg.table import Table as IcebergTable
    from pyiceberg.transforms import IdentityTransform
    from pyiceberg.types import (
        DecimalType,
        DoubleType,
        IcebergType,
        LongType,
        NestedField,
        StringType,
        TimestampType,
        TimestamptzType,
    )

LOAD_ID = "_load_id"
ROW = "_row"
_TRIES = 10

_TYPES: dict[ColumnType, IcebergType] = {
    ColumnType.IDENTIFIER: StringType(),
    ColumnType.TEXT: StringType(),
    ColumnType.ZIP: StringType(),
    ColumnType.INTEGER: LongType(),
    ColumnType.NUMBER: DecimalType(18, 3),
    ColumnType.MONEY: DecimalType(18, 2),
    ColumnType.FLOAT: DoubleType(),
    ColumnType.TIMESTAMP: TimestampType(),
}

# Names as Spark, Trino and pyiceberg all know them.
PROPERTIES = {
    "format-version": "2",
    # Without it an expiry of Spark deletes the files of a load that was withdrawn, and of one that was not.
    "gc.enabled": "false",
    # Not the data: the hundred newest descriptions of the table, and not all there ever were.
    "write.metadata.delete-after-commit.enabled": "true",
    "write.metadata.previous-versions-max": "100",
    # Each load is a manifest: every twenty of them become one.
    "commit.manifest-merge.enabled": "true",
    "commit.manifest.min-count-to-merge": "20",
    "commit.retry.num-retries": "20",
    "write.distribution-mode": "none",
    "write.parquet.compression-codec": "snappy",
}

Columns = tuple[tuple[str, IcebergType, str], ...]

_OF_EVERY_ROW: Columns = (
    (LOAD_ID, StringType(), "The load that the row came with."),
    (ROW, LongType(), "Number of the row among the accepted ones of its file, from 0; null: its position in the file."),
)
_LOADS: Columns = (
    ("load_id", StringType(), "Identifier of the load: the UTC time at which it began."),
    ("table", StringType(), "The source table."),
    ("path", StringType(), "The file."),
    ("sha256", StringType(), "Digest of the file's bytes."),
    ("size_bytes", LongType(), "Length of the file."),
    ("rows_read", LongType(), "Records of the file."),
    ("rows_accepted", LongType(), "Rows landed."),
    ("rows_rejected", LongType(), "Rows in `rejects`."),
    ("seconds", DoubleType(), "What reading the file took."),
    ("loaded_at", TimestamptzType(), "When the file had been read."),
    ("encoding", StringType(), "How the file was read."),
    ("as_of", TimestamptzType(), "How old the extract is, where that was told; null: as its newest time."),
    ("withdrawn_at", TimestamptzType(), "Of the row that says that the load was withdrawn: when; null: it landed."),
)
_REJECTS: Columns = (
    ("load_id", StringType(), "The load."),
    ("table", StringType(), "The source table."),
    ("file", StringType(), "The file."),
    ("line", LongType(), "Line of the file where the record begins."),
    ("column", StringType(), "The column that is wrong; null where the record as a whole is."),
    ("code", StringType(), "What is wrong, as a code of the contract."),
    ("message", StringType(), "What is wrong, in words."),
    ("raw", StringType(), "The record."),
    ("raw_base64", StringType(), "The bytes of a record that is no text."),
)


def columns_of(table: Table) -> Columns:
    """Return name, type and description of the columns of a source table in the lake."""
    own = tuple((column.name, _TYPES[column.type], column.description) for column in table.columns)
    return (*own, *_OF_EVERY_ROW)


ALL: dict[str, Columns] = {**{table.name: columns_of(table) for table in TABLES}, REJECTS: _REJECTS, LOADS: _LOADS}
"""Name to columns of every table of `raw`. The ledger is the last: it is what a lake is known by."""


def schema_of(name: str) -> Schema:
    """Return the columns of a table of `raw` as Iceberg has them. All are optional, as in the landing's files."""
    fields = (
        NestedField(number, column, type_, required=False, doc=doc)
        for number, (column, type_, doc) in enumerate(ALL[name], start=1)
    )
    return Schema(*fields)


def partition_of(name: str) -> str | None:
    """Return the column by whose values a table is partitioned; None for the ledger."""
    return {LOADS: None, REJECTS: "load_id"}.get(name, LOAD_ID)


def open_tables(lake: Lake) -> None:
    """Make the tables that are missing, and give those that are there the columns that the contract gained.

    Raises LakeError where a column has another type, or somebody removed it.
    """
    with lake_errors(lake.place, "opening the tables of the lake"):
        there = {name[-1] for name in _listed(lake)}
        for name in ALL:
            if name not in there:
                _create(lake, name)
            else:
                _evolve(lake, name)
        remember(lake)


def _listed(lake: Lake) -> list[tuple[str, ...]]:
    if not lake.catalog.namespace_exists(NAMESPACE):
        with suppress(NamespaceAlreadyExistsError):  # another process was faster, as below
            lake.catalog.create_namespace(NAMESPACE)
    return lake.catalog.list_tables(NAMESPACE)


def _create(lake: Lake, name: str) -> None:
    schema, by = schema_of(name), partition_of(name)
    spec = UNPARTITIONED_PARTITION_SPEC
    if by is not None:
        source = schema.find_field(by)
        spec = PartitionSpec(PartitionField(source.field_id, 1000, IdentityTransform(), by))
    names = {"schema.name-mapping.default": schema.name_mapping.model_dump_json()}
    try:
        lake.catalog.create_table((NAMESPACE, name), schema, partition_spec=spec, properties=PROPERTIES | names)
    except TableAlreadyExistsError:
        _evolve(lake, name)


def check_columns(table: IcebergTable, name: str) -> list[str]:
    """Return the columns that the contract has gained since the table was made.

    Raises LakeError where a column has another type than the contract says, or was removed by somebody: its values
    would be null in every build from then on.
    """
    fields = {field.name: field for field in table.schema().fields}
    spec = [field.name for field in table.spec().fields]
    if spec != [by for by in (partition_of(name),) if by is not None]:
        raise LakeError(
            f"{NAMESPACE}.{name} is partitioned by {', '.join(spec) or 'nothing'}, not as armazem made it",
            "is it a table of another program? set ARMAZEM_LAKE_CATALOG to a catalog of our own",
        )
    gained = []
    for column, type_, _ in ALL[name]:
        if column not in fields:
            if any(column in schema.column_names for schema in table.metadata.schemas):
                raise LakeError(
                    f"somebody removed the column {column} of {NAMESPACE}.{name}",
                    "go back to a snapshot or a description of the table that has it; `armazem lake history` lists "
                    "them",
                )
            gained.append(column)
        elif fields[column].field_type != type_:
            raise LakeError(
                f"{NAMESPACE}.{name} has {column} as {fields[column].field_type}, not as {type_}",
                "did somebody change it, or is it a table of another program? change it back, or set "
                "ARMAZEM_LAKE_CATALOG to another catalog",
            )
    return gained


def _evolve(lake: Lake, name: str) -> None:
    for attempt in range(_TRIES):
        table = lake.table(name)
        gained = check_columns(table, name)
        wrong = {key: value for key, value in PROPERTIES.items() if _must_be(key, table.properties, value)}
        if not gained and not wrong:
            return
        try:
            _change(table, name, gained, wrong)
        except CommitFailedException:
            if attempt == _TRIES - 1:
                raise
        else:
            return


def _must_be(key: str, properties: dict[str, str], value: str) -> bool:
    # The others are ours to propose and everybody's to change.
    return key == "gc.enabled" and properties.get(key) != value


def _change(table: IcebergTable, name: str, gained: list[str], properties: dict[str, str]) -> None:
    order = [column for column, _, _ in ALL[name]]
    with table.transaction() as transaction:
        if gained:
            with transaction.update_schema() as schema:
                for column, type_, doc in ALL[name]:
                    if column in gained:
                        schema.add_column(column, type_, doc)
                        if column != order[0]:  # Spark inserts by position
                            schema.move_after(column, order[order.index(column) - 1])
        if properties:
            transaction.set_properties(properties)
