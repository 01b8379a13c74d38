"""What makes makers show less, and how they come back: each trigger alone, against the rules of the module."""

import math
from typing import Any

import numpy as np
import pytest

from sim.behaviours.maker_risk import PULLED, WIDE
from sim.market import Market
from tests.market.small import BASE, market_of, merged

ON: dict[str, Any] = {
    "withdrawal": True, "threshold_sigma": 0.0, "never_pull_share": 0.0, "calm_volatility": 1e3, "wide_volatility": 1e4,
    "pull_volatility": 1e4, "pull_loss": "99%", "headline_move": "99%", "cool_down_sigma": 0.0,
}  # fmt: skip
STILL: dict[str, Any] = {
    "market": {"perp_daily_volume": "$0", "spot_daily_volume": "$0"},
    "news": {"noise_per_day": 0.0},
    "leveraged": {"enabled": False},
    "arbitrage": {"enabled": False},
}


def fall(move: str, at: str = "60s", over: str = "10s") -> dict[str, str]:
    return {"kind": "news_move", "at": at, "over": over, "move": move}


def with_makers(settings: dict[str, Any], **over: Any) -> Market:
    """Makers alone, with a fee for taking above the coarse spread of this market: they rest and do not snipe."""
    market = market_of(**merged(STILL, {"market_maker": ON | settings} | over))
    market.state.rules["professional_taker_ppm"] = 500
    return market


def near_bids(market: Market) -> float:
    """Lots that makers rest within 1% of the mid, both books, as the last tick left them."""
    rows = market.collect().series
    return float(rows["bid_1pct_lots"][-1])


def test_a_headline_cuts_near_and_far_and_fades_with_its_half_life():
    cut = {"headline_move": "1%", "headline_near": 0.4, "headline_far": 0.7, "headline_half_life": "10min"}
    market = with_makers(cut, shocks=[fall("-2%")], duration="40m")
    market.run_until(59.0)
    assert market.state.firms["near"] == pytest.approx(1.0, rel=1e-3)
    market.run_until(72.0)
    assert market.state.firms["headline"] == pytest.approx(1.0)
    assert market.state.firms["near"] == pytest.approx(0.4)
    assert market.state.firms["far"] == pytest.approx(0.7, rel=0.02)  # losses take a little too
    market.run_until(60.0 + 10.0 + 300.0 + 600.0)
    assert market.state.firms["headline"] == pytest.approx(0.5, abs=0.01)
    assert market.state.firms["near"] == pytest.approx(0.7, abs=0.02)


def test_a_slow_move_of_the_same_size_is_no_headline():
    market = with_makers({"headline_move": "1%"}, shocks=[fall("-2%", over="30m")], duration="40m")
    market.run_until(2000.0)
    assert (market.state.firms["headline"] == 0.0).all()


def test_volatility_shrinks_near_quotes_by_its_power_and_widens():
    rules = {"calm_volatility": 2.0, "volatility_elasticity": 0.5, "wide_volatility": 3.0}
    market = with_makers(rules, shocks=[fall("-2%")], background={"noise_depth_share": 0.0})
    market.run_until(72.0)
    x = float(market.state.caution[0]["x"])
    market.run_until(73.0)
    firms, seen = market.state.firms, float(market.state.caution[0]["x"])
    assert min(x, seen) > 5.0
    assert firms["near"] == pytest.approx(math.sqrt(2.0 / seen), rel=0.02)
    assert (firms["state"] == WIDE).all()
    market.run_until(90.0)
    rows = market.collect().series
    spread = rows["perp_ask_ticks"] - rows["perp_bid_ticks"]
    assert np.median(spread[80:90]) >= 1.5 * np.median(spread[20:59])


@pytest.mark.parametrize("tick", ["1s", "250ms"])
def test_the_volatility_is_the_larger_of_two_moving_ones_looked_at_once_a_second(tick):
    market = market_of(market_maker={"withdrawal": True}, duration="10m", tick=tick)
    market.run_until(0.0)
    fast = slow = float(market.state.caution[0]["fast"])
    log_mid = math.log(2 * 10_000)
    for second in range(1, 120):
        market.run_until(float(second - 1))
        mid = math.log(int(market.state.price[0]["mid_half_ticks"]))
        market.run_until(float(second))
        if second > 1:  # the first tick has no move behind it
            fast = math.exp(-1 / 60) * fast + (1 - math.exp(-1 / 60)) * (mid - log_mid) ** 2
            slow = math.exp(-1 / 600) * slow + (1 - math.exp(-1 / 600)) * (mid - log_mid) ** 2
            log_mid = mid
            reference = 0.0188 / math.sqrt(86_400)
            got = float(market.state.caution[0]["x"])
            assert got == pytest.approx(math.sqrt(max(fast, slow)) / reference, rel=1e-9)


def test_pulled_firms_leave_far_quotes_and_come_back_after_the_cool_down():
    pulls = {"pull_volatility": 5.0, "cool_down": "2min", "return_time": "4min"}
    market = with_makers(pulls, shocks=[fall("-1%")], background={"noise_depth_share": 0.0}, duration="30m")
    market.run_until(58.0)
    before, far_before = near_bids(market), float(market.collect().series["bid_5pct_lots"][-1]) - near_bids(market)
    market.run_until(80.0)
    assert (market.state.firms["state"] == PULLED).all()
    assert (market.state.firms["near"] == 0.0).all()
    assert near_bids(market) < 0.1 * before
    rows = market.collect().series
    assert rows["bid_5pct_lots"][-1] - rows["bid_1pct_lots"][-1] > 0.7 * far_before
    end_s = float(market.state.firms["until_us"].max()) / 1e6
    while float(market.state.firms["until_us"].max()) / 1e6 != end_s or market.time < end_s:  # a trigger that holds
        end_s = float(market.state.firms["until_us"].max()) / 1e6
        market.run_until(end_s + 1.0)
        end_s = float(market.state.firms["until_us"].max()) / 1e6
    market.run_until(end_s + 120.0)
    assert market.state.firms["near"] == pytest.approx(0.5, abs=0.05)
    market.run_until(end_s + 240.0)
    assert market.state.firms["near"] == pytest.approx(1.0, abs=0.02)


def test_a_firm_that_pulled_shows_less_of_everything_until_it_is_forgotten():
    pulls = {"pull_volatility": 5.0, "cool_down": "1min", "return_time": "1min", "memory_time": "20min"}
    quiet = {"background": {"noise_depth_share": 0.0}, "shocks": [fall("-1%")], "duration": "40m"}
    shown = {}
    for omega in (0.0, 0.3):
        market = with_makers(pulls | {"capital_memory": omega, "never_pull_share": 0.5}, **quiet)
        market.run_until(59.0)
        assert market.state.firms["far"] == pytest.approx(1.0, rel=1e-3)  # nothing to remember yet
        market.run_until(1000.0)
        firms = market.state.firms
        assert (firms["state"] != PULLED).all()
        assert 1 <= (firms["n_pulls"] > 0).sum() < len(firms)
        shown[omega] = firms[["near", "far", "n_pulls", "pulled_us"]].copy()
        market.run_until(60.0 + 1300.0)  # twenty minutes after the last
        shown[omega, "later"] = market.state.firms[["near", "far"]].copy()
    remembers = shown[0.3]["n_pulls"] > 0
    assert (shown[0.3]["pulled_us"][remembers] >= 60_000_000).all()
    for name in ("near", "far"):
        share = shown[0.3][name] / shown[0.0][name]
        assert share[remembers] == pytest.approx(0.7, rel=0.01)
        assert share[~remembers] == pytest.approx(1.0, rel=0.01)
        later = shown[0.3, "later"][name] / shown[0.0, "later"][name]
        assert later == pytest.approx(1.0, rel=0.01)


def test_firms_that_never_pull_do_not():
    market = with_makers({"pull_volatility": 5.0, "never_pull_share": 1.0}, shocks=[fall("-1%")])
    market.run_until(90.0)
    assert (market.state.firms["n_pulls"] == 0).all()
    assert (market.state.firms["near"] > 0.9).all()


def test_losses_pull_and_shrink_and_thresholds_differ_between_firms():
    market = with_makers({"pull_loss": "5%"})
    market.run_until(10.0)
    firm = market.state.firms[0]
    market.state.accounts[int(firm["owner"])]["cash_micro"] -= int(0.06 * firm["capital_micro"])
    market.run_until(12.0)
    assert market.state.firms["state"].tolist()[0] == PULLED
    assert market.state.firms["far"][0] == pytest.approx(0.94, abs=0.005)
    drawn = market_of(market_maker={"withdrawal": True, "firms": 40, "threshold_sigma": 0.5}).state.firms["pull_vol"]
    assert np.std(np.log(drawn)) == pytest.approx(0.5, abs=0.2)
    assert np.median(drawn) == pytest.approx(10.0, rel=0.4)


def test_value_at_risk_caps_the_inventory_limit():
    market = with_makers({"value_at_risk": "0.1%", "inventory_limit": "$900k"})
    market.run_until(30.0)
    firms, x = market.state.firms, float(market.state.caution[0]["x"])
    sd = max(x, 1e-6) * 0.0188 / math.sqrt(86_400) * math.sqrt(600)
    expected = 0.001 * firms["capital_micro"] / 1e6 / (2.33 * sd) / 10.0  # a lot is worth 10 dollars
    capped = expected < firms["limit_lots"]
    if capped.any():
        assert firms["limit_now_lots"][capped] == pytest.approx(expected[capped], rel=0.01)
    assert (firms["limit_now_lots"] <= firms["limit_lots"]).all()


def test_off_firms_quote_through_everything():
    market = market_of(**merged(STILL, {"market_maker": {"withdrawal": False}, "shocks": [fall("-3%")]}))
    market.run_until(90.0)
    assert (market.state.firms["near"] == 1.0).all()
    assert (market.state.firms["n_pulls"] == 0).all()


def test_switched_off_and_never_triggered_are_the_same_market_to_the_bit():
    hashes = set()
    for on in (True, False):
        quiet = ON | {"withdrawal": on, "calm_volatility": 1e3, "value_at_risk": 1.0, "capital_exponent": 0.0}
        market = market_of(**merged(BASE, {"market_maker": quiet}))
        market.run_until(120.0)
        hashes.add(market.collect().series.tobytes())
    assert len(hashes) == 1
