"""The long experiments, each at its smallest: what they pair, what they count, and what they say of violations."""

import numpy as np
import pytest

from calibration.experiments import crash
from calibration.experiments.common import NEWS, SCALES, run, thresholds


def test_the_grid_has_every_depth_once_and_the_middle_one_only_once():
    settings = crash.depth_settings()
    assert len(settings) == 1 + 3 * (len(SCALES) - 1) + 2
    assert settings["x1"] == ((), 1.0)
    assert settings["both x0.4"] == (("market.depth_scale_visible=0.4", "market.depth_scale_latent=0.4"), 1.0)
    assert settings["visible x0.4, pace kept"] == (("market.depth_scale_visible=0.4",), 2.5)
    assert "market_maker.flow_response=2.5%" in settings["visible x0.4, answer scaled"][0]


def test_the_pace_of_the_engine_scales_with_its_share_of_depth():
    slow, fast = (
        run("calm_btc", ("duration=1s",), 1, pace)[2].state.engine[0]["slice_share_ppm"] for pace in (1.0, 2.5)
    )
    assert (slow, fast) == (250_000, 625_000)


def test_a_larger_sale_costs_more_and_each_is_paired_with_the_run_without():
    costs = crash.flow_job((("leveraged.enabled=false",), 1))
    assert costs[0] < costs[1] < costs[2]
    assert costs[0] > 3.0  # basis points


def test_thresholds_are_those_of_the_longs():
    usd, coins = thresholds("calm_btc", ("duration=60s",), 1)
    assert coins.sum() == pytest.approx(130_000)
    assert (usd < 116_720.0).all()
    series, _, market = run("calm_btc", ("duration=60s",), 1)
    assert len(series["mark_usd"]) == 61
    assert market.time == 60.0


def test_a_thinner_book_that_cascades_less_is_printed(capsys):
    rows = []
    for name in crash.depth_settings():
        for move in NEWS:
            share = 0.9 if name == "x1" else (0.1 if name == "visible x0.65" else 0.9)
            rows.append({"depth": name, "news_pct": move, "cascade_share": share, "cascade_high": share + 0.05,
                         "fall_pct": 3.0 if name == "x1" else 2.95})  # fmt: skip
    crash.violations(rows)
    said = capsys.readouterr().out
    assert said.count("'violation': 'share'") == len(NEWS)
    assert "'violation': 'fall'" not in said


def test_the_base_run_of_one_seed_is_the_same_path_twice():
    found = [run("calm_btc", ("duration=300s", *crash.OFF), 2)[0]["mark_usd"] for _ in range(2)]
    assert (found[0] == found[1]).all()
    assert np.isfinite(found[0]).all()
