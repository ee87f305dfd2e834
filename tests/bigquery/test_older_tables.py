"""Tables that an armazem made whose contract had fewer columns: they get them, and what was in them has null there."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from contract.event_examples import Message, product_update
from google.cloud import bigquery
from google.cloud.bigquery import SchemaField

from armazem.contract import table
from armazem.shop.history import generate
from armazem.targets.bigquery.columns import grown, selected
from armazem.targets.bigquery.landing.raw import EVENTS, LOADS, Raw, fields
from armazem.targets.registry import target_of

from .event_lines import lines_of
from .twins import Cloud

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("bigquery")]

PRODUCTS = table("products").name
# A column of a source table and of events, one of the ledger, and one of the envelope of events.
NEW = ("product_width_cm", "as_of", "sender")
TOLD = datetime(2018, 3, 9, 11, tzinfo=UTC)


def older(schema: Iterable[SchemaField]) -> list[SchemaField]:
    """The fields but those that are new, in records too."""
    left = []
    for field in schema:
        if field.name not in NEW:
            inner = [one.to_api_repr() for one in older(field.fields)]
            left.append(SchemaField.from_api_repr(field.to_api_repr() | ({"fields": inner} if inner else {})))
    return left


def names(schema: Any, above: str = "") -> set[str]:
    """Of all fields, with the records that they are in."""
    return {name for field in schema for name in (above + field.name, *names(field.fields, f"{above}{field.name}."))}


def sized(product_id: str, **columns: Any) -> Message:
    return product_update({"product_id": product_id, "product_length_cm": 20, **columns}, event_id=product_id)


@pytest.fixture
def raw(empty_cloud: Cloud) -> Raw:
    """Tables of an older armazem, with an event in one of them."""
    raw = Raw(empty_cloud.settings)
    raw.open_dataset()
    raw.create_tables(())
    for name in (PRODUCTS, LOADS, EVENTS):
        made = raw.client.get_table(raw.table(name))
        raw.client.delete_table(made)
        raw.client.create_table(bigquery.Table(made.reference, schema=older(made.schema)))
    line = lines_of([sized("old")], datetime.now(UTC))
    config = bigquery.LoadJobConfig(
        schema=older(fields(EVENTS)), source_format=bigquery.SourceFormat.NEWLINE_DELIMITED_JSON
    )
    raw.client.load_table_from_file(BytesIO(b"".join(line)), raw.table(EVENTS), job_config=config).result()
    return raw


def test_older_tables(empty_cloud: Cloud, raw: Raw, tmp_path: Path) -> None:
    cloud = empty_cloud
    cloud.build()  # it may read these tables only
    for name in (PRODUCTS, EVENTS):
        assert names(raw.client.get_table(raw.table(name)).schema) < names(fields(name))
    sizes = "select product_id, product_length_cm, product_width_cm from shop_staging.stg_products where {} order by 1"
    assert cloud.query(sizes.format("true")).rows == (("old", Decimal(20), None),)

    generate(tmp_path / "in", orders=20, seed=1)
    loaded = cloud.load(tmp_path / "in", as_of=TOLD)
    for name in (PRODUCTS, EVENTS):
        assert names(raw.client.get_table(raw.table(name)).schema) == names(fields(name))
    cloud.append_events(lines_of([sized("new", product_width_cm=7.5)], datetime.now(UTC), first=2))
    cloud.build()
    by_events = sizes.format("product_id in ('old', 'new')")
    assert cloud.query(by_events).rows == (("new", Decimal(20), Decimal("7.5")), ("old", Decimal(20), None))
    [(wide,)] = cloud.query("select count(product_width_cm) from shop_staging.stg_products").rows
    assert wide > 1
    ledger = target_of(cloud.settings).loads()
    assert {row.as_of for row in ledger if row.load_id == loaded.load_id} == {TOLD.isoformat()}


def test_what_a_table_lacks_is_null() -> None:
    rows = SchemaField("rows", "RECORD", "REPEATED", fields=[SchemaField("x", "STRING"), SchemaField("y", "INT64")])
    wanted = [SchemaField("own", "DATE"), SchemaField("data", "RECORD", fields=[rows, SchemaField("z", "NUMERIC")])]
    assert selected(wanted, wanted, "t") == "t.own, t.data"
    old = SchemaField("rows", "RECORD", "REPEATED", fields=[SchemaField("x", "STRING")])
    assert selected([SchemaField("data", "RECORD", fields=[old])], wanted, "t") == (
        "cast(null as DATE) as own, if(t.data is null, null, struct(array(select as struct part.x as x, "
        "cast(null as INT64) as y from unnest(t.data.rows) as part) as rows, cast(null as NUMERIC) as z)) as data"
    )
    assert (
        selected([], wanted[1:], "t")
        == "cast(null as struct<rows array<struct<x STRING, y INT64>>, z NUMERIC>) as data"
    )


def test_what_is_there_stays_as_it_is() -> None:
    there = [SchemaField("b", "STRING", description="mine"), SchemaField("own", "DATE")]
    inner = [SchemaField("x", "STRING")]
    assert grown(there, [SchemaField("a", "STRING"), SchemaField("b", "STRING")]) == [
        *there,
        SchemaField("a", "STRING"),
    ]
    assert grown(
        [SchemaField("r", "RECORD", "REPEATED", fields=inner)], [SchemaField("r", "RECORD", fields=there)]
    ) == [SchemaField("r", "RECORD", "REPEATED", fields=[*inner, *there])]
    assert grown(there, there) == there
