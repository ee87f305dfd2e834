"""The features of one entity as of a time: the published ones, and what the events since then make of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Meta

from armazem.contract.features import ENTITIES, RATIOS, Entity, windowed
from armazem.errors import FeatureError
from armazem.features.catalogue import SPANS
from armazem.features.changes import Changes
from armazem.features.news import NEVER, News, day_number
from armazem.features.published import PublishedFeatures
from armazem.features.requests import KEYS, as_stored
from armazem.features.times import time_of
from armazem.features.vectors import SUMS

_AHEAD = timedelta(days=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EXAMPLES = "write it as 2018-05-31T12:00, in business time, or with an offset: 2018-05-31T12:00-03:00, + as %2B"


class NoSuchEntity(FeatureError):
    """There are no features of what was asked for."""


class TimeRefused(FeatureError):
    """A time that is none, or of which nothing can be known yet."""


class Vector(msgspec.Struct):
    """The features of an entity as of a time."""

    entity: str
    id: str
    at: Annotated[str, Meta(description="The time that was asked for, in business time.")]
    known: Annotated[bool, Meta(description="Whether anything was known of it by then.")]
    features: Annotated[
        dict[str, int | float | None],
        Meta(
            description="Sums, whole numbers, and ratios of them, null where there is nothing to divide by; `_30d` and "
            "`_90d` of the last days before feature_timestamp, the others of all time."
        ),
    ]
    feature_timestamp: Annotated[
        str, Meta(description="Midnight, business time, that begins the day of `at`: of what was known before it.")
    ]
    created_timestamp: Annotated[
        str | None, Meta(description="When the last of what it is made of was told, in UTC; null where nothing was.")
    ]
    known_until: Annotated[
        str | None,
        Meta(
            description="The midnight after the newest purchase, business time. What came after it nobody has told: "
            "late orders after it are those whose promise has passed since without a delivery being told. Null where "
            "nothing was ordered yet."
        ),
    ]
    build_id: Annotated[str, Meta(description="The published version that it begins with.")]
    events_until: Annotated[int, Meta(description="The number of the last event of the journal that is in it.")]


@dataclass(frozen=True, slots=True)
class Lookup:
    """Answers of one moment: a published version, and the changes of it."""

    published: PublishedFeatures
    changes: Changes

    def at_hand(self, entity: Entity, entity_id: str, at: datetime) -> Vector | None:
        """Return the features at a business time without a zone, where nothing has to be read for them.

        `entity_id`: as `id_asked` gives it.
        """
        news = self.published.at_hand(entity, entity_id)
        return None if news is None else self._vector(entity, entity_id, at, news)

    def vector(self, entity: Entity, entity_id: str, at: datetime) -> Vector:
        """Return the same, read where it has to be. Raises duckdb.Error."""
        return self._vector(entity, entity_id, at, self.published.news(entity, entity_id))

    def _vector(self, entity: Entity, entity_id: str, at: datetime, before: News) -> Vector:
        day = day_number(at.date())
        since = self.changes.news(entity.name, entity_id)
        sums = before.before(day) + since.before(day)
        values: dict[str, int | float | None] = {}
        for span, row in zip(SPANS, sums.tolist(), strict=True):
            values |= {windowed(name, span): value for name, value in zip(SUMS, row, strict=True)}
        for span in SPANS:
            for ratio in RATIOS:
                numerator, denominator = (values[windowed(n, span)] for n in (ratio.numerator, ratio.denominator))
                assert numerator is not None
                divisor = float((denominator or 0) * ratio.unit)
                values[windowed(ratio.name, span)] = float(numerator) / divisor if divisor else None
        told = max(before.told_before(day), since.told_before(day))
        known = bool(sums[0].any())
        return Vector(
            entity.name,
            entity_id,
            at.isoformat(),
            known,
            values,
            datetime.combine(at.date(), datetime.min.time()).isoformat(),
            _utc(told) if known else None,
            self._known_until(),
            self.published.build,
            self.changes.until,
        )

    def _known_until(self) -> str | None:
        days = [day for day in (self.published.newest, self.changes.newest) if day is not None]
        return (_EPOCH + timedelta(days=max(days) + 1)).replace(tzinfo=None).isoformat() if days else None


def entity_named(name: str) -> Entity:
    """Return the entity of this name. Raises NoSuchEntity."""
    for entity in ENTITIES:
        if entity.name == name:
            return entity
    raise NoSuchEntity(f"there are no features of {name!r}", f"there are {', '.join(one.name for one in ENTITIES)}")


def id_asked(entity: Entity, text: str) -> str:
    """Return an id as the models write it. Raises NoSuchEntity where it is none, or the marketplace's is another."""
    found = as_stored(entity, text)
    if found is None:
        raise NoSuchEntity("there is no id", f"name one: {entity.key}")
    if entity.name not in KEYS and found != entity.key:
        raise NoSuchEntity(f"there is one {entity.name}, and {text!r} is not its id", f"its id is {entity.key}")
    return found


def time_asked(text: str | None, zone: ZoneInfo, now: datetime) -> datetime:
    """Return a time as business time without a zone, now where there is none. Raises TimeRefused.

    More than a day ahead is refused: of orders that are under way the tables say what will be known if nothing comes.
    """
    today = now.astimezone(zone).replace(tzinfo=None)
    if text is None:
        return today
    try:
        at = time_of(text, zone)
    except ValueError as error:
        raise TimeRefused(f"{text!r} is no time", _EXAMPLES) from error
    except OverflowError as error:
        raise TimeRefused(f"{text} is out of range", "times are of the years 1 to 9999") from error
    if at > today + _AHEAD:
        raise TimeRefused(f"{text} lies ahead, and what will be known then is not known", "ask for a time up to now")
    return at


def _utc(microseconds: int) -> str | None:
    if microseconds == NEVER:
        return None
    return (_EPOCH + timedelta(microseconds=microseconds)).isoformat().replace("+00:00", "Z")
