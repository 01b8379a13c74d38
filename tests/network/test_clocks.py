"""Networks on two clocks: all listings change together, one alone is the market it was, nothing is lost on the way."""

from typing import Any

import numpy as np
import pytest

from sim.build import build
from sim.network import build_network
from sim.network.saved import resume, take
from sim.scenario.load import load_spec
from sim.schema import EVENT_CLOCK
from tests.network.small import SMALL, spec_of

MINUTE: dict[str, Any] = {"slow_tick": "1min", "calm_for": "5min"}
BTC = {"asset": "btc", "exchange": "one"}
OTHER = {"asset": "btc", "exchange": "two", "venue": "cex_b"}
ETH = {
    "asset": "eth", "exchange": "one", "market": {"price": "$4100", "open_interest": "1m"},
    "shocks": [{"kind": "flow", "at": "45min", "over": "2min", "notional": "$300m", "side": "sell"}],
}  # fmt: skip
NETWORK: dict[str, Any] = {
    "record_every": "1min",
    "assets": {"eth": {"beta": 1.4, "own_noise_per_day": "3%", "alt_noise_per_day": "1%"}},
    "bridge": {"firms": 4, "capital": "$100m", "transfer_low": "5s", "transfer_high": "40s"},
}
TWO: dict[str, Any] = {"clock": MINUTE, "duration": "2h", "record_every": "1min"}


def three(folder, **more: Any):
    return spec_of(folder, {"a": BTC, "b": OTHER, "c": ETH}, NETWORK, **{**TWO, **more})


def lengths(network) -> set[tuple[bool, int, int]]:
    """On which clock each listing is, its tick and the length of one."""
    states = [market.state for market in network.markets.values()]
    return {(bool(s.pace[0]["is_slow"]), s.tick, int(s.clock[0]["tick_us"])) for s in states}


def changes(market) -> list[int]:
    """Minutes at which the clock changed."""
    events = market.collect().events
    return (events["time_us"][events["kind"] == EVENT_CLOCK] // 60_000_000).tolist()


@pytest.mark.parametrize("start", ["fine", "slow"])
def test_one_listing_without_bridge_firms_is_the_market_alone(tmp_path, start: str):
    import yaml

    shocks = [{"kind": "flow", "at": "45min", "over": "2min", "notional": "$300m", "side": "sell"}]
    more = {**TWO, "clock": {**MINUTE, "start": start}, "shocks": shocks}
    file = tmp_path / "alone.yaml"
    file.write_text(yaml.safe_dump({**SMALL, **more}))
    market = build(load_spec(file), 7)
    market.run()
    nobody = {"bridge": {"enabled": False}, "record_every": "1min"}
    network = build_network(spec_of(tmp_path, {"a": BTC}, nobody, **more), 7)
    network.run_until(7200.0)
    for name in ("series", "events", "bands"):
        ours = getattr(network.markets["a"].collect(), name)
        assert ours.tobytes() == getattr(market.collect(), name).tobytes(), name
    assert len(changes(market)) >= 3


def test_all_change_together_before_a_shock_of_one_and_back_when_all_are_calm(tmp_path):
    network = build_network(three(tmp_path), 3)
    assert lengths(network) == {(False, 0, 1_000_000)}
    seen = []
    for minute in range(1, 121):
        network.audit = minute in (1, 18, 19, 44, 45, 46, 49, 50)  # around the changes
        network.run_until(60.0 * minute)
        assert len(lengths(network)) == 1  # one clock, one tick for all
        seen.append(next(iter(lengths(network)))[0])
    assert seen[42] and seen[43] and not seen[44] and not seen[46] and seen[59]
    assert len({tuple(changes(market)) for market in network.markets.values()}) == 1
    assert sum(seen) > 60


def test_a_tick_of_a_minute_moves_values_as_sixty_of_a_second(tmp_path):
    """Variances a tick of news of all, own and altcoins', and the values of one asset's listings stay one."""
    network = build_network(three(tmp_path), 3)
    names = ("common_per_tick", "noise_per_tick", "alt_per_tick")
    fine = {k: [float(m.state.news[0][n]) for n in names] for k, m in network.markets.items()}
    network.run_until(1800.0)
    assert next(iter(lengths(network)))[0]
    for name, market in network.markets.items():
        now = [float(market.state.news[0][n]) for n in names]
        np.testing.assert_allclose(now, np.sqrt(60.0) * np.array(fine[name]), rtol=1e-12)
    a, b = (network.markets[name].collect().series["value_usd"] for name in ("a", "b"))
    assert (a == b).all() and len(set(a.tolist())) > 20


def test_the_cut_of_time_changes_nothing(tmp_path):
    whole, cut = build_network(three(tmp_path), 3), build_network(three(tmp_path), 3)
    whole.run_until(4000)
    for end in (0.4, 61, 100, 299.9, 301, 1807.5, 2699, 2701, 3333, 4000):
        cut.run_until(end)
    assert whole.state_hashes() == cut.state_hashes()


@pytest.mark.parametrize("at_s", [1000.0, 1830.0, 2730.0])
def test_a_fork_goes_on_as_the_unbroken_run(tmp_path, at_s: float):
    """Saved on long ticks, within one, and on fine ones."""
    whole, first = build_network(three(tmp_path), 3), build_network(three(tmp_path), 3)
    whole.run_until(4500)
    first.run_until(at_s)
    later = resume(take(first))
    later.run_until(4500)
    assert later.state_hashes() == whole.state_hashes()


def test_another_seed_from_a_long_tick_on_draws_other_news(tmp_path):
    first = build_network(three(tmp_path), 3)
    first.run_until(1800.0)
    later = resume(take(first), seed=9)
    later.run_until(2400.0)
    first.run_until(2400.0)
    assert len(lengths(later)) == 1 and later.state_hashes() != first.state_hashes()


def test_what_does_not_fit_is_said(tmp_path):
    with pytest.raises(Exception, match=r"network\.record_every: must be a whole number of long ticks"):
        spec_of(tmp_path, {"a": BTC, "b": OTHER}, {"record_every": "5s"}, **TWO)
