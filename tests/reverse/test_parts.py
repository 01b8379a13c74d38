"""Parts of ``reverse``: lengths of changes, the rule, outcomes, presets, the measure of a level, the command."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from sim.cli.app import app
from sim.experiments.cases import differences
from sim.experiments.shock_axis import deterministic_news
from sim.reverse.asking import WithSale, ask
from sim.reverse.outcome import outcome_of
from sim.reverse.presets import toward
from sim.reverse.prim import box_of, peel, rule
from sim.reverse.reach import MEASURE
from sim.reverse.space import space_of
from sim.runner import load
from sim.sensitivity.factors import HERE, factors_of

CALM = load("calm_btc").spec


def test_changes_are_measured_in_the_scales_given():
    factors = factors_of(CALM, ["depth=0.25..1", "shock=2%..10%", "market.bid_depth_share=50%..100%"])
    space = space_of(factors, {"depth": "x2", "shock": "5%"})
    assert space.factors[1].low == 0.0  # no shock is where it starts
    assert space.lengths((0.5, 0.05, 0.75)) == pytest.approx([-1.0, 1.0, -0.5])
    assert space.values(np.array([-2.0, 2.0, -1.0])) == pytest.approx((0.25, 0.1, 0.5))
    low, high = space.ends
    assert low == pytest.approx([-2.0, 0.0, -1.0]) and high == pytest.approx([0.0, 2.0, 0.0])
    z = np.array([-1.0, 0.5, -0.25])
    assert space.from_cube(space.cube(z)) == pytest.approx(z)
    assert space.reach(np.array([-0.6, 0.8, 0.0])) == pytest.approx(2.5)  # the shock ends first


def test_prim_finds_a_planted_box():
    x = np.random.default_rng(5).random((3000, 3))
    y = ((x[:, 0] > 0.6) & (x[:, 1] < 0.5)).astype(np.float64)
    box = rule(x, y)
    assert box is not None and box.density >= 0.9 and box.coverage >= 0.8
    assert box.low == pytest.approx([0.6, 0.0, 0.0], abs=0.06) and box.high == pytest.approx([1.0, 0.5, 1.0], abs=0.06)
    assert box.high[2] == 1.0 and box.low[2] == 0.0  # the third does nothing: no limit
    noisy = np.where(np.random.default_rng(6).random(3000) < 0.1, 1.0 - y, y)
    found = rule(x, noisy)
    assert (
        found is not None
        and found.low[0] == pytest.approx(0.6, abs=0.1)
        and found.high[1] == pytest.approx(0.5, abs=0.1)
    )


def test_each_peel_is_the_best_and_its_numbers_are_those_of_the_points():
    x = np.random.default_rng(7).random((400, 2))
    y = (x.sum(1) > 1.2).astype(np.float64)
    trail = peel(x, y)
    assert trail[0].density == y.mean() and trail[0].coverage == 1.0 and trail[0].mass == 1.0
    assert all(b.density >= a.density - 1e-12 and b.mass < a.mass for a, b in zip(trail, trail[1:], strict=False))
    for box in trail:
        inside = box.holds(x)
        assert box.density == y[inside].mean() and box.coverage == y[inside].sum() / y.sum()
        assert box == box_of(x, y, box.low, box.high) or box.mass == inside.mean()
    assert rule(x, np.zeros(400)) is None and rule(x, np.ones(400)) is None


@pytest.mark.parametrize(
    ("text", "row", "hit"),
    [
        ("cascade", {"second_round": 0.021}, 1.0),
        ("cascade", {"second_round": 0.02}, 0.0),
        ("cascade", {"second_round": None}, math.nan),
        ("fund_gone", {"fund_least_usd": -1.0}, 1.0),
        ("fund_gone", {"fund_least_usd": 0.0}, 0.0),
        ("bad_debt", {"deficit_most_usd": 1.0}, 1.0),
        ("bad_debt>$10m", {"deficit_most_usd": 9e6}, 0.0),
        ("drawdown>20%", {"max_drawdown": -0.21}, 1.0),
        ("drawdown > 20%", {"max_drawdown": -0.19}, 0.0),
        ("price>$120k", {"reached": 1.0}, 1.0),
        ("oi_change<-0.1", {"oi_change": -0.2}, 1.0),
        ("forced_sell_usd>1e9", {"forced_sell_usd": 9e8}, 0.0),
    ],
)
def test_outcomes(text: str, row: dict[str, Any], hit: float):
    assert outcome_of(CALM, text).hit(row, None) == pytest.approx(hit, nan_ok=True)


def test_a_named_assumption_and_its_sale(tmp_path: Path):
    spec = load("assumptions_example", set={"leveraged.accounts": 200}).spec
    sale = next(t for t in spec.assumptions.tests if t.kind == "exit_cost")
    plain = next(t for t in spec.assumptions.tests if t.kind == "depth")
    assert outcome_of(spec, f"assumption:{plain.name}").sale is None
    outcome = outcome_of(spec, f"assumption:{sale.name}")
    factors = space_of(factors_of(spec, ["depth=0.3..1"]), {}).factors
    asked = WithSale("reverse", spec, factors, tmp_path, outcome.measure, HERE)
    asked.sale = outcome.sale
    without, with_it = asked.scenario((0.5,)).spec, asked.scenario((0.5, 1.0)).spec
    assert len(with_it.shocks) == len(without.shocks) + 1 and with_it.market.depth_scale_visible == 0.5
    key = str(outcome.sale["key"])  # type: ignore[index]
    asked_points: list[Any] = []

    def make(wanted: Any, **_how: Any) -> None:
        asked_points.extend(wanted)

    def rows() -> Any:
        ends = dict.fromkeys(("news_left_s", "no_floor_s", "fund_gone_s"), math.nan)
        before = {f"{key}_arrival_usd": 100.0, f"{key}_twin_usd": 100.0}
        return {
            (0.5,): {s: {**ends, **before} for s in (1, 2, 3)},
            (0.5, 1.0): {1: {**ends, f"{key}_sale_usd": 99.999, f"{key}_filled": 1.0},
                         2: {**ends, f"{key}_sale_usd": 50.0, f"{key}_filled": 1.0}},
        }  # fmt: skip

    asked.make, asked.rows = make, rows  # type: ignore[method-assign]
    assert ask(asked, outcome, [(0.5,)], [1, 2, 3]) == {(0.5,): {1: 0.0, 2: 1.0}}  # seed 3 has no sale yet
    assert asked_points == [([(0.5,), (0.5, 1.0)], [1, 2, 3])]


def test_november_differs_in_two_settings_and_the_squeeze_is_the_mirror():
    october = load("flash_10_11_btc")
    two = {"market.open_interest", "market.depth_scale_visible"}
    assert {d.path for d in differences(october, load("safer_november"))} == two
    alone = [differences(october, load(f"safer_november_{name}")) for name in ("leverage", "depth")]
    assert [[d.path for d in one] for one in alone] == [["market.open_interest"], ["market.depth_scale_visible"]]
    up, down = (deterministic_news(load("squeeze", set={"news.scale": s}).spec)[1] for s in (-5.165, 5.165))
    assert up == pytest.approx(-down) and up.max() == pytest.approx(-math.log(0.93), rel=1e-3)


def test_the_way_back_raises_what_the_scenario_has():
    spec = load("aftermath_10_11").spec
    inputs = [text.partition("=")[0] for text in toward(spec, "recovery")]
    assert inputs == ["etf.rule.constant", "dat.claims.preferred_a_week", "stablecoins.drift", "depth"]
    space = space_of(factors_of(spec, toward(spec, "recovery")), {})
    low, high = space.ends
    assert (low == 0.0).all() and high == pytest.approx(np.ones(4))
    assert [t.partition("=")[0] for t in toward(CALM, "recovery")] == ["depth"]


def test_a_level_is_reached_once_and_the_run_ends_there():
    changes = {"leveraged.accounts": 200, "clock.slow_tick": "60s", "record_every": "60s", "duration": "6h"}
    shocks = [{"kind": "news_move", "at": "90min", "over": "10min", "move": "4%"}]
    scenario = load("calm_btc", set={**changes, "shocks": shocks})
    level = {"kind": "reach", "way": "above", "from_s": 0.0}
    run, found = MEASURE.make(scenario, 1, {**level, "level_usd": 119_000.0})
    assert found["reached"] == 1.0 and 5400.0 < found["reached_s"] < 7200.0
    assert run.series["elapsed_s"].iloc[-1] < 3 * 3600.0  # it was looked at each hour
    whole, missed = MEASURE.make(scenario, 1, {**level, "level_usd": 200_000.0})
    assert missed["reached"] == 0.0 and math.isnan(missed["reached_s"])
    assert whole.series["elapsed_s"].iloc[-1] == 6 * 3600.0
    assert MEASURE.make(scenario, 1, {**level, "level_usd": 130_000.0, "way": "below", "from_s": 7200.0})[1] == {
        "reached": 1.0, "reached_s": 7200.0,
    }  # fmt: skip


def test_a_tiny_market_by_the_command(tmp_path: Path):
    words = f"reverse calm_btc --set leveraged.accounts=200 --vary shock=0..10% --out {tmp_path} --workers 1".split()
    words += "--outcome drawdown>4% --horizon 2min --at 20s --over 20s --seeds 2 --most-seeds 8 --fresh 8".split()
    done = CliRunner().invoke(app, [*words, "--json"])
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    (row,) = told["rows"]
    assert 0.02 < row["to"] < 0.06 and row["kind"] == "breach" and row["seeds"] == 8
    assert {file.name for file in Path(told["folder"]).iterdir()} == {
        "reverse.csv", "reverse.parquet", "reverse.svg", "units.csv",
    }  # fmt: skip
    again = CliRunner().invoke(app, words)
    assert again.exit_code == 0 and "of 8 fresh seeds" in again.output
