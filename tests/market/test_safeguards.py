"""Price band around the mark and circuit breaker: at the border, beside shocks, and against the twin tick by tick."""

from fractions import Fraction

import pytest

from sim.agents import TradingAgent
from sim.kernels.ledger import HALT_REJECT, HALT_WAIT
from sim.schema import EVENT_HALT, MAX_PRICE_TICKS, REJECT_BAND
from tests.market.drivers import look_of_breaker
from tests.market.small import DROP, market_of
from tests.reference_market import safeguards as twin

FALL = DROP | {"at": "30s", "over": "60s", "move": "-6%"}
BREAKER = {"move": "2%", "within": "40s", "halt": "25s"}
END = 200
STILL = {
    "news": {"noise_per_day": 0.0}, "market": {"perp_daily_volume": "$0", "spot_daily_volume": "$0"},
    "leveraged": {"enabled": False},
}  # fmt: skip


class Silent(TradingAgent):
    """Does nothing by itself."""

    def act(self):
        return


def by_tick(market, seconds: int, each) -> list:
    """What ``each`` says after every tick of a second."""
    out = []
    for t in range(1, seconds + 1):
        market.run_until(float(t))
        out.append(each(market))
    return out


def test_without_them_and_with_ones_that_never_bind_the_market_is_the_same():
    plain = market_of(shocks=[DROP])
    wide = market_of(shocks=[DROP], clearing={"price_band": 0.99, "breaker": {**BREAKER, "move": "99%"}})
    plain.run_until(150.0)
    wide.run_until(150.0)
    assert wide.collect().series.tobytes() == plain.collect().series.tobytes()


def test_the_band_follows_the_mark_as_the_twin_says():
    market = market_of(shocks=[FALL], clearing={"price_band": "1%"})

    def edges(m):
        rules = m.state.rules[0]
        return (int(rules["band_low_ticks"]), int(rules["band_high_ticks"])), int(m.state.price[0]["mark_half_ticks"])

    found = by_tick(market, END, edges)
    assert [band for band, _ in found] == [twin.band(mark, Fraction(1, 100)) for _, mark in found]
    assert len({band for band, _ in found}) > 20
    assert (market.state.rules[1]["band_low_ticks"], market.state.rules[1]["band_high_ticks"]) == (1, MAX_PRICE_TICKS)


def test_an_order_at_the_edge_rests_and_one_a_tick_beyond_is_refused():
    market = market_of(**STILL, clearing={"price_band": "1%"})
    agent = Silent(market, cash_usd=1e6, coins=50.0, latency_s=0.0)
    market.run_until(30.0)
    low, high = band_now(market)
    refs = {}
    for side, edge, out in (("sell", low, -1), ("buy", high, 1)):
        for ticks in (0, out):
            refs[side, ticks] = agent.submit("perp", side, round((edge + ticks) * market.tick_usd, 6), 0.01)
    market.run_until(31.0)
    assert band_now(market) == (low, high)
    status = {key: int(market.state.tickets[agent._ticket(ref)]["status"]) for key, ref in refs.items()}
    assert [status[key] == REJECT_BAND for key in (("sell", 0), ("sell", -1), ("buy", 0), ("buy", 1))] == [0, 1, 0, 1]


def band_now(market) -> tuple[int, int]:
    """By the twin, of the mark of the last tick."""
    return twin.band(int(market.state.price[0]["mark_half_ticks"]), Fraction(1, 100))


@pytest.mark.parametrize("tick", ["1s", "100ms"])
@pytest.mark.parametrize("orders", ["wait", "reject"])
def test_the_breaker_stops_and_reopens_as_the_twin_says(tick, orders):
    market = market_of(shocks=[FALL], clearing={"breaker": {**BREAKER, "orders": orders}}, tick=tick)
    marks, halted = [], []
    step = float(tick.rstrip("ms")) / (1000.0 if tick.endswith("ms") else 1.0)
    for k in range(round(END / step)):
        market.run_until((k + 1) * step)
        marks.append((round(k * step * 1e6), int(market.state.price[0]["mark_half_ticks"])))
        halted.append(int(market.state.rules[0]["halted"]))
    wanted = twin.halts(marks, Fraction(2, 100), 40 * 10**6, 25 * 10**6)
    assert [h != 0 for h in halted] == wanted
    manner = int(HALT_WAIT if orders == "wait" else HALT_REJECT)
    assert set(halted) == {0, manner}
    starts = sum(now and not before for before, now in zip([False, *wanted], wanted, strict=False))
    assert (market.collect().events["kind"] == EVENT_HALT).sum() == starts >= 1


def test_nothing_trades_in_a_halt_and_what_waited_trades_after_it():
    market = market_of(shocks=[FALL], clearing={"breaker": BREAKER})
    found = by_tick(market, END, lambda m: int(m.state.rules[0]["halted"]) != 0)
    rows = market.collect().series
    traded = rows["perp_taker_buy_lots"] + rows["perp_taker_sell_lots"]
    in_halt = [k for k, halted in enumerate(found, start=1) if halted]
    assert len(in_halt) >= 25
    at = {int(t): int(lots) for t, lots in zip(rows["time_us"] // 10**6, traded, strict=True)}
    assert sum(at[k] for k in in_halt) == 0
    assert at[in_halt[24] + 1] > 0


def test_a_move_of_just_the_size_stops_and_one_of_less_does_not():
    for last, halted in ((98_000, True), (98_001, False), (102_000, True), (101_999, False)):
        marks = [(0, 100_000), (10**6, 100_000), (2 * 10**6, last)]
        assert twin.halts(marks, Fraction(2, 100), 40 * 10**6, 10**6)[-1] == halted
        market = market_of(**STILL, clearing={"breaker": BREAKER})
        market.run_until(5.0)
        state = market.state
        looks, row = state.looks["half_ticks"], state.safeguards[0]
        looks[: int(row["n_looks"])] = 100_000
        assert moved(state, last) == halted


def moved(state, mark: int) -> bool:
    """One look at a mark by the kernel."""
    return bool(look_of_breaker(state.safeguards.copy(), state.looks.copy(), mark))


def test_the_stricter_halt_and_the_narrower_band_of_shock_and_venue_hold():
    shocks = [
        {"kind": "halt", "at": "20s", "over": "20s", "orders": "reject"},
        {"kind": "price_band", "at": "60s", "over": "20s", "width": "0.2%"},
    ]
    market = market_of(shocks=shocks, clearing={"price_band": "1%", "breaker": BREAKER})
    market.run_until(25.0)
    assert int(market.state.rules[0]["halted"]) == HALT_REJECT
    market.run_until(45.0)
    assert int(market.state.rules[0]["halted"]) == 0
    width = {}
    for t in (55.0, 70.0, 90.0):
        market.run_until(t)
        rules = market.state.rules[0]
        width[t] = (int(rules["band_high_ticks"]) - int(rules["band_low_ticks"])) / (
            int(market.state.price[0]["mark_half_ticks"]) / 2
        )
    assert width[55.0] == pytest.approx(0.02, abs=3e-4) == width[90.0]
    assert width[70.0] == pytest.approx(0.004, abs=1e-3)
