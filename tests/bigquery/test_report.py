"""`armazem report` says the same of a shop on BigQuery as of the same shop in a home folder."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from report import small_shop
from warehouse.shop import Answer, Shop

from .twins import EMBEDDED_ONLY, PREFIX, Cloud

pytestmark = pytest.mark.xdist_group("bigquery")


def read(answer: Answer) -> dict[str, Any]:
    assert answer.code == 0, answer.err
    return json.loads(answer.out, parse_float=Decimal)


def test_both_targets_give_one_report(shop: Shop, empty_cloud: Cloud, tmp_path: Any) -> None:
    files = small_shop.write(tmp_path / "files")
    nothing = empty_cloud.armazem("report", "--target", "bigquery")
    assert (nothing.code, "nothing is published" in nothing.err) == (1, True)
    for warehouse in (shop, empty_cloud):
        warehouse.load(files, partial=True)
        warehouse.build()
    for day in ((), ("--day", "2018-08-28")):
        here = read(shop.armazem("report", "--format", "json", *day))
        there = read(empty_cloud.armazem("report", "--format", "json", *day, "--target", "bigquery"))
        for part in ("day", "first_day", "last_day", "note", "measures", "course", "tops"):
            assert there[part] == here[part], part
        assert there["measures"][2]["value"] == (Decimal("1320.01") if not day else 0)
        assert isinstance(there["measures"][2]["value"], Decimal)
        assert _standing(there) == _standing(here)
    # Rejects lie in the home folder of whoever loaded.
    rejects = there["standing"]["rejects"]
    assert {(one["code"], one["rows"]) for one in rejects} == {("bad_timestamp", 2), ("negative_amount", 1)}
    assert all(one["path"].startswith(str(empty_cloud.settings.home)) for one in rejects)
    models = [one["standing"]["last_build"]["models"] for one in (here, there)]
    assert models[0] - models[1] == len(EMBEDDED_ONLY)
    look = there["standing"]["warnings"][0]["look"]
    assert look.startswith(f'armazem sql --target bigquery "select sql from {PREFIX}meta.test_results where test = ')
    mail = empty_cloud.armazem("report", "--html", "-", "--target", "bigquery")
    assert "R$\u202f1,320.01" in mail.out


def _standing(report: dict[str, Any]) -> dict[str, Any]:
    """What of it does not name a warehouse or a moment."""
    standing = report["standing"]
    last = standing["last_build"]
    return {
        "last": [last[name] for name in ("status", "current", "kind", "new_loads", "tests_warned")],
        "warnings": [(one["test"], one["rows"], one["checks"], one["remarks"]) for one in standing["warnings"]],
        "loads": [(one["table"], one["path"], one["rows_read"], one["rows_rejected"], one["built"])
                  for one in standing["loads"]],
        "due": standing["due"],
        "letters": standing["dead_letters"],
    }  # fmt: skip
