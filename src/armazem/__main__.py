"""The command `armazem`, and `python -m armazem`."""

from __future__ import annotations

import atexit
import errno
import os
import sys

from armazem import interrupts, remarks


def run() -> None:
    """Run the command line and leave at once: taking dbt's objects apart one by one took 0.4 s after a build.

    Whoever reads the answer may close the pipe when it has seen enough: that is no error. One who reads the remarks
    may too, and the work goes on.
    """
    if sys.platform == "win32":
        sys.exit("error: Armazém runs on Linux and macOS; on Windows use WSL: https://learn.microsoft.com/windows/wsl")
    interrupts.install()  # before the imports, which take most of a second
    remarks.let_nobody_listen()
    code = 0
    try:
        from armazem.cli import main

        main()
    except SystemExit as leaving:
        code = leaving.code if isinstance(leaving.code, int) else int(leaving.code is not None)
    except BaseException:  # such as an import that says of a Ctrl-C that the module cannot be used
        if not interrupts.came():
            raise
    atexit._run_exitfuncs()
    code = code or _flush()
    os._exit(interrupts.exit_code(code))


def _flush() -> int:
    """Write what is left of the answer; the exit code."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except (OSError, ValueError) as error:
        if isinstance(error, ValueError) or error.errno == errno.EPIPE:
            return 0
        from armazem import console

        console.show_error(console.unwritten(error))
        return 1
    return 0


if __name__ == "__main__":
    run()
