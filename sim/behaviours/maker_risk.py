"""What makes a market maker show less: volatility, headlines, losses, a price away from its own; and how it comes back.

MODEL 4.1 with R6. Each firm has thresholds of its own, drawn once; some firms never pull.

- *Volatility.* x = the larger of two moving standard deviations of the perp mid over the reference. Near quotes (within
  1% of the firm's price) shrink as (theta / x)^phi beyond theta. Beyond ``wide_vol`` the half-spread doubles (WIDE).
- *Headline.* A move of the news value beyond the firm's threshold within five minutes sets its uncertainty to one; it
  fades with a half-life. Near and far quotes shrink by their own share of it.
- *PULLED* (firms that pull): x beyond ``pull_vol``, a loss of the day beyond a share of capital, or the perp mid more
  than 1% away from the firm's fair price for 10 s. No near quotes until a cool-down drawn from a lognormal is over;
  then they come back linearly. A trigger that still holds starts the cool-down again.
- *Capital.* All quotes scale with (equity / capital)^psi, at most 1; the inventory limit is the smaller of the firm's
  own and what its value at risk allows. For ``memory`` after a firm was PULLED all its quotes are 1 - omega of what
  they would be: whoever lent it money or set its limits remembers. Of a firm with one purse over several listings of a
  network, equity over capital is that of the purse (behaviours/maker_purse.py).

The working stock of coins is on loan: its price is not the firm's risk.
"""

import math
from typing import Any, NamedTuple

import numpy as np

from sim import rng
from sim.behaviours.news import log_value_seen
from sim.behaviours.slices import SECOND_US
from sim.kernels._jit import inlined, small
from sim.kernels.ledger import ONE, ZERO
from sim.kernels.marks import PERP, SPOT

NORMAL, WIDE, PULLED = (np.int64(i) for i in range(3))
NEAR = 0.01  # distance from a firm's price within which its quotes are near (MODEL 4.1: no quotes within 1%)
AWAY = 0.01  # gap between perp mid and a firm's price that counts as away (MODEL 4.1)
AWAY_US = np.int64(10_000_000)  # for how long (MODEL 4.1)
HEADLINE_S = 300.0  # window of a headline, s: five minutes separate the two of 10 Oct before 20:49 from all other moves
VAR_S = 600.0  # horizon of value at risk, s (MODEL 4.1: 10 min)
VAR_Z = 2.33  # its quantile (MODEL 4.1: 99%)

MAKER = np.dtype(
    [
        ("owner", "i8"),
        ("stock_lots", "i8"),  # coins that are neither hedge nor inventory
        ("limit_lots", "i8"),
        ("limit_now_lots", "i8"),  # after value at risk
        ("belief", "f8"),  # log offset from the news value
        ("capital_micro", "f8"),
        ("hedge_micro", "f8"),  # worth at the start of the coins that hedge the starting short: no capital at risk
        ("state", "i8"),  # NORMAL, WIDE, PULLED
        ("until_us", "i8"),  # end of the cool-down
        ("away_us", "i8"),  # since when the perp mid is away from the firm's price; -1 when it is not
        ("n_pulls", "i8"),
        ("pulled_us", "i8"),  # when it was PULLED last
        ("headline", "f8"),  # 0..1
        ("calm_vol", "f8"),  # theta
        ("wide_vol", "f8"),
        ("pull_vol", "f8"),
        ("headline_move", "f8"),  # log move of the news value
        ("loss_share", "f8"),  # of capital
        ("pulls", "i8"),  # 0: never
        ("near", "f8"),  # shares of full size quoted now, before shocks
        ("far", "f8"),
        ("live", "i8"),  # 0 while an outage silences the firm
        ("shock_near", "f8", (2,)),  # shares set by shocks, bids and asks
        ("shock_far", "f8", (2,)),
        ("one_capital", "i8"),  # 1: of a firm of several listings, whose health is that of its purse
        ("one_inventory", "i8"),  # 1: whose inventory is that of its purse
        ("purse_health", "f8"),  # equity over capital of all its listings (behaviours/maker_purse.py)
        ("purse_lots", "i8"),  # inventory of all its listings as it counts in this one
    ]
)
CAUTION = np.dtype(
    [
        ("fast", "f8"),  # moving variance of the log mid per second
        ("slow", "f8"),
        ("fast_s", "f8"),  # time constants of the two
        ("slow_s", "f8"),
        ("log_mid", "f8"),  # of the perp now
        ("looked_log_mid", "f8"),  # when volatility was last looked at
        ("looked_us", "i8"),
        ("x", "f8"),  # standard deviation over the reference
        ("reference", "f8"),  # per sqrt(s)
        ("phi", "f8"),
        ("least", "f8"),  # w_min
        ("headline_kept", "f8"),
        ("headline_ticks", "f8"),
        ("headline_near", "f8"),  # share of size left at full uncertainty
        ("headline_far", "f8"),
        ("cool_down_s", "f8"),
        ("cool_down_sigma", "f8"),
        ("ramp_us", "f8"),
        ("psi", "f8"),
        ("omega", "f8"),  # share of all quotes that is gone while a firm is remembered to have been PULLED
        ("memory_us", "i8"),
        ("var_share", "f8"),
        ("on", "i8"),  # 0: firms quote through everything
    ]
)


class Firms(NamedTuple):
    """``firms`` MAKER[n], ``caution`` CAUTION[1]."""

    firms: Any
    caution: Any


class View(NamedTuple):
    """What all firms of a market see alike in one tick: log value seen, log of the start price in half ticks, log move
    of the value within the headline's window, loss at the quantile of value at risk for each dollar held, micro-dollars
    of a lot at mark, time.
    """

    log_seen: Any
    start_log: Any
    move: Any
    loss_share: Any
    lot_micro: Any
    now_us: Any


@small
def net_lots(bk, firm):
    """Inventory of a firm over both books, without its hedge and its working stock of coins."""
    owner = firm["owner"]
    return bk.positions[PERP, owner] + bk.positions[SPOT, owner] - firm["stock_lots"]


@small
def felt_lots(bk, firm):
    """Inventory that moves a firm's quotes: its own here, or that of all its listings."""
    return firm["purse_lots"] if firm["one_inventory"] != ZERO else net_lots(bk, firm)


@small
def worth_micro(cash_micro, perp_lots, coin_lots, unit_micro, mark, index, hedge_micro):
    """Capital and what was made or lost since the start, in micro-dollars (a float): cash, position at mark and coins
    above the working stock at index (in half ticks), less the hedge's worth.
    """
    perp = np.float64(perp_lots) * np.float64(mark)
    coins = np.float64(coin_lots) * np.float64(index)
    return np.float64(cash_micro) + 0.5 * np.float64(unit_micro) * (perp + coins) - hedge_micro


@inlined
def equity_of_firm(bk, ld, px, firm):
    """What a firm's capital in this market is worth now."""
    owner = firm["owner"]
    return worth_micro(
        ld.accounts[owner]["cash_micro"],
        bk.positions[PERP, owner],
        bk.positions[SPOT, owner] - firm["stock_lots"],
        ld.rules[PERP]["micro_per_tick_lot"],
        px.now[0]["mark_half_ticks"],
        px.now[0]["index_half_ticks"],
        firm["hedge_micro"],
    )


@inlined
def update_volatility(mk, log_mid, now_us):
    """Once a second (or tick, where that is longer): moving variances of the perp mid, and their larger root over the
    reference. Looked at each tick, the bounce of the mid would make firms more careful the shorter the tick.
    """
    caution = mk.caution[0]
    caution["log_mid"] = log_mid
    elapsed = now_us - caution["looked_us"]
    if elapsed < SECOND_US:
        return
    seconds = 1e-6 * np.float64(elapsed)
    move = log_mid - caution["looked_log_mid"]
    caution["looked_log_mid"], caution["looked_us"] = log_mid, now_us
    rate = move * move / seconds
    fast, slow = math.exp(-seconds / caution["fast_s"]), math.exp(-seconds / caution["slow_s"])
    caution["fast"] = fast * caution["fast"] + (1.0 - fast) * rate
    caution["slow"] = slow * caution["slow"] + (1.0 - slow) * rate
    caution["x"] = math.sqrt(max(caution["fast"], caution["slow"])) / caution["reference"]


@inlined
def is_away(firm, caution, log_fair, start_log, now_us):
    """Whether the perp mid has been more than 1% from the firm's price for 10 s; keeps the time."""
    if abs(caution["log_mid"] - start_log - log_fair) <= AWAY:
        firm["away_us"] = -ONE
    elif firm["away_us"] < ZERO:
        firm["away_us"] = now_us
    return firm["away_us"] >= ZERO and now_us - firm["away_us"] >= AWAY_US


@inlined
def pull(firm, caution, key, owner_key, now_us):
    """Start a cool-down of lognormal length."""
    w0, w1, w2, w3 = rng.philox(key, firm["n_pulls"], rng.COOL_DOWN, owner_key, ZERO)
    seconds = caution["cool_down_s"] * math.exp(caution["cool_down_sigma"] * rng.normal(w0, w1, w2, w3))
    firm["until_us"] = now_us + np.int64(1e6 * min(seconds, 1e7))
    firm["n_pulls"] = firm["n_pulls"] + ONE
    firm["pulled_us"] = now_us
    firm["state"] = PULLED


@inlined
def returned_share(firm, caution, now_us):
    """Share of near size that is back after the last cool-down: 0 at its end, 1 after the ramp; 1 if never pulled."""
    if firm["n_pulls"] == ZERO:
        return 1.0
    return min(1.0, max(0.0, np.float64(now_us - firm["until_us"]) / caution["ramp_us"]))


@inlined
def remembered_share(firm, caution, now_us):
    """Share of all quotes that is left to a firm that was PULLED within the memory; 1 otherwise."""
    is_remembered = firm["n_pulls"] != ZERO and now_us - firm["pulled_us"] < caution["memory_us"]
    return 1.0 - caution["omega"] if is_remembered else 1.0


@inlined
def size_at(health, psi):
    """Share of all quotes at a capital of ``health`` (0..1) of what it was: its power ``psi``, which is 1 as a rule."""
    return health if psi == 1.0 else math.pow(health, psi)


@inlined
def view_of(ld, mk, px, news, log_seen, tick):
    """What all firms of a market see alike in one tick."""
    caution, now_us = mk.caution[0], tick * ld.clock[0]["tick_us"]
    move = log_seen - log_value_seen(news, tick, min(caution["headline_ticks"], np.float64(tick + ONE)))
    sd = max(caution["x"], 1e-6) * caution["reference"]
    lot_micro = 0.5 * np.float64(px.now[0]["mark_half_ticks"] * ld.rules[PERP]["micro_per_tick_lot"])
    return View(log_seen, news.now[0]["start_log"], move, VAR_Z * sd * math.sqrt(VAR_S), lot_micro, now_us)


@inlined
def review_firm(bk, ld, mk, px, key, i, view):
    """One firm's view of the last tick: state, shares of full size near and far, inventory limit."""
    firm, caution, now_us = mk.firms[i], mk.caution[0], view.now_us
    equity = equity_of_firm(bk, ld, px, firm)
    health = equity / firm["capital_micro"]
    if firm["one_capital"] != ZERO:
        health = firm["purse_health"]
        equity = health * firm["capital_micro"]
    var_lots = caution["var_share"] * max(equity, 0.0) / view.loss_share / view.lot_micro
    firm["limit_now_lots"] = max(ONE, np.int64(min(np.float64(firm["limit_lots"]), var_lots)))
    if caution["on"] == ZERO:
        firm["near"], firm["far"], firm["limit_now_lots"] = 1.0, 1.0, firm["limit_lots"]
        return
    firm["headline"] = 1.0 if abs(view.move) > firm["headline_move"] else firm["headline"] * caution["headline_kept"]
    x = caution["x"]
    away = is_away(firm, caution, view.log_seen + firm["belief"], view.start_log, now_us)
    if firm["pulls"] != ZERO and (x > firm["pull_vol"] or health < 1.0 - firm["loss_share"] or away):
        if firm["state"] != PULLED or now_us >= firm["until_us"]:
            pull(firm, caution, key, ld.accounts[firm["owner"]]["key"], now_us)
    if firm["state"] != PULLED or now_us >= firm["until_us"]:
        firm["state"] = WIDE if x > firm["wide_vol"] else NORMAL
    weight = 1.0 if x <= firm["calm_vol"] else max(caution["least"], math.pow(firm["calm_vol"] / x, caution["phi"]))
    capital = size_at(min(1.0, max(0.0, health)), caution["psi"]) * remembered_share(firm, caution, now_us)
    near = weight * (1.0 - (1.0 - caution["headline_near"]) * firm["headline"])
    firm["near"] = 0.0 if firm["state"] == PULLED else capital * near * returned_share(firm, caution, now_us)
    firm["far"] = capital * (1.0 - (1.0 - caution["headline_far"]) * firm["headline"])
