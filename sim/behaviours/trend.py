"""Trend followers: perps with the trend, at a target volatility, rebalanced rarely and traded slowly (MODEL 4.5).

Signal m = fast minus slow average of the log mark, sigma = volatility a day from squared returns between looks, both
public and the same for all funds. At its own dates a fund sets

    target = money * clip(m / sigma, -1, 1) * min(target volatility / sigma, most_leverage) / mark

and trades the difference over ``trade_over`` in equal slices, by immediate-or-cancel orders within the venue's bound;
what slices leave unfilled is spread over the rest. So a crash is sold for hours: by the signal, and by the size that a
higher sigma allows. Slow twin: tests/reference_market/funded.py.
"""

import math
from typing import Any, NamedTuple

import numpy as np

from sim import rng
from sim.behaviours.background import SERIAL_ROOM
from sim.behaviours.slices import arrival_us, passes, slice_us
from sim.kernels._jit import behaviour, inlined, small
from sim.kernels.ledger import ONE, ZERO, Order
from sim.kernels.mailbox import NEW, post
from sim.kernels.margin import equity_micro
from sim.kernels.marks import PERP, bound_price
from sim.schema import BUY, IOC, SELL

US_PER_DAY = 86_400e6

TREND_FUND = np.dtype(
    [
        ("owner", "i8"),
        ("ticket", "i8"),
        ("period_us", "i8"),  # between rebalancings
        ("phase_us", "i8"),  # of rebalancings
        ("slice_phase_us", "i8"),
        ("target_lots", "i8"),
        ("until_us", "i8"),  # planned end of the trade under way; 0 before the first
    ]
)
TREND = np.dtype(
    [
        ("enabled", "i8"),
        ("fast_us", "f8"),
        ("slow_us", "f8"),
        ("half_life_us", "f8"),
        ("sample_every_us", "i8"),
        ("trade_over_us", "i8"),
        ("target_per_day", "f8"),  # volatility
        ("most_leverage", "f8"),
        ("looked_us", "i8"),
        ("log_mark", "f8"),  # at the last look
        ("fast", "f8"),  # averages of the log mark
        ("slow", "f8"),
        ("variance_per_day", "f8"),
    ]
)


class Trend(NamedTuple):
    """``funds`` TREND_FUND[n], ``signal`` TREND[1]."""

    funds: Any
    signal: Any


@small
def look_at_mark(signal, px, now_us):
    """Once in ``sample_every``: move the averages and the variance."""
    elapsed = now_us - signal["looked_us"]
    if elapsed >= signal["sample_every_us"] and elapsed > ZERO:
        us = np.float64(elapsed)
        log_mark = math.log(np.float64(px.now[0]["mark_half_ticks"]))
        move = log_mark - signal["log_mark"]
        signal["fast"] = log_mark + (signal["fast"] - log_mark) * math.exp(-us / signal["fast_us"])
        signal["slow"] = log_mark + (signal["slow"] - log_mark) * math.exp(-us / signal["slow_us"])
        kept = 0.5 ** (us / signal["half_life_us"])
        per_day = move * move / (us / US_PER_DAY)
        signal["variance_per_day"] = kept * signal["variance_per_day"] + (1.0 - kept) * per_day
        signal["log_mark"] = log_mark
        signal["looked_us"] = now_us


@inlined
def share_held(signal):
    """Position over money that the rule asks for, shorts negative."""
    sigma = math.sqrt(signal["variance_per_day"])
    if sigma == 0.0:
        return 0.0
    strength = min(1.0, max(-1.0, (signal["fast"] - signal["slow"]) / sigma))
    return strength * min(signal["target_per_day"] / sigma, signal["most_leverage"])


@inlined
def target_lots(bk, ld, px, fund, signal):
    """Perp lots that the fund wants to hold now; a fund that lost all its money wants none."""
    unit, mark = ld.rules[PERP]["micro_per_tick_lot"], px.now[0]["mark_half_ticks"]
    money = equity_micro(ld.accounts[fund["owner"]]["cash_micro"], bk.positions[PERP, fund["owner"]], mark, unit)
    return np.int64(2.0 * share_held(signal) * np.float64(max(ZERO, money)) / np.float64(mark * unit))


@inlined
def slice_lots(missing, left_us, every_us):
    """Size of the next slice: what is missing over the slices left, rounded up in size; all of it when none is left."""
    n_left = max(ONE, left_us // every_us)
    return (abs(missing) + n_left - ONE) // n_left


@behaviour
def rebalance(bk, trend, ld, mail, px, key, tick, start_us):
    """Look at the mark; funds whose date it is set a target; funds under way send a slice."""
    signal = trend.signal[0]
    look_at_mark(signal, px, start_us)
    tick_us = ld.clock[0]["tick_us"]
    every = slice_us(tick_us)
    for k in range(trend.funds.shape[0]):
        fund = trend.funds[np.int64(k)]
        if passes(start_us, tick_us, fund["phase_us"], fund["period_us"]):
            fund["target_lots"] = target_lots(bk, ld, px, fund, signal)
            fund["until_us"] = start_us + signal["trade_over_us"]
        missing = fund["target_lots"] - bk.positions[PERP, fund["owner"]]
        if fund["until_us"] == ZERO or missing == ZERO or not passes(start_us, tick_us, fund["slice_phase_us"], every):
            continue
        if np.int64(ld.tickets[fund["ticket"]]["pending"]) == ZERO:
            side = BUY if missing > ZERO else SELL
            price = bound_price(px.now[0]["mark_half_ticks"], side, ld.rules[PERP]["order_bound_ppm"])
            lots = slice_lots(missing, fund["until_us"] - start_us, every)
            arrival = arrival_us(key, tick, rng.TREND_SLICE, ld.accounts[fund["owner"]]["key"], tick_us)
            order = Order(PERP, side, price, lots, fund["owner"], IOC, fund["ticket"])
            post(ld, mail, arrival, tick * SERIAL_ROOM, NEW, order)


@inlined
def follow_trend(bk, trend, ld, mail, px, key, tick, start_us):
    """Step 5a of the tick: the funds, where there are any."""
    if trend.signal[0]["enabled"] != ZERO:
        rebalance(bk, trend, ld, mail, px, key, tick, start_us)


@inlined
def write_trend(bk, trend, row):
    """Fill the funds' column of a recorded row: their perp position."""
    total = ZERO
    for k in range(trend.funds.shape[0]):
        total += bk.positions[PERP, trend.funds[np.int64(k)]["owner"]]
    row["trend_net_lots"] = total
