"""The reference itself: the dimensions against numbers worked out by hand."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from pathlib import Path

from . import compute
from .world import World


def test_dimensions(tmp_path: Path) -> None:
    w = World()
    w.customer("c1", "ana", "São Paulo", "sp", "1037")
    w.customer("c2", "ana", "Rio", "RJ", "20000")
    w.order("o1", "c1", "2018-01-05")
    w.order("o2", "c2", "2018-01-03", status="canceled")
    for zip_, lat, lng, name in (
        ("1037", "-23.5", "-46.6", "sao paulo"),
        ("01037", "-23.500000001", "-46.60", "São Paulo"),  # the same point to 8 decimals
        ("01037", "-23.500001", "-46.600000", "osasco"),
        ("01037", "-23.500002", "-46.600002", "osasco"),
        ("01037", "-23.5", "-46.6", "01234567"),
        ("01037", "41.1", "-8.6", "porto"),
        ("20000", "5.5", "-28.6", "b"),
        ("20000", "5.5", "-28.6", "a"),
        ("20000", "5.5", "-28.6", "c"),
        ("20000", "5.51", "-28.6", "a"),
        ("20000", "-34.01", "-28.6", "a"),
        ("20000", "5.5", "-28.59", "a"),
        ("20000", "5.5", "-74.11", "a"),
        ("30000", "-34.0", "-74.1", "z"),
        ("30000", "-33.0", "-74.1", ""),
        ("30000", "-33.5", "-74.1", "123"),
        ("40000", "-33.0", "-74.1", "123"),
    ):
        w.add(
            "olist_geolocation_dataset",
            geolocation_zip_code_prefix=zip_,
            geolocation_lat=lat,
            geolocation_lng=lng,
            geolocation_city=name,
            geolocation_state="SP",
        )
    sizes = {"product_length_cm": 2, "product_height_cm": 3, "product_width_cm": 7}
    w.add("olist_products_dataset", product_id="p1", product_category_name="pc_gamer", **sizes)
    w.add("olist_products_dataset", product_id="p2", product_name_lenght=40)
    tables = compute(w.write(tmp_path))
    # Latitudes of the four points: -23.5 twice, -23.500001, -23.500002: mean -23.50000075
    centre, edge, unnamed, nameless = tables["dim_locations"]
    assert (centre["latitude"], centre["longitude"]) == (Decimal("-23.500001"), Decimal("-46.600001"))
    assert (centre["points"], centre["city"], edge["city"], edge["points"]) == (4, "osasco", "a", 3)
    assert (unnamed["city"], unnamed["points"], nameless["city"]) == ("z", 3, None)
    first = tables["dim_customers"][0]
    assert first["first_order_timestamp"] == datetime(2018, 1, 3)
    assert (first["latitude"], first["customer_state"]) == (Decimal("-23.500001"), "SP")
    p1, p2 = tables["dim_products"]
    assert (p1["volume_cm3"], p1["product_category_name_english"]) == (42, None)
    assert (p2["volume_cm3"], p2["product_name_length"]) == (None, 40)
