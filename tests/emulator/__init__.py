"""BigQuery for tests: an emulator in a process of its own, its client, and a bad network in front of it.

    with Emulator() as emulator:
        client(emulator.url, emulator.project).query("select 1").result()

`emulator.fixes` says where it differs from the emulator as published.
"""

from .proxy import Proxy, bigquery_error
from .server import Emulator, EmulatorFailed, client

__all__ = ["Emulator", "EmulatorFailed", "Proxy", "bigquery_error", "client"]
