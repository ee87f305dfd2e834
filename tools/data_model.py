"""docs/data-model.md: entity diagrams and lineage, as Mermaid."""

from __future__ import annotations

from collections.abc import Iterable

from armazem.contract import TABLES
from tools.warehouse import Model, Warehouse

# Models that say which orders a build computes. Nearly everything depends on them: they have their own diagram.
SCOPE = ("int_changed_orders", "int_changed_periods", "int_load_times", "int_new_events", "int_reprocessed_orders")
# Joins that are not tested, because a row on the left may have no partner by design: parent, child, column.
LOOSE = (
    ("dim_locations", "dim_customers", "customer_zip_code_prefix"),
    ("dim_locations", "dim_sellers", "seller_zip_code_prefix"),
    ("dim_dates", "fact_orders", "order_purchase_timestamp"),
)
_NOT_AN_ENTITY = ("audit_fact_sales",)
_INTRO = """\
How the tables hang together. The columns with their types and meanings are in the
[data dictionary](data-dictionary.md), the measures in [kpis.md](kpis.md).

A solid line is a reference that the audit of each build tests: without a circle at the parent's end a missing parent
fails the build, with one it is a warning, because reference data may come after its orders. A dotted line is a join
that may find nothing."""
_SCOPE_INTRO = """\
A build does not compute every order again. `int_changed_orders` holds those that it does: the orders that came with a
new load or event, those bought in the range given by `--start` and `--end`, and those whose customer or seller now says
something else than their facts do. `int_new_events` holds the events that no build has taken in yet, and
`int_load_times` how new each extract is ([which value wins](streaming.md#which-value-wins)). The models on the right
compute these orders only and replace their rows. `int_changed_periods` holds the days, weeks, months and years that
these orders are of, or were of before: `agg_top_selling_products` ranks these again. A dimension or another KPI table
is computed whole whenever a table that it depends on may have changed."""


def data_model(warehouse: Warehouse) -> list[str]:
    """The page's lines."""
    marts = [model for model in warehouse.layer("marts") if model.name not in _NOT_AN_ENTITY]
    return [
        "# Data model",
        "",
        *_INTRO.splitlines(),
        "",
        "## Source tables",
        "",
        "The nine files, as the contract declares them.",
        "",
        *_fenced(_source_entities()),
        "",
        "## Marts",
        "",
        "`audit_fact_sales` has the columns of `fact_sales`: it holds the rows that the newest build computed, tested",
        "before they entered `fact_sales`.",
        "",
        *_fenced(_mart_entities(marts)),
        "",
        "## Lineage",
        "",
        "From the landing zone to the KPIs. `raw` and `intermediate` exist during a build only.",
        "",
        *_fenced(_lineage(warehouse)),
        "",
        "## Which orders a build computes",
        "",
        *_SCOPE_INTRO.splitlines(),
        "",
        *_fenced(_scope(warehouse)),
    ]


def _fenced(lines: Iterable[str]) -> list[str]:
    return ["```mermaid", *lines, "```"]


def _source_entities() -> list[str]:
    lines = ["erDiagram"]
    relations = []
    for table in TABLES:
        lines.append(f"    {table.name} {{")
        for column in table.columns:
            marks = ["PK"] * (column.name in table.key)
            target = (column.references or "").partition(".")[0]
            if target and target != table.name:
                marks.append("FK")
                relations.append(f"    {target} |o--o{{ {table.name} : {column.name}")
            lines.append(f"        {column.type.value} {column.name} {', '.join(marks)}".rstrip())
        lines.append("    }")
    relations.append("    product_category_name_translation |o..o{ products : product_category_name")
    return lines + relations


def _mart_entities(marts: list[Model]) -> list[str]:
    names = {model.name for model in marts}
    lines = ["erDiagram"]
    relations = [f"    {parent} |o..o{{ {child} : {column}" for parent, child, column in LOOSE]
    for model in marts:
        lines.append(f"    {model.name} {{")
        foreign = {reference.column for reference in model.references if reference.to in names}
        for column, kind in model.types.items():
            marks = ["PK"] * (column in model.key) + ["FK"] * (column in foreign)
            lines.append(f"        {kind.partition('(')[0].lower()} {column} {', '.join(marks)}".rstrip())
        lines.append("    }")
        relations += [
            f"    {reference.to} {'||' if reference.strict else '|o'}--o{{ {model.name} : {reference.column}"
            for reference in model.references
            if reference.to in names
        ]
    return lines + relations


def _lineage(warehouse: Warehouse) -> list[str]:
    shown = [model for model in warehouse.models if model.name not in SCOPE]
    groups: dict[str, list[str]] = {"raw": [*(table.name for table in TABLES), "events"]}
    for model in shown:
        groups.setdefault(model.layer, []).append(model.name)
    lines = ["flowchart LR"]
    for group, names in groups.items():
        lines.append(f"    subgraph {group}")
        if group == "raw":
            lines += [f"        raw_{name}[({name})]" for name in names]
        else:
            lines += [f"        {name}" for name in names]
        lines.append("    end")
    for model in shown:
        lines += [f"    {_identifier(source)} --> {model.name}" for source in model.sources if _is_raw(source)]
        lines += [f"    {parent} --> {model.name}" for parent in model.models if parent not in SCOPE]
    return lines


def _scope(warehouse: Warehouse) -> list[str]:
    inputs = sorted({source for name in SCOPE for source in warehouse.model(name).sources})
    before = "the facts of the build before"
    lines = ["flowchart LR", f"    before[({before})] -.-> int_changed_orders"]
    lines += [f"    {_identifier(source)}[({source})]" for source in inputs]
    for model in warehouse.models:
        if model.name in SCOPE:
            lines += [f"    {_identifier(parent)} --> {model.name}" for parent in (*model.sources, *model.models)]
        else:
            lines += [f"    {parent} --> {model.name}" for parent in model.models if parent in SCOPE]
    return lines


def _identifier(source: str) -> str:
    return source.replace(".", "_")


def _is_raw(source: str) -> bool:
    return source.startswith("raw.")
