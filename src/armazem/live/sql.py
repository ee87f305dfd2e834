"""The SQL of the live state: from a batch of events to the orders that it changes.

A version is the event's time in microseconds, in base 36, followed by the stage of the order that it tells, a digit,
and its key, which begins with the event_id: as text it sorts as the rule says, newest event last. A hash stands before
each identifier, because a scan of 8 bytes a row finds the touched rows five times faster than one of text; equal hashes
are told apart by the identifier.
"""

from __future__ import annotations

import json
from typing import Any

from armazem.contract.tables import ORDER_STATUSES

TABLES = f"""
create macro version_of(moment, status, id) as
    to_base(greatest(0, epoch_us(moment) + 62135596800000000), 36, 12)
    || coalesce(list_position({list(ORDER_STATUSES)}, status) - 1, 0) || id;
create table orders (
    hash ubigint, order_id varchar, placed varchar, placed_at timestamptz,
    status varchar, status_version varchar, purchased timestamp, purchased_version varchar,
    customer_hash ubigint, customer_id varchar, customer_version varchar,
    payments struct(number bigint, value decimal(18, 2), version varchar)[], items bigint[],
    revenue decimal(38, 2), item_count bigint, state varchar, state_by_event boolean
);
create table customers (hash ubigint, customer_id varchar, state varchar, version varchar);
create table published (hash ubigint, customer_id varchar, state varchar);
create table recent as
    select order_id, purchased, status, revenue, item_count, state, placed_at, placed from orders;
create table saved (progress varchar);
"""

LINE: dict[str, Any] = {
    "seq": "BIGINT",
    "received_at": "TIMESTAMPTZ",
    "event_type": "VARCHAR",
    "event_id": "VARCHAR",
    "sender": "VARCHAR",
    "timestamp": "TIMESTAMPTZ",
    "data": {
        "orders": {
            "order_id": "VARCHAR",
            "customer_id": "VARCHAR",
            "order_status": "VARCHAR",
            "order_purchase_timestamp": "TIMESTAMP",
        },
        "order_items": [{"order_id": "VARCHAR", "order_item_id": "BIGINT"}],
        "order_payments": [
            {"order_id": "VARCHAR", "payment_sequential": "BIGINT", "payment_value": "DECIMAL(18,2)"},
        ],
        "customers": {"customer_id": "VARCHAR", "customer_state": "VARCHAR"},
    },
}
"""What is read of a journal line; a test compares the types with those of the contract."""


def _type(structure: Any) -> str:
    if isinstance(structure, dict):
        return f"STRUCT({', '.join(f'{name} {_type(field)}' for name, field in structure.items())})"
    return f"{_type(structure[0])}[]" if isinstance(structure, list) else str(structure)


COLUMNS = {name: _type(structure) for name, structure in LINE.items()}
"""The same as DuckDB's types of the columns."""

FROM_LINES = f"select unnest(from_json(line, '{json.dumps(LINE)}')) from lines"

EVENTS = """
create or replace temp table events as
select
    seq, received_at, event_type, "timestamp" as happened_at,
    version_of("timestamp", data.orders.order_status, event_id || coalesce(chr(10) || sender, '')) as version,
    data.orders.order_id as order_id, data.orders.order_status as status,
    data.orders.order_purchase_timestamp as purchased, data.orders.customer_id as customer_id,
    data.order_items as items, data.order_payments as payments,
    data.customers.customer_id as updated_customer_id,
    nullif(upper(trim(data.customers.customer_state)), '') as updated_state
from ({source}) where seq > {after}
"""

# Both sides of the outer joins below are small: only `orders`, `customers` and `published` are scanned.
TOUCHED = """
create or replace temp table batch_items as
    select item.order_id, item.order_item_id as number
    from (select unnest(items) as item from events where items is not null);
create or replace temp table batch_payments as
    select payment.order_id, payment.payment_sequential as number, payment.payment_value as value, version
    from (select unnest(payments) as payment, version from events where payments is not null)
    where payment.payment_value is not null;
create or replace temp table touched as
    select distinct hash(order_id) as hash from (
        select order_id from events union all select order_id from batch_items
        union all select order_id from batch_payments
    ) where order_id is not null;
create or replace temp table batch_customers as
    select
        hash(updated_customer_id) as hash, updated_customer_id as customer_id,
        arg_max(updated_state, version) as state, max(version) as version
    from events where updated_customer_id is not null and updated_state is not null group by all;
create or replace temp table touched_customers as
    select hash from batch_customers union select hash(customer_id) from events where customer_id is not null;
"""

TOUCHED_ORDER = "hash in (select hash from touched)"
TOUCHED_BY_CUSTOMER = "customer_hash in (select hash from batch_customers)"
TOUCHED_CUSTOMER = "hash in (select hash from touched_customers)"

OLD_CUSTOMERS = f"""
create or replace temp table old_customers as select rowid as row, * from customers where {TOUCHED_CUSTOMER};
create or replace temp table states as
    select hash, customer_id, arg_max(state, version) as state, max(version) as version
    from (select * from batch_customers union all select * exclude (row) from old_customers) group by all;
"""
CUSTOMERS = """
delete from customers where rowid in (select row from old_customers);
insert into customers select * from states;
"""

FOUND = "create or replace temp table found as select rowid as row from orders where {condition}"
ALSO_FOUND = f"insert into found select rowid from orders where {TOUCHED_BY_CUSTOMER}"
OLD = "create or replace temp table old as select rowid as row, * from orders where rowid in (select row from found)"

REDUCE = """
create or replace temp table fresh as
with
columns_of_orders as (
    select
        order_id, case when event_type = 'order_initiated' then version end as placed,
        case when event_type = 'order_initiated' then happened_at end as placed_at,
        status, case when status is not null then version end as status_version,
        purchased, case when purchased is not null then version end as purchased_version,
        customer_id, case when customer_id is not null then version end as customer_version
    from events where order_id is not null
    union all
    select
        order_id, placed, placed_at, status, coalesce(status_version, placed), purchased,
        coalesce(purchased_version, placed), customer_id, coalesce(customer_version, placed)
    from old
),
newest as (
    select
        order_id, max(placed) as placed, arg_max(placed_at, placed) as placed_at,
        arg_max(status, status_version) as status, max(status_version) filter (status is not null) as status_version,
        arg_max(purchased, purchased_version) as purchased,
        max(purchased_version) filter (purchased is not null) as purchased_version,
        arg_max(customer_id, customer_version) as customer_id,
        max(customer_version) filter (customer_id is not null) as customer_version
    from columns_of_orders group by order_id
),
paid as (
    select * from batch_payments
    union all
    select order_id, p.number, p.value, p.version from (
        select order_id, unnest(payments) as p from old
        where payments is not null and order_id in (select order_id from batch_payments)
    )
),
payments_of_orders as (
    select
        order_id, sum(value) as revenue, list({'number': number, 'value': value, 'version': version}) as payments
    from (
        select order_id, number, arg_max(value, version) as value, max(version) as version
        from paid group by order_id, number
    ) group by order_id
),
items_of_orders as (
    select order_id, list(number) as items from (
        select order_id, number from batch_items
        union
        select order_id, unnest(items) from old
        where items is not null and order_id in (select order_id from batch_items)
    ) group by order_id
),
known as (
    select
        order_id, n.* exclude (order_id),
        p.payments, p.revenue, i.items, len(i.items) as item_count
    from newest n full join payments_of_orders p using (order_id) full join items_of_orders i using (order_id)
)
select
    hash(k.order_id) as hash, k.order_id, k.placed, k.placed_at,
    k.status, nullif(k.status_version, k.placed) as status_version,
    k.purchased, nullif(k.purchased_version, k.placed) as purchased_version,
    hash(k.customer_id) as customer_hash, k.customer_id, nullif(k.customer_version, k.placed) as customer_version,
    coalesce(k.payments, o.payments) as payments, coalesce(k.items, o.items) as items,
    coalesce(k.revenue, o.revenue, 0) as revenue, coalesce(k.item_count, o.item_count, 0) as item_count,
    -- Of an order whose customer is the same as before, only a batch's own update can change the state.
    case
        when c.state is null and o.customer_id = k.customer_id then o.state
        else coalesce(c.state, p.state, 'unknown')
    end as state,
    c.state is not null
        or coalesce(o.state_by_event and o.customer_id is not distinct from k.customer_id, false) as state_by_event
from known k
left join old o on o.order_id = k.order_id
left join states c on c.customer_id = k.customer_id
left join published_states p on p.customer_id = k.customer_id
"""
# Before REDUCE: only those that can be needed.
PUBLISHED_STATES = """
create or replace temp table published_states as
    select customer_id, state from published where hash in (select hash from touched_customers)
"""

DELETE = "delete from orders where rowid in (select row from old)"
INSERT = "insert into orders select * from fresh"

TOTALS = """
select coalesce(status, 'unknown'), state, sum(orders), sum(revenue) from (
    select status, state, 1 as orders, revenue from fresh where placed is not null
    union all
    select status, state, -1, -revenue from old where placed is not null
) group by all
"""
# `placed` never gets older, so an order that is not touched now cannot enter the newest ones later.
RECENT = """
create or replace table recent as
    select * from (
        select order_id, purchased, status, revenue, item_count, state, placed_at, placed from fresh
        where placed is not null
        union all
        select * from recent where order_id not in (select order_id from fresh)
    ) order by placed desc limit {limit}
"""
RECENT_ROWS = """
select order_id, purchased, coalesce(status, 'unknown'), revenue, item_count, state, placed_at
from recent order by placed desc
"""

COUNTS = """
select
    event_type, count(distinct seq), max(seq), max(happened_at), max(received_at), substr(arg_max(version, seq), 14)
from events group by all
"""
ARRIVALS = """
select
    epoch_us(received_at) // 1000000 as second, event_type = 'order_initiated' as placed,
    greatest(0, epoch_us(received_at) - epoch_us(happened_at)) as lag
from events where epoch_us(received_at) >= {since}
"""

PUBLISHED = """
create or replace table published as
select hash(customer_id) as hash, customer_id, customer_state as state from warehouse.staging.stg_customers
where customer_state is not null
"""
# As if a batch had touched the orders whose state no event has told, where it is another one now.
RESTATED = """
create or replace temp table found as
    select o.rowid as row from orders o
    left join published p on p.hash = o.customer_hash and p.customer_id = o.customer_id
    where not o.state_by_event and o.state is distinct from coalesce(p.state, 'unknown') limit {limit}
"""
RESTATE = """
create or replace temp table fresh as
    select o.* exclude (row) replace (coalesce(p.state, 'unknown') as state)
    from old o left join published p on p.hash = o.customer_hash and p.customer_id = o.customer_id
"""
