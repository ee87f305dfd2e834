"""The part of each order that is an entity's, which has no history: as dbt/macros/features.sql has it."""

from __future__ import annotations

from armazem.contract.features import Entity


def parts_sql(entity: Entity, marts: str, where: str = "") -> str:
    """Return SQL to order_id, entity_id and gmv_cents of products or customers. DuckDB and BigQuery know its words.

    `where`: a condition on the rows of the mart, with that word.
    """
    return {
        "product": "select order_id, product_id as entity_id, "
        "cast(sum(cast(price * 100 as bigint)) as bigint) as gmv_cents "
        f"from {marts}.fact_sales {where} group by order_id, product_id",
        "customer": "select order_id, customer_unique_id as entity_id, cast(gmv * 100 as bigint) as gmv_cents "
        f"from {marts}.fact_orders {where}",
    }[entity.name]
