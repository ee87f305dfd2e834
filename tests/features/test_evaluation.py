"""Scores against values computed by hand and by brute force; and that no frame knows anything of later."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import combinations, product
from pathlib import Path

import numpy as np
import pytest
from golden import base_of_run, made_once
from hypothesis import given
from hypothesis import strategies as st
from warehouse.exported import COLUMNS, publish
from warehouse.shop import Shop

from armazem.errors import FeatureError
from armazem.features.delivery import frame as delivery_frame
from armazem.features.delivery import scores
from armazem.features.delivery.evaluation import evaluate
from armazem.features.delivery.frame import FORBIDDEN, Frame, names_of
from armazem.features.delivery.frames import Frames
from armazem.features.delivery.model import recalibrated, recalibration
from armazem.features.delivery.orders import SAID
from armazem.features.delivery.walk import months_to_judge
from armazem.home import Home

from .delivery_shop import as_of, built, frames_of, write_orders

AN_ORDER = "(1, null, null, null, null, null, null, null, '2018-01-01 10:00:00')"
UNTIL = "2018-03-01"

_outcomes = st.lists(st.tuples(st.booleans(), st.integers(0, 4)), min_size=2, max_size=30)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = base_of_run(tmp_path_factory) / "deliveries"
    return made_once(base / "files", lambda folder: write_orders(folder, 600))


@pytest.fixture(scope="module")
def whole(files: Path) -> Shop:
    return Shop(made_once(files.parent / "whole", lambda folder: built(folder, files)))


@pytest.fixture(scope="module")
def frames(whole: Shop) -> Frames:
    return frames_of(whole)


@pytest.fixture(scope="module")
def earlier(files: Path, tmp_path_factory: pytest.TempPathFactory) -> Frames:
    folder = tmp_path_factory.mktemp("earlier")
    return frames_of(built(folder / "home", as_of(files, UNTIL, folder / "files")))


@given(_outcomes)
def test_the_auc_is_the_share_of_pairs_in_the_right_order(outcomes: list[tuple[bool, int]]) -> None:
    late, risk = (np.array(column) for column in zip(*outcomes, strict=True))
    pairs = [(a > b) + (a == b) / 2 for a, b in product(risk[late], risk[~late])]
    assert scores.auc(late, risk) == pytest.approx(np.mean(pairs) if pairs else np.nan, nan_ok=True)


def test_the_interval_is_that_of_orders_drawn_again() -> None:
    random = np.random.default_rng(8)
    late = random.random(200) < 0.2
    risk = np.round(random.random(200) + late * 0.3, 1)
    draws = np.random.default_rng(3)
    found = [scores.auc(late[chosen], risk[chosen]) for chosen in (draws.integers(0, 200, 200) for _ in range(50))]
    expected = tuple(np.quantile(found, [0.025, 0.975]))
    assert scores.auc_interval(late, risk, resamples=50, seed=3) == pytest.approx(expected)


def test_months_count_by_their_orders_and_those_without_a_late_one_not_at_all() -> None:
    late = np.array([1, 0, 1, 0, 0, 0, 0], dtype=bool)
    risk = np.array([0.9, 0.1, 0.1, 0.2, 0.9, 0.5, 0.5])
    months = np.array([1, 1, 2, 2, 2, 3, 3])
    assert scores.auc_of_months(late, risk, months) == pytest.approx((2 * 1.0 + 3 * 0.0) / 5)


@given(_outcomes, st.sampled_from([0.1, 0.25, 0.5]))
def test_precision_at_the_top_is_the_mean_over_all_ways_to_break_ties(
    outcomes: list[tuple[bool, int]], share: float
) -> None:
    late, risk = (np.array(column) for column in zip(*outcomes[:9], strict=True))
    wanted = max(1, int(len(late) * share))
    sums = [sum(risk[list(chosen)]) for chosen in combinations(range(len(late)), wanted)]
    best = [
        np.mean(late[list(chosen)])
        for chosen, total in zip(combinations(range(len(late)), wanted), sums, strict=True)
        if total == max(sums)
    ]
    assert scores.precision_top(late, risk, share) == pytest.approx(np.mean(best))


def test_errors_by_hand() -> None:
    late = np.array([True, False, False, True])
    probability = np.array([0.5, 0.5, 0.0, 1.0])
    assert scores.brier(late, probability) == pytest.approx(0.125)
    # Halves: 0.0 and one of 0.5 are cut at the median of 0.5, so that both 0.5 and the 1.0 are in the upper one.
    assert scores.calibration_error(late, probability, bins=2) == pytest.approx(abs(2 / 3 - 2 / 3) * 0.75 + 0)
    taken, expected = np.array([1.0, 2.0, 6.0]), np.array([2.0, 2.0, 2.0])
    assert scores.mae(taken, expected) == pytest.approx(5 / 3)
    assert scores.rmse(taken, expected) == pytest.approx((17 / 3) ** 0.5)
    assert scores.coverage(taken, np.array([1.0, 2.5, 0.0]), np.array([1.0, 3.0, 6.0])) == pytest.approx(2 / 3)


def test_a_recalibration_brings_the_mean_to_what_came() -> None:
    random = np.random.default_rng(2)
    truth = random.random(20_000) * 0.3
    late = random.random(20_000) < truth
    intercept, slope = recalibration(late, truth / (truth + 3 * (1 - truth)))  # odds a third of what they are
    assert intercept == pytest.approx(np.log(3), abs=0.15)
    assert slope == pytest.approx(1, abs=0.06)
    said = recalibrated(truth / (truth + 3 * (1 - truth)), intercept, slope)
    assert said.mean() == pytest.approx(late.mean(), abs=0.001)


def test_without_outcomes_a_recalibration_changes_nothing() -> None:
    risk = np.array([0.1, 0.4])
    intercept, slope = recalibration(np.array([], dtype=bool), np.array([]))
    assert recalibrated(risk, intercept, slope) == pytest.approx(risk)


def test_no_feature_is_of_the_end_of_an_order_or_of_its_promise(frames: Frames) -> None:
    for frame in frames.of.values():
        names = set(names_of(frame))
        assert not names.intersection(FORBIDDEN)
        outcomes = (frame.left, frame.limit, days_of(frame.arrived), days_of(frame.promise_passed))
        for name, values in frame.numbers.items():
            for outcome in outcomes:
                assert not np.array_equal(values, outcome, equal_nan=True), name


def test_a_feature_that_is_forbidden_makes_no_frame(whole: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery_frame, "SAID", (*SAID, "risk_permille"))
    with pytest.raises(ValueError, match="risk_permille is no feature"):
        frames_of(whole)


def days_of(times: np.ndarray) -> np.ndarray:
    return times.astype("datetime64[D]").astype(float)


@pytest.mark.parametrize("stage", ["purchase", "handover"])
def test_what_comes_later_changes_no_row_of_earlier(stage: str, frames: Frames, earlier: Frames) -> None:
    moment = np.datetime64(UNTIL, "us")
    known, then = frames.of[stage], earlier.of[stage]
    before = known.scored_at < moment
    assert 200 < before.sum() < len(known)
    assert known.order_ids.filter(before).to_pylist() == then.order_ids.to_pylist()
    assert names_of(known) == names_of(then)
    for name, values in known.numbers.items():
        assert np.array_equal(values[before], then.numbers[name], equal_nan=True), name
    for name, texts in known.texts.items():
        assert texts[before].tolist() == then.texts[name].tolist(), name
    # What came of them is not the same: else this would show nothing.
    assert np.isnan(then.left).sum() > np.isnan(known.left[before]).sum()


def test_a_month_is_judged_when_it_is_settled(frames: Frames) -> None:
    frame = frames.of["purchase"]
    found = months_to_judge(frame, frames.until, 3)
    assert len(found) == 3
    # Seen from the middle of the last one, that is not over, and the one before not settled.
    middle = found[-1].astype("datetime64[us]") + np.timedelta64(14, "D")
    assert months_to_judge(as_known_at(frame, middle), middle, 1)[0] < found[-1]
    assert str(months_to_judge(frame, frames.until, 2, "2018-01")[-1]) == "2018-01"
    newest = found[-1]
    for last in ("2010-01", str(newest + 1), "2030-01"):
        with pytest.raises(FeatureError, match=f"{last} is not settled") as refused:
            months_to_judge(frame, frames.until, 2, last)
        assert f"the newest that is settled is {newest}" in refused.value.hint


def test_the_months_told_are_those_that_were_judged(frames: Frames) -> None:
    found = evaluate(frames, with_model=False, months=120)
    months = {line.month for line in found.lines if line.month is not None}
    assert (found.first, found.last) == (min(months), max(months))
    assert len(months_to_judge(frames.of["purchase"], frames.until, 120)) < 40
    frame = frames.of["purchase"]
    nothing = replace(frame, said={name: np.full(len(frame), np.nan) for name in frame.said})
    with pytest.raises(FeatureError, match="has a prediction at purchase"):
        evaluate(replace(frames, of={**frames.of, "purchase": nothing}), with_model=False)


def as_known_at(frame: Frame, moment: np.datetime64) -> Frame:
    """The frame with the arrivals that were known then."""
    return replace(frame, arrived=np.where(frame.arrived < moment, frame.arrived, np.datetime64("NaT", "us")))


def test_the_base_rate_of_a_month_is_of_what_had_arrived_before(frames: Frames) -> None:
    found = evaluate(frames, with_model=False, months=1, last="2018-02")
    frame = frames.of["purchase"]
    begin = np.datetime64("2018-02-01", "us")
    known = frame.arrived < begin
    of_month = (frame.scored_at.astype("datetime64[M]") == np.datetime64("2018-02")) & ~np.isnan(frame.left)
    judged = of_month & ~np.isnan(frame.said["risk_permille"]) & ~np.isnan(frame.limit)
    share = frame.is_late[known].mean()
    assert found.of("purchase", "base_rate").brier == pytest.approx(np.mean((frame.is_late[judged] - share) ** 2))
    assert found.of("purchase", "base_rate").auc == pytest.approx(0.5)
    assert found.of("purchase", "base_rate", "2018-02").orders == judged.sum()


def test_the_command_tells_the_same_in_every_form(whole: Shop) -> None:
    asked = ("features", "evaluate", "--without-model", "--months", "3")
    table, by_month = whole.armazem(*asked), whole.armazem(*asked, "--by-month")
    as_json, as_csv = whole.armazem(*asked, "--format", "json"), whole.armazem(*asked, "--format", "csv")
    assert [answer.code for answer in (table, by_month, as_json, as_csv)] == [0, 0, 0, 0], table.err
    found = json.loads(as_json.out)
    overall = [line for line in found["lines"] if line["month"] is None]
    assert {line["predictor"] for line in overall} == {"promise", "promise_less_surplus", "base_rate", "sql"}
    sql = next(line["scores"] for line in overall if (line["stage"], line["predictor"]) == ("purchase", "sql"))
    assert f"{sql['auc']:.3f} [{sql['auc_low']:.3f}, {sql['auc_high']:.3f}]" in table.out
    assert str(sql["auc"]) in as_csv.out
    assert found["last"] in by_month.out
    assert "with LightGBM" not in table.err


def test_a_shop_without_features_is_told_what_to_do(tmp_path: Path) -> None:
    publish(Home(tmp_path / "home"), columns=f"{COLUMNS}, order_purchase_timestamp timestamp", rows=AN_ORDER)
    refused = Shop(tmp_path / "home").armazem("features", "evaluate", "--without-model")
    assert (refused.code, refused.out) == (1, "")
    assert "the published version has no features → `armazem build` makes them" in " ".join(refused.err.split())
