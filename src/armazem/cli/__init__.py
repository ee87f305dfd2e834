"""The command line: each command reads its flags, calls one function of the packages, and shows what it did."""

from armazem.cli import data, export, ingest, serve, simulate, subscribe, warehouse
from armazem.cli.group import main

__all__ = ["data", "export", "ingest", "main", "serve", "simulate", "subscribe", "warehouse"]
