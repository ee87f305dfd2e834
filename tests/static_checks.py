"""`pytest --with-lint`: the static checks beside the tests, as one check more; `make test` asks for it."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

import pytest

COMMAND = ("make", "--no-print-directory", "lint")


class StaticChecks:
    """`make lint` from the start of the tests on. What it says stands above their last lines, and it fails them."""

    def __init__(self, root: Path) -> None:
        self._output = tempfile.TemporaryFile()  # noqa: SIM115  # open for as long as the tests run
        self._process = subprocess.Popen(COMMAND, stdout=self._output, stderr=subprocess.STDOUT, cwd=root)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        failed = self._process.wait() != 0
        self._output.seek(0)
        said = self._output.read().decode(errors="replace").strip()
        if failed:
            report = pytest.TestReport("make lint", ("Makefile", None, "make lint"), {}, "failed", said, "setup")
            session.config.hook.pytest_runtest_logreport(report=report)
            session.exitstatus = session.exitstatus or pytest.ExitCode.TESTS_FAILED
        else:
            reporter = session.config.pluginmanager.get_plugin("terminalreporter")
            assert reporter is not None
            reporter.ensure_newline()
            reporter.section("static checks")
            reporter.write_line(said)

    def pytest_unconfigure(self) -> None:
        self._process.terminate()  # where the tests were interrupted
        self._process.wait()
        self._output.close()
