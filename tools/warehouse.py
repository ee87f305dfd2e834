"""What the documentation says about the models, read from one small build of generated data."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from armazem.build.run import BuildRequest, build
from armazem.config import Settings, load_settings
from armazem.contract.layers import LAYERS, Layer, layer_of
from armazem.landing import load
from armazem.shop.history import generate


@dataclass(frozen=True, slots=True)
class Reference:
    """A column whose values are tested to exist in `field` of model `to`; `strict` where a miss fails the build."""

    column: str
    to: str
    field: str
    strict: bool


@dataclass(frozen=True, slots=True)
class Model:
    """One dbt model. `types` is empty where it is not published."""

    name: str
    layer: str
    file: str
    materialized: str
    description: str
    columns: Mapping[str, str]
    types: Mapping[str, str]
    key: tuple[str, ...]
    references: tuple[Reference, ...]
    models: tuple[str, ...]
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Warehouse:
    """All models, the columns of `meta`, and the months of `kpis.agg_monthly_growth` (month, revenue, new)."""

    models: tuple[Model, ...]
    meta: Mapping[str, Mapping[str, str]]
    months: tuple[tuple[str, Decimal, int], ...]

    def model(self, name: str) -> Model:
        return next(model for model in self.models if model.name == name)

    @property
    def layers(self) -> list[Layer]:
        """All layers, those that nobody has put in order last; that of a user's own models has none here."""
        known = (layer.name for layer in LAYERS)
        return [layer_of(name) for name in dict.fromkeys([*known, *(model.layer for model in self.models)])]

    def layer(self, layer: str) -> list[Model]:
        return [model for model in self.models if model.layer == layer]


def build_warehouse(folder: Path, orders: int) -> Warehouse:
    """Generate, load and build in `folder`, and read what came of it. It takes about 10 seconds."""
    settings = load_settings(home=folder / "home")
    generate(folder / "files", orders=orders, seed=42)
    load(folder / "files", settings.home_folder)
    build(settings, BuildRequest())
    return read_warehouse(settings)


def read_warehouse(settings: Settings) -> Warehouse:
    """Read what is published in a home folder, of which the last build was a full one."""
    manifest = json.loads((settings.home_folder.root / "dbt" / "manifest.json").read_text(encoding="utf-8"))
    with closing(duckdb.connect(str(settings.home_folder.current), read_only=True)) as connection:
        types: dict[tuple[str, str], dict[str, str]] = {}
        for schema, table, column, kind in connection.execute(
            "select table_schema, table_name, column_name, data_type from information_schema.columns "
            "order by table_schema, table_name, ordinal_position"
        ).fetchall():
            types.setdefault((schema, table), {})[column] = kind
        months = connection.execute(
            "select strftime(month, '%Y-%m'), revenue, new_customers from kpis.agg_monthly_growth order by month"
        ).fetchall()
    return Warehouse(
        models=tuple(_models(manifest, types)),
        meta={table: columns for (schema, table), columns in types.items() if schema == "meta"},
        months=tuple((month, revenue, new) for month, revenue, new in months),
    )


def _models(manifest: dict[str, Any], types: Mapping[tuple[str, str], Mapping[str, str]]) -> list[Model]:
    nodes = manifest["nodes"].values()
    tests = [node for node in nodes if node["resource_type"] == "test" and node.get("attached_node")]
    models = []
    for node in nodes:
        if node["resource_type"] != "model":
            continue
        audits = [
            test["test_metadata"]["kwargs"]
            for test in tests
            if test["attached_node"] == node["unique_id"] and test["test_metadata"]["name"] == "audit"
        ]
        parents = [parent.split(".") for parent in node["depends_on"]["nodes"]]
        models.append(
            Model(
                name=node["alias"],
                layer=node["schema"],
                file=node["original_file_path"],
                materialized=node["config"]["materialized"],
                description=" ".join(node["description"].split()),
                columns={name: column["description"] for name, column in node["columns"].items()},
                types=types.get((node["schema"], node["alias"]), {}),
                key=tuple(next((audit["key"] for audit in audits if "key" in audit), ())),
                references=tuple(_references(audits)),
                models=tuple(sorted(parent[-1] for parent in parents if parent[0] == "model")),
                sources=tuple(sorted(".".join(parent[-2:]) for parent in parents if parent[0] == "source")),
            )
        )
    known = [layer.name for layer in LAYERS]
    return sorted(
        models,
        key=lambda model: (known.index(model.layer) if model.layer in known else len(known), model.layer, model.name),
    )


def _references(audits: list[dict[str, Any]]) -> list[Reference]:
    return [
        Reference(column, parent["to"].removeprefix("ref('").removesuffix("')"), parent["field"], strict)
        for audit in audits
        for checks, strict in ((audit, True), (audit.get("warnings", {}), False))
        for column, parent in checks.get("exists", {}).items()
    ]
