"""SQL that DuckDB takes and Snowflake does not is found; what users run on Snowflake by hand is read."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tools.snowflake_files import snowflake_files

from .conftest import EXAMPLES
from .dialect import faults

PAGE = Path(__file__).parents[2] / "docs" / "snowflake.md"

OF_OTHERS = (
    "select list_contains(a, 1) from t", "select strftime(a, '%Y') from t", "select epoch_us(a) from t",
    "select * from read_json('f.json')", "select date_diff('day', a, b) from t", "select arg_max(a, b) from t",
    "select list_transform(a, x -> x + 1) from t", "select transform(a, x -> x + 1) from t",
    "select a // b from t", "select a at time zone 'UTC' from t", "select a + interval 1 day from t",
    "select data.orders.order_id from t", "select data.orders from t", "select a from t where data:x = 1",
    "select coalesce(data:a:b, data:c:d) from t", "select a from t except distinct select a from u",
    "select regexp_replace(a, '(?s)x.*$', '') from t", "select regexp_replace(a, '\\\\pM', '') from t",
    "select try_cast(a as number(18, 0)) from t", "select sum(a) filter (where b) from t",
    "select unnest([1, 2])", "select {'a': 1} from t", "select distinct on (a) a, b from t", "from t",
    "select a from t asof join u on t.k = u.k and t.d >= u.d", "select a from t semi join u on t.k = u.k",
    "select sum(a) over w from t window w as (order by b)", "select cast(a as hugeint) from t",
    "select a as order from t", "pragma version", "select a from t where",
    "select cast(a as struct(b integer)) from t", "select strip_accents(a) from t",
    "select isodow(a) from t", "select a from unnest(generate_date_array(b, c)) as a",
    "select safe_divide(a, b) from t",
)  # fmt: skip
OF_SNOWFLAKE = (
    "select cast(data:orders:order_id as varchar) as a, cast(data:items[0]:price as number(18, 2)) as b from t",
    "select elements.value as part from t, lateral flatten(input => data:items) as elements",
    "select a from t union distinct select a from u except select a from v",
    "select max_by(a, b) from t qualify row_number() over (partition by a order by b desc nulls last) = 1",
    "select regexp_replace(a, '([/\\\\\\\\,(]| - )(.|\\\\n)*$', '') from t",
    "select convert_timezone('America/Sao_Paulo', 'UTC', cast(a as timestamp_ntz)), dateadd(day, -1, b) from t",
)


@pytest.mark.parametrize("sql", OF_OTHERS)
def test_sql_of_others_is_found(sql: str) -> None:
    assert faults(sql) != []


@pytest.mark.parametrize("sql", OF_SNOWFLAKE)
def test_sql_of_snowflake_is_taken(sql: str) -> None:
    assert faults(sql) == []


@pytest.mark.parametrize("file", sorted(EXAMPLES.glob("*.sql")), ids=lambda path: path.name)
def test_examples_are_read(file: Path) -> None:
    assert faults(file.read_text(encoding="utf-8")) == []


def test_statements_of_the_docs_are_read() -> None:
    blocks = re.findall(r"^ *```sql\n(.*?)^ *```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    *read, swap = blocks
    assert len(read) == 2
    assert [faults(block) for block in read] == [[], []]
    # sqlglot knows it of tables only.
    assert faults(swap) != []
    assert faults(swap.replace("database", "table")) == []


def test_the_examples_are_those_of_the_contract() -> None:
    stale = [path.name for path, text in snowflake_files().items() if path.read_text(encoding="utf-8") != text]
    assert stale == [], "run `make docs`"
