"""Features of many entities at many times, of the published tables, in bulk.

What is asked of the warehouse are the sums over all time as of a few moments: of each entity and day, and of the days
at which its windows begin. Windows are differences of those, ratios divisions of differences, here and the same for
every warehouse: of the same sums both have the same bits.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

import pyarrow as pa
import pyarrow.compute as pc

from armazem.contract.features import ACCUMULATORS, WINDOWS, Accumulator, Entity, Ratio
from armazem.features.catalogue import Feature
from armazem.features.parts import parts_sql
from armazem.targets.reader import Reader

SUMS = tuple(one.name for one in ACCUMULATORS)
_FIRST_DAY = (date.min - date(1970, 1, 1)).days


def vectors(reader: Reader, ids: pa.Array, days: pa.Array, features: Sequence[Feature]) -> dict[str, pa.Array]:
    """Return the features, all of one entity, name to values: one for each id (text) and day (date32), in their order.

    Of a day counts what was known at the midnight that begins it. An id that nobody knows, and null, has no orders:
    its sums are zero, its ratios null.
    """
    moments, places = _moments(ids, days, [span for span in WINDOWS if any(one.days == span for one in features)])
    nobody = pa.table({name: pa.array([0], pa.int64()) for name in SUMS})
    known = pa.concat_tables([sums_at(reader, features[0].entity, moments), nobody])
    sums = {name: known[name].combine_chunks() for name in SUMS}

    def total(name: str, span: int | None) -> pa.Array:
        whole = sums[name].take(places[None])
        return whole if span is None else pc.subtract(whole, sums[name].take(places[span]))

    return {
        feature.name: total(of.name, feature.days)
        if isinstance(of := feature.of, Accumulator)
        else ratio(of, total(of.numerator, feature.days), total(of.denominator, feature.days))
        for feature in features
    }


def sums_at(reader: Reader, entity: Entity, moments: pa.Table) -> pa.Table:
    """Return the sums of an entity over all time, a row for each moment (entity_id, day) in their order."""
    if not moments.num_rows:
        return pa.table({name: pa.array([], pa.int64()) for name in SUMS})
    requests = moments.add_column(0, "number", pa.array(range(moments.num_rows), pa.int64()))
    found = reader.answer(sums_sql(reader, entity), requests).sort_by("number")
    assert found.num_rows == moments.num_rows, f"{found.num_rows} answers to {moments.num_rows} requests"
    return found.select(SUMS).cast(pa.schema([(name, pa.int64()) for name in SUMS]))


def sums_sql(reader: Reader, entity: Entity) -> str:
    """Return SQL from `requests` (number, entity_id, day) to `number` and the sums over all time as of each."""
    return f"with {history_steps(reader, entity)} {reader.newest(SUMS)}"


def history_steps(reader: Reader, entity: Entity) -> str:
    """Return CTEs from `requests` (entity_id) to `history` (entity_id, day, created_timestamp, the sums) of those ids.

    It has a row for each day at whose midnight there is news.
    """
    return _kept_history(reader, entity) if entity.has_history else _added_up(reader, entity)


def ratio(of: Ratio, numerators: pa.Array, denominators: pa.Array) -> pa.Array:
    """Return the ratios of whole numbers, each rounded once; null where the denominator is zero."""
    divisors = pc.multiply(denominators, of.unit)
    divisors = pc.if_else(pc.equal(divisors, 0), pa.scalar(None, pa.int64()), divisors)
    return pc.divide(numerators.cast(pa.float64()), divisors.cast(pa.float64()))


def _kept_history(reader: Reader, entity: Entity) -> str:
    sums = ", ".join(SUMS)
    return (
        f"history as (select entity_id, cast(feature_timestamp as date) as day, created_timestamp, {sums} "
        f"from {reader.schema('features')}.{entity.history} where entity_id in (select entity_id from requests))"
    )


def _added_up(reader: Reader, entity: Entity) -> str:
    """As dbt/macros/features.sql makes the history of the others, here of those alone that are asked for."""
    marts, features = reader.schema("marts"), reader.schema("features")
    asked = f"where {entity.key} in (select entity_id from requests)"
    parts = parts_sql(entity, marts, asked)
    added = (f"{'facts.sold * parts.' if name == 'gmv_cents' else 'facts.'}{name}" for name in SUMS)
    news = ", ".join(f"cast(sum({value}) as bigint) as {name}" for name, value in zip(SUMS, added, strict=True))
    before = "over (partition by entity_id order by known_on rows unbounded preceding)"
    sums = ", ".join(f"cast(sum({name}) {before} as bigint) as {name}" for name in SUMS)
    return (
        f"parts as ({parts}), "
        f"news as (select parts.entity_id, facts.known_on, max(facts.recorded_at) as recorded_at, {news} "
        f"from {features}.feat_order_facts as facts inner join parts on facts.order_id = parts.order_id "
        "group by parts.entity_id, facts.known_on), "
        "history as (select entity_id, cast(date_add(known_on, interval 1 day) as date) as day, "
        f"max(recorded_at) {before} as created_timestamp, {sums} from news)"
    )


def _moments(ids: pa.Array, days: pa.Array, windows: Iterable[int]) -> tuple[pa.Table, dict[int | None, pa.Array]]:
    """Return every entity and day once that is asked about; and the places of the requests in that: of the windows
    those of their beginnings, of None those of the end, which all have in common.

    Of null the place is the one behind the last.
    """
    coded = ids.dictionary_encode()
    numbers = days.cast(pa.int32()).cast(pa.int64())
    codes = coded.indices.cast(pa.int64())
    back = [None, *windows]
    starts = [pc.max_element_wise(pc.subtract(numbers, window or 0), _FIRST_DAY) for window in back]
    # An entity and a day as one whole number: there are fewer than 2^22 days.
    keys = [pc.add(pc.multiply(codes, 1 << 22), pc.subtract(start, _FIRST_DAY)) for start in starts]
    every = pa.concat_arrays(keys).dictionary_encode()
    entities = pc.shift_right(every.dictionary, 22)
    dates = pc.add(pc.bit_wise_and(every.dictionary, (1 << 22) - 1), _FIRST_DAY)
    moments = pa.table(
        {
            "entity_id": coded.dictionary.take(entities),
            "day": dates.cast(pa.int32()).cast(pa.date32()),
        }
    )
    places = pc.fill_null(every.indices, len(every.dictionary))
    return moments, {window: places.slice(place * len(ids), len(ids)) for place, window in enumerate(back)}
