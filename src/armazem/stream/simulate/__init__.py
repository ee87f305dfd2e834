"""Simulated orders: the messages of a shop's orders, sent at a rate, with what goes wrong on the way."""

from armazem.stream.simulate.run import Plan, Report, run_simulation
from armazem.stream.simulate.senders import TargetError
from armazem.stream.simulate.shop import Offer, Person, Place, Seller, Shop
from armazem.stream.simulate.traffic import Faults

__all__ = ["Faults", "Offer", "Person", "Place", "Plan", "Report", "Seller", "Shop", "TargetError", "run_simulation"]
