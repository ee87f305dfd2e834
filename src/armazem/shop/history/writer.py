"""CSV files that appear under their names only when all of them are complete."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import pyarrow as pa
from pyarrow import csv as arrow_csv

from armazem import interrupts

HEADERS: dict[str, tuple[str, ...]] = {
    "olist_orders_dataset.csv": (
        "order_id", "customer_id", "order_status", "order_purchase_timestamp", "order_approved_at",
        "order_delivered_carrier_date", "order_delivered_customer_date", "order_estimated_delivery_date",
    ),
    "olist_customers_dataset.csv": (
        "customer_id", "customer_unique_id", "customer_zip_code_prefix", "customer_city", "customer_state",
    ),
    "olist_order_items_dataset.csv": (
        "order_id", "order_item_id", "product_id", "seller_id", "shipping_limit_date", "price", "freight_value",
    ),
    "olist_order_payments_dataset.csv": (
        "order_id", "payment_sequential", "payment_type", "payment_installments", "payment_value",
    ),
    "olist_order_reviews_dataset.csv": (
        "review_id", "order_id", "review_score", "review_comment_title", "review_comment_message",
        "review_creation_date", "review_answer_timestamp",
    ),
    "olist_products_dataset.csv": (
        "product_id", "product_category_name", "product_name_lenght", "product_description_lenght",
        "product_photos_qty", "product_weight_g", "product_length_cm", "product_height_cm", "product_width_cm",
    ),
    "olist_sellers_dataset.csv": ("seller_id", "seller_zip_code_prefix", "seller_city", "seller_state"),
    "olist_geolocation_dataset.csv": (
        "geolocation_zip_code_prefix", "geolocation_lat", "geolocation_lng", "geolocation_city",
        "geolocation_state",
    ),
    "product_category_name_translation.csv": ("product_category_name", "product_category_name_english"),
}  # fmt: skip
WITH_BYTE_ORDER_MARK = "product_category_name_translation.csv"
# Arrow either quotes every text or none; the module csv quotes only what must be, at a microsecond per row.
FREE_TEXT = frozenset({"olist_order_reviews_dataset.csv", "olist_sellers_dataset.csv"})
PLAIN = arrow_csv.WriteOptions(include_header=False, quoting_style="none")


class Folder:
    """The nine files while they are written: `name.part` each, renamed on leaving without an error.

    `rows` counts what was written per file; `progress` hears (file name, rows so far) after each table.
    """

    def __init__(self, path: Path, progress: Callable[[str, int], None] | None = None) -> None:
        self.path = path
        self.rows = dict.fromkeys(HEADERS, 0)
        self._progress = progress
        self._files: dict[str, IO[bytes]] = {}

    def __enter__(self) -> Self:
        self.path.mkdir(parents=True, exist_ok=True)
        for name, header in HEADERS.items():
            self._files[name] = self._part(name).open("wb")
            mark = b"\xef\xbb\xbf" if name == WITH_BYTE_ORDER_MARK else b""
            self._files[name].write(mark + ",".join(header).encode() + b"\n")
        return self

    def write(self, name: str, table: pa.Table) -> None:
        """Append rows whose columns are those of the file's header, in that order."""
        if tuple(table.column_names) != HEADERS[name]:
            raise ValueError(f"{name}: columns {table.column_names} are not those of the header")
        if name in FREE_TEXT:
            self._write_quoted(self._files[name], table)
        else:
            arrow_csv.write_csv(table, self._files[name], PLAIN)
        self.rows[name] += table.num_rows
        if self._progress is not None:
            self._progress(name, self.rows[name])

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        for file in self._files.values():
            file.close()
        with interrupts.held():
            for name in self._files:
                if kind is None:
                    os.replace(self._part(name), self.path / name)
                else:
                    self._part(name).unlink()

    def _part(self, name: str) -> Path:
        return self.path / f"{name}.part"

    @staticmethod
    def _write_quoted(file: IO[bytes], table: pa.Table) -> None:
        columns = [column.cast(pa.string()).to_pylist() for column in table.columns]
        lines: list[str] = []
        csv.writer(_Lines(lines), lineterminator="\n").writerows(zip(*columns, strict=True))
        file.write("".join(lines).encode())


class _Lines:
    """What the module csv needs of a file."""

    def __init__(self, lines: list[str]) -> None:
        self.write = lines.append
