"""One order, in a window over the page that has an address of its own: what it is, and what was predicted of it."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nicegui import ui

from armazem.kpis.measures import CATEGORY
from armazem.serve.dashboard.components import Ask, Panel
from armazem.serve.dashboard.formats import Format
from armazem.serve.dashboard.frame import Frame
from armazem.serve.dashboard.options import records
from armazem.serve.dashboard.pages.data_panels import texts
from armazem.serve.dashboard.pages.forecast_worklist import LARGEST, TABLE, reason_words
from armazem.serve.dashboard.queries import Query
from armazem.serve.dashboard.view import View

_STAGES = {"purchase": "Bought", "handover": "With the carrier", "today": "Today"}
Record = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Found:
    """What there is of an order; `facts` is None where nobody knows it."""

    facts: Record | None
    items: Sequence[Record] = ()
    payments: Sequence[Record] = ()
    predictions: Sequence[Record] = ()


def facts(order: str) -> Query:
    return Query(
        "select order_id, order_status, customer_city, customer_state, order_purchase_timestamp as placed, "
        "order_approved_at as approved, order_delivered_carrier_date as handed_over, "
        "order_delivered_customer_date as delivered, order_estimated_delivery_date as promised, gmv, freight, revenue "
        "from marts.fact_orders where order_id = ?",
        (order,),
    )


def items(order: str) -> Query:
    return Query(
        f"select order_item_id, product_id, {CATEGORY} as category, seller_id, seller_state, price, freight_value "
        "from marts.fact_sales s left join marts.dim_products p using (product_id) where order_id = ? "
        "order by order_item_id",
        (order,),
    )


def payments(order: str) -> Query:
    return Query(
        "select payment_type, payment_installments, payment_value from marts.fact_payments where order_id = ? "
        "order by payment_sequential",
        (order,),
    )


def predictions(view: View) -> Query:
    """What was said at each stage, in their order."""
    handed = (
        "(f.stage = 'handover' or f.stage = 'today' and "
        "coalesce(o.order_delivered_carrier_date >= o.order_purchase_timestamp, false))"
    )
    return Query(
        "select f.stage, f.scored_at, o.order_purchase_timestamp + to_seconds(f.expected_s) as expected, "
        "o.order_purchase_timestamp + to_seconds(f.lower_s) as earliest, "
        "o.order_purchase_timestamp + to_seconds(f.upper_s) as latest, f.late_permille / 1000.0 as late_probability, "
        f"f.risk_permille, f.main_reason = 'overdue' as is_overdue, {reason_words(view, LARGEST, handed)} as reason "
        f"from features.{TABLE} f join marts.fact_orders o using (order_id) where order_id = ? "
        "order by f.stage = 'today', f.stage = 'handover'",
        (view.order,),
    )


class OrderWindow(Panel):
    """Opens where the address names an order; closing it takes the name out of the address."""

    reads = frozenset({"order"})

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        with ui.dialog().props('aria-label="Order"') as self._window, ui.element("section").classes("panel order"):
            with ui.element("div").classes("head"):
                self._title = ui.label().classes("pagetitle").props("role=heading aria-level=2")
                ui.element("div").classes("spring")
                close = ui.button(icon="close", color=None, on_click=self._window.close)
                close.props('flat dense round aria-label="Close the order"')
            self._said = ui.html("", sanitize=False).classes("texts").props('tabindex=0 role=region aria-label="Order"')
        self._window.on_value_change(lambda event: None if event.value else self._closed_by_reader())

    async def _closed_by_reader(self) -> None:
        if not self._closed:
            await self._frame.show(order="")

    def load(self, view: View, ask: Ask) -> Found | None:
        if not view.order:
            return None
        known = records(ask(facts(view.order)))
        if not known:
            return Found(None)
        said = records(ask(predictions(view))) if TABLE in self._frame.features else []
        return Found(known[0], records(ask(items(view.order))), records(ask(payments(view.order))), said)

    def show(self, view: View, loaded: Found | None) -> None:
        if loaded is None:
            self._window.close()
            return
        self._title.set_text(f"Order {view.order}")
        self._said.set_content(written(loaded, view.format))
        self._window.open()

    def fail(self, reason: str) -> None:
        self._said.set_content(texts([("This could not be read.", reason)]))
        self._window.open()


def written(found: Found, form: Format) -> str:
    """HTML of an order; every word of the data is escaped."""
    if found.facts is None:
        return texts([("No such order", "Nothing published knows an order with this id. Check it.")])
    of = found.facts
    place = ", ".join(part for part in (str(of["customer_city"] or "").title(), of["customer_state"] or "") if part)
    lines = [
        ("State of the order", of["order_status"]),
        ("Customer", place or "unknown"),
        ("Bought", form.datetime(of["placed"])),
        ("Approved", form.datetime(of["approved"])),
        ("With the carrier", form.datetime(of["handed_over"])),
        ("Delivered", form.datetime(of["delivered"])),
        ("Promised", form.date(of["promised"])),
        ("Paid", f"{form.money(of['revenue'])}, of goods {form.money(of['gmv'])}, freight {form.money(of['freight'])}"),
    ]
    parts = [f'<div class="texts pairs">{texts(lines)}</div>']
    parts += _table(
        "Predictions", ("Stage", "Said", "Expected", "Band", "Late", "Rank", "Reason"),
        [
            (
                _STAGES.get(row["stage"], row["stage"]), form.datetime(row["scored_at"]), form.date(row["expected"]),
                form.dates(row["earliest"], row["latest"]), form.percent(row["late_probability"]),
                form.number(row["risk_permille"]), f"{'overdue; ' if row['is_overdue'] else ''}{row['reason']}",
            )
            for row in found.predictions
        ],
    )  # fmt: skip
    parts += _table(
        "Items", ("No.", "Category", "Product", "Seller", "From", "Price", "Freight"),
        [
            (
                form.number(row["order_item_id"]), row["category"], row["product_id"], row["seller_id"],
                row["seller_state"] or "", form.money(row["price"]), form.money(row["freight_value"]),
            )
            for row in found.items
        ],
    )  # fmt: skip
    parts += _table(
        "Payments", ("Type", "Installments", "Value"),
        [
            (
                str(row["payment_type"]).replace("_", " "), form.number(row["payment_installments"]),
                form.money(row["payment_value"]),
            )
            for row in found.payments
        ],
    )  # fmt: skip
    return "".join(parts)


def _table(title: str, heads: Sequence[str], rows: Sequence[Sequence[object]]) -> list[str]:
    if not rows:
        return [f"<h3>{title}</h3><p>None.</p>"]
    head = "".join(f"<th>{name}</th>" for name in heads)
    body = "".join("<tr>" + "".join(f"<td>{html.escape(str(cell))}</td>" for cell in row) + "</tr>" for row in rows)
    return [f'<h3>{title}</h3><table class="plain"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>']
