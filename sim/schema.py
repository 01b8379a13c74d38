"""Integers and record types shared by every room of the state; imports nothing but NumPy.

Constants are ``np.int64`` and never plain ``int``: a Python literal handed to a compiled function makes Numba compile a
copy of it for each value. Fields end in their unit: ``_ticks``, ``_lots``, ``_micro`` (millionths of a dollar),
``_us``.
"""

import numpy as np

BUY, SELL = np.int64(0), np.int64(1)

# order kinds: what becomes of what does not trade at once
GTC, IOC, FOK, POST = (np.int64(i) for i in range(4))

# order flags, one bit each
NO_FLAGS = np.int64(0)
REDUCE_ONLY = np.int64(1)
STP_EXEMPT = np.int64(2)

# self-trade prevention of a book
STP_OFF, STP_CANCEL_MAKER, STP_CANCEL_TAKER, STP_DECREMENT = (np.int64(i) for i in range(4))

# what became of a message; negative means rejected, and nothing changed
OK = np.int64(0)
REJECT_STALE = np.int64(-1)  # handle or order unknown, dead, forged, or another owner's
REJECT_PRICE = np.int64(-2)  # price outside 1 .. MAX_PRICE_TICKS
REJECT_LOTS = np.int64(-3)  # lots not in 1 .. MAX_LOTS
REJECT_POST = np.int64(-4)  # post-only that would trade
REJECT_FOK = np.int64(-5)  # fill-or-kill that cannot be filled whole
REJECT_REDUCE = np.int64(-6)  # reduce-only without a position to reduce
REJECT_DUPLICATE = np.int64(-7)  # client id already names a live order
REJECT_CAPACITY = np.int64(-8)  # pool, fills or ack space full: grow and send again
REJECT_KIND = np.int64(-9)  # unknown kind, side, book or owner
REJECT_BAND = np.int64(-10)  # price beyond the venue's band; in the simulator alone, like the next
REJECT_HALT = np.int64(-11)  # trading is halted
REJECT_MARGIN = np.int64(-12)  # more than the account's free money covers; of Python agents, like the next two
REJECT_COINS = np.int64(-13)  # more than the account's free coins
REJECT_LOAD = np.int64(-15)  # more messages than the venue can queue
ORDER_TAKEN_OFF = np.int64(-14)  # no refusal: the liquidation engine cancelled what rested

MAX_PRICE_TICKS = np.int64((1 << 31) - 1)
MAX_LOTS = np.int64(1 << 54)  # level totals and positions stay exact up to 2^62, i.e. 256 orders of this size
NO_KEY = np.int64(1 << 62)  # key of an empty side: worse than every price

ORDER = np.dtype(
    [
        ("lots", "i8"),
        ("next", "u4"),  # towards later arrival in the same level (or far page); free list when dead
        ("prev", "u4"),
        ("level", "u4"),  # row of `levels` while in the window; price in ticks while far
        ("generation", "u4"),  # odd while live
        ("owner", "u4"),
        ("meta", "u4"),  # bit 0 reduce-only, bit 1 far, bits 2.. row of `sides` (2 * book + side)
    ]
)
LEVEL = np.dtype([("total_lots", "i8"), ("head", "u4"), ("tail", "u4")])
PAGE = np.dtype([("head", "u4"), ("tail", "u4")])
SIDE = np.dtype(
    [
        ("best", "i8"),  # key of the best order in the window, NO_KEY when none
        ("lo", "i8"),  # window is lo <= key < lo + mask + 1
        ("mask", "u4"),
        ("level0", "u4"),  # first row in `levels`
        ("word0", "u4"),  # first row in `words` of the bitmap
        ("summary0", "u4"),  # first row in `words` of its summary
        ("page0", "u4"),  # first row in `far`
        ("n_far", "u4"),  # live orders outside the window
        ("n_reduce", "u4"),  # live reduce-only orders
        ("spare", "u4"),
    ]
)
BOOK = np.dtype([("last_ticks", "i8"), ("stp", "i8"), ("n_trades", "i8"), ("volume_lots", "i8")])
CURSOR = np.dtype(
    [
        ("free_head", "u4"),  # recycled slots, linked by `next`; 0 when none
        ("fresh", "u4"),  # first slot never used yet: also a bound on live orders + 1
        ("n_fills", "i8"),
        ("message", "i8"),
    ]
)
FILL = np.dtype(
    [
        ("lots", "i8"),
        ("maker", "i8"),  # handle of the resting order
        ("price_ticks", "u4"),
        ("message", "u4"),
        ("taker_owner", "u4"),
        ("maker_owner", "u4"),
    ]
)

# One row each recorded second (or minute). Written by behaviours/../recorder kernel at the end of a tick.
# Flows are sums since the row before; levels are the state at `time_us`.
RECORD = np.dtype(
    [
        ("time_us", "i8"),
        ("value_usd", "f8"),  # the news value v
        ("index_usd", "f8"),
        ("mark_usd", "f8"),
        ("perp_bid_ticks", "i8"),  # 0 when the side is empty
        ("perp_ask_ticks", "i8"),
        ("perp_last_ticks", "i8"),
        ("spot_bid_ticks", "i8"),
        ("spot_ask_ticks", "i8"),
        ("spot_last_ticks", "i8"),
        ("open_interest_lots", "i8"),
        ("perp_taker_buy_lots", "i8"),
        ("perp_taker_sell_lots", "i8"),
        ("spot_taker_buy_lots", "i8"),
        ("spot_taker_sell_lots", "i8"),
        ("forced_sell_lots", "i8"),  # longs liquidated through the book
        ("forced_buy_lots", "i8"),
        ("forced_sell_micro", "i8"),
        ("forced_buy_micro", "i8"),
        ("takeover_lots", "i8"),  # taken over by the insurance fund at bankruptcy price
        ("adl_lots", "i8"),  # closed against counterparties by auto-deleveraging
        ("n_liquidated", "i8"),  # accounts whose first forced order fell in this row
        ("in_liquidation", "i8"),  # accounts under liquidation at the end of the row
        ("fund_micro", "i8"),  # insurance fund equity at mark
        ("deficit_micro", "i8"),  # what the fund owes beyond its equity at mark: declared, uncovered
        ("funding_rate_frac", "f8"),  # last settled, a period
        ("funding_micro", "i8"),  # paid by one side to the other
        ("maker_net_lots", "i8"),  # perp + spot, summed over firms
        ("bid_1pct_lots", "i8"),
        ("ask_1pct_lots", "i8"),
        ("bid_3pct_lots", "i8"),
        ("ask_3pct_lots", "i8"),
        ("bid_5pct_lots", "i8"),
        ("ask_5pct_lots", "i8"),
        ("n_messages", "i8"),
        ("n_fills", "i8"),
        ("arb_perp_lots", "i8"),  # perp position of the arbitrage firms
        ("arb_net_lots", "i8"),  # their inventory: what one leg filled beyond the other
        ("arb_stopped", "i8"),  # firms that saw a gap in the last tick and had no balance for it
        ("dip_net_lots", "i8"),  # perp + spot that dip buyers hold
        ("trend_net_lots", "i8"),  # perp position of trend followers
        ("latent_net_lots", "i8"),  # perp + spot that the latent layer holds, its coins of the start included
        ("stop_lots", "i8"),  # closed by leveraged accounts of their own accord, by cause; nothing of it is forced
        ("take_profit_lots", "i8"),
        ("panic_lots", "i8"),
        ("top_up_micro", "i8"),  # free cash moved to isolated positions
        ("n_closing", "i8"),  # accounts with a close under way at the end of the row
    ]
)

# Book profile row each 10 s: lots of the perp book in 30 bands a side, by distance from mid. Upper edges, in bp.
BAND_EDGES_BP = np.array(
    [0.5, 1, 2, 3, 4, 5, 7.5, 10, 15, 20, 25, 30, 40, 50, 60, 75, 100, 125, 150, 175,
     200, 225, 250, 300, 350, 400, 450, 500, 750, 1000]
)  # fmt: skip
N_BANDS = np.int64(60)  # 30 bid bands from the touch outwards, then 30 ask bands
BAND_ROW = np.dtype([("time_us", "i8"), ("mid_ticks", "i8"), ("lots", "i8", (60,))])

# What happened to whom: liquidations, takeovers, shocks.
EVENT = np.dtype(
    [
        ("time_us", "i8"),
        ("kind", "i8"),
        ("account", "i8"),
        ("lots", "i8"),
        ("price_ticks", "i8"),
        ("cash_micro", "i8"),
    ]
)
EVENT_FORCED, EVENT_TAKEOVER, EVENT_FUND_UNLOAD, EVENT_SHOCK, EVENT_FUNDING, EVENT_ADL = (np.int64(i) for i in range(6))
EVENT_STOP, EVENT_TAKE_PROFIT, EVENT_PANIC = (np.int64(i) for i in range(6, 9))  # the decision; fills follow
EVENT_HAIRCUT = np.int64(9)  # money of a winner for the fund's deficit; no lots
EVENT_HALT = np.int64(10)  # the breaker stops the perp, at this mark
EVENT_CLOCK = np.int64(11)  # ticks of the other length from here on
EVENT_NAMES = (
    "forced_order", "takeover", "fund_unload", "shock", "funding", "adl", "stop", "take_profit", "panic_close",
    "haircut", "halt", "clock",
)  # fmt: skip

# What the engine with client ids takes and answers (sim/engine.py). Types go on from NEW ... REPLACE below.
STOP, TAKE_PROFIT, SET_LAST = (np.int64(i) for i in range(4, 7))
CHECK_OWNER = np.int64(4)  # flag of a cancel, reduce or replace: another owner's order is unknown
REQUEST = np.dtype(
    [
        ("order_id", "i8"),
        ("lots", "i8"),
        ("price_ticks", "i8"),  # of a trigger order: its limit, 0 for a market order
        ("trigger_ticks", "i8"),
        ("owner", "i8"),
        ("book", "i4"),
        ("type", "u1"),
        ("side", "u1"),
        ("kind", "u1"),
        ("flags", "u1"),
    ]
)
ORDER_ACK = np.dtype(
    [
        ("order_id", "i8"),
        ("filled_lots", "i8"),
        ("open_lots", "i8"),
        ("cancelled_lots", "i8"),
        ("price_ticks", "i8"),  # at which the order stood, or arrived
        ("fills_end", "i8"),  # its trades end before this row
        ("message", "u4"),  # row of the request, or of the one that fired it
        ("status", "i2"),  # OK or a negative REJECT_...
        ("side", "u1"),
        ("fired", "u1"),  # 1: a trigger order that this message fired
    ]
)
TRADE = np.dtype(
    [
        ("lots", "i8"),
        ("maker_id", "i8"),
        ("taker_id", "i8"),
        ("price_ticks", "u4"),
        ("message", "u4"),
        ("maker_owner", "u4"),
        ("taker_owner", "u4"),
        ("book", "u4"),
        ("spare", "u4"),
    ]
)
TRIGGER = np.dtype(
    [
        ("key", "i8"),  # trigger price, negated in a falling heap: lowest fires first
        ("serial", "i8"),
        ("lots", "i8"),
        ("price_ticks", "i8"),  # limit, 0 for a market order
        ("order_id", "i8"),
        ("owner", "u4"),
        ("next", "u4"),  # free list
        ("position", "u4"),  # in its heap
        ("book", "u4"),
        ("side", "u1"),
        ("flags", "u1"),
        ("type", "u1"),  # STOP or TAKE_PROFIT
        ("live", "u1"),
        ("spare", "u4"),
    ]
)

# A batch of messages for the engine alone. `handle` names the order of a cancel, reduce or replace.
NEW, CANCEL, REDUCE, REPLACE = (np.int64(i) for i in range(4))
MESSAGE_NAMES = ("new", "cancel", "reduce", "replace")
MESSAGE = np.dtype(
    [
        ("lots", "i8"),
        ("handle", "i8"),
        ("price_ticks", "u4"),
        ("owner", "u4"),
        ("book", "u2"),
        ("type", "u1"),
        ("side", "u1"),
        ("kind", "u1"),
        ("flags", "u1"),
        ("spare", "u2"),
    ]
)
ACK = np.dtype(
    [
        ("handle", "i8"),  # of what rests after the message, 0 when nothing does
        ("result", "i8"),  # lots traded (of a cancel: cancelled; of a reduce: left open), or a negative REJECT_...
    ]
)
