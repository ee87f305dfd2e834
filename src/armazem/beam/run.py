"""Runs the pipeline on Pub/Sub: on Dataflow, or on this machine."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import apache_beam as beam
from apache_beam.options.pipeline_options import TestOptions
from apache_beam.utils.retry import PermanentException
from google.api_core.exceptions import GoogleAPIError
from google.auth.exceptions import GoogleAuthError

from armazem.beam.options import Options, complete, parse
from armazem.beam.parameters import BEAM, OptionError
from armazem.beam.pipeline import build
from armazem.errors import ArmazemError, CloudError

_SIGN_IN = "run `gcloud auth application-default login`, or set GOOGLE_APPLICATION_CREDENTIALS to a key file"
_LOOK = "docs/dataflow.md lists the roles that it takes, and how a running job is updated"


def ready(arguments: Sequence[str]) -> Options:
    """Return the options of a run, whole and checked. Raises OptionError; nothing is submitted by it."""
    options = parse(arguments)
    complete(options)
    return options


def run(options: Options) -> Any:
    """Start the pipeline, and return Beam's result without waiting for its end.

    Raises OptionError where Beam does not take an option's value, CloudError where Dataflow does not take the job.
    """
    try:
        pipeline = beam.Pipeline(options=options)
    except ValueError as error:  # Beam looks at its own options here
        raise OptionError(f"Beam does not take its options: {' '.join(str(error).split())}") from error
    source = beam.io.ReadFromPubSub(subscription=options.values()["subscription"], with_attributes=True)
    try:
        build(pipeline | "Read" >> source, options)
    except RuntimeError as error:  # Beam looks for its Java part here
        if options.values()["writer"] != BEAM:
            raise
        raise OptionError(
            f"Beam's own writer cannot be had: {first_sentence(str(error))}",
            "--writer=own needs no Java; docs/dataflow.md says what is known of the other",
        ) from error
    try:
        return pipeline.run()
    except GoogleAuthError as error:
        raise CloudError(f"Google's authentication failed: {error}", _SIGN_IN) from error
    except (GoogleAPIError, PermanentException) as error:  # the latter: a job of this name runs
        raise CloudError(f"the job was not taken: {' '.join(str(error).split())}", _LOOK) from error


def finish(result: Any) -> None:
    """Wait until a pipeline ends by itself. Raises CloudError, or what else ended it."""
    try:
        result.wait_until_finish()
    except GoogleAPIError as error:
        raise CloudError(f"the pipeline ended: {' '.join(str(error).split())}", "start it again") from error


def first_sentence(text: str) -> str:
    """Return the first sentence of a text, in a line: Beam says much."""
    return " ".join(text.split()).partition(". ")[0]


def is_dry_run(options: Options) -> bool:
    """Whether the job is only to be put together."""
    return bool(options.view_as(TestOptions).dry_run)


def steps(result: Any) -> list[str]:
    """Return the names of the steps of a dry run's job, as Dataflow's page shows them, in order."""
    transforms = result.job.proto_pipeline.components.transforms
    [root] = result.job.proto_pipeline.root_transform_ids
    return [transforms[one].unique_name for one in transforms[root].subtransforms]


def main(arguments: Sequence[str] | None = None) -> int:
    """Start the pipeline as the launcher of a Flex Template does: exit codes 0 submitted, 1 not."""
    try:
        run(ready(sys.argv[1:] if arguments is None else arguments))
    except ArmazemError as error:
        sys.stderr.write(f"error: {error}" + (f"; {error.hint}" if error.hint else "") + "\n")
        return 1
    return 0
