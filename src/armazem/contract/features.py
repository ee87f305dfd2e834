"""Features: entities, and the sums that their features are ratios of. Declared once, for dbt, the commands and docs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Accumulator:
    """One sum over what became known of an entity's orders. `known`: the moment at which an order counts in it."""

    name: str
    description: str
    known: str


ACCUMULATORS: tuple[Accumulator, ...] = (
    Accumulator("sold", "Orders placed.", "at the purchase"),
    Accumulator("gmv_cents", "Sum of the prices of the entity's items in them, in cents of BRL.", "at the purchase"),
    Accumulator("handed", "Orders that the carrier has received.", "when the carrier receives it"),
    Accumulator(
        "handling_s", "Sum of their time from purchase to carrier, in seconds.", "when the carrier receives it"
    ),
    Accumulator("delivered", "Orders that the customer has received.", "when the customer receives it"),
    Accumulator("total_s", "Sum of their time from purchase to customer, in seconds.", "when the customer receives it"),
    Accumulator(
        "resolved",
        "Orders of which it is known whether they are late.",
        "at the delivery, or when the promised day has passed",
    ),
    Accumulator(
        "late",
        "Those of them whose promised day passed without a delivery, whatever became of them.",
        "when the promised day has passed",
    ),
    Accumulator("reviews", "Reviews answered.", "when the customer answers"),
    Accumulator("score", "Sum of their scores, 1 to 5.", "when the customer answers"),
)
"""All are whole numbers of at least zero, so that what is known only grows."""

WINDOWS = (30, 90)
"""Days that a feature looks back, besides all time."""


@dataclass(frozen=True, slots=True)
class Entity:
    """What features are of. `key`: what its ids are.

    `has_history`: whether its sums are a table, a row per day of news. Where an entity has few orders they are added up
    when somebody asks: a table of them would cost a build more than the questions.
    """

    name: str
    key: str
    description: str
    has_history: bool = True

    @property
    def history(self) -> str:
        """The table of its sums."""
        return f"feat_{self.name}_daily"


ENTITIES: tuple[Entity, ...] = (
    Entity("seller", "seller_id", "A seller, over the orders with an item of it."),
    Entity("lane", "seller state-customer state", "A way from one state to another, such as SP-RJ, over its orders."),
    Entity("marketplace", "all", "The whole shop; its only id is all."),
    Entity("product", "product_id", "A product, over the orders with it.", has_history=False),
    Entity("customer", "customer_unique_id", "A person, over its orders.", has_history=False),
)


@dataclass(frozen=True, slots=True)
class Ratio:
    """A feature that is one sum divided by another, and by `unit`; null where the divisor is zero."""

    name: str
    numerator: str
    denominator: str
    description: str
    unit: int = 1


_DAY = 86_400

RATIOS: tuple[Ratio, ...] = (
    Ratio("avg_order_value", "gmv_cents", "sold", "Mean of the prices per order, in BRL.", 100),
    Ratio("avg_handling_days", "handling_s", "handed", "Mean from purchase to carrier, in days.", _DAY),
    Ratio("avg_delivery_days", "total_s", "delivered", "Mean from purchase to customer, in days.", _DAY),
    Ratio("late_rate", "late", "resolved", "Share of late orders, 0 to 1."),
    Ratio("avg_review_score", "score", "reviews", "Mean score of reviews, 1 to 5."),
)


UNITS = {
    "sold": "orders",
    "gmv_cents": "cents of BRL",
    "handed": "orders",
    "handling_s": "seconds",
    "delivered": "orders",
    "total_s": "seconds",
    "resolved": "orders",
    "late": "orders",
    "reviews": "reviews",
    "score": "points",
    "avg_order_value": "BRL",
    "avg_handling_days": "days",
    "avg_delivery_days": "days",
    "late_rate": "share",
    "avg_review_score": "points",
}
"""Of sums and ratios."""

_TOLD = "was told, in UTC: by an event that came, or by the load of the newest extract that has it."
_MOMENTS = {
    "feature_timestamp": "Midnight, business time, from which the row holds: of what was known before it.",
    "created_timestamp": f"When the last of the facts in it {_TOLD}",
}


def history_columns() -> dict[str, str]:
    """Return the columns of a history, name to meaning."""
    sums = {one.name: f"{one.description} Known {one.known}." for one in ACCUMULATORS}
    return {"entity_id": "What the row is of."} | _MOMENTS | sums


def vector_columns() -> dict[str, str]:
    """Return the columns of the table of today's vectors, name to meaning."""
    columns = {"entity_id": "What the row is of."} | _MOMENTS
    for one in ACCUMULATORS:
        columns[one.name] = one.description
        for days in WINDOWS:
            columns[windowed(one.name, days)] = f"The same, of the last {days} days before feature_timestamp."
    return columns


def fact_columns() -> dict[str, str]:
    """Return the columns of the facts of orders, name to meaning."""
    return {
        "order_id": "The order.",
        "known_on": "Day, business time, on which it became known; it may lie ahead: see `late`.",
        "recorded_at": f"When it {_TOLD}",
    } | {one.name: f"What it adds to: {one.description}" for one in ACCUMULATORS}


def change_columns() -> dict[str, str]:
    """Return the columns of what events change in the sums, name to meaning."""
    sums = {one.name: f"What it adds to, or takes from: {one.description}" for one in ACCUMULATORS}
    return {
        "entity": f"What the row is of: {', '.join(entity.name for entity in ENTITIES)}.",
        "entity_id": "Which of them.",
        "known_on": "Day, business time, from whose end on the change counts.",
        "recorded_at": "When the last of the facts that came was told, in UTC; null where facts only went.",
    } | sums


def windowed(name: str, days: int | None) -> str:
    """Return the name of a sum or ratio over the last `days`, None for all time."""
    return name if days is None else f"{name}_{days}d"
