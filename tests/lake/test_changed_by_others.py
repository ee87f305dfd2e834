"""Tables that somebody else changed: a build of them would be wrong, so it says what happened and where."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from landing.data import write

from armazem.config import Settings
from armazem.errors import LakeError
from armazem.lake.ledger import live, read_entries
from armazem.lake.tables import LOAD_ID, ROW
from armazem.targets.registry import target_of

from .worlds import landed_id, opened, raw


@pytest.fixture
def load_id(settings: Settings, tmp_path: Path) -> str:
    return landed_id(settings, write(tmp_path / "in"))


def refused(settings: Settings) -> LakeError:
    with pytest.raises(LakeError) as caught:
        raw(settings)
    return caught.value


def newest(settings: Settings, name: str = "orders") -> str:
    snapshot = opened(settings).table(name).current_snapshot()
    assert snapshot is not None
    return str(snapshot.snapshot_id)


def test_deleted_rows(settings: Settings, load_id: str) -> None:
    opened(settings).table("orders").delete("order_id == 'o1'")
    error = refused(settings)
    assert f"raw.orders has 1 rows of load {load_id} instead of 2; snapshot {newest(settings)}" in str(error)
    assert "by another program of 20" in str(error) and "UTC; before it: " in str(error)
    assert error.hint.startswith(f"`armazem unload {load_id}`")
    target_of(settings).withdraw(load_id, lambda _: None)  # as the hint says
    assert {name: rows for name, rows in raw(settings).items() if rows} == {}


def test_rows_that_were_added_to_a_load(settings: Settings, load_id: str) -> None:
    table = opened(settings).table("sellers")
    table.append(pa.table({"seller_id": ["s9"], LOAD_ID: [load_id]}))
    assert f"raw.sellers has 2 rows of load {load_id} instead of 1" in str(refused(settings))


def test_a_load_of_which_a_table_was_emptied(settings: Settings, load_id: str) -> None:
    opened(settings).table("products").delete(f"{LOAD_ID} == '{load_id}'")
    assert f"raw.products has 0 rows of load {load_id} instead of 1" in str(refused(settings))


def test_rows_that_were_written_anew_without_their_numbers(settings: Settings, load_id: str) -> None:
    table = opened(settings).table("orders")
    rows = table.scan().to_arrow()
    table.overwrite(rows.take([1, 0]))
    assert f"wrote the rows of load {load_id} in raw.orders anew, without the numbers" in str(refused(settings))


def test_rows_that_were_written_anew_with_their_numbers_are_the_same(settings: Settings, load_id: str) -> None:
    before = raw(settings)
    table = opened(settings).table("orders")
    rows = table.scan().to_arrow()
    numbered = rows.set_column(rows.column_names.index(ROW), ROW, pa.array([0, 1], pa.int64()))
    table.overwrite(numbered.take([1, 0]))  # as a compaction that sorts
    assert raw(settings) == before


def test_a_column_that_was_removed(settings: Settings, load_id: str) -> None:
    with opened(settings).table("orders").update_schema(allow_incompatible_changes=True) as schema:
        schema.delete_column("order_status")
    assert "somebody removed the column order_status of raw.orders" in str(refused(settings))


def test_a_column_that_was_added_is_none_of_ours(settings: Settings, load_id: str) -> None:
    from pyiceberg.types import StringType

    before = raw(settings)
    with opened(settings).table("orders").update_schema() as schema:
        schema.add_column("note", StringType())
    assert raw(settings) == before


def test_a_ledger_of_which_rows_were_deleted(settings: Settings, load_id: str) -> None:
    opened(settings).table("loads").delete("table == 'orders'")
    assert (
        f"somebody changed the ledger raw.loads, to which rows are only added: snapshot {newest(settings, 'loads')}"
        in (str(refused(settings)))
    )


def test_rows_without_a_line_in_the_ledger_are_no_load(settings: Settings, load_id: str) -> None:
    before = raw(settings)
    table = opened(settings).table("sellers")
    for other in ("20200101T000000000000Z", "mine", None):
        table.append(pa.table({"seller_id": ["s9"], LOAD_ID: pa.array([other], pa.string())}))
    assert {row.load_id for row in live(read_entries(opened(settings)))} == {load_id}
    assert raw(settings) == before


def test_a_table_that_was_dropped(settings: Settings, load_id: str) -> None:
    lake = opened(settings)
    lake.catalog.drop_table(("raw", "orders"))
    error = refused(settings)
    assert "raw.orders" in str(error) and error.hint


def test_a_file_that_is_gone_or_cut_off(settings: Settings, load_id: str) -> None:
    [file] = settings.home_folder.lake.rglob("customers.parquet")
    content = file.read_bytes()
    file.write_bytes(content[:-10])
    assert f"customers.parquet of raw.customers has {len(content) - 10:,} bytes instead of {len(content):,}" in str(
        refused(settings)
    )
    file.unlink()
    assert "customers.parquet of raw.customers is gone" in str(refused(settings))


def test_a_description_of_a_table_that_is_gone(settings: Settings, load_id: str) -> None:
    for file in (settings.home_folder.lake / "warehouse/raw/orders/metadata").glob("*.avro"):
        file.unlink()
    assert "avro" in str(refused(settings))
