"""The emulator as a process that lives no longer than the one that started it, and Google's client for it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Self

from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

START_SECONDS = 60
TESTS = Path(__file__).parents[1]
# The Python that has the emulator, where the tests run in an environment that has not: `make beam` sets it.
PYTHON = "BIGQUERY_EMULATOR_PYTHON"


class EmulatorFailed(Exception):
    """It ended, or did not answer in time; with the end of its log."""


class Emulator:
    """Started by `with`, or by `start` and `stop`. Any number may run at once."""

    def __init__(self, project: str = "demo-project") -> None:
        self.project = project
        self._folder = tempfile.TemporaryDirectory(prefix="emulator-", ignore_cleanup_errors=True)
        self._port_file = Path(self._folder.name) / "ports.json"
        self._log = Path(self._folder.name) / "log"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._ports['rest']}"

    @property
    def grpc(self) -> str:
        return f"127.0.0.1:{self._ports['grpc']}"

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> Self:
        command = [os.environ.get(PYTHON, sys.executable), "-m", "emulator", "--with-parent"]
        command += ["--port-file", str(self._port_file), "--project", self.project]
        path = os.pathsep.join([str(TESTS), *filter(None, [os.environ.get("PYTHONPATH")])])
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=log, stderr=log, env={**os.environ, "PYTHONPATH": path}
            )
        try:
            self._wait_until_it_answers()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Close the pipe that it waits on; kill it if it does not mind."""
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self.kill()
        self._folder.cleanup()

    def kill(self) -> None:
        """As a crash would, in the middle of anything. `stop` may follow."""
        self._process.kill()
        self._process.wait()

    def log(self, lines: int = 40) -> str:
        """The end of what it wrote; tracebacks of its errors 500 are there."""
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-lines:])

    def _wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not self._port_file.exists():
            if self._process.poll() is not None:
                raise EmulatorFailed(f"The emulator ended with {self._process.returncode}:\n{self.log()}")
            if time.monotonic() > deadline:
                raise EmulatorFailed(f"The emulator did not start within {START_SECONDS} s:\n{self.log()}")
            time.sleep(0.05)
        self._ports = json.loads(self._port_file.read_text())
        try:
            urllib.request.urlopen(f"{self.url}/readyz", timeout=deadline - time.monotonic()).close()
        except OSError as error:
            raise EmulatorFailed(f"The emulator does not answer at {self.url}: {error}\n{self.log()}") from error


def client(url: str, project: str) -> bigquery.Client:
    return bigquery.Client(project=project, credentials=AnonymousCredentials(), client_options={"api_endpoint": url})
