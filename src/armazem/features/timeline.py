"""All that the features of an entity ever were: a row for each day from which any of them is another one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pyarrow as pa
import pyarrow.compute as pc

from armazem.contract.features import Accumulator, Entity
from armazem.features.catalogue import SPANS, features_of
from armazem.features.orders import days_of_purchases
from armazem.features.times import midnights
from armazem.features.vectors import history_steps, vectors
from armazem.targets.reader import Reader

_ROWS = 100_000  # of a piece, about: with all features 40 MB, while it is made several times that
_FACTS = 4  # days of news that an order has as a rule, at most


def timeline_schema(entity: Entity) -> pa.Schema:
    """Return the columns of `timeline`."""
    utc = pa.timestamp("us", "UTC")
    types = {of.name: pa.int64() if isinstance(of.of, Accumulator) else pa.float64() for of in features_of([entity])}
    return pa.schema(
        [("entity_id", pa.string()), ("feature_timestamp", utc), ("created_timestamp", utc), *types.items()]
    )


def timeline(reader: Reader, entity: Entity, newest: date, zone: str) -> Iterator[pa.Table]:
    """Yield what the features of an entity were, piece by piece, by id and day, up to the midnight of `newest`.

    A row holds from its feature_timestamp to that of the next row of its id: the midnight, in business time, whose
    `zone` this is, after a day with news, or 30 or 90 days later, when those leave a window. The first row of an id is
    of the day of the first purchase of all, when nothing is known yet: of other programs' joins some leave out what is
    asked about a time before the first row. created_timestamp: when the last of the news up to then was told, null
    where that is not kept; of a first row its feature_timestamp.
    """
    features = features_of([entity])
    first, _ = days_of_purchases(reader)
    for ids in _pieces(reader, entity):
        found = reader.answer(_days_sql(reader, entity, first, newest), pa.table({"entity_id": ids}))
        found = found.sort_by([("entity_id", "ascending"), ("day", "ascending")]).combine_chunks()
        keys, days = (found[name].combine_chunks() for name in ("entity_id", "day"))
        since = midnights(days, zone)
        told = found["created_timestamp"].combine_chunks().cast(since.type)
        moments = {
            "entity_id": keys,
            "feature_timestamp": since,
            "created_timestamp": pc.if_else(pc.equal(days, pa.scalar(first)), since, told),
        }
        yield pa.table(moments | vectors(reader, keys, days, features)).cast(timeline_schema(entity))


def _pieces(reader: Reader, entity: Entity) -> Iterator[pa.Array]:
    """Yield all ids, sorted, as many at once as have about `_ROWS` rows: a piece is held in memory."""
    found = reader.answer(_ids_sql(reader, entity)).sort_by("entity_id")
    before = pc.subtract(pc.cumulative_sum(found["news"]), found["news"])
    numbers = pc.divide(before, _ROWS // len(SPANS)).combine_chunks()
    ids = found["entity_id"].combine_chunks()
    for run in pc.value_counts(numbers):  # in the order in which they come
        yield ids.slice(0, run["counts"].as_py())
        ids = ids.slice(run["counts"].as_py())


def _ids_sql(reader: Reader, entity: Entity) -> str:
    if entity.has_history:
        table, key, news = f"{reader.schema('features')}.{entity.history}", "entity_id", "count(*)"
    else:
        name = {"product": "fact_sales", "customer": "fact_orders"}[entity.name]
        table, key, news = f"{reader.schema('marts')}.{name}", entity.key, f"count(*) * {_FACTS}"
    return f"select {key} as entity_id, {news} as news from {table} where {key} is not null group by {key}"


def _days_sql(reader: Reader, entity: Entity, first: date, newest: date) -> str:
    spans = " union all ".join(f"select {span or 0} as span" for span in SPANS)
    # What leaves a window was told before.
    return (
        f"with {history_steps(reader, entity)}, spans as ({spans}), "
        "moves as (select history.entity_id, "
        "cast(date_add(history.day, interval (spans.span) day) as date) as day, "
        "case when spans.span = 0 then history.created_timestamp end as told from history cross join spans "
        f"union all select entity_id, date '{first.isoformat()}' as day, null as told from requests), "
        "days as (select entity_id, day, max(told) as told from moves "
        f"where day <= date '{newest.isoformat()}' group by entity_id, day) "
        "select entity_id, day, max(told) over (partition by entity_id order by day rows unbounded preceding) "
        "as created_timestamp from days"
    )
