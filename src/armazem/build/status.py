"""What is loaded and published, and whether a build is due."""

from __future__ import annotations

from typing import Any

from armazem.build.run import why_due
from armazem.config import Settings
from armazem.targets.registry import target_of


def status(settings: Settings) -> dict[str, Any]:
    """Return the figures by name, in the order in which they are shown; the first one says where the warehouse is."""
    target = target_of(settings)
    with target.errors("the status"):
        contents = target.contents()
        loads = target.loads()
        ids = {load.load_id for load in loads}
        events = target.events(contents)
        due = why_due(target)
        kept = target.builds().kept
    orders, last_order, revenue = contents.orders
    return {
        target.label: target.place,
        "loads": len(ids),
        "rows_accepted": sum(load.rows_accepted for load in loads),
        "rows_rejected": sum(load.rows_rejected for load in loads),
        "last_load": max(ids, default=None),
        "last_load_as_of": max(((load.load_id, load.as_of) for load in loads), default=("", None))[1],
        "current_build": contents.build,
        "loads_not_built": len(ids - contents.state.loads),
        "loads_withdrawn": len(contents.state.loads - ids),
        **events,
        "build_due": due,
        "versions_kept": len(kept),
        "orders": orders,
        "last_order": last_order,
        "revenue": revenue,
    }
