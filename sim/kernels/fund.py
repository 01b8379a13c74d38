"""The insurance fund: takes accounts over at their bankruptcy price and sells what it took with a half-life.

What it cannot bear goes to auto-deleveraging (kernels/adl.py); its equity falls below zero, a deficit declared in the
record, where that is off, finds nobody, or where the price moves against what the fund already holds.
"""

from sim.kernels._jit import behaviour, inlined, small
from sim.kernels.ledger import FUND, NO_TICKET, ONE, ZERO, Order, pro_rata, rate_up, trade_now, transfer
from sim.kernels.margin import bankruptcy_half_ticks
from sim.kernels.marks import PERP, bound_price
from sim.schema import BUY, EVENT_FUND_UNLOAD, EVENT_TAKEOVER, IOC, SELL


@small
def write_event(ld, rk, kind, a, lots, price, cash, now_us):
    """Append one row to the events; room is guaranteed by the growth check of the tick."""
    at = ld.clock[0]["n_events"]
    row = rk.events[at]
    row["time_us"] = now_us
    row["kind"] = kind
    row["account"] = a
    row["lots"] = lots
    row["price_ticks"] = price
    row["cash_micro"] = cash
    ld.clock[0]["n_events"] = at + ONE


@behaviour
def take_over(bk, ld, rk, a, lots, now_us):
    """The fund takes ``lots`` (signed) of account ``a`` and the same share of the cash that backs them: a transfer at
    the account's bankruptcy price. All of the position takes all of the cash; free cash is the account's own.
    """
    account = ld.accounts[a]
    position = bk.positions[PERP, a]
    cash = account["cash_micro"]
    price = bankruptcy_half_ticks(cash, position, ld.rules[PERP]["micro_per_tick_lot"]) >> ONE
    if lots != position:
        cash = pro_rata(cash, abs(lots), abs(position))
    write_event(ld, rk, EVENT_TAKEOVER, a, lots, price, cash, now_us)
    transfer(bk, ld, a, FUND, lots, -cash)
    account["taken_lots"] = account["taken_lots"] + abs(lots)
    rk.engine[0]["row_taken_lots"] = rk.engine[0]["row_taken_lots"] + abs(lots)


@behaviour
def sell_of_fund(bk, ld, rk, position, mark, now_us):
    """One IOC for the share of the fund's position that its half-life asks for."""
    engine = rk.engine[0]
    lots = rate_up(abs(position), engine["unload_share_ppm"])
    side = SELL if position > ZERO else BUY
    price = bound_price(mark, side, engine["order_bound_ppm"])
    filled, value = trade_now(bk, ld, Order(PERP, side, price, lots, FUND, IOC, NO_TICKET), now_us)
    if filled != ZERO:
        price = value // (ld.rules[PERP]["micro_per_tick_lot"] * filled)
        write_event(ld, rk, EVENT_FUND_UNLOAD, FUND, filled if side == BUY else -filled, price, ZERO, now_us)


@inlined
def unload_fund(bk, ld, rk, px, now_us):
    """Step 7 of the tick: the insurance fund sells of what it holds."""
    position = bk.positions[PERP, FUND]
    if position != ZERO and ld.rules[PERP]["halted"] == ZERO:
        sell_of_fund(bk, ld, rk, position, px.now[0]["mark_half_ticks"], now_us)
