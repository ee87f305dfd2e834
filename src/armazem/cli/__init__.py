"""The command line: each command reads its flags, calls one function of the packages, and shows what it did."""

from armazem.cli.group import main

__all__ = ["main"]
