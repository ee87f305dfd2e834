"""The contract: source tables, events, layers and reject codes, declared once. Imports nothing of ours."""

from armazem.contract.model import Column, ColumnType, Pii, Table
from armazem.contract.rejects import RejectCode
from armazem.contract.tables import (
    ORDER_STATUSES,
    PAYMENT_TYPES,
    TABLES,
    table,
)

__all__ = [
    "ORDER_STATUSES",
    "PAYMENT_TYPES",
    "TABLES",
    "Column",
    "ColumnType",
    "Pii",
    "RejectCode",
    "Table",
    "table",
]
