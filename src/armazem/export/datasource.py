"""The Tableau data source (.tds) of an extract: its tables, how they relate, and what their columns mean.

The form is that of the files Tableau has written since 2020.2, which brought relationships between tables.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from armazem.build.descriptions import table_text
from armazem.export.tables import Column, Table

# A tree, because Tableau allows one path between two tables: parent, its column, child, the child's column.
RELATIONSHIPS = (
    ("fact_orders", "order_id", "fact_sales", "order_id"),
    ("fact_orders", "order_id", "fact_payments", "order_id"),
    ("fact_orders", "order_id", "fact_reviews", "order_id"),
    ("fact_orders", "customer_id", "dim_customers", "customer_id"),
    ("fact_sales", "product_id", "dim_products", "product_id"),
    ("fact_sales", "seller_id", "dim_sellers", "seller_id"),
)
_MODEL = ("fact_orders", *(child for _, _, child, _ in RELATIONSHIPS))
_CONNECTION = "hyper.armazem"
# Of DuckDB's types: Tableau's, the number of the OLE DB type that Tableau notes, and how values are summed up.
_KINDS = {
    "VARCHAR": ("string", "129", "Count"),
    "BIGINT": ("integer", "20", "Sum"),
    "INTEGER": ("integer", "3", "Sum"),
    "DOUBLE": ("real", "5", "Sum"),
    "DECIMAL": ("real", "131", "Sum"),
    "BOOLEAN": ("boolean", "11", "Count"),
    "DATE": ("date", "133", "Year"),
    "TIMESTAMP": ("datetime", "135", "Year"),
    "TIMESTAMP WITH TIME ZONE": ("datetime", "135", "Year"),
}
_PLACES = {"latitude": "[Geographical].[Latitude]", "longitude": "[Geographical].[Longitude]"}
_AVERAGED = ("review_score", "days_to_deliver", "handling_days", "transit_days", *_PLACES)


@dataclass(frozen=True, slots=True)
class _Field:
    """A column under the name it has in the data source: that of its table is added where another has it too."""

    table: Table
    column: Column
    name: str
    ordinal: int

    @property
    def kind(self) -> tuple[str, str, str]:
        return _KINDS[self.column.type.partition("(")[0]]

    @property
    def aggregation(self) -> str:
        return "Avg" if self.column.name in _AVERAGED else self.kind[2]

    @property
    def is_measure(self) -> bool:
        numbered = self.column.name.endswith(("_id", "_sequential"))
        return self.kind[0] in ("integer", "real") and not numbered


def data_source(tables: Sequence[Table], extract: str) -> bytes:
    """Return the content of the .tds for the file `extract`, which lies beside it."""
    by_name = {table.name: table for table in tables}
    model = [by_name[name] for name in _MODEL if name in by_name]
    fields = list(_fields(model))
    root = Element(
        "datasource",
        {
            "formatted-name": "Armazém",
            "inline": "true",
            "version": "18.1",
            "xmlns:user": "http://www.tableausoftware.com/xml/user",
        },
    )
    manifest = SubElement(root, "document-format-change-manifest")
    for feature in ("ObjectModelEncapsulateLegacy", "ObjectModelTableType", "SchemaViewerObjectModel"):
        SubElement(manifest, feature)
    _add_connection(root, model, fields, extract)
    SubElement(root, "aliases", enabled="yes")
    for field in fields:
        _add_column(root, field)
    for table in model:
        name = f"[__tableau_internal_object_id__].[{_object_id(table.name)}]"
        attributes = {"caption": table.name, "datatype": "table", "name": name}
        SubElement(root, "column", attributes, role="measure", type="quantitative")
    layout = {"dim-ordering": "alphabetic", "measure-ordering": "alphabetic", "show-structure": "true"}
    SubElement(root, "layout", layout)
    _add_object_graph(root, model, fields)
    indent(root)
    content: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return content + b"\n"


def _fields(model: Sequence[Table]) -> Iterator[_Field]:
    taken = set()
    for table in model:
        for ordinal, column in enumerate(table.columns):
            name = f"{column.name} ({table.name})" if column.name in taken else column.name
            taken.add(column.name)
            yield _Field(table, column, name, ordinal)


def _add_connection(root: Element, model: Sequence[Table], fields: Sequence[_Field], extract: str) -> None:
    connection = SubElement(root, "connection", {"class": "federated"})
    named = SubElement(SubElement(connection, "named-connections"), "named-connection")
    named.attrib |= {"caption": extract, "name": _CONNECTION}
    SubElement(
        named,
        "connection",
        {
            "authentication": "auth-none",
            "author-locale": "en_US",
            "class": "hyper",
            "dbname": extract,  # relative: both files can be moved together
            "default-settings": "yes",
            "schema": "marts",
            "sslmode": "",
            "tablename": _MODEL[0],
            "username": "",
        },
    )
    relations = SubElement(connection, "relation", type="collection")
    for table in model:
        SubElement(relations, "relation", _relation(table))
    columns = SubElement(connection, "cols")
    for field in fields:
        SubElement(columns, "map", key=f"[{field.name}]", value=f"[{field.table.name}].[{field.column.name}]")
    records = SubElement(connection, "metadata-records")
    for field in fields:
        _add_record(records, field)


def _relation(table: Table) -> dict[str, str]:
    where = f"[{table.schema}].[{table.name}]"
    return {"connection": _CONNECTION, "name": table.name, "table": where, "type": "table"}


def _add_record(records: Element, field: _Field) -> None:
    type_, remote_type, aggregation = field.kind
    record = SubElement(records, "metadata-record", {"class": "column"})
    values = {
        "remote-name": field.column.name,
        "remote-type": remote_type,
        "local-name": f"[{field.name}]",
        "parent-name": f"[{field.table.name}]",
        "remote-alias": field.column.name,
        "ordinal": str(field.ordinal),
        "local-type": type_,
        "aggregation": aggregation,
        "contains-null": "true",
        "object-id": f"[{_object_id(field.table.name)}]",
    }
    for name, value in values.items():
        SubElement(record, name).text = value


def _add_column(root: Element, field: _Field) -> None:
    type_ = field.kind[0]
    attributes = {"caption": field.name.replace("_", " ", field.column.name.count("_")).capitalize()}
    attributes |= {"aggregation": field.aggregation} if field.is_measure else {}
    attributes |= {"datatype": type_, "name": f"[{field.name}]", "role": "measure" if field.is_measure else "dimension"}
    if field.column.name in _PLACES:
        attributes["semantic-role"] = _PLACES[field.column.name]
    if field.is_measure:
        attributes["type"] = "quantitative"
    else:
        attributes["type"] = "nominal" if type_ in ("string", "boolean") else "ordinal"
    column = SubElement(root, "column", attributes)
    description = table_text(field.table.name).columns.get(field.column.name)
    if description:
        text = SubElement(SubElement(column, "desc"), "formatted-text")
        SubElement(text, "run").text = description


def _add_object_graph(root: Element, model: Sequence[Table], fields: Sequence[_Field]) -> None:
    names = {(field.table.name, field.column.name): f"[{field.name}]" for field in fields}
    graph = SubElement(root, "object-graph")
    objects = SubElement(graph, "objects")
    for table in model:
        item = SubElement(objects, "object", caption=table.name, id=_object_id(table.name))
        SubElement(SubElement(item, "properties", context=""), "relation", _relation(table))
    relationships = SubElement(graph, "relationships")
    for parent, parent_column, child, child_column in RELATIONSHIPS:
        if (parent, parent_column) not in names or (child, child_column) not in names:
            continue
        relationship = SubElement(relationships, "relationship")
        equal = SubElement(relationship, "expression", op="=")
        SubElement(equal, "expression", op=names[parent, parent_column])
        SubElement(equal, "expression", op=names[child, child_column])
        SubElement(relationship, "first-end-point", {"object-id": _object_id(parent)})
        SubElement(relationship, "second-end-point", {"object-id": _object_id(child)})


def _object_id(table: str) -> str:
    return f"{table}_{hashlib.sha256(table.encode()).hexdigest()[:32].upper()}"
