"""A model trained on a generated shop: the same from the same, refused where features differ, its card as measured."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pytest
from golden import base_of_run, made_once
from warehouse.shop import Shop

from armazem.errors import FeatureError
from armazem.features.delivery import frames as delivery_frames
from armazem.features.delivery.frames import Frames
from armazem.features.delivery.model import LOWER, UPPER, Model, train
from armazem.features.delivery.model_card import card
from armazem.features.delivery.model_file import CARD, MODEL, Trained, content_of, read
from armazem.features.delivery.open_orders import predict_open
from armazem.features.delivery.tables import overall

from .delivery_shop import built, frames_of, write_orders

pytest.importorskip("lightgbm", reason="the extra ml is not installed", exc_type=ImportError)

ORDERS = 3000
CUT = np.datetime64("2018-06-01", "us")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """A shop with a trained model in its home. Not to be changed."""
    base = base_of_run(tmp_path_factory) / "trained"

    def make(folder: Path) -> None:
        shop = built(folder, write_orders(base / "files", ORDERS))
        trained = shop.armazem("features", "train", "--months", "2")
        assert trained.code == 0, trained.err

    return Shop(made_once(base / "home", make))


@pytest.fixture(scope="module")
def frames(shop: Shop) -> Frames:
    return frames_of(shop)


@pytest.fixture
def trained(shop: Shop) -> Trained:
    return read(shop.home.delivery_model)


@pytest.fixture(scope="module")
def model(frames: Frames) -> Model:
    return train(frames.of["purchase"], CUT)


def test_the_same_version_gives_the_same_bytes(shop: Shop, tmp_path: Path) -> None:
    again = shop.armazem("features", "train", "--months", "2", "--out", tmp_path)
    assert again.code == 0, again.err
    for name in (MODEL, CARD):
        assert (tmp_path / name).read_bytes() == (shop.home.delivery_model / name).read_bytes(), name


def test_a_model_that_was_read_predicts_as_the_one_that_was_written(trained: Trained, frames: Frames) -> None:
    frame = frames.of["purchase"]
    fresh = train(frame, frames.until).predict(frame)
    kept = trained.stages["purchase"].predict(frame)
    assert np.array_equal(fresh.probability, kept.probability, equal_nan=True)
    assert np.array_equal(fresh.expected, kept.expected, equal_nan=True)
    assert content_of(trained) == content_of(replace(trained))


def test_a_model_knows_nothing_of_what_came_after_its_moment(frames: Frames, model: Model) -> None:
    frame = frames.of["purchase"]
    after = (frame.arrived >= CUT) | np.isnat(frame.arrived)
    other = np.where(after, np.maximum(frame.scored_at, CUT) + np.timedelta64(3, "D"), frame.arrived)
    changed = train(replace(frame, arrived=other), CUT)
    assert (after & (frame.scored_at < CUT)).any()
    assert (changed.booster, changed.intercept, changed.slope) == (model.booster, model.intercept, model.slope)
    assert np.array_equal(changed.errors, model.errors)


def test_the_promise_moves_the_probability_and_not_the_time(frames: Frames, model: Model) -> None:
    frame = frames.of["purchase"]
    shorter = replace(frame, promise_passed=frame.promise_passed - np.timedelta64(5, "D"))
    plain, hurried = model.predict(frame), model.predict(shorter)
    assert np.array_equal(plain.expected, hurried.expected)
    told = ~np.isnan(plain.risk)
    assert (hurried.risk[told] >= plain.risk[told]).all()
    assert hurried.risk[told].mean() > plain.risk[told].mean()


def test_risks_and_intervals_are_those_of_the_errors(frames: Frames, model: Model) -> None:
    frame = frames.of["purchase"]
    said = model.predict(frame)
    centre = np.log(said.expected) - np.median(model.errors)
    for place in np.flatnonzero(~np.isnan(frame.limit) & (frame.limit > 0))[::97]:
        times = np.exp(centre[place] + model.errors)
        late = times >= frame.limit[place]
        near = np.isclose(times, frame.limit[place], rtol=1e-9).sum()
        assert said.risk[place] == pytest.approx(late.mean(), abs=(near + 0.5) / len(times))
        assert said.lower[place] == pytest.approx(np.quantile(times, LOWER), rel=0.01)
        assert said.upper[place] == pytest.approx(np.quantile(times, UPPER), rel=0.01)


def test_who_has_waited_is_compared_with_those_who_waited_as_long(frames: Frames, model: Model) -> None:
    frame = frames.of["purchase"]
    waited = np.full(len(frame), 9.0)
    at_once, later = model.predict(frame), model.predict(frame, waited)
    assert (later.expected[~np.isnan(later.expected)] >= 9).all()
    assert (later.lower[~np.isnan(later.lower)] >= 9).all()
    still = frame.limit > 9
    assert (later.risk[still] >= at_once.risk[still]).all()
    assert (later.risk[frame.limit <= 9] == 1).all()


def test_the_card_has_the_figures_that_were_measured(shop: Shop, trained: Trained) -> None:
    text = (shop.home.delivery_model / CARD).read_text(encoding="utf-8")
    assert text == card(trained)
    measured = json.loads(shop.armazem("features", "evaluate", "--model", "--months", "2", "--format", "json").out)
    assert measured == trained.evaluation.as_json()
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("| ")]
    for row in overall(trained.evaluation).rows:
        assert [str(cell) for cell in row] in rows
    for stage in ("purchase", "handover"):
        scores = trained.evaluation.of(stage, "lightgbm")
        assert f"| {stage} | LightGBM | {scores.auc:.3f} [{scores.auc_low:.3f}, {scores.auc_high:.3f}] |" in text
        assert f"{trained.stages[stage].trained_on:,} at {stage}" in text


def test_the_card_says_better_and_worse_as_the_figures_are(trained: Trained) -> None:
    told = re.findall(r"(?:AUC|Brier|MAE) ([\d.]+) against ([\d.]+), (better|worse)", card(trained))
    assert told
    found = trained.evaluation
    better = found.of("purchase", "lightgbm").auc > found.of("purchase", "sql").auc  # type: ignore[operator]
    line = next(one for one in card(trained).splitlines() if one.startswith("- At purchase, beside SQL"))
    assert re.search(r"AUC [\d.]+ against [\d.]+, (\w+)", line)[1] == ("better" if better else "worse")  # type: ignore[index]


def test_open_orders_are_predicted_once_each(shop: Shop, trained: Trained, frames: Frames, tmp_path: Path) -> None:
    out = tmp_path / "open.csv"
    answer = shop.armazem("features", "predict", "--out", out)
    assert answer.code == 0, answer.err
    found = pacsv.read_csv(out)
    orders = {row["order_id"]: row for row in shop.rows("marts.fact_orders")}
    waiting = {
        order
        for order, row in orders.items()
        if row["order_delivered_customer_date"] is None
        and row["order_status"] not in ("delivered", "canceled", "unavailable")
    }
    assert sorted(found["order_id"].to_pylist()) == sorted(waiting)
    assert found.num_rows == predict_open(trained, frames).num_rows
    for order, stage in zip(found["order_id"].to_pylist(), found["stage"].to_pylist(), strict=True):
        assert (stage == "handover") == (orders[order]["order_delivered_carrier_date"] is not None)
    chances = found["late_probability"].drop_null().to_pylist()
    assert chances == sorted(chances, reverse=True)
    assert all(0 <= chance <= 1 for chance in chances)


def test_a_model_of_other_features_is_refused(shop: Shop, trained: Trained, frames: Frames, tmp_path: Path) -> None:
    (tmp_path / MODEL).write_bytes(content_of(replace(trained, fingerprint="0" * 64)))
    refused = shop.armazem("features", "predict", "--model", tmp_path)
    assert refused.code == 1
    assert "trained on features" in refused.err
    assert "armazem features train" in refused.err
    assert not refused.out


def test_a_warehouse_built_by_other_models_refuses_the_model_until_it_is_trained_again(
    shop: Shop, trained: Trained, frames: Frames, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Shop(tmp_path / "home")
    shutil.copytree(shop.path, other.path, symlinks=True)
    same = frames_of(other)
    trained.check(same)
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "sellers_seen.sql").write_text("select seller_id from {{ ref('dim_sellers') }}\n")
    monkeypatch.setenv("ARMAZEM_MODELS", str(tmp_path / "own"))
    assert other.armazem("build").code == 0
    refused = other.armazem("features", "predict")
    assert refused.code == 1
    assert f"features of build {shop.current}, those of build {other.current} are defined otherwise" in refused.err
    assert not refused.out
    assert other.armazem("features", "train", "--months", "1").code == 0
    assert other.armazem("features", "predict").code == 0


def test_an_order_handed_over_after_the_newest_day_is_at_its_purchase(trained: Trained, frames: Frames) -> None:
    found = predict_open(trained, frames)
    order = found.filter(pc.equal(found["stage"], "handover"))["order_id"][0]
    handover = frames.of["handover"]
    later = handover.scored_at.copy()
    later[pc.index(handover.order_ids, order).as_py()] = frames.until + np.timedelta64(3, "h")
    changed = predict_open(trained, replace(frames, of={**frames.of, "handover": replace(handover, scored_at=later)}))
    assert changed.num_rows == found.num_rows
    assert changed.filter(pc.equal(changed["order_id"], order))["stage"].to_pylist() == ["purchase"]


_SAID = "is no model of armazem, or is damaged → train it again: `armazem features train`"


@pytest.mark.parametrize(
    "content", ["", "{}", "[]", "null", "[" * 100_000, '{"format": 99}', '{"format": 1, "build": "b"}', "\ud800"]
)
def test_what_is_no_model_is_refused(shop: Shop, tmp_path: Path, content: str) -> None:
    (tmp_path / MODEL).write_text(content, encoding="utf-8", errors="surrogatepass")
    refused = shop.armazem("features", "predict", "--model", tmp_path)
    assert refused.code == 1
    said = "has format 99, this armazem reads 1 → train it again" if "99" in content else _SAID
    assert said in " ".join(refused.err.split())


def _damaged(trained: Trained) -> Iterator[bytes]:
    """Files that are nearly a model: cut off, with a booster cut off, a digit changed, of other types, of one stage."""
    content = content_of(trained)
    yield content[: len(content) // 2]
    for change in (
        lambda found: found["stages"]["purchase"].update(booster=found["stages"]["purchase"]["booster"][:2000]),
        lambda found: found["stages"]["purchase"].update(slope=found["stages"]["purchase"]["slope"] + 1),
        lambda found: found.pop("sha256"),
    ):
        found = json.loads(content)
        change(found)
        yield json.dumps(found).encode()
    # With the right sum: written by something else.
    for change in (
        lambda found: found["stages"].pop("handover"),
        lambda found: found["stages"]["purchase"].update(errors=[]),
        lambda found: found["stages"]["purchase"].update(intercept="0"),
        lambda found: found.update(stages=[]),
        lambda found: found["evaluation"].update(lines=None),
    ):
        found = json.loads(content)
        del found["sha256"]
        change(found)
        text = json.dumps(found, ensure_ascii=False, indent=1).encode()
        yield json.dumps({**found, "sha256": hashlib.sha256(text).hexdigest()}).encode()


def test_a_damaged_model_is_refused_before_it_is_used(trained: Trained, tmp_path: Path) -> None:
    (tmp_path / MODEL).write_bytes(content_of(trained))
    assert content_of(read(tmp_path)) == content_of(trained)
    for content in _damaged(trained):
        (tmp_path / MODEL).write_bytes(content)
        with pytest.raises(FeatureError, match="is no model of armazem, or is damaged") as refused:
            read(tmp_path)
        assert refused.value.hint == "train it again: `armazem features train`"


def test_without_a_model_it_says_how_to_make_one(shop: Shop, tmp_path: Path) -> None:
    refused = shop.armazem("features", "predict", "--model", tmp_path / "none")
    assert refused.code == 1
    assert "there is no model" in refused.err
    assert "armazem features train" in refused.err


def test_where_no_model_can_be_written_is_said_before_the_work(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def work(*_: object) -> None:
        raise AssertionError("it has begun")

    monkeypatch.setattr(delivery_frames, "read_frames", work)
    (tmp_path / "file").write_text("dear to me")
    for out in ("file", "file/below"):
        refused = shop.armazem("features", "train", "--out", tmp_path / out)
        assert refused.code == 1
        assert "is a file → name a folder" in " ".join(refused.err.split())
    may = os.access
    monkeypatch.setattr(os, "access", lambda place, mode: place != tmp_path and may(place, mode))
    refused = shop.armazem("features", "train", "--out", tmp_path / "new" / "folder")
    assert refused.code == 1
    assert "it is not permitted → name another folder" in " ".join(refused.err.split())
    assert not (tmp_path / "new").exists()


def test_too_few_deliveries_are_refused(frames: Frames) -> None:
    with pytest.raises(FeatureError, match="needs 200 of each"):
        train(frames.of["handover"], np.datetime64("2017-01-15", "us"))


@pytest.mark.parametrize("command", [("train",), ("evaluate", "--model"), ("predict",)])
def test_without_the_extra_it_says_what_to_install(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    monkeypatch.setitem(sys.modules, "lightgbm", None)
    refused = shop.armazem("features", *command)
    assert refused.code == 1
    assert "needs lightgbm, which is not installed" in refused.err
    assert 'pip install "armazem[ml]"' in refused.err
