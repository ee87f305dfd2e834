"""Running the server for `serve` and `up`, with the simulator as a process beside it."""

from __future__ import annotations

import subprocess
import sys

from armazem import console, interrupts
from armazem.config import Settings

_STOP_SECONDS = 10


def check_port(port: int) -> None:
    """Raise ServeError where the port is taken: better before a build than after it."""
    from armazem.serve.http.server import listening_socket

    if port:
        listening_socket("127.0.0.1", port).close()


def run_server(
    settings: Settings,
    host: str,
    port: int,
    *,
    simulate: float | None = None,
    source: str | None = None,
) -> None:
    """Serve until Ctrl-C or SIGTERM; `simulate`: events a second that a child process sends; `source`: see `serve`."""
    from armazem.serve.http.server import serve  # FastAPI takes half a second to import

    simulators: list[subprocess.Popen[bytes]] = []

    def on_ready(url: str) -> None:
        console.messages().print(f"serving {url}")
        if simulate is not None:
            simulators.append(_simulator(settings, url, simulate))

    def on_stop() -> None:  # before the server: it would go on trying to send
        for process in simulators:
            process.terminate()

    try:
        with interrupts.last_act(on_stop):
            serve(settings, host=host, port=port, on_ready=on_ready, on_stop=on_stop, source=source)
    finally:
        for process in simulators:
            process.terminate()
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()


def _simulator(settings: Settings, url: str, rate: float) -> subprocess.Popen[bytes]:
    """The shop of `up --simulate`. It says nothing of its own, errors apart."""
    home = str(settings.home_folder.root)
    return subprocess.Popen(
        [sys.executable, "-m", "armazem", "--home", home, "simulate", "--quiet", "--rate", str(rate), "--to", url],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C at the terminal is for the server, which ends it
    )
