"""Synthetic data in the shape of the Olist data set: `generate(folder, orders=…, seed=…)`."""

from .generator import generate

__all__ = ["generate"]
