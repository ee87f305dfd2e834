"""Options are read strictly: what is misspelt, missing or of the wrong form is an error, and nothing is submitted."""

from __future__ import annotations

import pytest

pytest.importorskip("apache_beam", reason="`make beam` runs these, in an environment that has Beam")

from apache_beam.options.pipeline_options import GoogleCloudOptions, StandardOptions, WorkerOptions

from armazem.beam.options import parse
from armazem.beam.parameters import PARAMETERS, OptionError
from armazem.beam.run import main, ready

NEEDED = ["--subscription=projects/my-project/subscriptions/shop", "--dataset=my-project.raw"]
ON_DATAFLOW = [
    *NEEDED,
    "--runner=DataflowRunner",
    "--project=my-project",
    "--region=southamerica-east1",
    "--temp_location=gs://my-bucket/temp",
    "--sdk_container_image=southamerica-east1-docker.pkg.dev/my-project/images/armazem-dataflow:1",
]


def without(name: str, arguments: list[str] = ON_DATAFLOW) -> list[str]:
    return [one for one in arguments if not one.startswith(f"--{name}=")]


@pytest.mark.parametrize(
    ("argument", "said"),
    [
        ("--subscripton=projects/p/subscriptions/shop", "no option --subscripton; did you mean --subscription?"),
        ("--max-num-workers=3", "no option --max-num-workers; did you mean --max_num_workers?"),
        ("--max_num_worker=3", "no option --max_num_worker; did you mean --max_num_workers?"),
        ("--region_=x", "no option --region_; did you mean --region?"),
        ("--subscr=x", "no option --subscr"),  # argparse would take the beginning of a name
        ("-region=x", "no option -region; did you mean --region?"),
        ("--qqqq=1", "no option --qqqq$"),
        ("southamerica-east1", "'southamerica-east1' belongs to no option"),
        ("--max_num_workers=many", "--max_num_workers: invalid int value: 'many'"),
        ("--autoscaling_algorithm=FAST", "--autoscaling_algorithm: invalid choice: 'FAST'"),
    ],
)
def test_an_option_that_nobody_knows_is_an_error(argument: str, said: str) -> None:
    with pytest.raises(OptionError, match=said) as raised:
        parse([*NEEDED, argument])
    assert raised.value.hint


@pytest.mark.parametrize(
    ("argument", "said"),
    [
        ("--subscription=shop", "--subscription=shop is not projects/PROJECT/subscriptions/NAME"),
        ("--subscription=pubsub:my-project/shop", "is not projects/PROJECT/subscriptions/NAME"),
        ("--subscription=projects/my-project/topics/shop", "is not projects/PROJECT/subscriptions/NAME"),
        ("--subscription=projects/my-project/subscriptions/shop\n", "is not projects/PROJECT/subscriptions/NAME"),
        ("--dataset=raw", r"is not PROJECT.\[PREFIX\]raw"),
        ("--dataset=my-project.marts", r"is not PROJECT.\[PREFIX\]raw"),
        ("--time_zone=Brazil/Nowhere", "there is no time zone Brazil/Nowhere"),
        ("--time_zone=America", "there is no time zone America"),
        ("--batch_size=0", "--batch_size=0 is not a number from 1 to 100000"),
        ("--batch_size=100001", "is not a number from 1 to 100000"),
        ("--retry_seconds=0.0", "is not a number of seconds above 0"),
        ("--write_endpoint=http://localhost:1", "is not host:port, or empty"),
        ("--writer=theirs", "--writer=theirs is not own or beam"),
    ],
)
def test_a_value_of_another_form_is_an_error(argument: str, said: str) -> None:
    with pytest.raises(OptionError, match=said):
        parse([*NEEDED, argument])


def test_values_and_defaults() -> None:
    given = ["--dataset=my-project.shop_raw", "--batch_size=250", "--retry_seconds=2.5", "--time_zone=UTC"]
    assert parse([NEEDED[0], *given]).values() == {
        "subscription": "projects/my-project/subscriptions/shop",
        "dataset": "my-project.shop_raw",
        "time_zone": "UTC",
        "batch_size": 250,
        "retry_seconds": 2.5,
        "write_endpoint": "",
        "writer": "own",
    }
    assert parse(NEEDED).values()["batch_size"] == 1000
    for one in PARAMETERS:
        assert one.default is None or one.value(one.default) is not None


@pytest.mark.parametrize("name", ["subscription", "dataset"])
def test_what_is_needed_is_asked_for(name: str) -> None:
    with pytest.raises(OptionError, match=f"--{name} is missing"):
        parse(without(name, NEEDED))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (without("project"), "--project is missing"),
        (without("region"), "--region is missing"),
        (without("temp_location"), "--temp_location is missing"),
        (without("sdk_container_image"), "workers would not have armazem"),
        ([*without("region"), "--region=southamerica-east1-a"], "is no region"),
        ([*without("temp_location"), "--temp_location=/tmp/x"], "--temp_location=/tmp/x is no folder of a bucket"),
        # Beam would make a bucket of its own, and not say so.
        ([*without("temp_location"), "--temp_location=gs://b/x"], "--temp_location=gs://b/x is no folder of a bucket"),
        ([*without("temp_location"), "--temp_location=gs://my-bucket"], "is no folder of a bucket"),
        ([*ON_DATAFLOW, "--staging_location=s3://my-bucket/x"], "--staging_location=s3://my-bucket/x is no folder"),
        ([*ON_DATAFLOW, "--write_endpoint=localhost:9060"], "--write_endpoint is of an emulator"),
        ([*ON_DATAFLOW, "--num_workers=9"], "--num_workers=9 is above --max_num_workers=4"),
    ],
)
def test_what_dataflow_needs_is_asked_for(arguments: list[str], said: str) -> None:
    with pytest.raises(OptionError, match=said) as raised:
        ready(arguments)
    assert raised.value.hint


def test_what_is_set_for_dataflow() -> None:
    options = ready(ON_DATAFLOW)
    cloud, workers = options.view_as(GoogleCloudOptions), options.view_as(WorkerOptions)
    assert options.view_as(StandardOptions).streaming
    assert cloud.dataflow_service_options == ["streaming_mode_at_least_once"]
    assert cloud.enable_streaming_engine
    assert cloud.staging_location == "gs://my-bucket/temp/staging"
    assert cloud.job_name == "armazem-events"
    assert (workers.max_num_workers, workers.autoscaling_algorithm) == (4, "THROUGHPUT_BASED")


def test_what_was_said_stays() -> None:
    said = [
        "--dataflow_service_options=streaming_mode_exactly_once", "--dataflow_service_options=enable_prime",
        "--max_num_workers=20", "--autoscaling_algorithm=NONE", "--job_name=other", "--staging_location=gs://other-one/s",
    ]  # fmt: skip
    options = ready([*ON_DATAFLOW, *said])
    cloud, workers = options.view_as(GoogleCloudOptions), options.view_as(WorkerOptions)
    assert cloud.dataflow_service_options == ["streaming_mode_exactly_once", "enable_prime"]
    assert (cloud.job_name, cloud.staging_location) == ("other", "gs://other-one/s")
    assert (workers.max_num_workers, workers.autoscaling_algorithm) == (20, "NONE")


def test_runners_on_this_machine() -> None:
    """Beam's DirectRunner does not find the one that reads Pub/Sub."""
    for said in ([], ["--runner=DirectRunner"]):
        assert ready([*NEEDED, *said]).view_as(StandardOptions).runner == "BundleBasedDirectRunner"
    assert ready([*NEEDED, "--runner=FlinkRunner"]).view_as(StandardOptions).runner == "FlinkRunner"
    with pytest.raises(OptionError, match="--dry_run is for Dataflow"):  # they would run
        ready([*NEEDED, "--runner=DirectRunner", "--dry_run=True"])


def test_a_mode_that_is_given_as_an_experiment_stays_alone() -> None:
    options = ready([*ON_DATAFLOW, "--experiments=streaming_mode_exactly_once"])
    assert not options.view_as(GoogleCloudOptions).dataflow_service_options


def test_the_project_of_a_domain() -> None:
    values = ready([*NEEDED, "--dataset=example.com:shop.raw"]).values()
    assert values["dataset"] == "example.com:shop.raw"


def test_the_launcher_says_it_in_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(without("region")) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: --region is missing; name that of the dataset") and error.count("\n") == 1
