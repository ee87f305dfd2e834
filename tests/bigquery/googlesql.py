"""Google's own analyser of GoogleSQL, over the tables that there are: what it refuses, BigQuery refuses.

It is the analyser behind BigQuery, as WebAssembly in the package `zetasql`. It knows types and how names are resolved,
which the emulator and sqlglot do not: `from deliveries` makes `deliveries` the row. It lets some things pass that
BigQuery refuses: see `dialect_faults`.
"""

from __future__ import annotations

import ctypes
import re
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import sqlglot
from google.cloud.bigquery import SchemaField
from sqlglot import exp
from zetasql.core import wasm_client
from zetasql.core.exceptions import ServerError
from zetasql.wasi import get_wasm_path
from zetasql.wasi._pb2.zetasql.local_service import local_service_pb2 as service
from zetasql.wasi._pb2.zetasql.proto import options_pb2, simple_catalog_pb2
from zetasql.wasi._pb2.zetasql.public import function_pb2, type_pb2
from zetasql.wasi._pb2.zetasql.public import options_pb2 as public
from zetasql.wasi._pb2.zetasql.resolved_ast import resolved_node_kind_pb2

# BigQuery's names of types to the analyser's.
_KINDS = {
    "STRING": "STRING", "INT64": "INT64", "INTEGER": "INT64", "FLOAT": "DOUBLE", "FLOAT64": "DOUBLE", "BOOL": "BOOL",
    "BOOLEAN": "BOOL", "NUMERIC": "NUMERIC", "DATE": "DATE", "DATETIME": "DATETIME", "TIMESTAMP": "TIMESTAMP",
    "BYTES": "BYTES", "JSON": "JSON",
}  # fmt: skip
_ALIASES = ("INT", "SMALLINT", "INTEGER", "BIGINT", "TINYINT", "BYTEINT")
# What BigQuery has of the language.
_FEATURES = """
    ALTER_COLUMN_SET_DATA_TYPE ALTER_TABLE_RENAME_COLUMN ANALYTIC_FUNCTIONS BIGNUMERIC_TYPE CREATE_TABLE_CLUSTER_BY
    CREATE_TABLE_COPY CREATE_TABLE_CLONE CREATE_TABLE_FIELD_ANNOTATIONS CREATE_TABLE_LIKE CREATE_TABLE_NOT_NULL
    CREATE_TABLE_PARTITION_BY CREATE_TABLE_AS_SELECT_COLUMN_LIST CREATE_VIEW_WITH_COLUMN_LIST DML_UPDATE_WITH_JOIN
    GEOGRAPHY GROUP_BY_ROLLUP INTERVAL_TYPE JSON_TYPE JSON_ARRAY_FUNCTIONS JSON_VALUE_EXTRACTION_FUNCTIONS
    NAMED_ARGUMENTS NUMERIC_TYPE PARAMETERIZED_TYPES ROUND_WITH_ROUNDING_MODE TABLESAMPLE TABLE_VALUED_FUNCTIONS
    TEMPLATE_FUNCTIONS UNENFORCED_PRIMARY_KEYS FOREIGN_KEYS HAVING_IN_AGGREGATE LIMIT_IN_AGGREGATE
    NULL_HANDLING_MODIFIER_IN_AGGREGATE NULL_HANDLING_MODIFIER_IN_ANALYTIC ORDER_BY_IN_AGGREGATE
    SELECT_STAR_EXCEPT_REPLACE WITH_ON_SUBQUERY CIVIL_TIME SAFE_FUNCTION_CALL WEEK_WITH_WEEKDAY
    ADDITIONAL_STRING_FUNCTIONS ALLOW_DASHES_IN_TABLE_NAME ALLOW_REGEXP_EXTRACT_OPTIONALS ANNOTATION_FRAMEWORK CASE_STMT
    COLLATION_SUPPORT COLUMN_DEFAULT_VALUE CONCAT_MIXED_TYPES DATE_ARITHMETICS DATE_TIME_CONSTRUCTORS DECIMAL_ALIAS
    EXTENDED_DATE_TIME_SIGNATURES FORMAT_IN_CAST FOR_IN IS_DISTINCT LIKE_ANY_SOME_ALL NULLS_FIRST_LAST_IN_ORDER_BY
    OMIT_INSERT_COLUMN_LIST PIVOT QUALIFY REPEAT UNNEST_AND_FLATTEN_ARRAYS UNPIVOT WITH_RECURSIVE GROUPING_BUILTIN
    GROUPING_SETS GROUP_BY_ALL ARRAY_AGGREGATION_FUNCTIONS
"""
_REMARKS = re.compile(rb"--[^\n]*|/\*.*?\*/", re.DOTALL)

_WHOLE_NAME = re.compile(
    r"`([^`.\n]+)\.([^`.\n]+)\.([^`.\n]+)`"
)  # BigQuery takes it as three names, the analyser as one

Schema = Sequence[SchemaField]


class Refused(Exception):
    """What the analyser says against a statement, with its place in it."""


class Analyser:
    """The analyser with a catalog. `tables`: `dataset.table` to its columns."""

    def __init__(self, project: str, tables: Mapping[str, Schema]) -> None:
        request = service.RegisterCatalogRequest(simple_catalog=_catalog(project, tables))
        self._catalog = _client().call_grpc_func(
            "ZetaSqlLocalService_RegisterCatalog", request, service.RegisterResponse
        )

    def check(self, sql: str) -> int:
        """Analyse every statement of a text; how many there are. Raises Refused."""
        sql = _WHOLE_NAME.sub(r"`\1`.`\2`.`\3`", sql)
        raw = sql.encode()
        done = count = 0
        while _REMARKS.sub(b"", raw[done:]).strip(b"; \n\t"):
            request = service.AnalyzeRequest(options=_options(sql), registered_catalog_id=self._catalog.registered_id)
            request.parse_resume_location.input = sql
            request.parse_resume_location.byte_position = done
            try:
                answer = _client().call_grpc_func("ZetaSqlLocalService_Analyze", request, service.AnalyzeResponse)
            except ServerError as error:
                raise Refused(str(error)) from error
            done = answer.resume_byte_position
            count += 1
        return count


def dialect_faults(sql: str) -> list[str]:
    """What the analyser lets pass although BigQuery refuses it.

    A cast takes no parameters there, and percentile_cont and percentile_disc are functions of a window only.
    """
    found = []
    for tree in sqlglot.parse(sql, read="bigquery", error_level=sqlglot.ErrorLevel.RAISE):
        for cast in tree.find_all(exp.Cast) if tree is not None else ():
            if any(
                kind.expressions
                for kind in cast.to.find_all(exp.DataType)
                if kind.this not in exp.DataType.NESTED_TYPES
            ):
                found.append(f"parameters in a cast: {cast.sql(dialect='bigquery')}")
        for call in tree.find_all(exp.PercentileCont, exp.PercentileDisc) if tree is not None else ():
            if not isinstance(_without_nulls(call).parent, exp.Window):
                found.append(f"no window: {call.sql(dialect='bigquery')}")
    return found


def _without_nulls(call: exp.Expression) -> exp.Expression:
    """The call, or what says of it whether nulls count."""
    while isinstance(call.parent, exp.IgnoreNulls | exp.RespectNulls):
        call = call.parent
    return call


@cache
def _client() -> wasm_client.WasmClient:
    """The analyser itself. Compiling it takes 40 s of a processor, once: the result is kept in the environment."""
    cache_folder = Path(sys.prefix) / "wasmtime"
    cache_folder.mkdir(exist_ok=True)
    (cache_folder / "config.toml").write_text(f'[cache]\ndirectory = "{cache_folder / "modules"}"\n')
    plain = wasm_client.Config

    class Caching(plain):  # type: ignore[misc,valid-type]
        def __init__(self) -> None:
            super().__init__()
            self.cache = str(cache_folder / "config.toml")

    class Client(wasm_client.WasmClient):  # the package's own copies byte by byte, in Python
        def write_bytes(self, ptr: int, data: bytes) -> None:
            ctypes.memmove(self._at(ptr), data, len(data))

        def read_bytes(self, ptr: int, size: int) -> bytes:
            return ctypes.string_at(self._at(ptr), size)

        def _at(self, ptr: int) -> int:
            start = ctypes.cast(self.memory.data_ptr(), ctypes.c_void_p).value
            assert start is not None
            return start + ptr

    wasm_client.Config = Caching
    try:
        return Client(get_wasm_path())
    finally:
        wasm_client.Config = plain


@cache
def _language() -> options_pb2.LanguageOptionsProto:
    language = options_pb2.LanguageOptionsProto(
        product_mode=public.PRODUCT_EXTERNAL,
        name_resolution_mode=public.NAME_RESOLUTION_DEFAULT,
        reserved_keywords=["QUALIFY"],
    )
    known = {re.sub(r"^FEATURE_(V_\d_\d_)?", "", name): value for name, value in public.LanguageFeature.items()}
    language.enabled_language_features.extend(known[name] for name in _FEATURES.split() if name in known)
    kinds = resolved_node_kind_pb2.ResolvedNodeKind.items()
    language.supported_statement_kinds.extend(value for name, value in kinds if name.endswith("_STMT"))
    return language


def _options(sql: str) -> options_pb2.AnalyzerOptionsProto:
    return options_pb2.AnalyzerOptionsProto(
        language_options=_language(),
        default_timezone="UTC",
        error_message_mode=public.ERROR_MESSAGE_MULTI_LINE_WITH_CARET,
        allow_undeclared_parameters=True,
        parameter_mode=public.PARAMETER_NAMED if re.search(r"@\w", sql) else public.PARAMETER_POSITIONAL,
    )


def _catalog(project: str, tables: Mapping[str, Schema]) -> Any:
    root = simple_catalog_pb2.SimpleCatalogProto(name="root")
    root.builtin_function_options.language_options.CopyFrom(_language())
    for alias in _ALIASES:
        root.named_type.add(name=alias).type.type_kind = type_pb2.TYPE_INT64
    root.named_type.add(name="DECIMAL").type.type_kind = type_pb2.TYPE_NUMERIC
    for name in ("max_by", "min_by"):
        _add_pick(root, name)
    of_project = root.catalog.add(name=project)
    datasets: dict[str, tuple[Any, Any]] = {}
    for full_name, schema in tables.items():
        dataset, _, name = full_name.partition(".")
        if dataset not in datasets:
            datasets[dataset] = root.catalog.add(name=dataset), of_project.catalog.add(name=dataset)
        for catalog in datasets[dataset]:
            table = catalog.table.add(name=name)
            for field in schema:
                table.column.add(name=field.name, type=_type(field))
    return root


def _add_pick(root: Any, name: str) -> None:
    """A function of BigQuery that is not in the open language: the value of the row with the extreme of another."""
    function = root.custom_function.add(name_path=[name], group="BigQuery", mode=function_pb2.FunctionEnums.AGGREGATE)
    signature = function.signature.add()
    signature.return_type.kind = function_pb2.ARG_TYPE_ANY_1
    signature.return_type.num_occurrences = 1
    for kind in (function_pb2.ARG_TYPE_ANY_1, function_pb2.ARG_TYPE_ANY_2):
        argument = signature.argument.add(kind=kind, num_occurrences=1)
        argument.options.cardinality = function_pb2.FunctionEnums.REQUIRED


def _type(field: SchemaField) -> Any:
    found = type_pb2.TypeProto()
    if field.field_type in ("RECORD", "STRUCT"):
        found.type_kind = type_pb2.TYPE_STRUCT
        for part in field.fields:
            found.struct_type.field.add(field_name=part.name, field_type=_type(part))
    else:
        found.type_kind = getattr(type_pb2, f"TYPE_{_KINDS[field.field_type]}")
    if field.mode == "REPEATED":
        return type_pb2.TypeProto(type_kind=type_pb2.TYPE_ARRAY, array_type=type_pb2.ArrayTypeProto(element_type=found))
    return found
