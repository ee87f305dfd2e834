"""What an observer knows of a build, as it goes on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from armazem.targets.plan import Plan
from armazem.targets.records import DbtRun


@dataclass(slots=True)
class Happened:
    """What is known of a build, as it goes on. Times in UTC; `starts`: of models and tests, by name.

    `rows`: of each published `layer.table`, None where nothing was published; `error`: why not.
    """

    build_id: str
    plan: Plan
    begun_at: datetime
    starts: dict[str, datetime] = field(default_factory=dict)
    run: DbtRun | None = None
    rows: Sequence[tuple[str, int]] | None = None
    error: BaseException | None = None
    ended_at: datetime | None = None
