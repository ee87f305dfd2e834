"""Takes a load out of the landing zone, for an extract that should never have come."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from armazem.disk.durable import sync_path
from armazem.disk.lock import landing_lock
from armazem.errors import HomeError
from armazem.home import Home
from armazem.landing.ledger import WITHDRAWN


def withdraw(home: Home, load_id: str, on_wait: Callable[[], None] = lambda: None) -> Path:
    """Move a load to `landing/withdrawn/`, atomically; where it is now. Raises HomeError for an unknown one.

    Waits for a load that is under way, after telling `on_wait`.
    """
    target = home.landing / WITHDRAWN / load_id
    with landing_lock(home, on_wait):
        known = sorted(path.name for path in home.loads.iterdir())
        if load_id not in known:
            raise HomeError(
                f"there is no load {load_id}",
                f"the newest are {', '.join(known[-5:]) or 'none'}; meta.loads and `landing/loads` list all",
            )
        target.parent.mkdir(exist_ok=True)
        os.replace(home.loads / load_id, target)
        sync_path(target.parent)
        sync_path(home.loads)
    return target
