"""Training sets: to each request the features as they were known then, of one published version.

Requests that are its own orders are of the same version.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import pyarrow as pa
import pyarrow.compute as pc

from armazem.config import Settings
from armazem.contract.features import Entity
from armazem.errors import FeatureError
from armazem.features.catalogue import Feature, features_of
from armazem.features.orders import Stage, newest_day, order_requests
from armazem.features.reading import FACTS, read_whole
from armazem.features.requests import AT, KEYS, Requests
from armazem.features.times import times_of
from armazem.features.vectors import vectors
from armazem.targets.reader import Reader
from armazem.targets.registry import target_of

# Called before each entity with its name, its number and how many there are.
OnEntity = Callable[[str, int, int], None]


def training_set(
    settings: Settings,
    requests: Requests,
    *,
    at: str | None = None,
    features: Sequence[Feature] = (),
    on_entity: OnEntity = lambda name, number, total: None,
) -> pa.Table:
    """Return the table of the requests, as it is, with a column for each feature behind: its rows in their order.

    Features are of what was known at the midnight, business time, that begins the day of `at`: the column of times; by
    default `at`, and where there is none, the newest features. `features`: by default all of the entities whose ids the
    table has. The metadata of the schema says of which build (`armazem.build`) and until when (`armazem.as_of`, the
    midnight of the newest features).

    Raises FeatureError where the requests do not fit, lie after the newest features, or the warehouse has none.
    """
    asked = _asked(requests, at, features, settings.time_zone)
    return read_whole(target_of(settings), FACTS, lambda reader: _joined(reader, asked, on_entity))


def training_set_of_orders(
    settings: Settings,
    stage: Stage,
    *,
    features: Sequence[Feature] = (),
    on_entity: OnEntity = lambda name, number, total: None,
) -> pa.Table:
    """Return the same of all orders, as of a stage, which are read of the version that the features are of."""

    def read(reader: Reader) -> pa.Table:
        requests = Requests(order_requests(reader, stage), "the orders")
        return _joined(reader, _asked(requests, AT, features, settings.time_zone), on_entity)

    return read_whole(target_of(settings), FACTS, read)


@dataclass(frozen=True)
class _Asked:
    """Requests, and what is read of them. `times`: None for the newest features."""

    requests: Requests
    wanted: Sequence[Feature]
    ids: dict[Entity, pa.Array]
    times: pa.Array | None


def _asked(requests: Requests, at: str | None, features: Sequence[Feature], zone: str) -> _Asked:
    requests.check()
    wanted = features or _default(requests)
    _check_names(requests, wanted)
    ids = {feature.entity: requests.ids(feature.entity) for feature in wanted}
    return _Asked(requests, wanted, ids, _times(requests, at, zone))


def _joined(reader: Reader, asked: _Asked, on_entity: OnEntity) -> pa.Table:
    columns: dict[str, pa.Array] = {}
    newest = newest_day(reader)
    days = _days(asked.requests, asked.times, newest)
    for number, (entity, keys) in enumerate(asked.ids.items(), 1):
        on_entity(entity.name, number, len(asked.ids))
        columns |= vectors(reader, keys, days, [feature for feature in asked.wanted if feature.entity == entity])
    found = asked.requests.table
    for feature in asked.wanted:
        found = found.append_column(feature.name, columns[feature.name])
    told = {"armazem.build": reader.build, "armazem.as_of": f"{newest} 00:00:00"}
    return found.replace_schema_metadata({**(found.schema.metadata or {}), **told})


def _default(requests: Requests) -> tuple[Feature, ...]:
    entities = requests.entities
    if len(entities) < 2:  # the marketplace alone is hardly meant
        raise FeatureError(
            f"{requests.name} names no entity: it has {', '.join(requests.table.column_names)}",
            f"give it one of the columns {', '.join(KEYS.values())}, or ask for `--entity marketplace`",
        )
    return features_of(entities)


def _check_names(requests: Requests, wanted: Sequence[Feature]) -> None:
    taken = {feature.name for feature in wanted}.intersection(requests.table.column_names)
    if taken:
        raise FeatureError(
            f"{requests.name} has a column {min(taken)} already, which is a feature's name", "give it another name"
        )


def _times(requests: Requests, at: str | None, zone: str) -> pa.Array | None:
    columns = requests.table.column_names
    if at is not None and at not in columns:
        raise FeatureError(f"{requests.name} has no column {at}, which --at names", f"it has {', '.join(columns)}")
    column = at or (AT if AT in columns else None)
    return None if column is None else times_of(requests, column, zone)


def _days(requests: Requests, times: pa.Array | None, newest: date) -> pa.Array:
    """Return the days at whose midnight the features are to hold."""
    if times is None:
        return pa.repeat(pa.scalar(newest, pa.date32()), requests.table.num_rows)
    days = pc.floor_temporal(times, unit="day").cast(pa.date32())
    late = pc.index(pc.greater(days, pa.scalar(newest)), True).as_py()
    if late >= 0:
        raise FeatureError(
            f"{requests.place(late)}: {times[late].as_py()} lies after the newest features, of {newest} 00:00:00",
            f"ask for times before {newest + timedelta(days=1)}, or leave the times out for the newest features",
        )
    return days
