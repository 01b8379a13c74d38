"""The venue's liquidation engine: who is under water, in which order, how much at a time, what the fund takes.

Accounts hang in coarse buckets of their last safe mark (kernels/margin.py), so a mark move walks only what it
crossed. The bucket is a filter that is never late: the last safe mark is exact and is computed anew whenever cash or
position changes; the integer test decides.

One scan each ``scan_every`` (MODEL 2.6):

1. Accounts found join those still under liquidation; all are taken in the order of a keyed hash, never of loss.
2. Open orders of a Python agent are cancelled, which frees the cash that spot bids locked; then it is tested again.
3. Safe again at mark: leaves. What becomes of the others is the rule of the venue's engine, kernels/engines.py.
4. Where losses are shared out among all winners, or a vault stands for the fund, its own deficit is settled last
   (kernels/socialise.py).

The budget of a side is ``slice_depth_share`` of the visible lots within ``slice_depth_band`` of its best price, and
at most ``pace_cap``. A tick that spans k scans uses 1 - (1 - share)^k: k slices of a book that does not refill.
Slow twin: tests/reference_market/rules.py.
"""

import numpy as np

from sim import rng
from sim.kernels._jit import behaviour, entry, inlined
from sim.kernels.depth import depth_between
from sim.kernels.engines import BACKSTOP, TIERED, work_backstop, work_fok, work_tiered
from sim.kernels.ladder import BROKE, CALLED, SOUND, WORKED, bucket_of, unhang
from sim.kernels.ladder import ENGINE as ENGINE
from sim.kernels.ladder import UNLIMITED as UNLIMITED
from sim.kernels.ladder import Risk as Risk
from sim.kernels.ladder import hang as hang
from sim.kernels.ladder import rehang as rehang
from sim.kernels.ledger import MILLION, ONE, TWO, ZERO
from sim.kernels.margin import equity_micro
from sim.kernels.marks import PERP, STALE_US
from sim.kernels.socialise import settle_fund
from sim.schema import BUY, NO_KEY, SELL


@entry
def scan_rank(key, word):
    """Place in the order of a scan of the account with this participant word: 62 bits of a keyed hash."""
    w0, w1, w2, w3 = rng.philox(key, word, rng.SCAN_RANK, ZERO, ZERO)
    return np.int64(w0) * np.int64(1 << 30) + (np.int64(w1) >> TWO)


@inlined
def find_crossed(ld, rk, mark):
    """Append every account that the mark has made liquidatable to the queue, and take it off its bucket."""
    engine = rk.engine[0]
    here = bucket_of(rk, mark)
    n = engine["n_queue"]
    for side in range(2):
        first, last = (here, engine["top"]) if side == 0 else (engine["bottom"], here)
        for bucket in range(first, last + ONE):
            a = np.int64(rk.heads[side, bucket]) - ONE
            while a >= ZERO:
                after = np.int64(ld.accounts[a]["next"])
                safe = ld.accounts[a]["liquidation_half_ticks"]
                if (side == 0 and mark < safe) or (side == 1 and mark > safe):
                    unhang(ld, rk, a)
                    rk.queue[n] = a
                    n += ONE
                a = after
    engine["top"] = min(engine["top"], here)
    engine["bottom"] = max(engine["bottom"], here)
    engine["n_queue"] = n


@behaviour
def find_called(ld, rk):
    """Append every account that its portfolio has called to the queue."""
    clock, engine = ld.clock[0], rk.engine[0]
    for a in range(clock["first_joint"], clock["end_joint"]):
        if np.int64(ld.accounts[a]["called"]) & (CALLED | WORKED) == CALLED:
            ld.accounts[a]["called"] = np.int64(ld.accounts[a]["called"]) + WORKED - CALLED
            rk.queue[engine["n_queue"]] = a
            engine["n_queue"] = engine["n_queue"] + ONE
    clock["n_called"] = ZERO


@behaviour
def sort_queue(ld, rk):
    """Order the queue by the accounts' keyed rank: a shell sort over 62-bit hashes."""
    n = rk.engine[0]["n_queue"]
    queue, accounts = rk.queue, ld.accounts
    gap = n >> ONE
    while gap > ZERO:
        for i in range(gap, n):
            a = queue[i]
            rank = accounts[a]["rank"]
            j = i
            while j >= gap and accounts[queue[j - gap]]["rank"] > rank:
                queue[j] = queue[j - gap]
                j -= gap
            queue[j] = a
        gap >>= ONE


@behaviour
def scan_budget(bk, rk, side, scans, seconds_us, half_tick_micro):
    """Lots the engine may trade this time against ``side`` of the book (BUY: bids, for closing longs)."""
    engine = rk.engine[0]
    best = np.int64(bk.sides[side]["best"])
    if best == NO_KEY:
        return ZERO
    width = abs(best) * engine["slice_band_ppm"] // MILLION
    depth = depth_between(bk, side, best, best + width)
    left = depth
    for _ in range(scans):
        left = max(ZERO, left - left * engine["slice_share_ppm"] // MILLION)
    budget = depth - left
    if engine["pace_cap_micro_per_s"] != UNLIMITED:
        cap = engine["pace_cap_micro_per_s"] // MILLION * seconds_us
        budget = min(budget, TWO * (cap // half_tick_micro))
    return budget


@inlined
def is_for_engine(bk, ld, rk, a, mark):
    """Whether an account of the queue is worked in this scan, and else whether it stays. A leg of a portfolio is let go
    when that is safe again. It pays with the portfolio's equity before the fund pays: while there is any, a leg below
    zero waits for the portfolio's next look.
    """
    account, position = ld.accounts[a], bk.positions[PERP, a]
    called = np.int64(account["called"])
    if np.int64(account["joint"]) == ZERO:
        return True, True
    if called & SOUND != ZERO or position == ZERO:
        hang(bk, ld, rk, a)
        return False, False
    unit = ld.rules[PERP]["micro_per_tick_lot"]
    return called & BROKE != ZERO or equity_micro(account["cash_micro"], position, mark, unit) >= ZERO, True


@behaviour
def work_queue(bk, ld, rk, mark, scans, now_us):
    """Work every account of the queue by the rule of the venue's engine; keeps those that wait for the next scan."""
    engine, kind, n = rk.engine[0], rk.engine[0]["kind"], rk.engine[0]["n_queue"]
    half_tick_micro = mark * ld.rules[PERP]["micro_per_tick_lot"]
    spanned_us = scans * ld.clock[0]["scan_every_us"]
    bids_whole = scan_budget(bk, rk, BUY, scans, spanned_us, half_tick_micro)
    asks_whole = scan_budget(bk, rk, SELL, scans, spanned_us, half_tick_micro)
    bids_left, asks_left = bids_whole, asks_whole
    kept = ZERO
    for i in range(n):
        a = rk.queue[i]
        is_long = bk.positions[PERP, a] > ZERO
        budget = bids_left if is_long else asks_left
        is_now, stays = is_for_engine(bk, ld, rk, a, mark)
        if not is_now:
            used = ZERO
        elif kind == TIERED:
            used, stays = work_tiered(bk, ld, rk, a, mark, budget, now_us)
        elif kind == BACKSTOP:
            used, stays = ZERO, work_backstop(bk, ld, rk, a, mark, now_us)
        else:
            used, stays = work_fok(bk, ld, rk, a, mark, budget, bids_whole if is_long else asks_whole, now_us)
        if is_long:
            bids_left -= used
        else:
            asks_left -= used
        if stays:
            rk.queue[kept] = a
            kept += ONE
    engine["n_queue"] = kept


@inlined
def run_engine(bk, ld, rk, px, now_us):
    """Step 6 of the tick: all scans due at ``now_us`` (the tick's end); those that fall into a halt of the perp are
    lost.
    """
    engine, clock = rk.engine[0], ld.clock[0]
    scans = ZERO
    while engine["next_scan_us"] <= now_us:
        engine["next_scan_us"] = engine["next_scan_us"] + clock["scan_every_us"]
        scans += ONE
    is_stale = px.now[0]["index_us"] < now_us - clock["tick_us"] - STALE_US
    if scans == ZERO or is_stale or ld.rules[PERP]["halted"] != ZERO:
        return
    mark = px.now[0]["mark_half_ticks"]
    engine["ranked_side"] = ZERO  # counterparties are ranked anew when this scan deleverages
    find_crossed(ld, rk, mark)
    if clock["n_called"] != ZERO:
        find_called(ld, rk)
    if engine["n_queue"] != ZERO:
        sort_queue(ld, rk)
        work_queue(bk, ld, rk, mark, scans, now_us)
    settle_fund(bk, ld, rk, px, now_us)
