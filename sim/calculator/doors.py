"""The kernels that the calculator asks, behind compiled doors: inner kernels have no Python wrapper of their own.

Python integers go in and come out; one that 64 bits cannot hold is refused. No run reaches this file, so it is no part
of the kernel hash.
"""

from typing import Any

import numpy as np

from sim.errors import RuleError
from sim.kernels._jit import entry
from sim.kernels.adl import close_out, deleverage, score_of
from sim.kernels.book import Books
from sim.kernels.fund import take_over
from sim.kernels.funding import payment_micro
from sim.kernels.inverse import inverse_bankruptcy, inverse_equity, inverse_last_safe, inverse_notional
from sim.kernels.ladder import Risk
from sim.kernels.ledger import Ledger, pro_rata, rate_up
from sim.kernels.loss_shares import split, use_layers
from sim.kernels.margin import (
    bankruptcy_half_ticks,
    equity_micro,
    initial_micro,
    last_safe_half_ticks,
    lots_to_close,
    maintenance_micro,
    notional_micro,
)
from sim.kernels.marks import PERP, Prices
from sim.kernels.matching import submit
from sim.kernels.premium import close_period, funding_rate_ppb, impact, premium_ppb
from sim.kernels.socialise import settle_fund
from sim.units import LIMIT


@entry
def rate_up_of(amount, rate_ppm):
    """See kernels/ledger.py."""
    return rate_up(amount, rate_ppm)


@entry
def pro_rata_of(amount, part, whole):
    """See kernels/ledger.py."""
    return pro_rata(amount, part, whole)


@entry
def rate_of(premium, base, clamp, cap):
    """See kernels/premium.py."""
    return funding_rate_ppb(premium, base, clamp, cap)


@entry
def premium_of(orders, index, unit, impact_micro, sides, book, levels, words, pool, far, positions, fills, cursor):
    """Premium, and lots and value of the impact prices, of a book of orders; see kernels/premium.py."""
    bk = Books(sides, book, levels, words, pool, far, positions, fills, cursor)
    for i in range(orders.shape[0]):
        submit(bk, orders[i, 0], orders[i, 1], orders[i, 2], orders[i, 3], orders[i, 4], orders[i, 5], np.int64(0))
    bids = impact(bk, np.int64(2) * PERP, unit, impact_micro)
    asks = impact(bk, np.int64(2) * PERP + np.int64(1), unit, impact_micro)
    return premium_ppb(bk, index, unit, impact_micro), bids, asks


@entry
def period_of(now):
    """See kernels/premium.py."""
    close_period(now)


@entry
def payment_of(position, mark, unit, rate_ppb, payments):
    """See kernels/funding.py."""
    return payment_micro(position, mark, unit, rate_ppb, payments)


@entry
def requirements_of(notional, least_ppm, tiers):
    """See kernels/margin.py."""
    return maintenance_micro(notional, tiers), initial_micro(notional, least_ppm, tiers)


@entry
def linear_of(cash, position, mark, unit):
    """See kernels/margin.py."""
    return (
        equity_micro(cash, position, mark, unit),
        notional_micro(position, mark, unit),
        bankruptcy_half_ticks(cash, position, unit),
    )


@entry
def linear_safe_of(cash, position, unit, tiers, ceiling):
    """See kernels/margin.py."""
    return last_safe_half_ticks(cash, position, unit, tiers, ceiling)


@entry
def close_of(cash, position, mark, unit, tiers, fee_ppm):
    """See kernels/margin.py."""
    return lots_to_close(cash, position, mark, unit, tiers, fee_ppm)


@entry
def inverse_of(cash, position, mark, scale):
    """See kernels/inverse.py."""
    return (
        inverse_equity(cash, position, mark, scale),
        inverse_notional(position, mark, scale),
        inverse_bankruptcy(cash, position, scale),
    )


@entry
def inverse_safe_of(cash, position, scale, tiers, ceiling):
    """See kernels/inverse.py."""
    return inverse_last_safe(cash, position, scale, tiers, ceiling)


@entry
def clear_of(
    how, a, mark, price,
    clock, sides, book, levels, words, pool, far, positions, fills, cursor,
    accounts, rules, flows, tickets, slot_ticket, guest_fills,
    tiers, engine, heads, queue, events, ranked, score, shares,
):  # fmt: skip
    """Score of an account (0), its close against counterparties (1), its end in the order of loss (2), or in that of a
    venue with a vault (3); see kernels/adl.py and kernels/socialise.py.
    """
    bk = Books(sides, book, levels, words, pool, far, positions, fills, cursor)
    ld = Ledger(accounts, rules, flows, tickets, slot_ticket, guest_fills, clock)
    rk = Risk(tiers, engine, heads, queue, events, ranked, score, shares)
    if how == 0:
        return score_of(bk, ld, rk, a, mark)
    if how == 1:
        deleverage(bk, ld, rk, a, mark, np.int64(0), np.int64(0))
        return np.float64(0.0)
    if how == 2:
        close_out(bk, ld, rk, a, mark, np.int64(0))
    else:
        take_over(bk, ld, rk, a, bk.positions[PERP, a], np.int64(0))
    settle_fund(bk, ld, rk, Prices(price, price), np.int64(0))
    return np.float64(0.0)


@entry
def split_of(amount, weights, out):
    """See kernels/loss_shares.py."""
    return split(amount, weights, out)


@entry
def layers_of(loss, layers, used):
    """See kernels/loss_shares.py."""
    return use_layers(loss, layers, used)


def held(value: int, what: str) -> np.int64:
    """An integer of a kernel.

    Raises
    ------
    RuleError
        When it is 2^62 or more; the sentence names ``what``.
    """
    if abs(value) >= LIMIT:
        raise RuleError(f"{what} is {float(value):.3g}, past 2^62: the rules are computed in 64-bit integers")
    return np.int64(value)


def part_up(amount: int, ppm: int) -> int:
    """``amount x ppm / 1e6``, rounded up; 0 <= ``ppm`` <= 1e6."""
    return int(rate_up_of(held(amount, "an amount"), held(ppm, "a share")))


def share_down(amount: int, part: int, whole: int) -> int:
    """``amount x part / whole``, rounded down, for 0 <= ``part`` <= ``whole`` and ``whole`` > 0."""
    return int(pro_rata_of(held(amount, "an amount"), held(part, "a part"), held(whole, "a whole")))


def clamped_rate(premium: int, base: int, clamp: int, cap: int) -> int:
    """``premium + clamp(base - premium)``, cut to ``cap`` either way; all four in one unit."""
    return int(rate_of(*(held(v, "a rate") for v in (premium, base, clamp, cap))))


def premium(orders: Any, index_halves: int, impact: int, books: Books) -> tuple[Any, ...]:
    """Premium in 1e-9, then (lots, value in steps x lots) of both impact prices; an impact of ticks x lots."""
    ask = premium_of(orders, held(index_halves, "the index"), np.int64(1), held(impact, "the impact notional"), *books)
    return int(ask[0]), *((int(lots), int(value)) for lots, value in ask[1:])


def settled_rate(now: Any) -> int:
    """Rate in 1e-9 of the period that a PRICE[1] row has sampled."""
    period_of(now[0])
    return int(now[0]["rate_ppb"])


def payment_up(position: int, mark_halves: int, unit: int, rate_ppb: int, payments: int = 1) -> int:
    """What a position pays (below 0: receives) at a price in halves of a tick, one of ``payments`` that the rate is
    for; rounded up.
    """
    held(position * mark_halves * unit, "the value of a position")
    amounts = np.int64(position), np.int64(mark_halves), np.int64(unit), held(rate_ppb, "a rate")
    return int(payment_of(*amounts, np.int64(payments)))


def requirements(notional: int, least_ppm: int, tiers: Any) -> tuple[int, int]:
    """Maintenance, and initial margin at the tier's rate or ``least_ppm``, of a notional, each rounded up."""
    maintenance, initial = requirements_of(held(notional, "a notional"), np.int64(least_ppm), tiers)
    return int(maintenance), int(initial)


def position_at(cash: int, lots: int, mark: int, unit: int, is_inverse: bool) -> tuple[int, int]:
    """Cash and position at a mark in half steps, rounded down; notional, rounded up."""
    ask = inverse_of if is_inverse else linear_of
    gained, value, _ = ask(held(cash, "money"), np.int64(lots), held(mark, "a mark"), held(unit, "a unit"))
    return int(gained), int(value)


def bankrupt_at(cash: int, lots: int, unit: int, is_inverse: bool) -> int:
    """Half steps at which nothing is left, rounded up; 0 when there is no such price."""
    ask = inverse_of if is_inverse else linear_of
    return int(ask(held(cash, "money"), np.int64(lots), np.int64(1), held(unit, "a unit"))[2])


def last_safe(cash: int, lots: int, unit: int, tiers: Any, ceiling: int, is_inverse: bool) -> int:
    """The last safe mark in half steps; see the kernels for what the ends of the range mean."""
    ask = inverse_safe_of if is_inverse else linear_safe_of
    return int(ask(held(cash, "money"), np.int64(lots), held(unit, "a unit"), tiers, held(ceiling, "a price")))


def to_close(cash: int, lots: int, mark: int, unit: int, tiers: Any, fee_ppm: int) -> int:
    """Lots to close at a mark in half steps, the fee on them included."""
    return int(close_of(held(cash, "money"), np.int64(lots), np.int64(mark), np.int64(unit), tiers, np.int64(fee_ppm)))


def adl_score(a: int, mark: int, room: tuple[Any, ...]) -> float:
    """Place of account ``a`` of a room in the queue, higher first; 0 for one that is not asked."""
    return float(clear_of(np.int64(0), np.int64(a), held(mark, "the mark"), *room))


def deleverage_in(a: int, mark: int, room: tuple[Any, ...]) -> None:
    """Close account ``a`` of a room against ranked counterparties while there are any."""
    clear_of(np.int64(1), np.int64(a), held(mark, "the mark"), *room)


def close_out_in(a: int, mark: int, room: tuple[Any, ...], by_vault: bool) -> None:
    """Empty account ``a`` of a room in the order of loss of its venue, and settle the deficit of the fund."""
    clear_of(np.int64(3 if by_vault else 2), np.int64(a), held(mark, "the mark"), *room)


def shares(amount: int, weights: list[int]) -> tuple[list[int], int]:
    """An amount in proportion to weights, borne up to their sum; and what is left of it."""
    row = np.array([held(weight, "a weight") for weight in weights], np.int64)
    held(sum(max(0, weight) for weight in weights), "the sum of weights")
    out = np.zeros(row.size, np.int64)
    left = int(split_of(held(amount, "an amount"), row, out))
    return out.tolist(), left


def layers_used(loss: int, layers: list[int]) -> tuple[list[int], int]:
    """What each layer pays of a loss, none before the one ahead is empty; and what is left of it."""
    row = np.array([held(layer, "a layer") for layer in layers], np.int64)
    used = np.zeros(row.size, np.int64)
    left = int(layers_of(held(loss, "a loss"), row, used))
    return used.tolist(), left
