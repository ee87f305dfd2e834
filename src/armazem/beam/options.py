"""The options of a run: Beam's and ours, read strictly. Beam itself passes over what it does not know."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from typing import Any, NoReturn

from apache_beam.options.pipeline_options import (
    DebugOptions,
    GoogleCloudOptions,
    PipelineOptions,
    SetupOptions,
    StandardOptions,
    TestOptions,
    WorkerOptions,
    _BeamArgumentParser,  # it knows the forms of values that Beam's own options take
)

from armazem.beam.parameters import PARAMETERS, OptionError, values_of

DATAFLOW = "DataflowRunner"
LOCAL = "BundleBasedDirectRunner"
AT_LEAST_ONCE = "streaming_mode_at_least_once"
JOB_NAME = "armazem-events"
"""Where no `--job_name` is given. Dataflow runs one job of a name at a time, and updates a job by its name."""

MOST_WORKERS = 4
"""Where no `--max_num_workers` is given: a mistake should not cost more."""

_FOLDER = r"gs://[a-z][-_a-z0-9.]+[a-z0-9]/[^\r\n]+"  # what Beam takes for one


class Options(PipelineOptions):  # type: ignore[misc]
    """Ours, as Beam's objects have them. `values` are checked; the attributes are texts."""

    @classmethod
    def _add_argparse_args(cls, parser: _BeamArgumentParser) -> None:
        for one in PARAMETERS:
            parser.add_argument(f"--{one.name}", help=f"{one.help} {one.form}.")

    def values(self) -> dict[str, Any]:
        """Return the value of each of our options. Raises OptionError."""
        return dict(values_of({one.name: getattr(self, one.name) for one in PARAMETERS}))


class _Strict(_BeamArgumentParser):  # type: ignore[misc]
    def error(self, message: str) -> NoReturn:
        raise OptionError(message, "docs/cli.md has our options; Beam's are those of its version 2.77")


def parse(arguments: Sequence[str]) -> Options:
    """Return the options of these arguments, whole. Raises OptionError where one is neither Beam's nor ours, is
    missing, or has a value that it cannot have.
    """
    parser = _Strict(allow_abbrev=False, add_help=False)
    for kind in {str(one): one for one in PipelineOptions.__subclasses__()}.values():
        kind._add_argparse_args(parser)
    _, unknown = parser.parse_known_args(list(arguments))
    if unknown:
        known = [name for action in parser._actions for name in action.option_strings]
        raise OptionError(*_unknown(unknown[0], known))
    options = Options(list(arguments))
    options.values()
    return options


def complete(options: Options) -> None:
    """Set what the pipeline needs of its runner, where nothing else was said. Raises OptionError where something is
    missing that only whoever runs it can know: nothing has been submitted then.
    """
    standard = options.view_as(StandardOptions)
    standard.streaming = True
    # Beam's DirectRunner looks for a runner by the shape of the pipeline; of its runners one reads Pub/Sub.
    if standard.runner is None or standard.runner.rpartition(".")[2] == "DirectRunner":
        standard.runner = LOCAL
    if runs_on_dataflow(options):
        _complete_for_dataflow(options)
    elif options.view_as(TestOptions).dry_run:
        raise OptionError("--dry_run is for Dataflow: other runners would run", "leave --runner out, or --dry_run")


def runs_on_dataflow(options: Options) -> bool:
    """Whether the job goes to Dataflow."""
    runner = options.view_as(StandardOptions).runner
    return runner is not None and runner.rpartition(".")[2].lower() in (DATAFLOW.lower(), "dataflow")


def _complete_for_dataflow(options: Options) -> None:
    cloud, workers = options.view_as(GoogleCloudOptions), options.view_as(WorkerOptions)
    if not cloud.project:
        raise OptionError("--project is missing", "the project that the job runs in, and is paid by")
    if not cloud.region:
        raise OptionError("--region is missing", "name that of the dataset, such as southamerica-east1")
    if re.fullmatch(r"[a-z]+-[a-z]+[0-9]+", cloud.region) is None:
        raise OptionError(f"--region={cloud.region} is no region", "regions are named like southamerica-east1")
    # Only an endpoint on this machine, which is a test, reads local folders.
    elsewhere = not re.match(r"http://localhost[:/]", cloud.dataflow_endpoint or "")
    if not cloud.temp_location:
        raise OptionError("--temp_location is missing", "name a folder of a bucket: gs://BUCKET/FOLDER")
    cloud.staging_location = cloud.staging_location or f"{cloud.temp_location.rstrip('/')}/staging"
    for name in ("temp_location", "staging_location"):
        # Where one does not fit, Beam would take the other, or make a bucket of its own.
        place = getattr(cloud, name)
        if elsewhere and re.fullmatch(_FOLDER, place) is None:
            raise OptionError(f"--{name}={place} is no folder of a bucket", "it has the form gs://BUCKET/FOLDER")
    setup = options.view_as(SetupOptions)
    if not (workers.sdk_container_image or setup.setup_file or setup.extra_packages):
        raise OptionError(
            "workers would not have armazem: --sdk_container_image is missing",
            "build the image of deploy/dataflow, and name it",
        )
    if options.values()["write_endpoint"] and not options.view_as(TestOptions).dry_run:
        raise OptionError(
            "--write_endpoint is of an emulator, which no worker of Dataflow reaches",
            "leave it empty, and ARMAZEM_BIGQUERY_WRITE_ENDPOINT too",
        )
    cloud.job_name = cloud.job_name or JOB_NAME
    most = workers.max_num_workers or MOST_WORKERS
    if workers.num_workers and workers.num_workers > most:
        raise OptionError(f"--num_workers={workers.num_workers} is above --max_num_workers={most}", "raise the latter")
    workers.max_num_workers = most
    workers.autoscaling_algorithm = workers.autoscaling_algorithm or "THROUGHPUT_BASED"
    cloud.enable_streaming_engine = True
    services = cloud.dataflow_service_options or []
    experiments = options.view_as(DebugOptions).experiments or []
    if not any(one.startswith("streaming_mode_") for one in (*services, *experiments)):
        # Rows are a function of their message, and builds keep one of each event: exactly-once would cost more and
        # give the same tables.
        services = [*services, AT_LEAST_ONCE]
    cloud.dataflow_service_options = services


def _unknown(argument: str, known: list[str]) -> tuple[str, str]:
    if not argument.startswith("-"):
        return f"{argument!r} belongs to no option", "options have the form --name=value"
    name = argument.partition("=")[0]
    close = difflib.get_close_matches("--" + name.lstrip("-").replace("-", "_"), known, 1)
    hint = "options of Beam and of Armazém have underscores; docs/cli.md lists ours"
    return f"there is no option {name}" + (f"; did you mean {close[0]}?" if close else ""), hint
