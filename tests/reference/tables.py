"""The fact tables as rows to compare: amounts and days as decimals."""

from __future__ import annotations

from .facts import Facts
from .rounding import days, money

Rows = list[dict[str, object]]


def fact_orders(facts: Facts) -> Rows:
    return [
        {
            "order_id": fact.order.order_id,
            "customer_id": fact.order.customer_id,
            "customer_unique_id": fact.person,
            "order_status": fact.order.status,
            "order_purchase_timestamp": fact.order.purchased,
            "order_approved_at": fact.order.approved,
            "order_delivered_carrier_date": fact.order.carrier,
            "order_delivered_customer_date": fact.order.delivered,
            "order_estimated_delivery_date": fact.order.estimated,
            "is_valid_sale": fact.valid,
            "customer_city": fact.place.city,
            "customer_state": fact.place.state,
            "items": len(fact.items),
            "gmv": money(fact.gmv),
            "freight": money(fact.freight),
            "revenue": money(fact.revenue),
            "refunded": money(fact.refunded),
            "days_to_deliver": days(fact.deliver),
            "handling_days": days(fact.handling),
            "transit_days": days(fact.transit),
            "is_late": fact.late,
            "main_payment_type": fact.payment_type,
            "installments": fact.installments,
            "review_score": fact.score,
        }
        for fact in facts.orders
    ]


def fact_sales(facts: Facts) -> Rows:
    return [
        {
            "order_id": line.item.order_id,
            "order_item_id": line.item.number,
            "product_id": line.item.product_id,
            "seller_id": line.item.seller_id,
            "customer_id": line.fact.order.customer_id,
            "customer_unique_id": line.fact.person,
            "order_purchase_timestamp": line.fact.order.purchased,
            "order_delivered_timestamp": line.fact.order.delivered,
            "days_to_deliver": days(line.fact.deliver),
            "order_status": line.fact.order.status,
            "is_valid_sale": line.fact.valid,
            "payment_type": line.fact.payment_type,
            "payment_installments": line.fact.installments,
            "price": money(line.item.price),
            "freight_value": money(line.item.freight),
            "payment_value": money(line.paid),
            "customer_city": line.fact.place.city,
            "customer_state": line.fact.place.state,
            "seller_city": line.seller.city,
            "seller_state": line.seller.state,
        }
        for line in facts.lines
    ]


def fact_payments(facts: Facts) -> Rows:
    return [
        {
            "order_id": payment.order_id,
            "payment_sequential": payment.sequential,
            "payment_type": payment.type,
            "payment_installments": payment.installments,
            "payment_value": money(payment.value),
            "customer_id": fact.order.customer_id,
            "order_purchase_timestamp": fact.order.purchased,
            "is_valid_sale": fact.valid,
        }
        for payment, fact in facts.payments
    ]


def fact_reviews(facts: Facts) -> Rows:
    return [
        {
            "review_id": review.review_id,
            "order_id": review.order_id,
            "review_score": review.score,
            "review_comment_title": review.title,
            "review_comment_message": review.message,
            "review_creation_date": review.created,
            "review_answer_timestamp": review.answered,
        }
        for review in facts.reviews
    ]
