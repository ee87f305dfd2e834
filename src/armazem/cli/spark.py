"""The command lake load, which is spark load too: batch files into the lake by a job of Spark."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import click

from armazem import console, interrupts
from armazem.cli.data import as_of_time, load_options, print_load, refusals_as_json
from armazem.cli.group import main, report_option, settings_of
from armazem.errors import extra

if TYPE_CHECKING:
    from armazem.config import Settings
    from armazem.landing import LoadResult


@main.group()
def spark() -> None:
    """Spark, for batch files that are too large for one machine. It needs the extra armazem[spark] and Java 17.

    \b
    Example:
      armazem spark load gs://shop-exports/2018-08-29
    """


@spark.command()
@load_options
@report_option
@click.option(
    "--dataproc",
    metavar="PROJECT/REGION",
    help="Load nothing: print the request for a batch of Dataproc Serverless that does it.",
)
@click.option("--image", help="With --dataproc: the image of its containers, with armazem[iceberg] in it.")
@click.option("--main", "main_file", metavar="gs://…", help="With --dataproc: where armazem/cli/spark_submit.py lies.")
@click.option("--runtime", help="With --dataproc: the version of the runtime.  [default: 3.0]")
@click.option("--service-account", help="With --dataproc: the account that the job runs as.")
@click.option("--subnetwork", help="With --dataproc: the network of its workers.")
@click.pass_context
def load(
    ctx: click.Context,
    /,
    path: str,
    as_of: str | None,
    as_json: bool,
    dataproc: str | None,
    image: str | None,
    main_file: str | None,
    runtime: str | None,
    service_account: str | None,
    subnetwork: str | None,
    **options: Any,
) -> None:
    """Load batch files from PATH into the Iceberg tables of the lake by a job of Spark: on this machine, where
    spark-submit says, or on Dataproc.

    PATH is a folder, an archive or one file, here or at a URL that Spark's file systems know: gs://, hdfs://, s3a://.
    The rows, the rejects and the ledger are those that `load` would give, and on one machine `load` is quicker at every
    size that was measured: see docs/spark.md.

    Files with rejected rows, and those that are not UTF-8 or are otherwise beyond Spark, are read by the reader of
    `load`, where the job was started.

    \b
    Examples:
      armazem lake load ~/olist
      armazem lake load gs://shop-exports/2018-08-29 --strict
      armazem lake load gs://shop-exports/2018-08-29 --dataproc my-project/southamerica-east1 \\
        --image southamerica-east1-docker.pkg.dev/my-project/images/armazem-spark:1 \\
        --main gs://my-bucket/armazem/spark_submit.py > batch.json
    """
    settings = settings_of(ctx)
    told = None if as_of is None else as_of_time(as_of, settings)
    of_dataproc = {
        "image": image,
        "main": main_file,
        "runtime": runtime,
        "service_account": service_account,
        "subnetwork": subnetwork,
    }
    given = {name: value for name, value in of_dataproc.items() if value is not None}
    if dataproc is not None:
        from armazem.spark.dataproc import batch

        arguments = {**options, "as_of": None if told is None else told.isoformat()}
        click.echo(json.dumps(batch(settings, dataproc, path, arguments, **given), indent=2))
        return
    if given:
        raise click.UsageError(f"--{next(iter(given)).replace('_', '-')} is for --dataproc")
    with refusals_as_json(as_json):
        result = load_and_show(settings, path, as_of=told, **options)
    if as_json:
        print_load(result)


def load_and_show(settings: Settings, path: str, **options: Any) -> LoadResult:
    """Load by Spark, with progress and warnings meanwhile, and the table of files after it."""
    with extra("spark", "a job for Spark"):
        from armazem.spark.load import load as load_files
        from armazem.spark.session import started
    begun = time.monotonic()
    warned: list[str] = []
    console.messages().print("starting Spark")
    with (
        started(settings) as session,
        console.warnings_before_an_error(warned),
        console.loading() as progress,
        interrupts.unwinding(),
    ):
        result = load_files(path, settings, session, on_progress=progress, on_warning=warned.append, **options)
    console.show_load(result, time.monotonic() - begun)
    if settings.landing != "lake":
        console.messages().print("`ARMAZEM_LANDING=lake armazem build` builds from the lake")
    return result
