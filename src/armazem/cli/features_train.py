"""The commands on predictions of deliveries: features evaluate, features train, features predict."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from armazem import console
from armazem.cli.group import format_option, print_json, print_rows, settings_of, target_option
from armazem.kpis.formats import Format

if TYPE_CHECKING:
    from armazem.config import Settings

_MONTH = click.DateTime(["%Y-%m"])
months_option = click.option(
    "--months", type=click.IntRange(1, 120), default=12, show_default=True, help="Months that are predicted."
)
last_option = click.option(
    "--last", type=_MONTH, metavar="YYYY-MM", help="The last of them, which is settled.  [default: the newest that is]"
)


@click.command()
@months_option
@last_option
@click.option(
    "--model/--without-model", default=None, help="With LightGBM too.  [default: where the extra ml is installed]"
)
@click.option("--by-month", is_flag=True, help="A row for each month instead of one for all.")
@format_option
@target_option
@click.pass_context
def evaluate(
    ctx: click.Context,
    months: int,
    last: object,
    model: bool | None,
    by_month: bool,
    format_: Format,
    target: str | None,
) -> None:
    """Measure how good the predictions of deliveries are, month by month as they would have been made.

    Orders that were delivered are predicted by what was known when their month began, and at the stage: at the
    purchase, and when the carrier had them. Beside each other: the shop's promise, the rate of late orders so far, the
    table feat_order_delivery (SQL), and, with the extra ml, LightGBM trained anew for each month.

    CSV and JSON have all scores, of all months together and of each.

    \b
    Examples:
      armazem features evaluate
      armazem features evaluate --months 6 --last 2018-06 --by-month
      armazem features evaluate --without-model --format json
    """
    from armazem.features.delivery import tables
    from armazem.features.delivery.evaluation import evaluate as measure
    from armazem.features.delivery.evaluation import has_lightgbm
    from armazem.features.delivery.frames import read_frames
    from armazem.features.delivery.model import lightgbm

    started = time.monotonic()
    with_model = has_lightgbm() if model is None else model
    if with_model:
        lightgbm()  # before the work: it may not be there
    with console.steps("predicting") as step:
        frames = read_frames(settings_of(ctx, target=target))
        found = measure(frames, with_model=with_model, months=months, last=_month(last), on_step=step)
    if format_ == "json":
        print_json(found.as_json())
    elif format_ == "csv":
        print_rows(tables.every_score(found), format_)
    else:
        print_rows(tables.by_month(found) if by_month else tables.overall(found), format_)
    of = ", ".join(
        f"{found.of(stage, 'base_rate').orders:,} at {stage}, {found.of(stage, 'base_rate').late_share:.1%} late, "
        f"{count:,} left out"
        for stage, count in found.left_out.items()
    )
    console.messages().print(
        f"delivered orders of {found.first} to {found.last}: {of}; build {found.build}, "
        f"{time.monotonic() - started:.1f} s"
    )
    if not with_model and model is None:
        console.messages().print('with LightGBM beside it: pip install "armazem[ml]"')


@click.command()
@click.option(
    "--out", type=click.Path(path_type=Path), help="Folder of the model.  [default: models/delivery of the home]"
)
@months_option
@last_option
@target_option
@click.pass_context
def train(ctx: click.Context, out: Path | None, months: int, last: object, target: str | None) -> None:
    """Train a model of delivery times on what is published; write it, and a card that says how good it is.

    LightGBM on the time that is left, at the purchase and when the carrier has the order: of the features as they were
    known then, and of what the order says when it is placed; never of its promise or of anything later. The same
    version gives the same model. First such models are made for past months, and measured as `evaluate` does: the card
    has those figures. Needs the extra ml.

    \b
    Examples:
      armazem features train
      armazem features train --out ~/models/delivery
    """
    from armazem.features.delivery.evaluation import evaluate as measure
    from armazem.features.delivery.frames import read_frames
    from armazem.features.delivery.model import lightgbm
    from armazem.features.delivery.model_card import card
    from armazem.features.delivery.model_file import CARD, MODEL, check_place, train_all, write

    started = time.monotonic()
    settings = settings_of(ctx, target=target)
    folder = _folder(settings, out, create=True)
    check_place(folder)
    library = lightgbm().__version__
    with console.steps("training") as step:
        frames = read_frames(settings)
        measured = measure(frames, with_model=True, months=months, last=_month(last), on_step=step)
        trained = train_all(frames, measured, library)
    write(folder, trained, card(trained))
    lines = console.messages()
    for stage, model in trained.stages.items():
        of, sql = measured.of(stage, "lightgbm"), measured.of(stage, "sql")
        lines.print(
            f"{stage}: {model.trained_on:,} deliveries; {measured.first} to {measured.last} "
            f"AUC {of.auc or 0:.3f} (SQL {sql.auc or 0:.3f}), MAE {of.mae_days:.2f} days (SQL {sql.mae_days:.2f}), "
            f"{100 * (of.coverage or 0):.1f} % in the 80 % band"
        )
    lines.print(
        f"trained on build {trained.build}, known until {trained.known_until}, {time.monotonic() - started:.1f} s"
    )
    lines.print(f"wrote {folder / MODEL} and {CARD}")


@click.command()
@click.option(
    "--model", type=click.Path(path_type=Path), help="Folder of the model.  [default: models/delivery of the home]"
)
@click.option("--out", type=click.Path(path_type=Path), help="A file .parquet or .csv.  [default: CSV on the output]")
@target_option
@click.pass_context
def predict(ctx: click.Context, model: Path | None, out: Path | None, target: str | None) -> None:
    """Predict the orders that are not delivered yet by a trained model, the likeliest to be late first.

    A row for each: its stage, how long it has waited since, the days from purchase to arrival that were promised and
    are expected, the band that 80 % of such orders arrive in, and the probability that it is late. A model whose
    features are not those of the warehouse is refused: then train it again. Needs the extra ml.

    \b
    Examples:
      armazem features predict
      armazem features predict --model ~/models/delivery --out open.parquet
    """
    from armazem.features.delivery.frames import read_frames
    from armazem.features.delivery.model import lightgbm
    from armazem.features.delivery.model_file import read
    from armazem.features.delivery.open_orders import predict_open
    from armazem.features.files import check_place, csv_of, write

    started = time.monotonic()
    settings = settings_of(ctx, target=target)
    out = None if out is None else check_place(out)
    lightgbm()
    trained = read(_folder(settings, model, create=False))
    frames = read_frames(settings)
    found = predict_open(trained, frames)
    if out is None:
        with console.answering():
            click.echo(csv_of(found), nl=False)
    else:
        write(out, found)
    console.messages().print(
        f"{found.num_rows:,} open orders of build {frames.build}, by the model of build {trained.build}, "
        f"{time.monotonic() - started:.1f} s"
    )
    if out is not None:
        console.messages().print(f"wrote {out}")


def _folder(settings: Settings, given: Path | None, *, create: bool) -> Path:
    if given is not None:
        return given.expanduser().absolute()
    return settings.home_folder.open(create=create).delivery_model


def _month(given: object) -> str | None:
    return None if given is None else f"{given:%Y-%m}"
