"""The deficit of the fund or vault itself, settled at the end of a scan.

It is settled where its equity at mark is below zero, by the venue's rule:

- a ranking, with the BACKSTOP engine: the vault's position is closed against ranked counterparties at the previous
  mark;
- PRO_RATA: its position is closed against all who hold the other side in profit, in proportion to their size, at its
  own bankruptcy price, or with the BACKSTOP engine at the previous mark;
- HAIRCUT: who is in profit pays h = min(1, deficit / sum of profits) of it, and keeps the position;
- OPTIMAL: who is in profit pays x, the sum of x^2 / equity least, none more than the profit; positions are kept.

Profits count up to the account's equity. Winners are those who hold the other side of the fund's position; where it has
none, both sides. Whose equity would fall below zero is left out. With the other engines a ranking deleverages account
by account (kernels/adl.py), and nothing is left to do here. What finds no payer stays the fund's declared deficit.
Source: MODEL 2.7 [S:2c, S:15]. Slow twin: tests/reference_market/socialise.py.
"""

import numpy as np

from sim.kernels._jit import behaviour, inlined, small
from sim.kernels.adl import HAIRCUT, INDEX, PRO_RATA, backing_micro, closing_value, deleverage
from sim.kernels.engines import BACKSTOP
from sim.kernels.fund import write_event
from sim.kernels.ladder import rehang
from sim.kernels.ledger import FUND, ONE, PERP, TWO, ZERO, transfer
from sim.kernels.loss_shares import split, split_capped
from sim.kernels.margin import bankruptcy_half_ticks, equity_micro
from sim.schema import EVENT_ADL, EVENT_HAIRCUT


@small
def is_winner(bk, ld, c, side):
    """Whether an account may bear a part: it holds ``side`` (1, -1, 0 for either), is not exempt and not the fund."""
    position = bk.positions[PERP, c]
    holds = position != ZERO if side == ZERO else position * side > ZERO
    return holds and c != FUND and np.int64(ld.accounts[c]["adl_exempt"]) == ZERO


@inlined
def find_profits(bk, ld, rk, side, mark):
    """Caps and weights of the haircut rules: profit up to equity, and equity; 0 for who bears nothing."""
    unit = ld.rules[PERP]["micro_per_tick_lot"]
    for row in range(ld.accounts.shape[0]):
        c = np.int64(row)
        rk.shares[ZERO, c], rk.shares[ONE, c] = ZERO, ZERO
        if is_winner(bk, ld, c, side):
            position = bk.positions[PERP, c]
            equity = equity_micro(backing_micro(bk, ld, c, mark), position, mark, unit)
            pnl = equity_micro(-ld.accounts[c]["entry_micro"], position, mark, unit)
            rk.shares[ZERO, c] = max(ZERO, min(pnl, equity))
            rk.shares[ONE, c] = max(ZERO, equity)


@inlined
def find_sizes(bk, ld, rk, side, mark, at):
    """Weights of the pro rata rule: lots of who is in profit and stays solvent when all of them close at ``at``."""
    unit = ld.rules[PERP]["micro_per_tick_lot"]
    for row in range(ld.accounts.shape[0]):
        c = np.int64(row)
        rk.shares[ONE, c] = ZERO
        if is_winner(bk, ld, c, side):
            position = bk.positions[PERP, c]
            pnl = equity_micro(-ld.accounts[c]["entry_micro"], position, mark, unit)
            if pnl > ZERO and equity_micro(backing_micro(bk, ld, c, mark), position, at, unit) > ZERO:
                rk.shares[ONE, c] = abs(position)


@inlined
def cut_profits(bk, ld, rk, deficit, mark, now_us):
    """HAIRCUT and OPTIMAL: winners pay the fund's deficit in money."""
    position = bk.positions[PERP, FUND]
    find_profits(bk, ld, rk, -ONE if position > ZERO else ONE if position < ZERO else ZERO, mark)
    if rk.engine[0]["adl_rule"] == HAIRCUT:
        split(deficit, rk.shares[ZERO], rk.shares[TWO])
    else:
        split_capped(deficit, rk.shares[ONE], rk.shares[ZERO], rk.shares[TWO])
    for row in range(ld.accounts.shape[0]):
        c = np.int64(row)
        paid = rk.shares[TWO, c]
        if paid != ZERO:
            ld.accounts[c]["cash_micro"] = ld.accounts[c]["cash_micro"] - paid
            ld.accounts[FUND]["cash_micro"] = ld.accounts[FUND]["cash_micro"] + paid
            write_event(ld, rk, EVENT_HAIRCUT, c, ZERO, mark >> ONE, paid, now_us)
            rehang(bk, ld, rk, c)
            if np.int64(ld.accounts[c]["joint"]) != ZERO:
                ld.accounts[c]["touched"], ld.clock[0]["joint_touched"] = ONE, ONE


@inlined
def close_pro_rata(bk, ld, rk, mark, previous, now_us):
    """PRO_RATA: close the fund's position against all winners, in proportion to their size."""
    fund, unit = ld.accounts[FUND], ld.rules[PERP]["micro_per_tick_lot"]
    held = bk.positions[PERP, FUND]
    if held == ZERO:
        return
    side = ONE if held > ZERO else -ONE
    find_sizes(
        bk, ld, rk, -side, mark, previous if previous != ZERO else bankruptcy_half_ticks(fund["cash_micro"], held, unit)
    )
    split(abs(held), rk.shares[ONE], rk.shares[TWO])
    for row in range(ld.accounts.shape[0]):
        c = np.int64(row)
        lots = rk.shares[TWO, c]
        if lots != ZERO:
            held = bk.positions[PERP, FUND]
            value = closing_value(fund, held, lots, previous, unit)
            transfer(bk, ld, FUND, c, side * lots, value)
            write_event(ld, rk, EVENT_ADL, c, side * lots, value // (side * lots * unit), value, now_us)
            ld.accounts[c]["adl_lots"] = ld.accounts[c]["adl_lots"] + lots
            rk.engine[0]["row_adl_lots"] = rk.engine[0]["row_adl_lots"] + lots
            rehang(bk, ld, rk, c)


@behaviour
def settle_deficit(bk, ld, rk, px, equity, now_us):
    """What a fund or vault with an ``equity`` below zero lacks is settled by the venue's rule."""
    engine, mark = rk.engine[0], px.now[0]["mark_half_ticks"]
    previous = px.now[0]["previous_half_ticks"] if engine["kind"] == BACKSTOP else ZERO
    if engine["adl_rule"] <= INDEX:
        deleverage(bk, ld, rk, FUND, mark, previous, now_us)
    elif engine["adl_rule"] == PRO_RATA:
        close_pro_rata(bk, ld, rk, mark, previous, now_us)
    else:
        cut_profits(bk, ld, rk, -equity, mark, now_us)


@inlined
def settle_fund(bk, ld, rk, px, now_us):
    """The end of a scan: settle a deficit of the fund, where the venue's rule does so for all at once, or of a
    vault.
    """
    engine, mark = rk.engine[0], px.now[0]["mark_half_ticks"]
    if engine["adl_on"] == ZERO or (engine["adl_rule"] <= INDEX and engine["kind"] != BACKSTOP):
        return
    cash, unit = ld.accounts[FUND]["cash_micro"], ld.rules[PERP]["micro_per_tick_lot"]
    equity = equity_micro(cash, bk.positions[PERP, FUND], mark, unit)
    if equity < ZERO:
        settle_deficit(bk, ld, rk, px, equity, now_us)
