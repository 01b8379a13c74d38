"""``shoal export shocks``: factors read off one run, the medoid seed, the tidy table."""

import json
import math

import numpy as np
import pytest
from typer.testing import CliRunner

from sim.cli.app import app
from sim.errors import DataError
from sim.metrics.amplification import CUT
from sim.report import risk_shocks
from sim.risk.factors import FACTORS, factors_at, key_of, realised
from sim.risk.runs import How
from sim.risk.shocks import COLUMNS, medoid, scales, shocks
from sim.runner import Scenario
from tests.experiments.inline import inline
from tests.network.small import spec_of
from tests.risk.small import market

OFFSETS = {"30s": 30.0, "1m": 60.0, "3m": 180.0}


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    how = How(tmp_path_factory.mktemp("shocks"), lanes=lambda: [inline(None)])
    return shocks(market(), since="100s", offsets=OFFSETS, seeds=3, how=how)


def test_factors_are_those_of_the_run(found):
    run = market().run(1)
    series = run.series.set_index("elapsed_s")
    then, now = series.loc[100.0], series.loc[280.0]
    row = found.runs[found.runs["seed"] == 1].iloc[0]

    def told(factor):
        return row[key_of("", factor, 180.0)]

    assert told("spot") == now["spot_mid_usd"] / then["spot_mid_usd"] - 1.0 < -0.03
    assert told("mark") == now["mark_usd"] / then["mark_usd"] - 1.0
    assert told("basis") == now["mark_usd"] / now["index_usd"] - 1.0
    assert told("oi") == now["open_interest_btc"] / then["open_interest_btc"] - 1.0
    both = [r["depth_bid_1pct_usd"] + r["depth_ask_1pct_usd"] for r in (then, now)]
    assert told("depth") == both[1] / both[0] - 1.0
    assert told("spread") == pytest.approx(series["perp_spread_bp"].loc[221.0:280.0].mean() / 1e4)


def test_a_volatility_by_hand():
    """Returns of 1 % and -1 % a minute: root of 2 x 0.01^2 over two minutes, times the root of 1,440 minutes a day."""
    time_s = np.array([0.0, 60.0, 120.0])
    price = 100.0 * np.exp([0.0, 0.01, 0.0])
    assert realised(time_s, price, 0.0, 120.0) == pytest.approx(0.01 * math.sqrt(1440))
    assert math.isnan(realised(time_s, price, 60.0, 60.0))


def test_what_a_listing_does_not_have_is_empty():
    time_s = np.array([0.0, 60.0])
    table = {n: np.array([1.0, 2.0]) for n in ("mark_usd", "index_usd", "funding_rate_frac", "open_interest_btc",
             "perp_spread_bp", "depth_bid_1pct_usd", "depth_ask_1pct_usd", "perp_mid_usd")}  # fmt: skip
    table |= {"elapsed_s": time_s, "spot_mid_usd": np.full(2, np.nan), "open_interest_btc": np.zeros(2)}
    got = factors_at(table, 0.0, 60.0)
    assert math.isnan(got["spot"]) and math.isnan(got["oi"]) and got["mark"] == 1.0


def test_the_medoid_is_the_nearest_to_all():
    numbers = np.array([[0.0, 5.0, 1.0], [1.0, 5.0, np.nan], [1.2, 5.0, 2.0], [9.0, 5.0, 3.0]])
    scale = scales(numbers)
    assert np.isnan(scale[1:]).all()  # one never differs, one is not known in each
    assert medoid(numbers, scale) == 1 and medoid(numbers[[3, 1]], scale) == 0


def test_all_values_of_an_outcome_are_of_one_run(found):
    hit = dict(zip(found.runs["seed"], found.runs["second_round"] > CUT, strict=True))
    for outcome, seed in found.medoids.items():
        assert hit[seed] == (outcome == "cascade")
        mine = found.table[found.table["outcome"] == outcome]
        assert set(mine["seed"]) == {seed} and (mine["n"] <= sum(v == hit[seed] for v in hit.values())).all()
        row = found.runs[found.runs["seed"] == seed].iloc[0]
        for _, shock in mine.iterrows():
            value = row[key_of("", shock["factor"], shock["offset_s"])]
            assert shock["value"] == value or math.isnan(value)
            assert shock["low"] <= shock["value"] <= shock["high"] or math.isnan(value)
    assert len(found.table) == len(found.medoids) * len(FACTORS) * len(OFFSETS)


def test_files_and_words(found):
    assert tuple(found.table.columns) == tuple(COLUMNS)
    place = found.save()
    assert {p.name for p in place.iterdir()} >= {f"shocks.{e}" for e in ("parquet", "csv", "units.csv", "svg", "png")}
    assert (place / "shocks.csv").read_text().splitlines()[1].startswith('"calm_btc","')
    assert "medoid seed" in risk_shocks.text(found)


def test_listings_of_a_network_have_asset_and_venue(tmp_path):
    listings = {"btc_a": {"asset": "btc", "exchange": "a"}, "eth_b": {"asset": "eth", "exchange": "b"}}
    spec = spec_of(tmp_path, listings, duration="90s")
    how = How(tmp_path, lanes=lambda: [inline(None)])
    table = shocks(Scenario(spec), offsets={"1m": 60.0}, seeds=1, how=how).table
    assert set(zip(table["asset"], table["venue"], table["listing"], strict=True)) == {
        ("btc", "a", "btc_a"), ("eth", "b", "eth_b"),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("more", "why"),
    [({"since": "1h"}, "no offset fits"), ({"offsets": {"1h": 3600.0}}, "offset 1h: above 0, and 360 s are left")],
)
def test_a_bad_question_is_refused(tmp_path, more, why):
    with pytest.raises(DataError, match=why):
        shocks(market(), seeds=1, how=How(tmp_path), **more)


def test_the_command_answers(tmp_path):
    words = ["export", "shocks", "calm_btc", "--set", "duration=90s", "--set", "leveraged.accounts=100", "--seeds", "1"]
    done = CliRunner().invoke(app, [*words, "--workers", "1", "--out", str(tmp_path), "--json"])
    assert done.exit_code == 0, done.output
    assert {row["offset"] for row in json.loads(done.stdout)["rows"]} == {"1m"}
