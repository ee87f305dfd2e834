"""Answers to several questions that are all of one published version."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from armazem.errors import CloudError, FeatureError, QueryError
from armazem.targets.base import Target
from armazem.targets.reader import Reader

FACTS = "feat_order_facts"
"""The table of features that all others are made of."""

_ATTEMPTS = 3

Answer = TypeVar("Answer")


def read_whole(target: Target, table: str, read: Callable[[Reader], Answer]) -> Answer:
    """Return what `read` makes of the published version; where another one is published meanwhile, it reads again.

    Raises FeatureError where the version has not this table of features, or none stays for long enough; QueryError.
    """
    try:
        with target.errors("the features"):
            for _ in range(_ATTEMPTS):
                with target.reading() as reader:
                    found = read(reader)
                    if reader.is_of_one_build():
                        return found
    except (QueryError, CloudError) as error:
        if not has_features(target, table):
            raise FeatureError("the published version has no features", "`armazem build` makes them") from error
        raise
    raise FeatureError("versions are published faster than they are read", "try again when no build runs")


def has_features(target: Target, table: str = FACTS) -> bool:
    """Whether the published version has them: an older one may not."""
    return any(found == table for found, _, _ in target.columns("features"))
