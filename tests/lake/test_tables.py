"""The tables of the lake: made as the contract says, kept so, and refused where they are somebody else's."""

from __future__ import annotations

from pathlib import Path

import pytest
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.transforms import IdentityTransform
from pyiceberg.types import IcebergType, LongType, NestedField

from armazem.config import Settings, load_settings
from armazem.contract import TABLES
from armazem.errors import LakeError
from armazem.lake import ledger
from armazem.lake.catalog import Lake, find_lake, open_lake
from armazem.lake.place import NAMESPACE, place_of
from armazem.lake.tables import ALL, PROPERTIES, open_tables, partition_of, schema_of
from armazem.landing.ledger import LedgerRow

LOAD = "20261128T000000000000Z"


def opened(settings: Settings) -> Lake:
    lake = open_lake(settings)
    open_tables(lake)
    return lake


def row(table: str = "orders", load_id: str = LOAD, **values: object) -> LedgerRow:
    told = {"as_of": "2026-11-27T03:00:00+00:00"} | values
    return LedgerRow(
        load_id, table, "orders.csv", "ab12", 99, 12, 10, 2, 0.125, "2026-11-28T00:00:01.250+00:00", "utf-8", "loaded",
        **told,  # type: ignore[arg-type]
    )  # fmt: skip


def test_every_table_is_made_as_declared_with_its_words(settings: Settings) -> None:
    lake = opened(settings)
    assert {name[-1] for name in lake.catalog.list_tables(NAMESPACE)} == set(ALL)
    for name, columns in ALL.items():
        table = lake.table(name)
        assert [(f.name, f.field_type, f.doc, f.required) for f in table.schema().fields] == [
            (column, type_, doc, False) for column, type_, doc in columns
        ]
        assert [f.name for f in table.spec().fields] == [by for by in (partition_of(name),) if by]
        assert table.properties["gc.enabled"] == "false"
        assert table.format_version == 2
        assert table.name_mapping() == table.schema().name_mapping
    assert lake.table("orders").schema().column_names == [
        *(column.name for column in TABLES[0].columns), "_load_id", "_row",
    ]  # fmt: skip


def test_opening_again_changes_nothing(settings: Settings) -> None:
    before = {name: opened(settings).table(name).metadata_location for name in ALL}
    assert {name: opened(settings).table(name).metadata_location for name in ALL} == before


def test_before_the_first_load_there_is_no_lake_and_looking_for_it_makes_none(settings: Settings) -> None:
    assert find_lake(settings) is None
    assert not settings.home_folder.lake.exists()


def test_the_ledger_says_what_was_landed_and_what_withdrawn(settings: Settings) -> None:
    lake = opened(settings)
    other = "20261129T000000000000Z"
    ledger.record(lake, [row("order_items", other), row("orders", other, as_of=None)])
    ledger.record(lake, [row()])
    ledger.record(lake, [row()])  # whoever is not sure that it arrived writes it again
    found = ledger.live(ledger.read_entries(lake))
    assert found == [row(), row("orders", other, as_of=None), row("order_items", other)]
    ledger.record_withdrawn(lake, [row()])
    entries = ledger.read_entries(lake)
    assert [entry.row.load_id for entry in entries if entry.withdrawn_at] == [LOAD]
    assert ledger.live(entries) == found[1:]
    said = [snapshot.summary for snapshot in lake.table("loads").metadata.snapshots]
    assert [one[ledger.OF_LOAD] for one in said if one] == [other, LOAD, LOAD, LOAD]
    assert [one[ledger.OF_ACTION] for one in said if one] == ["load", "load", "load", "unload"]


def made_otherwise(lake: Lake, name: str, without: str = "", **types: IcebergType) -> None:
    """Make a table as an older contract, or another program, would have."""
    kept = [field for field in schema_of(name).fields if field.name != without]
    schema = Schema(
        *(
            NestedField(number, field.name, types.get(field.name, field.field_type), required=False)
            for number, field in enumerate(kept, start=1)
        )
    )
    by = schema.find_field(partition_of(name) or "")
    spec = PartitionSpec(PartitionField(by.field_id, 1000, IdentityTransform(), by.name))
    mapping = {"schema.name-mapping.default": schema.name_mapping.model_dump_json()}
    lake.catalog.create_namespace_if_not_exists(NAMESPACE)
    lake.catalog.create_table((NAMESPACE, name), schema, partition_spec=spec, properties=PROPERTIES | mapping)


def test_a_column_that_the_contract_gained_is_added_in_its_place(settings: Settings) -> None:
    lake = open_lake(settings)
    made_otherwise(lake, "order_items", without="seller_id")
    open_tables(lake)
    table = lake.table("order_items")
    assert table.schema().column_names == [column for column, _, _ in ALL["order_items"]]
    assert table.schema().find_field("seller_id").doc == "The seller of the item."
    names = {name: field.field_id for field in table.name_mapping() or [] for name in field.names}
    # Files of the landing have no ids of columns: by this they are found.
    assert names == {field.name: field.field_id for field in table.schema().fields}


def test_a_column_of_another_type_is_refused(settings: Settings) -> None:
    lake = open_lake(settings)
    made_otherwise(lake, "customers", customer_zip_code_prefix=LongType())
    with pytest.raises(LakeError, match=r"raw\.customers has customer_zip_code_prefix as long, not as string"):
        open_tables(lake)


def test_a_column_that_somebody_removed_is_refused(settings: Settings) -> None:
    lake = opened(settings)
    with lake.table("orders").update_schema(allow_incompatible_changes=True) as schema:
        schema.delete_column("order_status")
    with pytest.raises(LakeError, match=r"somebody removed the column order_status of raw\.orders"):
        open_tables(lake)


def test_the_files_of_a_load_stay_safe_from_garbage_collection(settings: Settings) -> None:
    lake = opened(settings)
    with lake.table("orders").transaction() as transaction:
        transaction.set_properties({"gc.enabled": "true"})
    open_tables(lake)
    assert lake.table("orders").properties["gc.enabled"] == "false"


def test_a_catalog_that_is_gone_is_no_new_one(settings: Settings) -> None:
    opened(settings)
    (settings.home_folder.lake / "catalog.db").unlink()
    for looking in (open_lake, find_lake):
        with pytest.raises(LakeError, match=r"catalog\.db is gone") as caught:
            looking(settings)
        assert "lake.json" in caught.value.hint
    assert not (settings.home_folder.lake / "catalog.db").exists()
    (settings.home_folder.lake / "lake.json").unlink()
    opened(settings)  # as the hint says


def test_a_catalog_that_is_gone_is_missed_by_every_name_of_the_home_folder(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    opened(load_settings(home=tmp_path / "link"))
    opened(load_settings(home=tmp_path / "real"))
    (tmp_path / "real/lake/catalog.db").unlink()
    for name in ("link", "real"):
        with pytest.raises(LakeError, match=r"catalog\.db is gone"):
            find_lake(load_settings(home=tmp_path / name))


def test_the_catalog_of_another_lake_is_told_apart(settings: Settings, tmp_path: Path) -> None:
    opened(settings)
    other = load_settings(home=tmp_path / "other")
    opened(other)
    (other.home_folder.lake / "catalog.db").replace(settings.home_folder.lake / "catalog.db")
    with pytest.raises(LakeError, match="is of another lake"):
        open_lake(settings)


def test_a_moved_warehouse_is_named(settings: Settings) -> None:
    opened(settings)
    warehouse = settings.home_folder.lake / "warehouse"
    warehouse.rename(warehouse.with_name("elsewhere"))
    with pytest.raises(LakeError, match=r"knows raw\.loads, but its files are gone.*warehouse"):
        open_lake(settings)


def test_two_homes_may_share_a_catalog(settings: Settings, tmp_path: Path) -> None:
    ledger.record(opened(settings), [row()])
    shared = settings.home_folder.lake
    other = load_settings(
        home=tmp_path / "other", lake_catalog=f"sqlite:///{shared / 'catalog.db'}", lake_warehouse=str(shared)
    )
    assert ledger.live(ledger.read_entries(opened(other))) == [row()]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"lake_catalog": "catalog.db"}, "is no catalog of Iceberg"),
        ({"lake_catalog": "postgresql+nodriver://u:secret@localhost/x"}, "does not answer as it should"),
        ({"lake_catalog": "oracle+cx_oracle://u:se/secret@localhost/x"}, "needs cx_Oracle, which is not installed"),
        ({"lake_catalog": "postgresql+psycopg2://u:secret@localhost:port/x"}, "cannot be opened"),
        ({"lake_catalog": "http://u:secret@127.0.0.1:1/catalog?token=secret"}, "does not answer as it should"),
        ({"lake_catalog": "http://127.0.0.1:1/catalog"}, "does not answer as it should"),
        ({"lake_warehouse": "a#b"}, "names are URLs"),
        ({"lake_properties": "missing.properties"}, "No such file"),
    ],
)
def test_settings_that_cannot_be_are_named(settings: Settings, wrong: dict[str, str], said: str) -> None:
    with pytest.raises(LakeError, match=said) as caught:
        open_lake(settings.model_copy(update=wrong))
    assert caught.value.hint
    assert "secret" not in str(caught.value) + caught.value.hint


def test_properties_are_read_and_never_shown(settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "lake.properties"
    file.write_text("# of BigLake\nheader.x-goog-user-project = shop\ntoken=s3cret=\n", encoding="utf-8")
    place = place_of(settings.model_copy(update={"lake_properties": str(file)}))
    assert place.connecting()["header.x-goog-user-project"] == "shop"
    assert place.connecting()["token"] == "s3cret="
    assert "s3cret" not in repr(place)
    file.write_text("s3cret", encoding="utf-8")
    with pytest.raises(LakeError, match=r"line 1 of .* has no =") as caught:
        place_of(settings.model_copy(update={"lake_properties": str(file)}))
    assert "s3cret" not in str(caught.value)
