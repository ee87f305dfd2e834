"""What is sold, by whom and to whom: the world that simulated orders come from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate
from typing import NamedTuple

from armazem.errors import ArmazemError


class Place(NamedTuple):
    """Where a customer or a seller is; each part may be unknown."""

    zip_code_prefix: str | None
    city: str | None
    state: str | None


class Offer(NamedTuple):
    """A product as one seller sells it: usual price and freight in cents, and how often it was sold."""

    product_id: str
    seller_id: str
    price: int
    freight: int
    sold: int


class Person(NamedTuple):
    """Somebody who has bought before."""

    customer_unique_id: str
    place: Place


class Seller(NamedTuple):
    seller_id: str
    place: Place


@dataclass(frozen=True)
class Shop:
    """Offers, people and sellers of a home folder, each in an order of their own that never changes.

    `as_of`: when what it knows was published; a simulation without a pace of its own ends there.
    Raises ArmazemError where nothing was ever sold.
    """

    offers: Sequence[Offer]
    people: Sequence[Person]
    sellers: Sequence[Seller]
    as_of: datetime

    def __post_init__(self) -> None:
        if not (self.offers and self.people and self.sellers):
            raise ArmazemError(
                "there is nothing to simulate orders with: no product was ever sold here",
                "load data first: armazem up --no-serve",
            )

    def popularity(self) -> list[int]:
        """Return the cumulated sales of the offers, to draw from them as customers do."""
        return list(accumulate(max(1, offer.sold) for offer in self.offers))
