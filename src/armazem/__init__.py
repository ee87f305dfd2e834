"""Armazém: the warehouse of an e-commerce platform, on a laptop and on Google Cloud."""

from importlib.metadata import version

__version__ = version("armazem")
