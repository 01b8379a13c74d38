"""Cross margin over several listings: one equity, one maintenance, legs that each contract's engine works by itself.

A portfolio is a list of legs, each an account row of a listing: perp position, coins as collateral, cash. Its equity is
all cash plus positions at mark plus coins at their collateral value; its maintenance is the sum over legs by each
listing's tiers. It is liquidated when equity is below maintenance (equality is safe), by the exact integer test. Then
its equity is apportioned: cash moves between the legs, in whole, so that the equity of each is its share by
maintenance, rounded down; the last leg keeps what is left. A leg of a called portfolio is then liquidatable by itself.
What the engine must know of the rest is said with the call: whether the portfolio is sound again, and whether it is
broke, all its equity and its collateral in full used up; only then the fund pays for a leg. Money owed against
collateral stays on the row of the last leg, which is collateral and has no position.

An account that owes money beyond a threshold sells collateral: as much as the debt needs, by immediate-or-cancel orders
on the listing's own spot book (MODEL 2.6, the negative-wallet loop), also below the threshold once it is broke and
without positions. Collateral that does not convert goes to the listing's hedgers, who stand for everybody elsewhere,
at its value once nothing else is left; what is owed beyond it is the fund's loss.

Portfolios are looked at when they could have been exhausted (DECISIONS 22): a check stores the smallest joint relative
move that could use up what equity exceeds maintenance by. Prices of an exchange are watched by their largest log
distance from a reference, which moves to them when they are 1% from it. ``moved`` counts the farthest they have been,
summed over references. Between a check at a distance up to r and a later look no price has moved by more than the
growth of ``moved`` plus 2 r (back to the reference and out again), so that a portfolio left alone is never exhausted,
and prices that go to and fro cost nothing. It is also due when a leg was touched by a fill, deleveraging or funding;
blocks of portfolios keep the earliest of their times. Source: MODEL 2.4, 2.6 [S:9]. Slow twin:
tests/reference_market/portfolios.py, which looks at everybody.
"""

import math
from typing import Any, NamedTuple

import numpy as np

from sim.kernels._jit import behaviour, small
from sim.kernels.ladder import BROKE, CALLED, SOUND, WORKED
from sim.kernels.ledger import FUND, HEDGERS, MILLION, NO_TICKET, ONE, SPOT, TWO, ZERO, pro_rata
from sim.kernels.mailbox import NEW
from sim.kernels.margin import equity_micro, maintenance_micro, notional_micro
from sim.kernels.price_moves import watch_prices
from sim.schema import IOC, NO_KEY, SELL

ROUNDING = np.int64(16)  # micro-dollars that rounding may take of what a leg has over its maintenance
BLOCK = np.dtype([("first", "i8"), ("end", "i8"), ("exchange", "i8"), ("due", "f8")])  # earliest of its portfolios
SLACK = 1e-9  # relative move that rounding of floats may hide
FARTHEST = 0.1  # a portfolio is looked at at least each time prices may have moved by this much

PORTFOLIO = np.dtype(
    [
        ("first_leg", "i8"),
        ("n_legs", "i8"),
        ("exchange", "i8"),
        ("due", "f8"),  # ``moved`` of the exchange at which it is looked at again
        ("is_called", "i8"),  # 1 while its legs are worked, or their cash waits to be put right
        ("block", "i8"),
        ("n_calls", "i8"),  # times it was found below maintenance with positions after it had been sound
    ]
)
LEG = np.dtype([("listing", "i8"), ("row", "i8"), ("portfolio", "i8")])
COLLATERAL = np.dtype(
    [
        ("source", "i8"),  # OWN_BOOK, INDEX, REDEMPTION, FLOOR; -1: coins of this listing count for nothing
        ("redeems", "i8"),  # listing whose index it redeems into; -1: money
        ("ratio", "f8"),
        ("weight", "f8"),
        ("floor", "f8"),
        ("kept_ppm", "i8"),  # 1 less the haircut of the liquidation test
        ("converts", "i8"),
        ("value_half_ticks", "i8"),  # of a coin now
        ("bound_ppm", "i8"),
        ("sold_lots", "i8"),  # sent for sale so far
    ]
)


class Portfolios(NamedTuple):
    """``all`` PORTFOLIO[n], ``blocks`` BLOCK[...] (portfolios of one exchange that lie together),
    ``legs`` LEG[m] (a portfolio's together), ``collateral`` COLLATERAL[n_listings],
    ``tiers``
    TIER[...] and ``tier0`` int64[n_listings + 1] (rows of each listing), ``moved`` float64[n_exchanges, 2] (log
    moves summed over references, and the part of the present one), ``seen`` int64[n_listings, 2] (mark and collateral
    value of the reference), ``owed_micro``
    int64[n_exchanges], ``leg_of`` int64[...] (leg of each shared account row, -1 of others).
    """

    all: Any
    blocks: Any
    legs: Any
    collateral: Any
    tiers: Any
    tier0: Any
    moved: Any
    seen: Any
    owed_micro: Any
    leg_of: Any


@small
def account_of_leg(s, leg):
    """Row of a leg's account in the shared accounts."""
    return s.listings[leg["listing"]]["account0"] + leg["row"]


@small
def coins_of_leg(s, leg):
    """Place of a leg's coins in the shared positions."""
    listing = s.listings[leg["listing"]]
    return listing["position0"] + listing["n_owners"] + leg["row"]


@small
def maintenance_of_leg(s, p, leg):
    """Maintenance of a leg's position at mark, micro-dollars."""
    at = leg["listing"]
    held = s.accounts[account_of_leg(s, leg)]["held_lots"]
    if held == ZERO:
        return ZERO
    notional = notional_micro(held, s.price[at]["mark_half_ticks"], s.rules[TWO * at]["micro_per_tick_lot"])
    return maintenance_micro(notional, p.tiers[p.tier0[at] : p.tier0[at + ONE]])


@small
def money_of_leg(s, leg):
    """Cash and position at mark of a leg, micro-dollars."""
    at, account = leg["listing"], s.accounts[account_of_leg(s, leg)]
    unit = s.rules[TWO * at]["micro_per_tick_lot"]
    return equity_micro(account["cash_micro"], account["held_lots"], s.price[at]["mark_half_ticks"], unit)


@small
def collateral_of_leg(s, p, leg):
    """What a leg's coins are worth and what they count for, micro-dollars, rounded down."""
    at = leg["listing"]
    c, coins = p.collateral[at], s.positions[coins_of_leg(s, leg)]
    if c["source"] < ZERO or coins == ZERO:
        return ZERO, ZERO
    worth = (coins * c["value_half_ticks"] * s.rules[TWO * at + SPOT]["micro_per_tick_lot"]) >> ONE
    return worth, pro_rata(worth, c["kept_ppm"], MILLION)


@behaviour
def standing(s, p, row):
    """Equity (with what collateral counts for), maintenance, what is left of collateral's worth when it is counted in
    full, that worth, and what is exposed to prices, of one portfolio.
    """
    equity, need, cut, pledged, exposed = ZERO, ZERO, ZERO, ZERO, 0.0
    for i in range(row["first_leg"], row["first_leg"] + row["n_legs"]):
        leg = p.legs[i]
        worth, value = collateral_of_leg(s, p, leg)
        equity += money_of_leg(s, leg) + value
        pledged += worth
        cut += worth - value
        exposed += np.float64(value)
        need += maintenance_of_leg(s, p, leg)
        at, held = leg["listing"], s.accounts[account_of_leg(s, leg)]["held_lots"]
        if held != ZERO:
            worth = notional_micro(held, s.price[at]["mark_half_ticks"], s.rules[TWO * at]["micro_per_tick_lot"])
            tiers = p.tiers[p.tier0[at] : p.tier0[at + ONE]]
            near, far = np.int64(1.1 * np.float64(worth)), np.int64(1.2 * np.float64(worth))
            more = maintenance_micro(far, tiers) - maintenance_micro(near, tiers)
            exposed += np.float64(worth) + 10.0 * np.float64(more)  # convex: up to FARTHEST no step is steeper
    return equity, need, cut, pledged, exposed


@small
def add_cash(s, leg, amount):
    """Move cash onto a leg, from or to the same portfolio's other legs; the listing's total follows."""
    account = s.accounts[account_of_leg(s, leg)]
    account["cash_micro"] = account["cash_micro"] + amount
    clock = s.clock[leg["listing"]]
    clock["cash_micro"] = clock["cash_micro"] + amount


@behaviour
def apportion(s, p, row, equity, need):
    """Give each leg with a position its share of the equity by maintenance; the last leg of all keeps what is left."""
    left, last = ZERO, row["first_leg"] + row["n_legs"] - ONE
    for i in range(row["first_leg"], row["first_leg"] + row["n_legs"]):
        left += money_of_leg(s, p.legs[i])
    given = ZERO
    for i in range(row["first_leg"], last + ONE):
        leg = p.legs[i]
        share = maintenance_of_leg(s, p, leg)
        wanted = ZERO
        if need > ZERO and share > ZERO:
            wanted = pro_rata(equity, share, need)
        if np.int64(i) == last:
            wanted = left - given
        change = wanted - money_of_leg(s, leg)
        given += wanted
        if change != ZERO:
            add_cash(s, leg, change)


@behaviour
def call(s, p, row, is_below, is_broke):
    """Tell the engines which legs to work and how they stand; returns whether any leg is still in a queue."""
    waits, states = False, CALLED | WORKED
    knows = (BROKE if is_broke else ZERO) if is_below else SOUND
    for i in range(row["first_leg"], row["first_leg"] + row["n_legs"]):
        leg = p.legs[i]
        account = s.accounts[account_of_leg(s, leg)]
        called = np.int64(account["called"]) & states
        if account["held_lots"] == ZERO or (called != WORKED and not is_below):
            account["called"] = ZERO
        elif called == ZERO:
            account["called"] = CALLED | knows
            s.clock[leg["listing"]]["n_called"] = s.clock[leg["listing"]]["n_called"] + ONE
            waits = True
        else:
            account["called"] = called | knows
            waits = True
    return waits


@behaviour
def owed(s, p, row):
    """Money that a portfolio owes: what its realised balance is below zero, micro-dollars."""
    wallet = ZERO
    for i in range(row["first_leg"], row["first_leg"] + row["n_legs"]):
        account = s.accounts[account_of_leg(s, p.legs[i])]
        wallet += account["cash_micro"] + account["entry_micro"]
    return max(ZERO, -wallet)


@behaviour
def sell_collateral(s, p, row, debt, tick, now_us):
    """Send collateral for sale, in the order of its legs, as much as the debt needs at the bid; returns whether
    there is any that can be sold.
    """
    need, has_some = debt, False
    for i in range(row["first_leg"], row["first_leg"] + row["n_legs"]):
        leg = p.legs[i]
        at, coins = leg["listing"], s.positions[coins_of_leg(s, leg)]
        c, listing = p.collateral[at], s.listings[at]
        if need <= ZERO or coins == ZERO or c["source"] < ZERO or c["converts"] == ZERO or listing["has_spot"] == ZERO:
            continue
        has_some = True
        best = np.int64(s.sides[np.int64(4) * at + TWO * SPOT]["best"])
        place = listing["inbox0"] + s.clock[at]["n_inbox"]
        waits = s.rules[TWO * at + SPOT]["halted"] != ZERO or s.clock[at]["n_waiting"][SPOT] != ZERO
        if best == NO_KEY or place >= listing["inbox_end"] or waits:  # an order that waits must not be sent again
            continue
        bid, unit = -best, s.rules[TWO * at + SPOT]["micro_per_tick_lot"]
        lots = min(coins, need // (bid * unit) + ONE)
        m = s.inbox[place]
        m["arrival_us"], m["serial"] = now_us, tick << np.int64(16)
        m["ticket"], m["lots"], m["owner"] = NO_TICKET, lots, leg["row"]
        m["price_ticks"] = max(ONE, bid - bid * c["bound_ppm"] // MILLION)
        m["action"], m["kind"], m["book"], m["side"], m["flags"] = NEW, IOC, SPOT, SELL, ZERO
        s.clock[at]["n_inbox"] = s.clock[at]["n_inbox"] + ONE
        c["sold_lots"] = c["sold_lots"] + lots
        need -= lots * bid * unit
    return has_some


@behaviour
def hand_over(s, p, row):
    """Of a portfolio without positions that still owes and has nothing to sell: its coins go to the hedgers of their
    listing at their value, as many as the debt needs, and what it owes beyond them is the fund's loss.
    """
    debt = ZERO
    for i in range(row["first_leg"], row["first_leg"] + row["n_legs"]):
        leg = p.legs[i]
        debt -= s.accounts[account_of_leg(s, leg)]["cash_micro"]
        if p.collateral[leg["listing"]]["converts"] != ZERO and s.listings[leg["listing"]]["has_spot"] != ZERO:
            if s.positions[coins_of_leg(s, leg)] != ZERO:
                return  # still to be sold
    for i in range(row["first_leg"], row["first_leg"] + row["n_legs"]):
        leg = p.legs[i]
        at, place = leg["listing"], coins_of_leg(s, leg)
        c, coins = p.collateral[at], s.positions[place]
        if coins == ZERO or c["source"] < ZERO or debt <= ZERO:
            continue
        value = max(ONE, c["value_half_ticks"] * s.rules[TWO * at + SPOT]["micro_per_tick_lot"])
        lots = min(coins, (TWO * debt + value - ONE) // value)
        s.positions[place] -= lots
        s.positions[s.listings[at]["position0"] + s.listings[at]["n_owners"] + HEDGERS] += lots
        debt -= (lots * value) >> ONE
        pay(s, HEDGERS, leg, (lots * value) >> ONE)
    first = p.legs[row["first_leg"]]
    if debt > ZERO:
        pay(s, FUND, first, debt)
    for i in range(row["first_leg"] + ONE, row["first_leg"] + row["n_legs"]):
        left = s.accounts[account_of_leg(s, p.legs[i])]["cash_micro"]
        add_cash(s, p.legs[i], -left)
        add_cash(s, first, left)


@small
def pay(s, payer, leg, amount):
    """Cash from an account of a leg's listing to the leg."""
    account = s.accounts[s.listings[leg["listing"]]["account0"] + payer]
    account["cash_micro"] = account["cash_micro"] - amount
    account = s.accounts[account_of_leg(s, leg)]
    account["cash_micro"] = account["cash_micro"] + amount


@behaviour
def check(s, p, k, tick, now_us):
    """Look at one portfolio: call its legs, or set when it is looked at next; sell collateral when it owes."""
    row = p.all[k]
    equity, need, cut, pledged, exposed = standing(s, p, row)
    is_below, is_broke = equity < need, equity + cut < ZERO
    if is_below or row["is_called"] != ZERO:
        if is_below and need > ZERO and row["is_called"] == ZERO:
            row["n_calls"] = row["n_calls"] + ONE
        apportion(s, p, row, equity if equity >= ZERO else min(ZERO, equity + cut), need)
        row["is_called"] = ONE if call(s, p, row, is_below, is_broke) else ZERO
    debt = owed(s, p, row)
    sells = False
    if pledged > ZERO and (debt > p.owed_micro[row["exchange"]] or (is_broke and need == ZERO)):
        sells = sell_collateral(s, p, row, debt, tick, now_us)
    if need == ZERO and debt > ZERO:
        hand_over(s, p, row)
    if row["is_called"] != ZERO or sells:
        row["due"] = p.moved[row["exchange"], 0]
        return
    if exposed <= 0.0:
        row["due"] = math.inf
        return
    safe = min(FARTHEST, np.float64(equity - need - ROUNDING * row["n_legs"]) / exposed)
    moved = p.moved[row["exchange"], 0] - TWO * p.moved[row["exchange"], 1]
    row["due"] = moved + math.log1p(max(0.0, safe - SLACK))


@behaviour
def mark_touched(s, p):
    """Portfolios of which a leg changed by itself are due."""
    for k in range(s.listings.shape[0]):
        at = np.int64(k)
        clock = s.clock[at]
        if clock["joint_touched"] == ZERO:
            continue
        clock["joint_touched"] = ZERO
        first = s.listings[at]["account0"]
        for a in range(first + clock["first_joint"], first + clock["end_joint"]):
            if np.int64(s.accounts[a]["touched"]) != ZERO:
                s.accounts[a]["touched"] = ZERO
                row = p.all[p.legs[p.leg_of[a]]["portfolio"]]
                row["due"] = p.blocks[row["block"]]["due"] = -1.0


@behaviour
def check_portfolios(s, p, tick, now_us):
    """After a tick: look at every portfolio that is due."""
    if p.all.shape[0] == 0:
        return
    watch_prices(s, p)
    mark_touched(s, p)
    for b in range(p.blocks.shape[0]):
        block = p.blocks[b]
        moved = p.moved[block["exchange"], 0]
        if block["due"] > moved:
            continue
        earliest = math.inf
        for k in range(block["first"], block["end"]):
            if p.all[k]["due"] <= moved:
                check(s, p, k, tick, now_us)
            earliest = min(earliest, p.all[k]["due"])
        block["due"] = earliest
