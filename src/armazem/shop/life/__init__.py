"""A shop's life as events: orders that run their course, their messages, and what goes wrong on the way."""

from armazem.shop.life.shop import Offer, Person, Place, Seller, Shop
from armazem.shop.life.traffic import Faults

__all__ = ["Faults", "Offer", "Person", "Place", "Seller", "Shop"]
