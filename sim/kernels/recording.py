"""The recorder: one row each ``record_every``, one depth profile each ten seconds, one quote row each tick, all in
compiled code.
"""

from typing import Any, NamedTuple

import numpy as np

from sim.kernels._jit import behaviour, inlined, small
from sim.kernels.book import best_ask, best_bid
from sim.kernels.depth import depth_between
from sim.kernels.ledger import FUND, ONE, TWO, ZERO
from sim.kernels.margin import equity_micro
from sim.kernels.marks import PERP, SPOT
from sim.schema import BAND_EDGES_BP, BUY, NO_KEY

# What agents may see: the state at the end of each tick, kept in a ring.
QUOTE = np.dtype(
    [
        ("time_us", "i8"),
        ("bid_ticks", "i8", (2,)),
        ("ask_ticks", "i8", (2,)),
        ("last_ticks", "i8", (2,)),
        ("mark_half_ticks", "i8"),
        ("index_half_ticks", "i8"),
    ]
)
QUOTE_RING = 4096

N_EDGES = len(BAND_EDGES_BP)
EDGES_TENTH_BP = np.round(BAND_EDGES_BP * 10).astype(np.int64)
UNITS_PER_ONE = np.int64(100_000)  # tenths of a basis point in one
ONE_PCT, THREE_PCT, FIVE_PCT = np.int64(1_000), np.int64(3_000), np.int64(5_000)  # edges of bands


class Tape(NamedTuple):
    """``rows`` RECORD[...], ``bands`` BAND_ROW[...], ``quotes`` QUOTE[QUOTE_RING]."""

    rows: Any
    bands: Any
    quotes: Any


@small
def key_within(row, mid_half_ticks, width):
    """Worst key of a side no further than ``width`` (1e-5) from a mid given in half ticks."""
    if row % TWO == BUY:
        return -((mid_half_ticks * (UNITS_PER_ONE - width) + TWO * UNITS_PER_ONE - ONE) // (TWO * UNITS_PER_ONE))
    return mid_half_ticks * (UNITS_PER_ONE + width) // (TWO * UNITS_PER_ONE)


@behaviour
def write_bands(bk, tape, px, clock, now_us):
    """Append the perp's depth profile: lots between successive edges, bids then asks."""
    at = clock[0]["n_bands"]
    row = tape.bands[at]
    mid = px.now[0]["mid_half_ticks"]
    row["time_us"] = now_us
    row["mid_ticks"] = mid >> ONE
    lots = row["lots"]
    for side in range(2):
        book_row = TWO * PERP + side
        begin = -NO_KEY
        for i in range(N_EDGES):
            end = key_within(book_row, mid, EDGES_TENTH_BP[i])
            lots[side * N_EDGES + i] = depth_between(bk, book_row, begin, end)
            begin = end + ONE
    clock[0]["n_bands"] = at + ONE


@inlined
def depth_of_side(bk, row, mid_half_ticks):
    """Lots of a side within 1, 3 and 5 % of the mid, in one walk."""
    one, three = key_within(row, mid_half_ticks, ONE_PCT), key_within(row, mid_half_ticks, THREE_PCT)
    within_1 = depth_between(bk, row, -NO_KEY, one)
    within_3 = within_1 + depth_between(bk, row, one + ONE, three)
    return within_1, within_3, within_3 + depth_between(bk, row, three + ONE, key_within(row, mid_half_ticks, FIVE_PCT))


@inlined
def depth_in_bands(lots, side):
    """As ``depth_of_side``, from a depth profile of this moment."""
    within_1, within_3, total = ZERO, ZERO, ZERO
    for i in range(N_EDGES):
        if EDGES_TENTH_BP[i] > FIVE_PCT:
            break
        total += lots[side * N_EDGES + i]
        within_1 = total if EDGES_TENTH_BP[i] <= ONE_PCT else within_1
        within_3 = total if EDGES_TENTH_BP[i] <= THREE_PCT else within_3
    return within_1, within_3, total


@behaviour
def depth_now(bk, tape, clock, row, mid_half_ticks, has_bands):
    """Lots of a side within 1, 3 and 5 % of the mid; ``has_bands`` when the last depth profile is of this moment."""
    if has_bands:
        return depth_in_bands(tape.bands[clock["n_bands"] - ONE]["lots"], row)
    return depth_of_side(bk, row, mid_half_ticks)


@inlined
def write_flows(ld, rk, row):
    """Copy the sums since the last row into ``row`` and reset them."""
    perp, spot, engine = ld.flows[PERP], ld.flows[SPOT], rk.engine[0]
    row["perp_taker_buy_lots"] = perp["row_buy_lots"]
    row["perp_taker_sell_lots"] = perp["row_sell_lots"]
    row["spot_taker_buy_lots"] = spot["row_buy_lots"]
    row["spot_taker_sell_lots"] = spot["row_sell_lots"]
    row["n_fills"] = perp["row_fills"] + spot["row_fills"]
    row["n_messages"] = perp["row_messages"] + spot["row_messages"]
    row["forced_sell_lots"] = engine["row_sell_lots"]
    row["forced_buy_lots"] = engine["row_buy_lots"]
    row["forced_sell_micro"] = engine["row_sell_micro"]
    row["forced_buy_micro"] = engine["row_buy_micro"]
    row["takeover_lots"] = engine["row_taken_lots"]
    row["adl_lots"] = engine["row_adl_lots"]
    row["n_liquidated"] = engine["row_accounts"]
    row["in_liquidation"] = engine["n_queue"]
    for b in range(2):
        flow = ld.flows[b]
        flow["row_buy_lots"], flow["row_sell_lots"], flow["row_fills"], flow["row_messages"] = ZERO, ZERO, ZERO, ZERO
    engine["row_sell_lots"], engine["row_buy_lots"] = ZERO, ZERO
    engine["row_sell_micro"], engine["row_buy_micro"] = ZERO, ZERO
    engine["row_taken_lots"], engine["row_adl_lots"], engine["row_accounts"] = ZERO, ZERO, ZERO


@inlined
def write_row(bk, ld, rk, px, tape, value_usd, maker_net_lots, has_bands, now_us):
    """Append one recorded row: state at ``now_us``, flows since the row before; ``has_bands`` as for ``depth_now``."""
    clock, now = ld.clock[0], px.now[0]
    at = clock["n_rows"]
    row = tape.rows[at]
    mid = now["mid_half_ticks"]
    row["time_us"] = now_us
    row["value_usd"] = value_usd
    row["index_usd"] = 0.5 * now["tick_usd"] * np.float64(now["index_half_ticks"])
    row["mark_usd"] = 0.5 * now["tick_usd"] * np.float64(now["mark_half_ticks"])
    row["perp_bid_ticks"], row["perp_ask_ticks"] = best_bid(bk, PERP), best_ask(bk, PERP)
    row["spot_bid_ticks"], row["spot_ask_ticks"] = best_bid(bk, SPOT), best_ask(bk, SPOT)
    row["perp_last_ticks"] = bk.book[PERP]["last_ticks"]
    row["spot_last_ticks"] = bk.book[SPOT]["last_ticks"]
    row["open_interest_lots"] = clock["open_interest_lots"]
    write_flows(ld, rk, row)
    row["fund_micro"] = equity_micro(
        ld.accounts[FUND]["cash_micro"],
        bk.positions[PERP, FUND],
        now["mark_half_ticks"],
        ld.rules[PERP]["micro_per_tick_lot"],
    )
    row["deficit_micro"] = max(ZERO, -row["fund_micro"])
    row["funding_rate_frac"] = 1e-9 * np.float64(now["rate_ppb"])
    row["funding_micro"] = now["row_funding_micro"]
    now["row_funding_micro"] = ZERO
    row["maker_net_lots"] = maker_net_lots
    bids = depth_now(bk, tape, clock, ZERO, mid, has_bands)
    asks = depth_now(bk, tape, clock, ONE, mid, has_bands)
    row["bid_1pct_lots"], row["bid_3pct_lots"], row["bid_5pct_lots"] = bids
    row["ask_1pct_lots"], row["ask_3pct_lots"], row["ask_5pct_lots"] = asks
    clock["n_rows"] = at + ONE


@inlined
def write_quote(bk, tape, px, tick, now_us):
    """Keep the touch of both books at the end of a tick for agents' views."""
    row = tape.quotes[(tick + ONE) % np.int64(QUOTE_RING)]
    row["time_us"] = now_us
    bids, asks, lasts = row["bid_ticks"], row["ask_ticks"], row["last_ticks"]
    for b in range(2):
        bids[b], asks[b] = best_bid(bk, np.int64(b)), best_ask(bk, np.int64(b))
        lasts[b] = bk.book[b]["last_ticks"]
    row["mark_half_ticks"] = px.now[0]["mark_half_ticks"]
    row["index_half_ticks"] = px.now[0]["index_half_ticks"]
