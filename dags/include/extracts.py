"""Where extracts lie and when they are whole: a folder per day, in a folder or a bucket.

Whoever writes an extract writes an empty file `_SUCCESS` into its folder last. Nothing else tells a file that is half
written, or a table that has yet to come, from one that is small: a size that rests may be a network that does.
"""

from __future__ import annotations

import glob
from datetime import timedelta
from pathlib import Path
from typing import Any

from airflow.providers.standard.triggers.file import FileTrigger
from airflow.sdk import BaseSensorOperator

from include.settings import INBOX, MARKER, WAIT_SECONDS

CLOUD = "gs://"
_PAUSE = max(1.0, min(30.0, WAIT_SECONDS / 20))


class WholeFolder(BaseSensorOperator):
    """Waits for the marker in a folder, without a worker: the triggerer looks."""

    template_fields = ("folder",)

    def __init__(self, *, folder: str, deferrable: bool = True, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.folder = folder
        self.deferrable = deferrable

    def poke(self, context: Any) -> bool:
        del context
        return Path(self.folder, MARKER).is_file()

    def execute(self, context: Any) -> None:
        if not self.deferrable:
            super().execute(context)
        elif not self.poke(context):
            self.log.info("waiting for %s/%s", self.folder, MARKER)
            pattern = glob.escape(str(Path(self.folder, MARKER)))
            self.defer(
                trigger=FileTrigger(pattern, poke_interval=self.poke_interval),
                method_name="arrived",
                timeout=timedelta(seconds=self.timeout),
            )

    def arrived(self, context: Any, event: Any = None) -> None:
        del context, event
        self.log.info("%s is whole", self.folder)


def wait_for(path: str, task_id: str = "wait_for_files") -> BaseSensorOperator:
    """Return the task that waits for an extract. It fails where none is whole in time; with no time it looks once."""
    waits = WAIT_SECONDS > 0
    return _sensor(path, task_id=task_id, timeout=WAIT_SECONDS, poke_interval=_PAUSE, deferrable=waits)


def look_for(path: str, task_id: str = "look_for_files") -> BaseSensorOperator:
    """Return the task that looks once for an extract. It is skipped, and what follows too, where there is none."""
    return _sensor(path, task_id=task_id, timeout=0, poke_interval=1, deferrable=False, soft_fail=True)


def is_whole(day: str) -> bool:
    """Whether the extract of a day is there."""
    if not INBOX.startswith(CLOUD):
        return Path(INBOX, day, MARKER).is_file()
    from airflow.providers.google.cloud.hooks.gcs import GCSHook

    bucket, name = _object(f"{INBOX}/{day}")
    return bool(GCSHook().exists(bucket, name))


def _sensor(path: str, **options: Any) -> BaseSensorOperator:
    if not path.startswith(CLOUD):
        return WholeFolder(folder=path, **options)
    # Takes seconds to import: only for those who have a bucket.
    from airflow.providers.google.cloud.sensors.gcs import GCSObjectExistenceSensor

    bucket, name = _object(path)
    return GCSObjectExistenceSensor(bucket=bucket, object=name, **options)


def _object(path: str) -> tuple[str, str]:
    bucket, _, prefix = path.removeprefix(CLOUD).partition("/")
    return bucket, f"{prefix}/{MARKER}".lstrip("/")
