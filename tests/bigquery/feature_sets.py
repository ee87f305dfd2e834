"""The same training sets of both warehouses: requests that the orders make, and some that nobody would."""

from __future__ import annotations

import pyarrow as pa
import pytest
from warehouse.shop import Shop

from armazem.config import Settings
from armazem.features.orders import STAGES, order_requests
from armazem.features.requests import Requests
from armazem.features.training import training_set
from armazem.targets.bigquery import reader
from armazem.targets.registry import target_of

from .twins import Cloud

ODD = {
    "seller_id": ["nobody", None, "", "an 'odd' one\n"],
    "lane": ["SP-SP", None, "XX-YY", "?"],
    "product_id": [None, "p", "", '"'],
    "customer_unique_id": ["nobody", None, "", "?"],
}
_KEPT = 400


def check_features(shop: Shop, cloud: Cloud) -> None:
    """Requests and features are equal to the last bit, however many queries BigQuery is asked by."""
    here = Settings(home=shop.path)
    for stage in STAGES:
        with target_of(here).reading() as ours_reader, target_of(cloud.settings).reading() as theirs_reader:
            orders = order_requests(ours_reader, stage)
            assert order_requests(theirs_reader, stage) == orders
        assert orders.num_rows > 0
    step = max(1, orders.num_rows // _KEPT)
    some = orders.take(list(range(0, orders.num_rows, step)))
    odd = some.slice(0, 4).select(["order_id", "at"]).to_pydict() | ODD
    requests = Requests(pa.concat_tables([some, pa.Table.from_pydict(odd, some.schema)]))
    ours = training_set(here, requests)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reader, "REQUEST_BYTES", 60_000)
        theirs = training_set(cloud.settings, requests)
    wrong = [name for name in ours.column_names if ours[name].combine_chunks() != theirs[name].combine_chunks()]
    assert (theirs.column_names, wrong) == (ours.column_names, [])
