"""Rules of a lending protocol that liquidates by call: health of a position, close factor, seizure, deficit, rate.

One row of LENDER, a row of RESERVE for each asset and of MODE for each efficiency mode (row 0: none). A reserve counts
in lots; a lot is worth ``price / scale`` units of money (micro-dollars in a market), so that prices finer than a unit a
lot are exact. ``collateral`` and ``debt`` are lots by account and reserve. Every rounding goes against who gains by it:
what backs a loan is rounded down, what is owed up, what a liquidator takes down, what he pays and his fee up.
Source: MODEL 3.1 [S:18]. Slow twin: tests/reference_market/lending.py.
"""

from typing import Any, NamedTuple

import numpy as np

from sim.kernels._jit import behaviour, small
from sim.kernels.ledger import MILLION, ONE, ZERO, pro_rata, rate_up

BILLION = np.int64(1_000_000_000)
NO_MODE = ZERO  # its bit stands for what may be borrowed outside any mode

DONE, HEALTHY, NO_COLLATERAL, NO_DEBT, NOTHING, DUST = (np.int64(k) for k in range(6))
REASONS = ("", "healthy", "no_collateral", "no_debt", "nothing", "dust")

LENDER = np.dtype(
    [
        ("full_close_ppm", "i8"),  # health at and below which all debt of a reserve may be repaid
        ("close_ppm", "i8"),  # else this part of the total debt
        ("small_micro", "i8"),  # and all of it where collateral or debt of the pair is worth less than this
        ("least_left_micro", "i8"),  # a partial call leaves this much of both
        ("fee_ppm", "i8"),  # of the bonus, to the protocol
    ]
)
RESERVE = np.dtype(
    [
        ("price", "i8"),  # units of money of ``scale`` lots, above 0
        ("scale", "i8"),
        ("ltv_ppm", "i8"),
        ("threshold_ppm", "i8"),  # 0: it backs no loan outside its modes
        ("bonus_ppm", "i8"),  # over the value repaid
        ("backs", "i8"),  # bit m: its numbers as collateral are those of mode m
        ("lends", "i8"),  # bit m: an account in mode m may borrow it
    ]
)
MODE = np.dtype([("ltv_ppm", "i8"), ("threshold_ppm", "i8"), ("bonus_ppm", "i8")])
CURVE = np.dtype([("base_ppm", "i8"), ("kink_ppm", "i8"), ("slope_ppm", "i8"), ("steep_ppm", "i8")])  # rates of a year


class Lending(NamedTuple):
    """A protocol and its borrowers: ``terms`` LENDER[1], ``reserves`` RESERVE[r], ``modes`` MODE[m], ``mode`` int64[n],
    ``collateral`` and ``debt`` int64[n, r] lots, ``deficit`` int64[r] lots that nobody owes any more.
    """

    terms: Any
    reserves: Any
    modes: Any
    mode: Any
    collateral: Any
    debt: Any
    deficit: Any


@behaviour
def times(amount, part, whole):
    """``amount * part / whole`` rounded down, exact, for ``part`` of any size from 0 on; the result fits 62 bits."""
    each = part // whole
    return amount * each + pro_rata(amount, part - each * whole, whole)


@small
def worth_down(lots, reserve):
    """Money that lots are worth, rounded down."""
    return times(lots, reserve["price"], reserve["scale"])


@small
def worth_up(lots, reserve):
    """Money that lots are worth, rounded up."""
    return -times(-lots, reserve["price"], reserve["scale"])


@small
def is_in(bits, mode):
    """Whether a mode is among those of a reserve."""
    return (bits >> mode) & ONE != ZERO


@small
def ltv_ppm(ln, a, r):
    """Part of its worth that may be borrowed against collateral ``r``, its mode's where the account is in one."""
    mode = ln.mode[a]
    if mode != NO_MODE and is_in(ln.reserves[r]["backs"], mode):
        return ln.modes[mode]["ltv_ppm"]
    return ln.reserves[r]["ltv_ppm"]


@small
def threshold_ppm(ln, a, r):
    """Part of its worth up to which collateral ``r`` backs a loan."""
    mode = ln.mode[a]
    if mode != NO_MODE and is_in(ln.reserves[r]["backs"], mode):
        return ln.modes[mode]["threshold_ppm"]
    return ln.reserves[r]["threshold_ppm"]


@small
def bonus_ppm(ln, a, r):
    """What a liquidator takes of collateral ``r`` beyond what he repays."""
    mode = ln.mode[a]
    if mode != NO_MODE and is_in(ln.reserves[r]["backs"], mode):
        return ln.modes[mode]["bonus_ppm"]
    return ln.reserves[r]["bonus_ppm"]


@behaviour
def sums(ln, a):
    """Of an account: worth of what backs its loans, what it may borrow against it, what it may owe before it is
    liquidated (its health is this over the next), and what it owes. The first three rounded down by reserve, debt up.
    """
    collateral, limit, threshold, debt = ZERO, ZERO, ZERO, ZERO
    for r in range(ln.reserves.shape[0]):
        if ln.collateral[a, r] != ZERO and threshold_ppm(ln, a, r) != ZERO:
            worth = worth_down(ln.collateral[a, r], ln.reserves[r])
            collateral += worth
            limit += times(worth, ltv_ppm(ln, a, r), MILLION)
            threshold += times(worth, threshold_ppm(ln, a, r), MILLION)
        if ln.debt[a, r] != ZERO:
            debt += worth_up(ln.debt[a, r], ln.reserves[r])
    return collateral, limit, threshold, debt


@small
def is_below(threshold, debt, health_ppm):
    """Whether health is below a number of millionths, exactly; liquidatable is below one million."""
    return threshold < rate_up(debt, health_ppm)


@small
def close_part_ppm(terms, threshold, debt, collateral_worth, debt_worth):
    """Close factor: the part of the *total* debt that one call may repay of one reserve.

    All of it at a health of ``full_close_ppm`` or below, or where the account's collateral or debt in the pair of
    reserves is worth less than ``small_micro``.
    """
    is_small = collateral_worth < terms["small_micro"] or debt_worth < terms["small_micro"]
    if is_small or threshold <= times(debt, terms["full_close_ppm"], MILLION):
        return MILLION
    return terms["close_ppm"]


@small
def largest_repaid(ln, a, c, d, threshold, debt):
    """Lots of debt ``d`` that one call may repay against collateral ``c``: what the close factor leaves, down."""
    reserve = ln.reserves[d]
    owed = ln.debt[a, d]
    worth = worth_down(ln.collateral[a, c], ln.reserves[c])
    part = close_part_ppm(ln.terms[0], threshold, debt, worth, worth_down(owed, reserve))
    allowed = times(debt, part, MILLION)
    if part == MILLION or worth_up(owed, reserve) <= allowed:
        return owed
    return times(allowed, reserve["scale"], reserve["price"])


@behaviour
def quote_call(ln, a, c, d, cover):
    """What a call would do that offers ``cover`` lots of debt ``d`` for collateral ``c``: reason, repaid, seized, fee.

    Seized is worth the money repaid and the bonus on it, each step down; where that is more than there is, all is taken
    and what is repaid is what all is worth without the bonus, each step up. The fee is a part of the bonus, rounded up,
    out of what is seized. A call that clears neither side of the pair must leave ``least_left_micro`` of both.
    """
    _, _, threshold, debt = sums(ln, a)
    held, owed = ln.collateral[a, c], ln.debt[a, d]
    if not is_below(threshold, debt, MILLION):
        return HEALTHY, ZERO, ZERO, ZERO
    if held == ZERO or threshold_ppm(ln, a, c) == ZERO:
        return NO_COLLATERAL, ZERO, ZERO, ZERO
    if owed == ZERO:
        return NO_DEBT, ZERO, ZERO, ZERO
    taken, given = ln.reserves[c], ln.reserves[d]
    with_bonus = MILLION + bonus_ppm(ln, a, c)
    repaid = min(cover, largest_repaid(ln, a, c, d, threshold, debt))
    seized = times(times(worth_down(repaid, given), with_bonus, MILLION), taken["scale"], taken["price"])
    if seized > held:
        seized = held
        needed = -times(-worth_up(held, taken), MILLION, with_bonus)
        repaid = -times(-needed, given["scale"], given["price"])  # never more than it was: steps up undo steps down
    if repaid <= ZERO or seized <= ZERO:
        return NOTHING, ZERO, ZERO, ZERO
    if repaid < owed and seized < held:
        least = ln.terms[0]["least_left_micro"]
        if worth_down(owed - repaid, given) < least or worth_down(held - seized, taken) < least:
            return DUST, ZERO, ZERO, ZERO
    fee = rate_up(seized - times(seized, MILLION, with_bonus), ln.terms[0]["fee_ppm"])
    return DONE, repaid, seized, fee


@behaviour
def liquidate(ln, a, c, d, cover):
    """Do what ``quote_call`` says, and write off what is then owed without collateral of any worth.

    Returns its reason, repaid, seized and fee. The caller takes ``repaid`` lots of ``d`` from the liquidator, and hands
    him ``seized - fee`` lots of ``c``, the protocol ``fee``. What is written off is added to ``deficit``, by reserve.
    """
    reason, repaid, seized, fee = quote_call(ln, a, c, d, cover)
    if reason == DONE:
        ln.collateral[a, c] -= seized
        ln.debt[a, d] -= repaid
        collateral, _, _, _ = sums(ln, a)
        if collateral == ZERO:
            for r in range(ln.reserves.shape[0]):
                ln.deficit[r] += ln.debt[a, r]
                ln.debt[a, r] = ZERO
    return reason, repaid, seized, fee


@behaviour
def may_borrow(ln, a, r, lots):
    """Whether an account may borrow so many lots more: its mode allows the asset, and its limit covers all it owes."""
    _, limit, _, debt = sums(ln, a)
    added = worth_up(ln.debt[a, r] + lots, ln.reserves[r]) - worth_up(ln.debt[a, r], ln.reserves[r])
    return is_in(ln.reserves[r]["lends"], ln.mode[a]) and debt + added <= limit


@behaviour
def borrow_rate_ppm(curve, borrowed, available):
    """Rate of a year at the share of a reserve that is lent out, rounded up; that share up to 1e-9.

    ``base + slope * u / kink`` up to the kink, then ``base + slope + steep * (u - kink) / (1 - kink)``.
    """
    whole = borrowed + available
    used = -times(-BILLION, borrowed, whole) if whole > ZERO else ZERO
    kink = curve["kink_ppm"] * np.int64(1000)
    if used <= kink:
        return curve["base_ppm"] - times(-curve["slope_ppm"], used, kink)
    return curve["base_ppm"] + curve["slope_ppm"] - times(-curve["steep_ppm"], used - kink, BILLION - kink)
