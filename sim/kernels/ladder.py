"""Where accounts hang: coarse buckets of their last safe mark, so that a mark move walks only what it crossed.

An isolated account with free cash hangs a second time, at the mark at which its owner thinks of adding margin.

The bucket is a filter that is never late: the last safe mark is exact and is computed anew whenever cash or position
changes.
"""

from typing import Any, NamedTuple

import numpy as np

from sim.kernels._jit import behaviour, inlined, small
from sim.kernels.ledger import ONE, PERP, TWO, ZERO
from sim.kernels.margin import alert_half_ticks, last_safe_half_ticks

NOT_HUNG = np.int64(-1)
# What a portfolio asks of the engine for a leg (``called`` of its account): one of the first two, and what it knows.
CALLED, WORKED = ONE, TWO  # to be taken into the queue; in it
BROKE, SOUND = np.int64(4), np.int64(8)  # the portfolio has no equity left: the fund may take over; let go, it is safe
UNLIMITED = np.int64(1 << 60)

ENGINE = np.dtype(
    [
        ("slice_share_ppm", "i8"),
        ("slice_band_ppm", "i8"),
        ("order_bound_ppm", "i8"),
        ("clearance_fee_ppm", "i8"),
        ("pace_cap_micro_per_s", "i8"),  # UNLIMITED when the venue states none
        ("unload_share_ppm", "i8"),  # of the fund's position sold in one tick: 1 - 2^(-tick / half-life)
        ("bucket_shift", "i8"),  # half ticks >> shift = bucket
        ("ceiling_half_ticks", "i8"),  # highest price the ladder tells apart
        ("top", "i8"),  # no long hangs above this bucket
        ("bottom", "i8"),  # no short hangs below this one
        ("n_queue", "i8"),
        ("next_scan_us", "i8"),
        ("row_sell_lots", "i8"),  # sums since the last recorded row
        ("row_buy_lots", "i8"),
        ("row_sell_micro", "i8"),
        ("row_buy_micro", "i8"),
        ("row_taken_lots", "i8"),
        ("row_accounts", "i8"),
        ("first_watched", "i8"),  # leveraged accounts are first_watched .. end_watched - 1
        ("end_watched", "i8"),
        ("adl_on", "i8"),
        ("adl_rule", "i8"),  # see kernels/adl.py
        ("n_ranked", "i8"),  # counterparties left in the heap of this scan
        ("n_passed_over", "i8"),  # ranked ones that could not bear an account's loss, kept for the next account
        ("ranked_side", "i8"),  # of what they hold: 1 longs, -1 shorts, 0 not ranked yet
        ("row_adl_lots", "i8"),
        ("alert_ppm", "i8"),  # equity over maintenance at which an owner is alert; 0: nobody is
        ("alert_top", "i8"),  # no long is alert above this bucket, no short below the other
        ("alert_bottom", "i8"),
        ("fund_dropped", "i8"),  # 1: the fund takes nothing more, see kernels/fund_drop.py
        ("kind", "i8"),  # TIERED, TIER_FOK or BACKSTOP, see kernels/engines.py
        ("large_micro", "i8"),  # BACKSTOP: positions above it are cut by ``large_share_ppm`` first
        ("large_share_ppm", "i8"),
        ("cooldown_us", "i8"),  # then the rest waits for so long
        ("backstop_ppm", "i8"),  # equity over maintenance below which the vault takes an account
    ]
)


class Risk(NamedTuple):
    """``tiers`` TIER[n], ``engine`` ENGINE[1], ``heads`` int32[4, n_buckets] (longs, shorts, alerts of longs, of
    shorts: 1 + the first account's row, 0 where the bucket is empty), ``queue`` int64[n], ``events`` EVENT[...],
    ``ranked`` int64[n_owners] (heap of counterparties), ``score`` float64[n_owners], ``shares`` int64[3, n_owners]
    (caps, weights and parts of a loss shared out).
    """

    tiers: Any
    engine: Any
    heads: Any
    queue: Any
    events: Any
    ranked: Any
    score: Any
    shares: Any


class Hooks(NamedTuple):
    """What hanging an account reads and writes, out of ``Books``, ``Ledger`` and ``Risk``: a call hands on a third of
    their words.
    """

    positions: Any
    accounts: Any
    rules: Any
    tiers: Any
    engine: Any
    heads: Any
    queue: Any


@small
def bucket_of(rk, half_ticks):
    """Bucket of a mark or a last safe price; the last bucket also holds everything above the ladder."""
    return min(half_ticks >> rk.engine[0]["bucket_shift"], np.int64(rk.heads.shape[1]) - ONE)


@inlined
def hang(bk, ld, rk, a):
    """Compute the last safe mark of account ``a`` and hang it in its bucket, or leave it there if it hangs in it. One
    whose position is gone is taken off; if it owes money it joins the queue, where the fund takes it over.
    """
    hang_on(Hooks(bk.positions, ld.accounts, ld.rules, rk.tiers, rk.engine, rk.heads, rk.queue), a)


@inlined
def rehang(bk, ld, rk, a):
    """``hang`` after cash or position of a hung account changed; those in the queue stay there."""
    if np.int64(ld.accounts[a]["bucket"]) >= ZERO:
        hang(bk, ld, rk, a)


@behaviour
def hang_on(hk, a):
    """See ``hang``; a leg of a portfolio is never hung, and may be called again."""
    account, engine, position = hk.accounts[a], hk.engine[0], hk.positions[PERP, a]
    if np.int64(account["joint"]) != ZERO:
        account["called"] = ZERO
        return
    if position == ZERO:
        if np.int64(account["bucket"]) >= ZERO:
            unhang(hk, hk, a)
            if account["cash_micro"] < ZERO:
                hk.queue[engine["n_queue"]] = a
                engine["n_queue"] = engine["n_queue"] + ONE
        return
    safe = last_safe_half_ticks(
        account["cash_micro"], position, hk.rules[PERP]["micro_per_tick_lot"], hk.tiers, engine["ceiling_half_ticks"]
    )
    account["liquidation_half_ticks"] = safe
    account["hung_micro"], account["hung_lots"] = account["cash_micro"], position
    side, bucket = ZERO if position > ZERO else ONE, bucket_of(hk, safe)
    place = side * np.int64(hk.heads.shape[1]) + bucket
    if np.int64(account["bucket"]) != place:
        if np.int64(account["bucket"]) >= ZERO:
            take_off(hk, hk, a)
        head = np.int64(hk.heads[side, bucket]) - ONE
        account["bucket"], account["next"], account["prev"] = place, head, NOT_HUNG
        if head >= ZERO:
            hk.accounts[head]["prev"] = a
        hk.heads[side, bucket] = a + ONE
        if side == ZERO:
            engine["top"] = max(engine["top"], bucket)
        else:
            engine["bottom"] = min(engine["bottom"], bucket)
    hang_alert(hk, a)


@inlined
def hang_alert(hk, a):
    """Hang an isolated account with free cash at the mark at which its owner becomes alert, or leave it in its bucket
    where that is the same; take any other off.
    """
    account, engine, position = hk.accounts[a], hk.engine[0], hk.positions[PERP, a]
    if engine["alert_ppm"] == ZERO or np.int64(account["isolated"]) == ZERO or account["free_micro"] <= ZERO:
        if np.int64(account["alert_bucket"]) != ZERO:
            unhang_alert(hk, hk, a)
        return
    unit = hk.rules[PERP]["micro_per_tick_lot"]
    at = alert_half_ticks(
        account["cash_micro"], position, unit, hk.tiers, engine["ceiling_half_ticks"], engine["alert_ppm"]
    )
    account["alert_half_ticks"] = at
    side, bucket = ZERO if position > ZERO else ONE, bucket_of(hk, at)
    place = side * np.int64(hk.heads.shape[1]) + bucket + ONE
    if np.int64(account["alert_bucket"]) == place:
        return
    if np.int64(account["alert_bucket"]) != ZERO:
        unhang_alert(hk, hk, a)
    head = np.int64(hk.heads[TWO + side, bucket]) - ONE
    account["alert_bucket"], account["alert_next"], account["alert_prev"] = place, head, NOT_HUNG
    if head >= ZERO:
        hk.accounts[head]["alert_prev"] = a
    hk.heads[TWO + side, bucket] = a + ONE
    if side == ZERO:
        engine["alert_top"] = max(engine["alert_top"], bucket)
    else:
        engine["alert_bottom"] = min(engine["alert_bottom"], bucket)


@small
def unhang(ld, rk, a):
    """Take account ``a`` out of its bucket, and out of that of alerts."""
    take_off(ld, rk, a)
    if np.int64(ld.accounts[a]["alert_bucket"]) != ZERO:
        unhang_alert(ld, rk, a)


@small
def take_off(ld, rk, a):
    """Take account ``a`` out of its bucket of last safe marks."""
    account = ld.accounts[a]
    n, at = np.int64(rk.heads.shape[1]), np.int64(account["bucket"])
    after, before = np.int64(account["next"]), np.int64(account["prev"])
    if before >= ZERO:
        ld.accounts[before]["next"] = after
    else:
        rk.heads[at // n, at % n] = after + ONE
    if after >= ZERO:
        ld.accounts[after]["prev"] = before
    account["bucket"] = NOT_HUNG


@small
def unhang_alert(ld, rk, a):
    """Take account ``a`` out of its bucket of alerts."""
    account = ld.accounts[a]
    n, at = np.int64(rk.heads.shape[1]), np.int64(account["alert_bucket"]) - ONE
    after, before = np.int64(account["alert_next"]), np.int64(account["alert_prev"])
    if before >= ZERO:
        ld.accounts[before]["alert_next"] = after
    else:
        rk.heads[TWO + at // n, at % n] = after + ONE
    if after >= ZERO:
        ld.accounts[after]["alert_prev"] = before
    account["alert_bucket"] = ZERO
