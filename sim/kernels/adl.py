"""Who bears the loss of an account that the engine could not close: the insurance fund, then auto-deleveraging.

A venue may also start deleveraging once its fund has lost a share of the pool (kernels/fund_drop.py). Else
the fund takes as many lots as its own equity at mark pays for (MODEL 2.7: account equity, fund, ADL; no layer before
the previous is empty, to a lot). The rest is closed against accounts in profit on the other side, in the order of the
venue's ranking, at the bankruptcy price of what is deleveraged. Nobody is deleveraged whose own equity would fall
below zero, nor without a position; who is passed over for one account may bear the loss of the next. What finds no
counterparty goes to the fund, whose deficit is then declared.

Scores are floats and decide the order alone; money and lots are integers. Collateral is what the account was worth at
entry: cash plus cost, and for accounts outside the engine's watch the coins they own at mark. Ties: lower key first.
Counterparties are ranked once a scan. Source: MODEL 2.7 [S:9c, S:2c].

Three more rules rank nobody: PRO_RATA, HAIRCUT and OPTIMAL share out the deficit of the fund itself, once a scan, among
all who are in profit (kernels/socialise.py); the fund then takes every account whole. Accounts that the venue exempts
are no counterparties under any rule.
"""

import numpy as np

from sim.kernels._jit import behaviour, inlined, small
from sim.kernels.fund import take_over, write_event
from sim.kernels.ladder import rehang
from sim.kernels.ledger import FUND, ONE, PERP, SPOT, TWO, ZERO, pro_rata, transfer
from sim.kernels.margin import bankruptcy_half_ticks, equity_micro, maintenance_micro, notional_micro
from sim.schema import EVENT_ADL

LEVERAGE_PNL, PNL_LEVERAGE, INDEX, PRO_RATA, HAIRCUT, OPTIMAL = (np.int64(i) for i in range(6))
ADL_RULES = ("leverage_pnl", "pnl_leverage", "index", "pro_rata", "haircut", "optimal")
F0, F1 = np.float64(0.0), np.float64(1.0)


@inlined
def leverage_pnl(pnl, collateral, maintenance):
    """Profit over collateral, times maintenance over equity (in the manner of Binance)."""
    return pnl / collateral * (maintenance / (collateral + pnl))


@inlined
def pnl_leverage(pnl, cost, notional, equity):
    """Profit over cost, times effective leverage; divided by it for a loss (in the manner of BitMEX and Bybit)."""
    leverage = notional / equity
    return pnl / cost * leverage if pnl > F0 else pnl / cost / leverage


@inlined
def index_score(mark, entry, side, notional, equity):
    """(mark / entry)^side times notional over account value (in the manner of Hyperliquid)."""
    return (mark / entry if side > ZERO else entry / mark) * (notional / equity)


@small
def backing_micro(bk, ld, c, mark):
    """Cash behind an account's perp position, with its coins at mark where the engine does not watch it."""
    cash = ld.accounts[c]["cash_micro"]
    if np.int64(ld.accounts[c]["leveraged"]) != ZERO:
        return cash
    return equity_micro(cash, bk.positions[SPOT, c], mark, ld.rules[PERP]["micro_per_tick_lot"])


@behaviour
def score_of(bk, ld, rk, c, mark):
    """Place of account ``c`` in the queue, higher first; 0 for one that is not in profit or has no equity."""
    account, unit = ld.accounts[c], ld.rules[PERP]["micro_per_tick_lot"]
    position, cost = bk.positions[PERP, c], account["entry_micro"]
    pnl = equity_micro(-cost, position, mark, unit)
    backing = backing_micro(bk, ld, c, mark)
    equity = equity_micro(backing, position, mark, unit)
    collateral = backing + cost
    if pnl <= ZERO or equity <= ZERO:
        return F0
    notional = notional_micro(position, mark, unit)
    rule = rk.engine[0]["adl_rule"]
    if rule == LEVERAGE_PNL:
        need = np.float64(maintenance_micro(notional, rk.tiers))
        return leverage_pnl(np.float64(pnl), np.float64(max(ONE, collateral)), need)
    value, worth = np.float64(notional), np.float64(equity)
    paid = np.float64(max(ONE, abs(cost)))
    if rule == PNL_LEVERAGE:
        return pnl_leverage(np.float64(pnl), paid, value, worth)
    return index_score(value, paid, position, value, worth)


@small
def stands_before(ld, rk, a, b):
    """Whether ``a`` is deleveraged before ``b``."""
    if rk.score[a] != rk.score[b]:
        return rk.score[a] > rk.score[b]
    return ld.accounts[a]["key"] < ld.accounts[b]["key"]


@behaviour
def sink(ld, rk, at, n):
    """Let the account at a place of the heap sink to where it belongs."""
    ranked = rk.ranked
    a = ranked[at]
    while TWO * at + ONE < n:
        child = TWO * at + ONE
        if child + ONE < n and stands_before(ld, rk, ranked[child + ONE], ranked[child]):
            child += ONE
        if not stands_before(ld, rk, ranked[child], a):
            break
        ranked[at] = ranked[child]
        at = child
    ranked[at] = a


@inlined
def rank_side(bk, ld, rk, side, mark):
    """Make a heap of all accounts in profit that hold ``side`` (1 longs, -1 shorts); the fund stays out of it."""
    n = ZERO
    for c in range(ld.accounts.shape[0]):
        if bk.positions[PERP, c] * side > ZERO and c != FUND and np.int64(ld.accounts[c]["adl_exempt"]) == ZERO:
            rk.score[c] = score_of(bk, ld, rk, np.int64(c), mark)
            if rk.score[c] > F0:
                rk.ranked[n] = c
                n += ONE
    rk.engine[0]["n_passed_over"], rk.engine[0]["ranked_side"] = ZERO, side
    order(ld, rk, n)


@behaviour
def order(ld, rk, n):
    """Make a heap of the first ``n`` ranked."""
    for i in range(n):
        sink(ld, rk, n - ONE - np.int64(i), n)
    rk.engine[0]["n_ranked"] = n


@behaviour
def drop_first(ld, rk):
    """Take the first account out of the heap."""
    n = rk.engine[0]["n_ranked"] - ONE
    rk.ranked[ZERO] = rk.ranked[n]
    rk.engine[0]["n_ranked"] = n
    if n > ZERO:
        sink(ld, rk, ZERO, n)


@inlined
def pass_over(ld, rk):
    """Take the first account out of the heap for now; it waits at the far end of the row."""
    engine, c = rk.engine[0], rk.ranked[ZERO]
    drop_first(ld, rk)
    rk.ranked[np.int64(rk.ranked.shape[0]) - ONE - engine["n_passed_over"]] = c
    engine["n_passed_over"] = engine["n_passed_over"] + ONE


@inlined
def take_back(ld, rk):
    """Put those who were passed over back into the heap."""
    engine, n = rk.engine[0], rk.engine[0]["n_ranked"]
    first = np.int64(rk.ranked.shape[0]) - engine["n_passed_over"]
    for at in range(first, rk.ranked.shape[0]):
        rk.ranked[n] = rk.ranked[at]
        n += ONE
    engine["n_passed_over"] = ZERO
    order(ld, rk, n)


@small
def closing_value(account, position, lots, at, unit):
    """What closing ``lots`` (> 0) of a position costs, in micro-dollars, at a price in half ticks, or at 0 its part of
    the cash that backs it: the bankruptcy price.
    """
    if at == ZERO:
        return -pro_rata(account["cash_micro"], lots, abs(position))
    return ((lots if position > ZERO else -lots) * at * unit) >> ONE


@behaviour
def deleverage(bk, ld, rk, a, mark, at, now_us):
    """Close the position of ``a`` against ranked counterparties while there are any, at the price ``at`` in half ticks,
    0 for its bankruptcy price.
    """
    engine, account, unit = rk.engine[0], ld.accounts[a], ld.rules[PERP]["micro_per_tick_lot"]
    side = ONE if bk.positions[PERP, a] > ZERO else -ONE
    if engine["ranked_side"] != -side:
        rank_side(bk, ld, rk, -side, mark)
    elif engine["n_passed_over"] > ZERO:
        take_back(ld, rk)
    while bk.positions[PERP, a] != ZERO and engine["n_ranked"] > ZERO:
        c = rk.ranked[ZERO]
        left, held = abs(bk.positions[PERP, a]), bk.positions[PERP, c]
        lots = min(left, abs(held))
        value = closing_value(account, bk.positions[PERP, a], lots, at, unit)
        price = (bankruptcy_half_ticks(account["cash_micro"], bk.positions[PERP, a], unit) if at == ZERO else at) >> ONE
        equity = equity_micro(backing_micro(bk, ld, c, mark) - value, held + side * lots, mark, unit)
        if held * side >= ZERO:
            drop_first(ld, rk)
            continue
        if equity < ZERO:
            pass_over(ld, rk)
            continue
        transfer(bk, ld, a, c, side * lots, value)
        write_event(ld, rk, EVENT_ADL, c, side * lots, price, value, now_us)
        if a != FUND:
            account["taken_lots"] = account["taken_lots"] + lots
        ld.accounts[c]["adl_lots"] = ld.accounts[c]["adl_lots"] + lots
        engine["row_adl_lots"] = engine["row_adl_lots"] + lots
        rehang(bk, ld, rk, c)
        if bk.positions[PERP, c] == ZERO:
            drop_first(ld, rk)


@behaviour
def close_out(bk, ld, rk, a, mark, now_us):
    """Empty account ``a``: lots that the fund can bear at mark to the fund, the rest to ADL, what is left to the
    fund.
    """
    unit, position = ld.rules[PERP]["micro_per_tick_lot"], bk.positions[PERP, a]
    loss = -equity_micro(ld.accounts[a]["cash_micro"], position, mark, unit)
    fund = max(ZERO, equity_micro(ld.accounts[FUND]["cash_micro"], bk.positions[PERP, FUND], mark, unit))
    is_queue = rk.engine[0]["adl_on"] != ZERO and rk.engine[0]["adl_rule"] <= INDEX
    has_dropped = rk.engine[0]["fund_dropped"] != ZERO
    if position != ZERO and (loss > fund or has_dropped) and is_queue:
        borne = ZERO if has_dropped else pro_rata(abs(position), fund, loss)
        if borne != ZERO:
            take_over(bk, ld, rk, a, borne if position > ZERO else -borne, now_us)
        deleverage(bk, ld, rk, a, mark, ZERO, now_us)
    if bk.positions[PERP, a] != ZERO or ld.accounts[a]["cash_micro"] != ZERO:
        take_over(bk, ld, rk, a, bk.positions[PERP, a], now_us)
