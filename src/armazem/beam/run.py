"""Runs the pipeline on Pub/Sub: on Dataflow, or on this machine."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import apache_beam as beam

from armazem.beam.options import Options, complete, parse
from armazem.beam.pipeline import build
from armazem.errors import ArmazemError


def ready(arguments: Sequence[str]) -> Options:
    """Return the options of a run, whole and checked. Raises OptionError; nothing is submitted by it."""
    options = parse(arguments)
    complete(options)
    return options


def run(options: Options) -> Any:
    """Start the pipeline, and return Beam's result without waiting for its end.

    Raises CloudError where the runner did not take it.
    """
    pipeline = beam.Pipeline(options=options)
    source = beam.io.ReadFromPubSub(subscription=options.values()["subscription"], with_attributes=True)
    build(pipeline | "Read" >> source, options)
    return pipeline.run()


def main(arguments: Sequence[str] | None = None) -> int:
    """Start the pipeline as the launcher of a Flex Template does: exit codes 0 submitted, 1 not."""
    try:
        run(ready(sys.argv[1:] if arguments is None else arguments))
    except ArmazemError as error:
        sys.stderr.write(f"error: {error}" + (f"; {error.hint}" if error.hint else "") + "\n")
        return 1
    return 0
