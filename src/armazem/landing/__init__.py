"""Batch files to typed Parquet, rejects and a ledger."""

from armazem.landing.ledger import LedgerRow, ages, parquet_files, read_ledger
from armazem.landing.load import load
from armazem.landing.report import LoadResult, Progress
from armazem.landing.withdraw import withdraw

__all__ = ["LedgerRow", "LoadResult", "Progress", "ages", "load", "parquet_files", "read_ledger", "withdraw"]
