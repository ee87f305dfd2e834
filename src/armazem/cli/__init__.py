"""The command line: each command reads its flags, calls one function of the packages, and shows what it did."""

from armazem.cli import data, warehouse
from armazem.cli.group import main

__all__ = ["data", "main", "warehouse"]
