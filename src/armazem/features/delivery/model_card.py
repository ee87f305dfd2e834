"""The card of a trained model: what it is of, what was measured, and what it must not be used for. Markdown."""

from __future__ import annotations

from armazem.features.delivery.frame import VECTORS
from armazem.features.delivery.model import CALIBRATION, PARAMETERS, ROUNDS
from armazem.features.delivery.model_file import Trained
from armazem.features.delivery.tables import by_month, markdown, overall
from armazem.features.orders import STAGES

_LIMITS = """\
- It says what past deliveries say. A strike, a new carrier or a new season counts when its first deliveries are known.
- It does not say that shorter promises could be kept: nothing here measures that. `the promise alone` above is wrong by
  days because it is meant to be kept, not to be met.
- It is no alarm: see how many of the top tenth were late before anybody is called.
- It says nothing of who will buy again.
- Intervals of the AUC draw orders one by one. Orders of one week have a cause in common, so the truth is wider.
- Orders that never arrived are not in the figures: nobody knows when they would have.
"""


def card(trained: Trained) -> str:
    """Return the card, every figure of it as measured in `trained.evaluation`."""
    found = trained.evaluation
    sizes = ", ".join(f"{trained.stages[stage].trained_on:,} at {stage}" for stage in STAGES)
    features = ", ".join(f"{len(trained.stages[stage].names)} at {stage}" for stage in STAGES)
    judged = ", ".join(
        f"{of.orders:,} at {stage}, {of.late_share:.1%} of them late, {found.left_out[stage]:,} left out"
        for stage in STAGES
        for of in [found.of(stage, "base_rate")]
    ).replace("%", " %")
    return f"""\
# Delivery times: model of build {trained.build}

LightGBM on the logarithm of the time that is left until an order arrives, at its purchase and when the carrier has it.
The errors of what arrived in the last {CALIBRATION.astype(int)} days make of that an interval, and the probability that
the promise is broken: the share of errors that would go beyond it, recalibrated on what came of those orders. The
promise itself is not a feature.

| | |
|---|---|
| Version | {trained.build}, known until {trained.known_until} |
| Deliveries trained on | {sizes} |
| Features | {features}; fingerprint {trained.fingerprint[:16]} |
| Library | LightGBM {trained.library}, {ROUNDS} rounds, {PARAMETERS["num_leaves"]} leaves, one thread |
| Judged on | orders of {found.first} to {found.last} that were delivered: {judged} |

## How good it is

Measured by walking forward: orders of a month are predicted by a model of what was known at the midnight that began
it. The figures are of such models, not of the one in this folder, which knows more.

{markdown(overall(found))}
AUC: how often an order that became late stood above one that did not, by the risk; 0.5 is chance. `top 10 %`: the share
of late orders among those with the highest risk. `Brier`: mean square error of the probability, less is better; `cal.
error`: how far probabilities and shares of late orders are apart. `in band`: of the 80 % that are meant to be. A way to
predict that says no such thing has no figure.

{_compared(trained)}
## By month

{markdown(by_month(found))}
## What it must not be used for

{_LIMITS}
## Features

What an order says when it is placed, and what was known at the midnight that begins the day of the stage:

{", ".join(f"`{name}`" for name in trained.stages["handover"].names)}

{len(VECTORS)} of them are described by `armazem features list`.
"""


def _compared(trained: Trained) -> str:
    """Where the model is better and where it is worse than what costs nothing, by the figures."""
    found = trained.evaluation
    lines = []
    for stage in STAGES:
        model = found.of(stage, "lightgbm")
        for other, name in (("base_rate", "the base rate"), ("sql", "SQL")):
            against = found.of(stage, other)
            told = [
                f"{label} {mine:{form}} against {theirs:{form}}, {_verdict(mine, theirs, more)}"
                for label, mine, theirs, form, more in (
                    ("AUC", model.auc, against.auc, ".3f", True),
                    ("Brier", model.brier, against.brier, ".4f", False),
                    ("MAE", model.mae_days, against.mae_days, ".2f", False),
                )
                if mine is not None and theirs is not None
            ]
            lines.append(f"- At {stage}, beside {name}: {'; '.join(told)}.")
    return "\n".join(lines) + "\n"


def _verdict(mine: float, theirs: float, more_is_better: bool) -> str:
    if mine == theirs:
        return "the same"
    return "better" if (mine > theirs) == more_is_better else "worse"
