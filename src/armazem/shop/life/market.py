"""Where simulated customers decide: what is bought of a shop, by whom, where."""

from __future__ import annotations

from random import Random
from zoneinfo import ZoneInfo

from armazem.shop.life.course import MEAN_LIFE
from armazem.shop.life.reviews import Comments
from armazem.shop.life.shop import Offer, Place, Seller, Shop

RETURNING_SHARE = 0.03
"""Of the orders, by people who have bought before."""

_COUNTS, _COUNT_WEIGHTS = (1, 2, 3, 4), (895, 76, 19, 10)
_SAME_PRODUCT_SHARE = 0.7  # of the items after the first


class Market:
    """The shop, its customers, and their dice.

    `life`: seconds from the first message of an order to its last, on average, in the simulation. `pace`:
    simulated seconds per second of real life.
    """

    def __init__(self, shop: Shop, zone: ZoneInfo, rng: Random, life: float = MEAN_LIFE) -> None:
        self.zone = zone
        self.life = life
        self.pace = life / MEAN_LIFE
        self.rng = rng
        self.comments = Comments(rng.getrandbits(32))
        self._shop = shop
        self._popularity = shop.popularity()

    def identifier(self) -> str:
        return f"{self.rng.getrandbits(128):032x}"

    def offer(self) -> Offer:
        """Return a product; what sold well sells well."""
        return self.rng.choices(self._shop.offers, cum_weights=self._popularity)[0]

    def basket(self) -> list[tuple[Offer, int]]:
        """Return one to four items with the freight of each in cents, the same for equal items."""
        rng = self.rng
        basket: list[tuple[Offer, int]] = []
        for _ in range(rng.choices(_COUNTS, _COUNT_WEIGHTS)[0]):
            if basket and rng.random() < _SAME_PRODUCT_SHARE:
                basket.append(basket[0])
            else:
                offer = self.offer()
                basket.append((offer, int(offer.freight * rng.uniform(0.9, 1.1))))
        return basket

    def buyer(self) -> tuple[str, Place]:
        """Return customer_unique_id and place: somebody new who lives where customers live, or one of these."""
        person = self.rng.choice(self._shop.people)
        returns = self.rng.random() < RETURNING_SHARE
        return person.customer_unique_id if returns else self.identifier(), person.place

    def place(self) -> Place:
        """Return where somebody moves to."""
        return self.rng.choice(self._shop.people).place

    def seller(self) -> Seller:
        return self.rng.choice(self._shop.sellers)
