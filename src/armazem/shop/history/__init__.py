"""Synthetic data in the shape of the Olist data set: `generate(folder, orders=…, seed=…, until=…)`."""

from .generator import generate
from .seasons import EARLIEST, LAST_DAY, LATEST

__all__ = ["EARLIEST", "LAST_DAY", "LATEST", "generate"]
