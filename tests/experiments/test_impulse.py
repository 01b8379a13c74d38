"""Impulse responses: what the runs of a probe hold, and what is made of them."""

import json
import math

import numpy as np
import pytest

import sim
from sim.errors import ScenarioError
from sim.experiments import cases, impulse, mids, resilience
from sim.metrics.paired import mean_interval
from sim.recorder import near_usd
from tests.experiments.inline import inline
from tests.experiments.test_sweep import shoal
from tests.market.small import market_of

SMALL = {"duration": "3min", "leveraged.accounts": 200}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> impulse.Impulse:
    return impulse.impulse(
        "calm_btc", (0.1, 0.5), 10, set=SMALL, at_s=60.0, horizon_s=100.0, out=tmp_path_factory.mktemp("impulse"),
        lanes=lambda: [inline()],
    )  # fmt: skip


def test_the_mids_are_those_of_the_series(found):
    base = sim.load("calm_btc", set=SMALL).run(3).series["perp_mid_usd"].to_numpy()
    shock = {"kind": "flow", "at": "1min", "over": "1s", "side": "sell", "notional": f"${0.5 * found.depth_usd:.0f}"}
    probed = sim.load("calm_btc", set={**SMALL, "shocks": [shock]}).run(3).series["perp_mid_usd"].to_numpy()
    rows = (60 + found.after_s).astype(int)
    assert found.after_s[:4].tolist() == [0.0, 1.0, 2.0, 3.0] and found.after_s[-1] == 100.0
    without, after = found.paths(0.5)
    assert without[2] == pytest.approx(np.log(base[rows] / base[60]), abs=1e-13)
    assert after[2] == pytest.approx(np.log(probed[rows] / probed[60]), abs=1e-13)
    assert np.array_equal(found._rows(found.point(0.1), [mids.mid_after(0.0)])[:, 0], [
        sim.load("calm_btc", set=SMALL).run(seed).series["perp_mid_usd"][60] for seed in range(1, 11)
    ])  # fmt: skip


def test_a_sale_moves_the_price_down_at_once_and_a_larger_one_further(found):
    small, large = found.curves[0.1], found.curves[0.5]
    assert small.high[0] < 0.0 and large.high[0] < 0.0
    further = mean_interval(found.paths(0.5)[1][:, :2] - found.paths(0.1)[1][:, :2])  # each seed with itself
    assert further[1][1] < 0.0
    assert large.mean[0] > -0.01  # half of what lies within 1 %
    assert small.variance_ratio[-1] > 2.0
    assert found.filled(0.1) == pytest.approx(1.0, abs=1e-3) and found.filled(0.5) == pytest.approx(1.0, abs=1e-3)
    assert large.median_low[0] <= large.median[0] <= large.median_high[0] < 0.0
    assert found.decays[0.5].peak.value <= large.mean[0] and found.decays[0.5].peak.high < 0.0


def test_the_depth_that_is_hit_is_that_of_the_book_at_the_start(found):
    market = sim.load("calm_btc").market(1)
    for book, side, hit in (("perp", "sell", "buy"), ("perp", "buy", "sell"), ("spot", "sell", "buy")):
        wanted = impulse.depth_hit_usd(market.spec, book, side)
        assert near_usd(market, book, hit, 0.01) == pytest.approx(wanted, rel=0.15)
    thin = sim.load("calm_btc", set={"market.depth_scale_visible": 0.4, "market.bid_depth_share": 0.5}).spec
    assert impulse.depth_hit_usd(thin, "perp", "sell") == pytest.approx(0.2 * found.depth_usd)


def test_depth_near_the_mid_is_what_the_recorder_writes():
    market = market_of()
    market.run_until(60.0)
    arrays = market.collect()
    row = arrays.bands[arrays.bands["time_us"] == 60_000_000][0]
    mid = market.view().mid()
    edges = 12  # bands up to 30 bp
    for side, first in (("buy", 0), ("sell", 30)):
        lots = int(row["lots"][first : first + edges].sum())
        assert near_usd(market, "perp", side, 0.003) == pytest.approx(lots * market.lot_coin * mid, rel=1e-12) and lots


def test_a_shorter_duration_changes_nothing_that_happens_until_then():
    whole = sim.load("calm_btc", set=SMALL)
    cut = cases.lasting(whole, 90.0)
    long, short = (case.run(2).series for case in (whole, cut))
    assert len(short) == 91 and short.equals(long.iloc[:91])


def test_the_book_fills_up_again(found):
    time_s, gaps, ends, usd = found.recovered
    assert time_s[0] == 1.0 and gaps["depth"].shape == gaps["price"].shape == (10, time_s.size)
    assert gaps["depth"][:, 0].mean() < -0.1 * usd and gaps["price"][:, 0].mean() < 0.0
    assert ends["depth"].half_life_s.value < 120.0 and usd > 0.0
    market = sim.load("calm_btc", set=SMALL).market(1)
    market.run_until(60.0)
    taken = 0.5 * near_usd(market, "perp", "buy", 0.001)
    arguments = {"book": "perp", "side": "sell", "at_s": 60.0, "share": 0.5, "touch": 0.001, "near": 0.0025}
    run, got = resilience.make(sim.load("calm_btc", set=SMALL), 1, {**arguments, "after_s": [1.0]})
    assert got["probe_usd"] == taken and run.seed == 1
    probe = {"kind": "flow", "at": "60s", "over": "1s", "side": "sell", "notional": f"${taken!r}"}
    probed = sim.load("calm_btc", set={**SMALL, "shocks": [probe]}).run(1).series["perp_mid_usd"][61]
    assert got["price_gap_after_1s_bp"] == pytest.approx(1e4 * math.log(probed / run.series["perp_mid_usd"][61]))


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"sizes": ()}, "sizes"), ({"sizes": (1.0, 1.0)}, "sizes"), ({"sizes": (-1.0,)}, "sizes"),
        ({"side": "up"}, "side"), ({"book": "option"}, "book"), ({"at_s": 60.5}, "at:"), ({"at_s": 0.0}, "at:"),
        ({"over_s": 0.0}, "over"), ({"horizon_s": 121.0}, "horizon"), ({"level": 95.0}, "level"),
    ],
)  # fmt: skip
def test_a_probe_that_cannot_be_is_refused(tmp_path, wrong, told):
    asked = {"sizes": (1.0,), "at_s": 60.0, **wrong}
    with pytest.raises(ScenarioError, match=told):
        impulse.impulse("calm_btc", seeds=2, set=SMALL, out=tmp_path, **asked)
    assert list(tmp_path.iterdir()) == []


def test_the_horizon_is_an_hour_or_a_day_where_the_scenario_lasts():
    def horizon(duration):
        return impulse._checked(
            sim.load("calm_btc", duration=duration).spec, (1.0,), 60.0, 1.0, "sell", "perp", None, 0.9
        )

    assert (horizon("2h"), horizon("31min"), horizon("2d")) == (3600.0, 1800.0, 86400.0)


def test_times_are_recorded_ones():
    times = impulse._times(3600.0, 1.0)
    assert times[:61] == [float(s) for s in range(61)] and times[-1] == 3600.0
    assert {300.0, 900.0, 1800.0} <= set(times) and len(times) < 110 and times == sorted(set(times))
    assert impulse._times(50.0, 20.0) == [0.0, 20.0, 40.0] and set(np.diff(impulse._times(86400.0, 60.0)) % 60) == {0.0}


def test_files_and_words(found, tmp_path):
    place = found.save(tmp_path / "saved")
    names = {p.name for p in place.iterdir()}
    assert {"responses.csv", "responses.parquet", "responses.units.csv", "responses.tex", "response.png"} <= names
    assert {"resilience.svg", "impulse.json"} <= names
    held = json.loads((place / "impulse.json").read_text())
    assert set(held["sizes"]) == {"0.1", "0.5"} and held["resilience"]["seeds"] == 10
    assert len(held["responses"]) == 2 * (found.after_s.size - 1)
    told = str(found)
    assert "variance of the response between unpaired seeds" in told and "half of it is back" in told
    assert "the same, median" in told and "nobody answers within a tick (1 s)" in told
    again = {p.name: p.read_bytes() for p in place.iterdir()}
    found.save(place)
    assert {p.name: p.read_bytes() for p in place.iterdir()} == again


def test_the_command(tmp_path):
    words = ["impulse", "calm_btc", "--set", "duration=2min", "--set", "leveraged.accounts=200", "--at", "1min"]
    words += ["--size", "0.2", "--seeds", 2, "--horizon", "10s", "--out", tmp_path, "--workers", 1]
    told = json.loads(shoal(*words, "--json", "--no-figures", "--no-resilience"))
    assert told["sizes"]["0.2"]["peak"][0] < 0.0 and told["responses"][0]["after_s"] == 1.0
    shoal("impulse", "calm_btc", "--at", "soon", code=2)
    shoal("impulse", "calm_btc", "--size", "big", code=2)
