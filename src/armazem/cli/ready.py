"""`python -m armazem.cli.ready`: a process that has imported what a build takes, and waits to be told what to do.

Imports are two seconds of a build, more beside a busy server. The arguments come as a line of JSON; without one, as the
server has gone, it ends.
"""

from __future__ import annotations

import importlib
import json
import sys

from armazem.__main__ import run

_HEAVY = ("dbt.cli.main", "dbt.adapters.duckdb", "armazem.cli.build")


def main() -> None:
    for name in _HEAVY:
        importlib.import_module(name)
    line = sys.stdin.readline()
    if line:
        sys.argv = ["armazem", *json.loads(line)]
        run()


if __name__ == "__main__":
    main()
