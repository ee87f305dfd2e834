"""Takes a load out of the landing zone, for an extract that should never have come."""

from __future__ import annotations

import os
from pathlib import Path

from filelock import FileLock

from armazem.errors import HomeError
from armazem.home import Home
from armazem.landing.ledger import WITHDRAWN


def withdraw(home: Home, load_id: str) -> Path:
    """Move a load to `landing/withdrawn/`, atomically; where it is now. Raises HomeError for an unknown one."""
    home.open(create=False)
    known = sorted(path.name for path in home.loads.iterdir()) if home.loads.is_dir() else []
    if load_id not in known:
        raise HomeError(
            f"there is no load {load_id}",
            f"the newest are {', '.join(known[-5:]) or 'none'}; meta.loads and `landing/loads` list all",
        )
    target = home.landing / WITHDRAWN / load_id
    with FileLock(home.landing / ".lock"):
        target.parent.mkdir(exist_ok=True)
        os.replace(home.loads / load_id, target)
    return target
