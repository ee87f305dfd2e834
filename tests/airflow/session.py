"""Airflow's command in a process that stays: each start of it takes half a minute of imports.

Run by the Python of Airflow's environment. A line of JSON says what to run and with which variables; the answer is a
line with the exit code. What the command writes goes to the file that the line names.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from pathlib import Path


def main() -> None:
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    before = dict(os.environ)
    for line in sys.stdin:
        request = json.loads(line)
        os.environ.clear()
        os.environ.update(before | request["environment"])
        with Path(request["log"]).open("ab") as log:
            os.dup2(log.fileno(), 1)
            os.dup2(log.fileno(), 2)
            code = run(request["arguments"])
            sys.stdout.flush()
            sys.stderr.flush()
        answers.write(json.dumps({"code": code}) + "\n")


def run(arguments: list[str]) -> int:
    from airflow.cli.cli_parser import get_parser

    # They read the environment when they are imported, which was another one.
    for name in [name for name in sys.modules if name == "include" or name.startswith("include.")]:
        del sys.modules[name]
    try:
        options = get_parser().parse_args(arguments)
        options.func(options)
    except SystemExit as end:
        if isinstance(end.code, str):
            sys.stderr.write(f"{end.code}\n")
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except Exception:  # noqa: BLE001  # whatever a command raises is its failure, not that of this process
        traceback.print_exc()
        return 1
    return 0


if __name__ == "__main__":
    main()
