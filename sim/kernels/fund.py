"""The insurance fund: takes accounts over at their bankruptcy price and sells what it took with a half-life.

Its equity may fall below zero: the recorded deficit is uncovered, since auto-deleveraging is not in this
version (docs/limits.md).
"""

from sim.kernels._jit import behaviour, small
from sim.kernels.ledger import FUND, NO_TICKET, ONE, ZERO, Order, rate_up, trade_now, transfer
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
def take_over(bk, ld, rk, a, now_us):
    """The fund takes position and backing cash of account ``a`` whole: a transfer at exactly the bankruptcy price.
    Leaves the account without either; its free cash is its own.
    """
    account = ld.accounts[a]
    position, cash = bk.positions[PERP, a], account["cash_micro"]
    price = bankruptcy_half_ticks(cash, position, ld.rules[PERP]["micro_per_tick_lot"]) >> ONE
    write_event(ld, rk, EVENT_TAKEOVER, a, position, price, cash, now_us)
    transfer(bk, ld, a, FUND, position, -cash)
    account["taken_lots"] = account["taken_lots"] + abs(position)
    rk.engine[0]["row_taken_lots"] = rk.engine[0]["row_taken_lots"] + abs(position)


@behaviour
def unload_fund(bk, ld, rk, px, now_us):
    """Step 7 of the tick: the insurance fund sells the share of its position that its half-life asks for, by one
    IOC.
    """
    position = bk.positions[PERP, FUND]
    if position == ZERO or ld.rules[PERP]["halted"] != ZERO:
        return
    engine, mark = rk.engine[0], px.now[0]["mark_half_ticks"]
    lots = rate_up(abs(position), engine["unload_share_ppm"])
    side = SELL if position > ZERO else BUY
    price = bound_price(mark, side, engine["order_bound_ppm"])
    filled, value = trade_now(bk, ld, Order(PERP, side, price, lots, FUND, IOC, NO_TICKET), now_us)
    if filled != ZERO:
        price = value // (ld.rules[PERP]["micro_per_tick_lot"] * filled)
        write_event(ld, rk, EVENT_FUND_UNLOAD, FUND, filled if side == BUY else -filled, price, ZERO, now_us)
