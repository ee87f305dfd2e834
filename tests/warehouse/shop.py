"""A home folder with a warehouse in it, worked on through the real command or the real functions."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
from click.testing import CliRunner

from armazem.build.run import BuildReport, BuildRequest
from armazem.build.run import build as build_warehouse
from armazem.cli import main
from armazem.config import Settings
from armazem.home import Home
from armazem.landing import LoadResult
from armazem.landing import load as load_files
from armazem.targets.duckdb.versions import current_build, version_file

COMMAND = Path(sys.executable).with_name("armazem")
# By definition it holds only the rows that the last build let in.
OF_ONE_BUILD = ("marts.audit_fact_sales",)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command did: exit code, answer and messages."""

    code: int
    out: str
    err: str


def armazem(*arguments: object, home: Path | None = None) -> Answer:
    """Run the command in this process. An exception that reaches the user as a traceback fails the test."""
    given = ["--home", str(home)] if home is not None else []
    result = CliRunner().invoke(main, [*given, *(str(argument) for argument in arguments)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Answer(result.exit_code, result.stdout, result.stderr)


def start(*arguments: object, cwd: Path | None = None, **options: Any) -> subprocess.Popen[str]:
    """Start the command as a process of its own."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("ARMAZEM_")}
    environment = clean | {str(k): str(v) for k, v in options.pop("env", {}).items()}
    return subprocess.Popen(
        [COMMAND, *(str(argument) for argument in arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
        cwd=cwd,
        env=environment,
        **options,
    )


def ended(process: subprocess.Popen[str], seconds: float = 120) -> Answer:
    """Wait for a started command. Its messages must not hold a traceback."""
    out, err = process.communicate(timeout=seconds)
    assert "Traceback" not in err, err
    return Answer(process.returncode, out, err)


class Shop:
    """A home folder, and what the tests do with it."""

    def __init__(self, home: Path) -> None:
        self.path = home
        self.home = Home(home)

    def reset(self) -> None:
        """Empty the home folder, except for what dbt has parsed: reading its project takes longer than a build."""
        for entry in self.path.iterdir() if self.path.is_dir() else ():
            if entry.name == "dbt":
                continue
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink()

    def load(self, folder: Path, **options: Any) -> LoadResult:
        return load_files(folder, self.home, **options)

    def build(self, request: BuildRequest | None = None) -> BuildReport:
        return build_warehouse(Settings(home=self.path), request or BuildRequest())

    def armazem(self, *arguments: object) -> Answer:
        return armazem(*arguments, home=self.path)

    @property
    def current(self) -> str:
        build_id = current_build(self.home)
        assert build_id is not None
        return build_id

    def rows(self, table: str) -> list[dict[str, object]]:
        """The rows of a published table."""
        with duckdb.connect(str(version_file(self.home, self.current)), read_only=True) as connection:
            cursor = connection.execute(f"from {table}")
            columns = [column[0] for column in cursor.description]
            return [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]

    def checksums(self, build_id: str | None = None, *, all_tables: bool = False) -> Mapping[str, str]:
        """Per table of `marts` and `kpis` a hash of its columns and its sorted rows."""
        found = {}
        file = version_file(self.home, build_id or self.current)
        with duckdb.connect(str(file), read_only=True) as connection:
            tables = connection.execute(
                "select table_schema || '.' || table_name, string_agg(column_name || ' ' || data_type, ', ' order by "
                "ordinal_position) from information_schema.columns "
                "where table_schema in ('marts', 'kpis') group by all order by all"
            ).fetchall()
            for table, columns in tables:
                if table in OF_ONE_BUILD and not all_tables:
                    continue
                rows = f"select cast(t as varchar) as row from {table} as t"
                hashed = f"select count(*), md5(string_agg(row, chr(10) order by row)) from ({rows})"
                found[table] = f"{columns}: {connection.execute(hashed).fetchone()}"
        return found


def differing(first: Mapping[str, str], second: Mapping[str, str]) -> list[str]:
    """Names of the tables that are not the same."""
    return sorted(table for table in {*first, *second} if first.get(table) != second.get(table))
