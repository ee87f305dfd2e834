"""A worker of Dataflow: `python worker.py JOB LOCK MESSAGES` in a process that has only what LOCK names, and ours.

Takes the functions of the steps out of a job as Beam pickled them, and lets messages through them, one bundle. Prints
the names of the steps, and what was imported of what it must not have.
"""

from __future__ import annotations

import importlib.abc
import importlib.metadata
import json
import re
import sys
from pathlib import Path

# A dependency of Google's libraries that no step needs: nor may ours come to need it.
ALSO_WITHOUT = {"pydantic", "pydantic-core"}


def names_of(lock: str) -> set[str]:
    """The packages of a lock file."""
    return set(re.findall(r"^([a-z0-9][a-z0-9.-]*)==", lock, re.MULTILINE)) - ALSO_WITHOUT


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


class NotThere(importlib.abc.MetaPathFinder):
    """Finds nothing of the packages that a worker does not have."""

    def __init__(self, packages: set[str]) -> None:
        installed = importlib.metadata.packages_distributions()
        self.modules = {
            module for module, of in installed.items()
            if not {canonical(name) for name in of} & (packages | {"armazem"})
        }  # fmt: skip

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        if name.partition(".")[0] in self.modules:
            raise ModuleNotFoundError(f"No module named {name!r}: a worker does not have it", name=name)


def main(job: Path, lock: Path, messages: Path) -> None:
    imported_before = set(sys.modules)  # what Python itself begins with, such as hooks of setuptools
    finder = NotThere(names_of(lock.read_text()))
    missing = {"click", "dbt", "duckdb", "nicegui", "pydantic", "pytest", "rich"}
    assert missing <= finder.modules, missing - finder.modules
    sys.meta_path.insert(0, finder)

    import apache_beam as beam
    from apache_beam.internal import pickler
    from apache_beam.portability import common_urns
    from apache_beam.portability.api import beam_runner_api_pb2

    components = beam_runner_api_pb2.Pipeline.FromString(job.read_bytes()).components
    steps = [one for one in components.transforms.values() if one.spec.urn == common_urns.primitives.PAR_DO.urn]
    made = {output for step in steps for output in step.outputs.values()}
    # Create stands where Pub/Sub's own source is: before the step whose messages no other step made.
    pipeline = beam.Pipeline(runner="BundleBasedDirectRunner")
    raw = [bytes.fromhex(line) for line in messages.read_text().split()]
    [source] = {one for step in steps for one in step.inputs.values()} - made
    there = {source: pipeline | beam.Create(raw)}
    waiting = list(steps)
    while waiting:
        step = next(one for one in waiting if set(one.inputs.values()) <= set(there))
        waiting.remove(step)
        payload = beam_runner_api_pb2.ParDoPayload.FromString(step.spec.payload)
        function, arguments, keywords, *_ = pickler.loads(payload.do_fn.payload)
        [before] = step.inputs.values()
        one = beam.ParDo(function, *arguments, **keywords)
        tags = [tag for tag in step.outputs if tag not in ("None", "events")]
        if tags:
            outputs = there[before] | step.unique_name >> one.with_outputs(*tags, main="events")
            there |= {
                collection: outputs[tag if tag != "None" else "events"] for tag, collection in step.outputs.items()
            }
        else:
            [collection] = step.outputs.values()
            there[collection] = there[before] | step.unique_name >> one
    pipeline.run().wait_until_finish()
    imported = {name.partition(".")[0] for name in set(sys.modules) - imported_before} & finder.modules
    print(json.dumps({"steps": sorted(one.unique_name for one in steps), "imported": sorted(imported)}))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
