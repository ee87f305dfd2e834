"""Serving from `up`: the port looked at beforehand, and the simulator as a process beside the server."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Callable

from armazem import console
from armazem.config import Settings

_STOP_SECONDS = 10


def check_port(port: int) -> None:
    """Raise ServeError where the port is taken: better before a build than after it."""
    from armazem.serve.server import listening_socket

    if port:
        listening_socket("127.0.0.1", port).close()


def run_server(settings: Settings, port: int, simulate: float | None) -> None:
    """Serve this machine until Ctrl-C or SIGTERM; `simulate`: events a second that a child process sends."""
    from armazem.serve.server import serve  # FastAPI takes half a second to import

    with contextlib.ExitStack() as children:

        def on_ready(url: str) -> None:
            console.messages().print(f"serving {url}")
            if simulate is not None:
                children.callback(_simulator(settings, url, simulate))

        serve(settings, host="127.0.0.1", port=port, on_ready=on_ready)


def _simulator(settings: Settings, url: str, rate: float) -> Callable[[], None]:
    """Start it; what is returned stops it. It says nothing of its own, errors apart."""
    home = str(settings.home_folder.root)
    process = subprocess.Popen(
        [sys.executable, "-m", "armazem", "--home", home, "simulate", "--rate", str(rate), "--to", url],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C at the terminal ends the server first, and then it
    )

    def stop() -> None:
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()

    return stop
