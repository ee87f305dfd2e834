"""The nine source tables, declared once. Everything else that lists their columns is rendered from here.

Source: the Brazilian E-Commerce Public Dataset by Olist, whose file names and columns these are.
"""

from __future__ import annotations

from armazem.contract.model import Column, ColumnType, Pii, Table

T = ColumnType

ORDER_STATUSES = (
    "created",
    "approved",
    "invoiced",
    "processing",
    "shipped",
    "delivered",
    "canceled",
    "unavailable",
)
NO_SALE_STATUSES = ("canceled", "unavailable")
"""An order of every other status is a valid sale."""
REFUND = "refund"
PAYMENT_TYPES = ("credit_card", "boleto", "voucher", "debit_card", "not_defined", "pix", REFUND)
"""Those of Olist, the one that most of Brazil pays by since, and money that went back."""


def _order_id(description: str = "The order.") -> Column:
    return Column("order_id", T.IDENTIFIER, description, required=True, references="orders.order_id")


ORDERS = Table(
    "orders",
    "olist_orders_dataset.csv",
    "One row per order, with its status and the time of each stage.",
    ("order_id",),
    (
        Column("order_id", T.IDENTIFIER, "Identifier of the order.", required=True),
        Column(
            "customer_id",
            T.IDENTIFIER,
            "The customer row of this order; a person has another one in each order.",
            required=True,
            pii=Pii.PSEUDONYM,
            references="customers.customer_id",
        ),
        Column("order_status", T.TEXT, "Stage that the order has reached.", required=True, values=ORDER_STATUSES),
        Column("order_purchase_timestamp", T.TIMESTAMP, "When the order was placed.", required=True),
        Column("order_approved_at", T.TIMESTAMP, "When the payment was approved."),
        Column("order_delivered_carrier_date", T.TIMESTAMP, "When the carrier received the parcel."),
        Column("order_delivered_customer_date", T.TIMESTAMP, "When the customer received the parcel."),
        Column("order_estimated_delivery_date", T.TIMESTAMP, "Delivery date promised at the purchase."),
    ),
)

ORDER_ITEMS = Table(
    "order_items",
    "olist_order_items_dataset.csv",
    "One row per unit sold: an order of two equal products has two rows.",
    ("order_id", "order_item_id"),
    (
        _order_id(),
        Column("order_item_id", T.INTEGER, "Number of the item in its order, from 1.", required=True, minimum=1),
        Column("product_id", T.IDENTIFIER, "The product sold.", required=True, references="products.product_id"),
        Column(
            "seller_id",
            T.IDENTIFIER,
            "The seller of the item.",
            required=True,
            references="sellers.seller_id",
        ),
        Column("shipping_limit_date", T.TIMESTAMP, "Until when the seller must hand it to the carrier."),
        Column("price", T.MONEY, "Price of the unit, in BRL.", required=True, minimum=0),
        Column("freight_value", T.MONEY, "Freight of the unit, in BRL.", required=True, minimum=0),
    ),
)

ORDER_PAYMENTS = Table(
    "order_payments",
    "olist_order_payments_dataset.csv",
    "One row per payment of an order; vouchers often come several to an order.",
    ("order_id", "payment_sequential"),
    (
        _order_id(),
        Column("payment_sequential", T.INTEGER, "Number of the payment in its order.", required=True, minimum=0),
        Column("payment_type", T.TEXT, "How it was paid.", required=True, values=PAYMENT_TYPES),
        Column(
            "payment_installments",
            T.INTEGER,
            "Number of instalments chosen.",
            minimum=0,
            # A payment is made in one instalment at least; two real rows say 0.
            staged_as="greatest(coalesce(payment_installments, 1), 1)",
        ),
        Column(
            "payment_value",
            T.MONEY,
            "Amount paid, in BRL; below zero where it went back.",
            required=True,
            minimum=0,
            below_zero_where=("payment_type", REFUND),
        ),
    ),
)

ORDER_REVIEWS = Table(
    "order_reviews",
    "olist_order_reviews_dataset.csv",
    "One row per review and order: a review may cover several orders, an order may have several reviews.",
    ("review_id", "order_id"),
    (
        Column("review_id", T.IDENTIFIER, "Identifier of the review; alone it repeats.", required=True),
        _order_id("The order reviewed."),
        Column("review_score", T.INTEGER, "Satisfaction from 1 to 5.", required=True, minimum=1, maximum=5),
        Column("review_comment_title", T.TEXT, "Title of the comment.", pii=Pii.FREE_TEXT, optional=True),
        Column("review_comment_message", T.TEXT, "Text of the comment.", pii=Pii.FREE_TEXT, optional=True),
        Column("review_creation_date", T.TIMESTAMP, "When the survey was sent.", optional=True),
        Column("review_answer_timestamp", T.TIMESTAMP, "When the survey was answered.", optional=True),
    ),
    optional=True,
)

CUSTOMERS = Table(
    "customers",
    "olist_customers_dataset.csv",
    "One row per customer_id, which is one per order; customer_unique_id is the person.",
    ("customer_id",),
    (
        Column("customer_id", T.IDENTIFIER, "The customer of one order.", required=True, pii=Pii.PSEUDONYM),
        Column(
            "customer_unique_id",
            T.IDENTIFIER,
            "The person, the same over all of that person's orders.",
            required=True,
            pii=Pii.PSEUDONYM,
        ),
        Column("customer_zip_code_prefix", T.ZIP, "First five digits of the postal code.", pii=Pii.LOCATION),
        Column("customer_city", T.TEXT, "City of the customer.", cleaning="city", pii=Pii.LOCATION),
        Column("customer_state", T.TEXT, "State of the customer, two letters.", cleaning="state", pii=Pii.LOCATION),
    ),
)

SELLERS = Table(
    "sellers",
    "olist_sellers_dataset.csv",
    "One row per seller.",
    ("seller_id",),
    (
        Column("seller_id", T.IDENTIFIER, "Identifier of the seller.", required=True),
        Column("seller_zip_code_prefix", T.ZIP, "First five digits of the postal code."),
        Column("seller_city", T.TEXT, "City of the seller, as typed.", cleaning="city"),
        Column("seller_state", T.TEXT, "State of the seller, two letters.", cleaning="state"),
    ),
)

PRODUCTS = Table(
    "products",
    "olist_products_dataset.csv",
    "One row per product.",
    ("product_id",),
    (
        Column("product_id", T.IDENTIFIER, "Identifier of the product.", required=True),
        Column("product_category_name", T.TEXT, "Category, in Portuguese."),
        Column(
            "product_name_length",
            T.INTEGER,
            "Characters in the product's name.",
            minimum=0,
            aliases=("product_name_lenght",),
            optional=True,
        ),
        Column(
            "product_description_length",
            T.INTEGER,
            "Characters in the product's description.",
            minimum=0,
            aliases=("product_description_lenght",),
            optional=True,
        ),
        Column("product_photos_qty", T.INTEGER, "Published photos.", minimum=0, optional=True),
        Column("product_weight_g", T.NUMBER, "Weight, in grams.", minimum=0, optional=True),
        Column("product_length_cm", T.NUMBER, "Length, in centimetres.", minimum=0, optional=True),
        Column("product_height_cm", T.NUMBER, "Height, in centimetres.", minimum=0, optional=True),
        Column("product_width_cm", T.NUMBER, "Width, in centimetres.", minimum=0, optional=True),
    ),
)

GEOLOCATION = Table(
    "geolocation",
    "olist_geolocation_dataset.csv",
    "Points per zip prefix, many of them repeated; it has no key.",
    (),
    (
        Column("geolocation_zip_code_prefix", T.ZIP, "First five digits of the postal code.", required=True),
        Column("geolocation_lat", T.FLOAT, "Latitude, in degrees.", required=True, minimum=-90, maximum=90),
        Column("geolocation_lng", T.FLOAT, "Longitude, in degrees.", required=True, minimum=-180, maximum=180),
        Column("geolocation_city", T.TEXT, "City, with and without accents.", cleaning="city"),
        Column("geolocation_state", T.TEXT, "State, two letters.", cleaning="state"),
    ),
    optional=True,
)

PRODUCT_CATEGORY_NAME_TRANSLATION = Table(
    "product_category_name_translation",
    "product_category_name_translation.csv",
    "One row per category: Portuguese to English.",
    ("product_category_name",),
    (
        Column("product_category_name", T.TEXT, "Category, in Portuguese.", required=True),
        Column("product_category_name_english", T.TEXT, "Category, in English.", required=True),
    ),
    optional=True,
)

TABLES: tuple[Table, ...] = (
    ORDERS,
    ORDER_ITEMS,
    ORDER_PAYMENTS,
    ORDER_REVIEWS,
    CUSTOMERS,
    SELLERS,
    PRODUCTS,
    GEOLOCATION,
    PRODUCT_CATEGORY_NAME_TRANSLATION,
)


def table(name: str) -> Table:
    """Return the source table with this name; KeyError where there is none."""
    for candidate in TABLES:
        if candidate.name == name:
            return candidate
    raise KeyError(f"no source table {name}")
