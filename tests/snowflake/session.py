"""Runs in Snowflake's environment: `session.py TASK`, with the real dbt-snowflake on fakesnow.

TASK, a file of JSON: `project`, the dbt project; `sql`, the folder of examples/snowflake; `folder`, where all goes; and
`builds`, each a name with the loads, the lines of events and the ages of loads that come before it, and the lines that
come after it.

For each build it writes NAME.rows.jsonl, a line for each row of each table; the SQL of dbt as NAME.compiled and
NAME.run; and the results of dbt as NAME.results.json.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import fakesnow
import fixes
from dbt.cli.main import dbtRunner
from values import row_of

import snowflake.connector

LAYERS = ("staging", "marts", "kpis", "features", "live")
ACCOUNT = {
    "ARMAZEM_DBT_SNOWFLAKE_ACCOUNT": "fakesnow",
    "ARMAZEM_DBT_SNOWFLAKE_USER": "somebody",
    "ARMAZEM_DBT_SNOWFLAKE_PASSWORD": "none",
    "ARMAZEM_DBT_THREADS": "1",
    "DO_NOT_TRACK": "1",
}

# fakesnow notes what it made in a database of its own, and DuckDB writes to one database in a transaction.
NO_TRANSACTIONS = [r"(--.*\s+|\s+)*(begin|commit)\s*(;|/\*|$)"]


class Account:
    """A database of fakesnow, worked on as docs/snowflake.md has it."""

    def __init__(self, task: Mapping[str, Any]) -> None:
        self.project = str(task["project"])
        self.sql = Path(task["sql"])
        self.folder = Path(task["folder"])
        self.state = self.folder / "state"
        self.cursor = snowflake.connector.connect(database="ARMAZEM", schema="MAIN").cursor()
        self.put: set[Path] = set()

    def build(self, task: Mapping[str, Any]) -> None:
        """Load what is new, run dbt, and write down what came of it."""
        for file in ("tables.sql", "control.sql"):
            self.run(self.statements(file))
        self.load([Path(path) for path in task["loads"]], [Path(path) for path in task["events"]])
        for load_id, as_of in task["ages"]:
            self.run([f"insert into control.load_ages values ('{load_id}', '{as_of}')"])
        self.run(self.statements("before_build.sql"))
        shutil.rmtree(self.state, ignore_errors=True)
        results = self.dbt(task["name"], full_refresh=task["full_refresh"])
        if all(status in ("success", "pass", "warn") for status in results.values()):
            self.run(self.statements("after_build.sql"))
        self.load([], [Path(path) for path in task["events_after"]])
        self.keep(task["name"], results)

    def statements(self, file: str) -> list[str]:
        text = re.sub(r"^--.*\n", "", (self.sql / file).read_text(encoding="utf-8"), flags=re.MULTILINE)
        return [statement.strip() for statement in text.split(";\n") if statement.strip()]

    def run(self, statements: Sequence[str]) -> None:
        for statement in statements:
            self.cursor.execute(statement)

    def load(self, loads: Sequence[Path], lines: Sequence[Path]) -> None:
        """Put files on the stages, and copy them into the tables by the statements of load.sql.

        fakesnow lacks two things of COPY INTO: a pattern, so that here it names each file; and the columns of
        METADATA$, so that here the files have the load and the row in them.
        """
        copies = {}
        for statement in self.statements("load.sql"):
            if found := re.search(r"(?s)^copy into (.*)pattern = '(.*?)'\n(.*)$", statement):
                copies[found[2]] = (found[1], found[3])
            else:
                self.run([statement])
        places = {file: f"@raw.loads/{folder.name}/" for folder in loads for file in folder.glob("*.parquet")}
        for file, place in (places | dict.fromkeys(lines, "@raw.journal/")).items():
            self.run([f"put file://{file} {place} auto_compress = false"])
            [(source, file_format)] = [copy for pattern, copy in copies.items() if re.fullmatch(pattern, str(file))]
            source = re.sub(r"@raw\.\w+", place + file.name, source)
            source = source.replace("split_part(metadata$filename, '/', -2)", "$1:_load_id::varchar")
            source = source.replace("metadata$file_row_number", "$1:_row::number(38, 0)")
            self.run([f"copy into {source}{file_format}"])

    def dbt(self, name: str, *, full_refresh: bool) -> dict[str, str]:
        """Run `dbt build`. Return the status of each model and test by its name."""
        arguments = ["build", "--project-dir", self.project, "--profiles-dir", self.project, "--target", "snowflake"]
        arguments += ["--target-path", str(self.state), "--log-path", str(self.folder / "logs")]
        arguments += ["--exclude-resource-type", "unit_test", *(["--full-refresh"] if full_refresh else [])]
        outcome = dbtRunner().invoke([*arguments, "--quiet"])
        if outcome.result is None:
            raise SystemExit(f"dbt did not run: {outcome.exception}")
        failed = {result.node.name: result.message for result in outcome.result if result.status in ("error", "fail")}
        for node, message in failed.items():
            sys.stderr.write(f"{name}: {node}: {message}\n")
        return {result.node.name: str(result.status) for result in outcome.result}

    def keep(self, name: str, results: Mapping[str, str]) -> None:
        (self.folder / f"{name}.results.json").write_text(json.dumps(results), encoding="utf-8")
        for part in ("compiled", "run"):
            (self.state / part / "armazem").rename(self.folder / f"{name}.{part}")
        with (self.folder / f"{name}.rows.jsonl").open("w", encoding="utf-8") as file:
            for row in self.rows():
                file.write(json.dumps(row) + "\n")

    def rows(self) -> Iterator[tuple[str, list[str]]]:
        """Each row of each table, as the table and its values by the names of their columns."""
        listed = (f"select table_schema, table_name from information_schema.{kind}" for kind in ("tables", "views"))
        self.cursor.execute(" union ".join(listed))
        for schema, table in self.cursor.fetchall():
            if (layer := schema.lower()) in LAYERS:
                self.cursor.execute(f"select * from {layer}.{table}")
                columns = [column.name.lower() for column in self.cursor.description]
                name = f"{layer}.{table.lower()}"
                yield name, columns
                for row in self.cursor.fetchall():
                    yield name, row_of(columns, row)


def main(task: Mapping[str, Any]) -> None:
    os.environ |= ACCOUNT
    fixes.apply()
    with fakesnow.patch(nop_regexes=NO_TRANSACTIONS):
        account = Account(task)
        for build in task["builds"]:
            account.build(build)


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
