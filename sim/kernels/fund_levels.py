"""Insurance funds of one exchange stand in for one another: their money is levelled between ticks (EVENT.md P13).

What a fund has in one listing is its equity at mark. The equities of an exchange's listings together are shared out in
proportion to their open interest at mark, so that a listing whose fund lost much may draw on the others before anybody
is deleveraged there. Money moves, positions stay; every listing's totals follow. Slow twin:
tests/reference_market/fund_levels.py.
"""

import numpy as np

from sim.kernels._jit import behaviour, small
from sim.kernels.ledger import FUND, ONE, TWO, ZERO
from sim.kernels.margin import equity_micro


@small
def fund_equity(s, at):
    """Equity of a listing's fund at mark, micro-dollars."""
    account = s.accounts[s.listings[at]["account0"] + FUND]
    unit = s.rules[TWO * at]["micro_per_tick_lot"]
    return equity_micro(account["cash_micro"], account["held_lots"], s.price[at]["mark_half_ticks"], unit)


@small
def interest_weight(s, at):
    """Open interest at mark in dollars, at least one."""
    unit = np.float64(s.rules[TWO * at]["micro_per_tick_lot"]) * np.float64(s.price[at]["mark_half_ticks"])
    return max(1.0, 0.5e-6 * unit * np.float64(s.clock[at]["open_interest_lots"]))


@behaviour
def level_funds(s, shared_fund):
    """Share the funds of each exchange anew; ``shared_fund`` int64[n_exchanges] is 0 for one that keeps them apart."""
    for e in range(shared_fund.shape[0]):
        if shared_fund[e] == ZERO:
            continue
        total, weight, last = ZERO, 0.0, -ONE
        for k in range(s.listings.shape[0]):
            at = np.int64(k)
            if s.listings[at]["exchange"] == np.int64(e) and s.listings[at]["has_perp"] != ZERO:
                total += fund_equity(s, at)
                weight += interest_weight(s, at)
                last = at
        left = total
        for k in range(s.listings.shape[0]):
            at = np.int64(k)
            if s.listings[at]["exchange"] == np.int64(e) and s.listings[at]["has_perp"] != ZERO:
                share = left if at == last else np.int64(np.float64(total) * (interest_weight(s, at) / weight))
                left -= share
                change = share - fund_equity(s, at)
                account = s.accounts[s.listings[at]["account0"] + FUND]
                account["cash_micro"] = account["cash_micro"] + change
                s.clock[at]["cash_micro"] = s.clock[at]["cash_micro"] + change
