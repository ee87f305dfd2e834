"""The command dataflow: the streaming pipeline on Dataflow, or on this machine; and what a template of it needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from multiprocessing.pool import ThreadPool
from typing import TYPE_CHECKING, Any

import click

from armazem import console
from armazem.beam.flex import flex_spec as metadata
from armazem.beam.parameters import PARAMETERS
from armazem.cli.group import main, settings_of, stop_signals
from armazem.errors import extra

if TYPE_CHECKING:
    from armazem.beam.options import Options
    from armazem.config import Settings

_TICK = 0.2

# Beam's own, of which each run on Dataflow needs some: name, what it is.
_OF_BEAM = (
    ("project", "Project that the job runs in.  [default: ARMAZEM_BIGQUERY_PROJECT]"),
    ("region", "Region of the job: best that of the dataset."),
    ("temp_location", "Folder of a bucket: gs://BUCKET/FOLDER."),
    ("sdk_container_image", "Image of the workers; deploy/dataflow has how to build it."),
    ("max_num_workers", "Workers at most.  [default: 4]"),
)

# What the settings say, where an option is not given.
_OF_SETTINGS = {
    "dataset": "ARMAZEM_BIGQUERY_PROJECT.[PREFIX]raw",
    "time_zone": "ARMAZEM_TIME_ZONE",
    "retry_seconds": "ARMAZEM_BIGQUERY_RETRY_SECONDS",
    "write_endpoint": "ARMAZEM_BIGQUERY_WRITE_ENDPOINT",
}


def _pipeline_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Options of the pipeline and of the runner, by the names that Beam gives such; the rest goes to Beam as it is."""
    for name, help_ in reversed(_OF_BEAM):
        command = click.option(f"--{name}", metavar="VALUE", help=help_)(command)
    for one in reversed(PARAMETERS):
        default = _OF_SETTINGS.get(one.name, one.default)
        help_ = f"{one.help}  [{'required' if default is None else f'default: {default}'}]"
        command = click.option(f"--{one.name}", metavar="VALUE", help=help_)(command)
    return click.argument("beam_options", nargs=-1, type=click.UNPROCESSED, metavar="[OPTIONS OF BEAM]...")(command)


@main.group()
def dataflow() -> None:
    """Take events from Pub/Sub into the tables raw.events and raw.dead_letters on BigQuery, by a pipeline of Apache
    Beam: on Dataflow, or on this machine to try it.

    A shop that one machine can serve needs none of it: `armazem subscribe pubsub:… --target bigquery` writes the same
    rows.

    \b
    Examples:
      armazem dataflow run --help
      armazem dataflow flex-spec > metadata.json
    """


@dataflow.command(context_settings={"ignore_unknown_options": True})
@click.option("--runner", metavar="NAME", default="DataflowRunner", show_default=True, help="DirectRunner: here.")
@_pipeline_options
@click.pass_context
def run(ctx: click.Context, /, runner: str, beam_options: tuple[str, ...], **given: str | None) -> None:
    """Start the pipeline. On Dataflow it runs until it is drained; here, until Ctrl-C or SIGTERM.

    Every option of Beam can be given as --name=value; one that neither Beam nor Armazém has is an error. The
    subscription and the tables are looked at first, and tables that are missing are made. With --dry_run=True the job
    is only put together, and its steps are shown.

    DirectRunner is to try it: it acknowledges a message before it is written.

    \b
    Examples:
      armazem dataflow run --project=my-project --region=southamerica-east1 \\
        --subscription=projects/my-project/subscriptions/olist_orders_subscription \\
        --temp_location=gs://my-bucket/dataflow --sdk_container_image=…/armazem-dataflow:1
      armazem dataflow run --runner=DirectRunner --subscription=projects/my-project/subscriptions/try
    """
    with extra("beam", "a pipeline of Beam"):
        from armazem.beam.options import runs_on_dataflow
        from armazem.beam.run import is_dry_run, ready, steps
        from armazem.beam.run import run as start
    if any(one.startswith("--template_location") for one in beam_options):
        raise click.UsageError("`armazem dataflow template gs://BUCKET/NAME` writes a template")
    settings = settings_of(ctx, target="bigquery")
    options = ready(_arguments(settings, {"runner": runner, **given}, beam_options))
    messages = console.messages()
    if is_dry_run(options):
        messages.print("dry run: nothing was submitted. The steps:")
        for step in steps(start(options)):
            click.echo(step)
        return
    _look(settings, options)
    if runs_on_dataflow(options):
        job = start(options)
        messages.print(
            f"submitted as job {job.job_id()}; `gcloud dataflow jobs drain` ends it without losing a message"
        )
        click.echo(job.job_id())
    else:
        with stop_signals() as stopped:
            messages.print(f"reading {options.values()['subscription']} here, by {runner}; Ctrl-C stops")
            _watch(start(options), stopped.wait)


@dataflow.command(context_settings={"ignore_unknown_options": True})
@click.argument("template_location", metavar="gs://BUCKET/NAME")
@_pipeline_options
@click.pass_context
def template(ctx: click.Context, /, template_location: str, beam_options: tuple[str, ...], **given: str | None) -> None:
    """Write a classic template: the job with the options given here, to be started without this program.

    \b
    Example:
      armazem dataflow template gs://my-bucket/templates/events --project=… --region=… --subscription=… \\
        --temp_location=… --sdk_container_image=…
      gcloud dataflow jobs run events --gcs-location gs://my-bucket/templates/events --region …

    A Flex Template takes its options when it is started: deploy/dataflow/README.md.
    """
    with extra("beam", "a pipeline of Beam"):
        from armazem.beam.run import ready
        from armazem.beam.run import run as start
    settings = settings_of(ctx, target="bigquery")
    fixed = {"runner": "DataflowRunner", "template_location": template_location}
    start(ready(_arguments(settings, {**fixed, **given}, beam_options)))
    console.messages().print(f"wrote {template_location}; `gcloud dataflow jobs run` starts it")


@dataflow.command("flex-spec")
def flex_spec() -> None:
    """Print the metadata of the Flex Template: deploy/dataflow/metadata.json."""
    click.echo(metadata(), nl=False)


def _arguments(settings: Settings, given: Mapping[str, str | None], beam_options: Sequence[str]) -> list[str]:
    """What Beam's parser reads: options as given, else as the settings say."""
    # The job may run in one project, and the tables be in another.
    project = settings.bigquery_project or given["project"]
    of_settings = {
        "project": project or None,
        "dataset": f"{project}.{settings.bigquery_dataset_prefix}raw" if project else None,
        "time_zone": settings.time_zone,
        "retry_seconds": f"{settings.bigquery_retry_seconds:.3f}".rstrip("0").rstrip("."),
        "write_endpoint": settings.bigquery_write_endpoint,
    }
    values = {**of_settings, **{name: value for name, value in given.items() if value is not None}}
    return [*(f"--{name}={value}" for name, value in values.items() if value is not None), *beam_options]


def _look(settings: Settings, options: Options) -> None:
    """Raises CloudError where the subscription is not there, or the tables are not as they have to be."""
    with extra("beam", "a pipeline of Beam"):
        from armazem.intake.pubsub import check_subscription
        from armazem.targets.bigquery.sink import opened
    values = options.values()
    check_subscription(values["subscription"])
    project, dataset = values["dataset"].rsplit(".", 1)
    named = {"bigquery_project": project, "bigquery_dataset_prefix": dataset.removesuffix("raw")}
    with opened(settings.model_copy(update=named)):
        pass


def _watch(result: Any, wait: Callable[[float], bool]) -> None:
    """Until the pipeline ends, or `wait` says that it is to stop. Raises what ended it.

    No figures: of a metric this runner shows the first bundle only.
    """
    from armazem.beam.run import finish

    # Its thread is a daemon: Beam's own wait does not end where a pipeline is given up.
    ended = ThreadPool(1).apply_async(finish, (result,))
    while not ended.ready() and not wait(_TICK):
        pass
    if ended.ready():
        ended.get()
    else:
        result.cancel()
    console.messages().print("stopped; the tables have what was written: `armazem sql --target bigquery`")
