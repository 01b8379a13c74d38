"""Insurance funds of one exchange stand in for one another: their money is levelled between ticks (EVENT.md P13).

What a fund has in one listing is its equity at mark. The equities of an exchange's listings in one money together are
shared out in proportion to their open interest at mark (at least a dollar), each rounded down and the rest to the last,
so that a listing whose fund lost much may draw on the others before anybody is deleveraged there. Money moves,
positions stay; every listing's totals follow. Slow twin: tests/reference_market/fund_levels.py.
"""

from typing import Any, NamedTuple

import numpy as np

from sim.kernels._jit import behaviour, inlined, small
from sim.kernels.ledger import FUND, MILLION, ONE, TWO, ZERO, pro_rata
from sim.kernels.margin import equity_micro


class SharedFunds(NamedTuple):
    """``on`` int64[n_exchanges]: 0 for an exchange that keeps its listings' funds apart."""

    on: Any


@small
def fund_equity(s, at):
    """Equity of a listing's fund at mark, micro-dollars."""
    account = s.accounts[s.listings[at]["account0"] + FUND]
    unit = s.rules[TWO * at]["micro_per_tick_lot"]
    return equity_micro(account["cash_micro"], account["held_lots"], s.price[at]["mark_half_ticks"], unit)


@small
def interest_weight(s, at):
    """Open interest at mark in dollars, at least one."""
    unit = s.rules[TWO * at]["micro_per_tick_lot"] * s.price[at]["mark_half_ticks"]
    return max(ONE, unit * s.clock[at]["open_interest_lots"] // (TWO * MILLION))


@small
def is_of(s, at, first):
    """Whether a listing's fund is shared with that of listing ``first``: perps of one exchange in one money."""
    one, other = s.listings[at], s.listings[first]
    return one["has_perp"] != ZERO and one["exchange"] == other["exchange"] and one["quote"] == other["quote"]


@inlined
def level_group(s, first):
    """Share the funds that stand in for one another with that of listing ``first`` out anew."""
    total, weight, last = ZERO, ZERO, first
    for k in range(s.listings.shape[0]):
        at = np.int64(k)
        if is_of(s, at, first):
            total += fund_equity(s, at)
            weight += interest_weight(s, at)
            last = at
    left = total
    for k in range(s.listings.shape[0]):
        at = np.int64(k)
        if is_of(s, at, first):
            share = left if at == last else pro_rata(total, interest_weight(s, at), weight)
            left -= share
            change = share - fund_equity(s, at)
            account = s.accounts[s.listings[at]["account0"] + FUND]
            account["cash_micro"] = account["cash_micro"] + change
            s.clock[at]["cash_micro"] = s.clock[at]["cash_micro"] + change
            s.clock[at]["levelled_micro"] = s.clock[at]["levelled_micro"] + change
            s.clock[at]["pool_micro"], s.clock[at]["is_pooled"] = total, ONE


@behaviour
def level_funds(s, funds):
    """Share the funds of each exchange anew that does not keep them apart."""
    for k in range(s.listings.shape[0]):
        at = np.int64(k)
        if s.listings[at]["has_perp"] == ZERO or funds.on[s.listings[at]["exchange"]] == ZERO:
            continue
        is_first = True
        for j in range(k):
            if is_of(s, np.int64(j), at):
                is_first = False
                break
        if is_first:
            level_group(s, at)
