"""Which features there are: every sum and ratio of the contract, of every entity, over all time and every window."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

from armazem.contract.features import (
    ACCUMULATORS,
    ENTITIES,
    RATIOS,
    UNITS,
    WINDOWS,
    Accumulator,
    Entity,
    Ratio,
    windowed,
)
from armazem.errors import FeatureError
from armazem.targets.rows import Rows

SPANS = (None, *WINDOWS)
"""Days that features look back; None for all time."""

_SUMS = {one.name: one for one in ACCUMULATORS}


@dataclass(frozen=True, slots=True)
class Feature:
    """One number of one entity. `days` that it looks back; None for all time."""

    entity: Entity
    of: Accumulator | Ratio
    days: int | None

    @property
    def name(self) -> str:
        """The name of its column."""
        return f"{self.entity.name}_{windowed(self.of.name, self.days)}"

    @property
    def window(self) -> str:
        return "all time" if self.days is None else f"{self.days} days"

    @property
    def unit(self) -> str:
        return UNITS[self.of.name]

    @property
    def formula(self) -> str:
        """How it is computed, of sums that end at the midnight before."""
        if isinstance(self.of, Accumulator):
            return f"sum({self.of.name})"
        below = windowed(self.of.denominator, self.days)
        return f"{windowed(self.of.numerator, self.days)} / " + (
            f"({below} * {self.of.unit:_})" if self.of.unit != 1 else below
        )

    @property
    def known(self) -> str:
        """The moment at which an order counts in it; from the midnight after that on."""
        return (self.of if isinstance(self.of, Accumulator) else _SUMS[self.of.denominator]).known


_MADE: list[Accumulator | Ratio] = [*ACCUMULATORS, *RATIOS]
FEATURES = tuple(Feature(entity, of, days) for entity in ENTITIES for of in _MADE for days in SPANS)
"""All of them, in the order of the columns of a training set."""

_COLUMNS = ("feature", "entity", "key", "window", "unit", "formula", "known", "description")


def entities_named(names: Iterable[str]) -> tuple[Entity, ...]:
    """Return these entities, in the order of the contract. Raises FeatureError where there is none of a name."""
    wanted = set(names)
    known = {entity.name for entity in ENTITIES}
    if unknown := sorted(wanted - known):
        raise FeatureError(f"there is no entity {unknown[0]}", f"there are {', '.join(sorted(known))}")
    return tuple(entity for entity in ENTITIES if entity.name in wanted)


def features_named(names: Iterable[str]) -> tuple[Feature, ...]:
    """Return these features, in the order asked for. Raises FeatureError where there is none of a name."""
    found = {feature.name: feature for feature in FEATURES}
    wanted = tuple(dict.fromkeys(names))
    for name in wanted:
        if name not in found:
            close = difflib.get_close_matches(name, found, 3)
            hint = f"did you mean {' or '.join(close)}? " if close else ""
            raise FeatureError(f"there is no feature {name}", f"{hint}`armazem features list` shows all")
    return tuple(found[name] for name in wanted)


def features_of(entities: Iterable[Entity]) -> tuple[Feature, ...]:
    """Return all features of these entities, in the order of the columns."""
    wanted = {entity.name for entity in entities}
    return tuple(feature for feature in FEATURES if feature.entity.name in wanted)


def listed(features: Iterable[Feature]) -> Rows:
    """Return a row for each feature: what it is of, how it is computed, when it is known."""
    return Rows(
        _COLUMNS,
        tuple(
            (
                feature.name,
                feature.entity.name,
                feature.entity.key,
                feature.window,
                feature.unit,
                feature.formula,
                feature.known,
                feature.of.description,
            )
            for feature in features
        ),
    )
