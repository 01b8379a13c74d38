"""Settings that change at a fork act as a switch turned at that time; what only the past could hold is refused."""

from typing import Any

import numpy as np
import pytest

from sim.errors import ScenarioError
from sim.snapshot import resume, take
from sim.switches import READ_ONLY, WHOLE, differing
from tests.market.small import DROP, SALE, market_of, merged, spec_of, state_before

AT_S, END_S = 90.0, 150.0
BASE: dict[str, Any] = {"market_maker": {"withdrawal": True}, "latent": {"enabled": True, "deepest": "5%"}}


def saved(at_s: float = AT_S, **over: Any):
    market = market_of(**merged(BASE, {"shocks": [DROP], **over}))
    market.run_until(at_s)
    return take(market)


def forked(snapshot, old: dict[str, Any] | None = None, **over: Any):
    return resume(snapshot, spec_of(**merged(merged(BASE, {"shocks": [DROP], **(old or {})}), over)))


OF_THE_START = {
    "clock": {
        "tick_us", "record_every_us", "band_every_us", "scan_every_us", "most_events", "audit",
        "first_joint", "end_joint",
    },
    "rules": {
        "micro_per_tick_lot", "taker_fee_ppm", "maker_fee_ppm", "order_bound_ppm", "band_low_ticks", "band_high_ticks",
        "halted", "professional_taker_ppm", "professional_maker_ppm",
    },
    "engine": {
        "slice_share_ppm", "slice_band_ppm", "order_bound_ppm", "clearance_fee_ppm",
        "unload_share_ppm", "bucket_shift", "ceiling_half_ticks", "first_watched", "end_watched",
        "alert_ppm", "kind", "backstop_ppm", "large_micro", "large_share_ppm", "cooldown_us",
    },
    "price": {
        "sample_every_us", "tick_usd", "rate_ppb", "base_ppb", "clamp_ppb", "cap_ppb", "impact_micro",
        "premium_every_us", "funding_every_us", "no_perp", "mark_rule", "basis_kept", "touch_kept",
        "on_index", "simple_mean", "more_payments",
    },
    "news": {"start_usd", "tick_usd", "start_log"},
    "crowd": {"kept", "ticket0", "rows_per_side", "more_draws"},
    "layers": {"owner", "width", "ticket0"},
    "firms": {"owner", "stock_lots", "capital_micro", "hedge_micro", "live", "shock_near", "shock_far",
        "purse_health", "purse_lots",
    },
    "caution": {"fast_s", "slow_s"},
    "quoting": {"ticket0", "listed"},
    "arbitrageurs": {
        "margin", "wallet", "reserve", "ticket0", "size_lots", "stock_lots", "margin_micro", "cash_micro", "coin_lots",
    },
    "dip_buyers": {"owner", "book", "ticket0", "n_bids", "passed_us", "phase_us"},
    "trend_funds": {"owner", "ticket", "slice_phase_us"},
    "conduct": {"first", "n", "bucket_shift"},
    "fund_drop": {"start_micro"},
    "safeguards": {"shock_low_ticks", "shock_high_ticks", "shock_halted"},
    "pace": {"slow_us"},
}  # fmt: skip
"""Rules of the venue, places, what was given at the start, what shocks alone write: no setting of a fork reaches it."""

MOVED = {
    "clock": {
        "n_inbox", "n_waiting", "n_called", "joint_touched", "n_guest_fills", "n_closing", "n_guests", "engine_first",
        "cash_micro", "coin_lots", "fault", "overflow", "levelled_micro", "pool_micro", "is_pooled",
    },
    "fund_drop": {"n_parts"},
    "engine": {"fund_dropped", "n_queue", "n_ranked", "n_passed_over", "ranked_side"},
    "price": {
        "next_funding_us", "funding_due", "given_half_ticks", "given_us", "others_half_ticks", "previous_half_ticks",
        "basis_sum", "basis_weight", "touch_sum", "touch_weight",
    },
    "arbitrageurs": {"is_stopped", "fine_share"},
    "trend_funds": {"target_lots", "until_us"},
    "conduct": {"n_closing"},
    "safeguards": {"is_banded", "n_looks", "next_us", "until_us"},
    "pace": {"is_slow", "log_mark", "live_us", "n_looks", "n_events", "why"},
}  # fmt: skip
"""Moved by ticks, though not in the fall below."""


def test_what_is_called_read_only_is_never_written_by_a_tick():
    over = merged(BASE, {"shocks": [DROP | {"move": "-12%"}, SALE]})
    _, _, fresh = state_before(**over)
    market = market_of(**over)
    market.run_until(240.0)
    assert market.collect().series["forced_sell_lots"].sum() > 0
    for name, columns in READ_ONLY.items():
        for column in columns:
            now, then = getattr(market.state, name)[column], getattr(fresh, name)[column]
            assert (now == then).all(), f"{name}.{column}"
    for name in WHOLE:
        assert (getattr(market.state, name) == getattr(fresh, name)).all()
    for name, columns in READ_ONLY.items():
        now, then = getattr(market.state, name), getattr(fresh, name)
        still = {column for column in now.dtype.names if (now[column] == then[column]).all()}
        rows = {column for column in still if column.startswith("row_")}  # sums of the row in the making
        decided = {*columns, *OF_THE_START.get(name, ()), *MOVED.get(name, ()), *rows}
        assert still <= decided, f"{name}: {still - decided}: may a fork change it? then READ_ONLY, else name it here"


def test_a_switch_at_a_fork_is_the_switch_turned_by_hand():
    by_hand = market_of(**merged(BASE, {"shocks": [DROP]}))

    def turn():
        by_hand.state.caution[0]["on"] = 0
        by_hand.state.clock[0]["engine_on"], by_hand.state.conduct[0]["enabled"] = 0, 0

    by_hand.at(AT_S, lambda: by_hand.change(turn))
    by_hand.run_until(END_S)
    again = forked(saved(), market_maker={"withdrawal": False}, leveraged={"enabled": False})
    again.run_until(END_S)
    never = forked(saved())
    never.run_until(END_S)
    assert again.state_hash() == by_hand.state_hash() != never.state_hash()


@pytest.mark.parametrize(
    "extra", [SALE | {"at": "100s"}, {"kind": "halt", "at": "90s", "over": "20s"}], ids=["flow", "halt"]
)
def test_a_shock_added_at_a_fork_is_the_shock_that_was_always_there(extra):
    always = market_of(**merged(BASE, {"shocks": [DROP, extra]}))
    always.run_until(END_S)
    again = forked(saved(), shocks=[DROP, extra])
    again.audit = True
    again.run_until(END_S)
    assert again.state_hash() == always.state_hash()
    assert (again.collect().events == always.collect().events).all()


def test_a_switch_turned_at_a_fork_and_back_at_another():
    """As scheduled changes of one market; the second fork is of the first."""
    by_hand = market_of(**merged(BASE, {"shocks": [DROP]}))
    for time_s, on in ((70.0, 0), (AT_S, 1)):
        by_hand.at(time_s, lambda on: by_hand.change(by_hand.state.caution.__setitem__, "on", on), on)
    by_hand.run_until(END_S)
    first = forked(saved(70.0), market_maker={"withdrawal": False})
    first.run_until(AT_S)
    again = forked(take(first))
    again.run_until(END_S)
    assert again.state_hash() == by_hand.state_hash()


def test_a_stop_of_transfers_to_come_acts_when_transfers_are_opened_before():
    """It would have changed nothing while they were closed."""
    stop = {"kind": "transfer_halt", "at": "100s", "over": "20s"}
    closed = {"shocks": [stop], "arbitrage": {"transfers_open": False}}
    again = forked(saved(**closed), closed, arbitrage={"transfers_open": True})
    seen = []
    for time_s in (95.0, 110.0, 130.0):
        again.run_until(time_s)
        seen.append(int(again.state.arbitrage[0]["transfers_open"]))
    assert seen == [1, 0, 1]
    late = forked(saved(110.0, **closed), closed, arbitrage={"transfers_open": True})  # it has begun, and did nothing
    late.run_until(130.0)
    assert late.state.arbitrage[0]["transfers_open"] == 1


def test_a_shock_to_come_may_be_taken_away():
    late = SALE | {"at": "120s"}
    again = forked(saved(shocks=[DROP, late]), shocks=[DROP])
    plain = forked(saved())
    for market in (again, plain):
        market.run_until(END_S)
    assert (again.collect().series == plain.collect().series).all()


def test_depth_and_volume_change_and_every_law_holds():
    again = forked(
        saved(),
        market={"depth_scale_visible": 3.0, "depth_scale_latent": 0.5, "perp_daily_volume": "$900m"},
        background={"noise_lifetime": "2s"},
    )
    again.audit = True
    before = again.collect().series[-1]["bid_5pct_lots"]
    again.run_until(END_S)
    assert again.collect().series[-1]["bid_5pct_lots"] > 1.5 * before


def test_the_news_goes_on_along_the_new_path_from_where_it_is():
    news = {"noise_per_day": 0.0, "path": [{"at": "60s", "move": "-2%"}, {"at": "120s", "move": "-6%"}]}
    again = forked(saved(shocks=[], news=news), {"shocks": [], "news": news}, news={"scale": 0.5})
    values = []
    for time_s in (AT_S, 91.0, 130.0):
        again.run_until(time_s)
        values.append(float(again.state.news[0]["log_value"]))
    first, last = np.log1p(-0.02), np.log1p(-0.06)
    middle = first + 0.5 * (last - first)
    assert values[0] == pytest.approx(first + 29 / 60 * (last - first))  # value at the start of the last tick
    assert values[1] == pytest.approx(middle)
    assert values[2] == pytest.approx(middle + 0.5 * (last - middle))


def test_a_shock_in_force_acts_on_the_new_value_and_gives_it_back():
    delay = {"kind": "latency", "at": "80s", "over": "30s", "factor": 4}
    over = {"shocks": [delay], "arbitrage": {"latency_low": "10ms", "latency_high": "10ms"}}
    again = forked(saved(**over), over, arbitrage={"latency_low": "30ms", "latency_high": "30ms"})
    again.run_until(100.0)
    assert (again.state.arbitrageurs["latency_us"] == 120_000).all()
    again.run_until(END_S)
    assert (again.state.arbitrageurs["latency_us"] == 30_000).all()


@pytest.mark.parametrize(
    ("over", "said"),
    [
        (
            {"leveraged": {"accounts": 200}},
            r"leveraged\.accounts: cannot change at a fork: it decides the size of accounts",
        ),
        (
            {"market": {"open_interest": "10k BTC"}},
            r"market\.open_interest: cannot change at a fork: it acts at the start",
        ),
        ({"dip_buyer": {"cash": "$2m"}}, r"dip_buyer\.cash: .* it acts at the start alone"),
        (
            {"market": {"price": "$1100"}},
            r"market\.price: cannot change at a fork: everything at the start was counted",
        ),
        ({"tick": "2s", "record_every": "2s"}, r"record_every: .*\ntick: cannot change at a fork: every rate"),
        ({"shocks": []}, r"shocks\.0: it began at 60 s, before the fork at 90 s, and stays as it is"),
        ({"shocks": [DROP, SALE | {"at": "89s"}]}, r"shocks\.1: begins at 89 s, before the fork at 90 s"),
    ],
    ids=str,
)
def test_what_only_the_past_could_hold_is_refused(over, said):
    with pytest.raises(ScenarioError, match=said):
        forked(saved(), **over)


def test_a_run_does_not_end_before_the_fork():
    with pytest.raises(ScenarioError, match="duration: the run was saved at 130 s, so it cannot end at 120 s"):
        forked(saved(130.0), duration="2m")


def test_what_was_off_has_no_money_and_is_not_switched_on():
    off = {"arbitrage": {"enabled": False}}
    with pytest.raises(ScenarioError, match=r"arbitrage\.enabled: cannot be switched on at a fork"):
        forked(saved(**off), off, arbitrage={"enabled": True})


def test_settings_change_between_two_ticks():
    with pytest.raises(ScenarioError, match=r"background\.branching: settings change between two ticks \(1 s\)"):
        forked(saved(90.5), background={"branching": 0.5})
    forked(saved(90.5), title="another title", shocks=[DROP, SALE | {"at": "120s"}]).run_until(130.0)


def test_differing_names_settings_by_their_path():
    old = spec_of()
    new = spec_of(market={"price": "$1200"}, shocks=[DROP], leveraged={"conduct": {"stops": False}})
    assert differing(old, new) == ["leveraged.conduct.stops", "market.price", "shocks"]
