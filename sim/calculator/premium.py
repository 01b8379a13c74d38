"""Funding by a venue's profile: impact prices of a book, premium index, rate of a period, payments.

The kernels' own rules (``kernels/premium.py``, ``kernels/funding.py``), asked through ``doors``: the book is one of the
matching core's, filled with the levels that are given. Linear contracts. Source: MODEL 2.5 [S:5b].
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor
from typing import Any

import numpy as np

from sim.calculator import doors
from sim.calculator.terms import Number, Terms, number, terms_of
from sim.errors import RuleError
from sim.kernels.marks import PRICE
from sim.kernels.memory import MAX_WINDOW, MIN_WINDOW, allocate_books
from sim.schema import BUY, GTC, SELL
from sim.settings.venue import VenueSettings

BILLION = 10**9
EXACT = 1 << 53  # the kernel divides by the value traded, which must be below
PARTS = 3  # decimal parts of a tick that an index may have
Levels = Sequence[tuple[Number, Number]]


@dataclass(frozen=True)
class Premium:
    """What a book says of its contract against an index.

    Attributes
    ----------
    premium : Fraction
        Of the index, in 1e-9, rounded down on each side.
    impact_bid, impact_ask : Fraction or None
        Mean price of selling and of buying the impact notional; None for an empty side.
    """

    premium: Fraction
    impact_bid: Fraction | None
    impact_ask: Fraction | None


def impact_notional(venue: VenueSettings) -> Fraction:
    """Dollars that a venue trades into a side to find its impact price: impact margin x the largest leverage."""
    most = number(venue.margin_tiers[0].max_leverage, "a leverage")
    return number(venue.funding.impact_margin, "the impact margin") * most


def premium_index(
    venue: VenueSettings | Terms, bids: Levels, asks: Levels, index: Number, notional: Number | None = None
) -> Premium:
    """Premium of a book over an index: [max(0, impact bid - I) - max(0, I - impact ask)] / I.

    Parameters
    ----------
    venue : VenueSettings or Terms
        Whose tick and lot.
    bids, asks : sequence of (price, size)
        Dollars on the tick, and coins on the lot, in any order; a side may be empty and then says nothing.
    index : number
        Dollars, to a thousandth of a tick.
    notional : number, optional
        Impact notional in dollars instead of the profile's; needed with terms. The last level counts in whole lots,
        rounded up; a side that holds less is taken whole.

    Returns
    -------
    Premium
        And both impact prices.

    Raises
    ------
    RuleError
        When a number is off its grid, the book is crossed, or too wide for a ladder.
    """
    if notional is None:
        if isinstance(venue, Terms):
            raise RuleError("terms of a contract state no impact notional: give one")
        notional = impact_notional(venue)
    terms, at, wanted = terms_of(venue), number(index, "the index"), number(notional, "the impact notional")
    if at <= 0 or wanted <= 0:
        raise RuleError("the index and the impact notional are above 0")
    rows, part = _rows(terms, bids, asks, at)
    step = terms.tick / part
    keys = [[row[2] for row in rows if row[1] == side] for side in (BUY, SELL)]
    if all(keys) and max(keys[0]) >= min(keys[1]):
        raise RuleError("the best bid is not below the best ask")
    width = max((max(prices) - min(prices) for prices in keys if prices), default=0)
    window = max(MIN_WINDOW, 1 << (4 * width + 4).bit_length())
    if window > MAX_WINDOW:
        raise RuleError("the levels span too many ticks for a ladder: leave out those far from the best price")
    books = allocate_books([window, MIN_WINDOW], len(rows) + 1, 8, 2, 0)
    value = ceil(wanted / (step * terms.lot))
    if 4 * (value + max(max(prices, default=0) for prices in keys)) >= EXACT:
        raise RuleError("the impact notional is too large for 64-bit integers at this tick and lot")
    orders = np.array([row for row in rows], np.int64).reshape(-1, 6)
    found, *sides = doors.premium(orders, whole_of(2 * at / step, "the index"), value, books)
    prices = [Fraction(worth, lots) * step if lots else None for lots, worth in sides]
    return Premium(Fraction(found, BILLION), prices[0], prices[1])


def _rows(terms: Terms, bids: Levels, asks: Levels, index: Fraction) -> tuple[list[tuple[int, ...]], int]:
    """Orders of the levels on the coarsest decimal part of a tick that holds the index, and that part."""
    part = next((10**n for n in range(PARTS + 1) if (2 * index * 10**n / terms.tick).denominator == 1), None)
    if part is None:
        raise RuleError(f"an index of {float(index):.10g} is finer than a thousandth of a tick, {float(terms.tick):g}")
    rows: list[tuple[int, ...]] = []
    for side, levels in ((BUY, bids), (SELL, asks)):
        for price, size in levels:
            ticks = whole_of(number(price, "a price") / terms.tick, f"a price of {price}, in ticks")
            lots = whole_of(number(size, "a size") / terms.lot, f"a size of {size}, in lots")
            if ticks <= 0 or lots <= 0:
                raise RuleError("levels have a price and a size above 0")
            rows.append((0, int(side), ticks * part, lots, int(side), int(GTC)))
    # best first, so that the ladder's window never moves
    return sorted(rows, key=lambda row: (row[1], -row[2] if row[1] == BUY else row[2])), part


def whole_of(value: Fraction, what: str) -> int:
    """An integer, or a refusal that names ``what``."""
    if value.denominator != 1:
        raise RuleError(f"{what} is {float(value):.10g}, no whole number")
    return value.numerator


def funding_rate(venue: VenueSettings, premiums: Sequence[Number], first: int = 1) -> Fraction:
    """Rate of a period from its samples of the premium: F = P + clamp(base - P), cut to the cap.

    Where the venue states its rate for a longer time (``rate_for``), that is the rate: each payment is its part.

    Parameters
    ----------
    venue : VenueSettings
        Its funding rules.
    premiums : sequence of number
        Samples in the order in which they were taken, one each ``sample_every``; in 1e-9, a finer part is cut off.
    first : int
        Place of the first of them in its period; the n-th weighs n, or all weigh alike where the venue says so.

    Returns
    -------
    Fraction
        Of the notional a period; longs pay when it is above 0.

    Raises
    ------
    RuleError
        Without samples, or with more than a period holds.
    """
    rules = venue.funding
    most = number(rules.every, "the period") / number(rules.sample_every, "the time between samples")
    if not premiums or first < 1 or first + len(premiums) - 1 > most:
        raise RuleError(f"a period holds 1 to {int(most)} samples; found {len(premiums)} from place {first} on")
    now = np.zeros(1, PRICE)
    ppb = [floor(number(value, "a premium") * BILLION) for value in premiums]
    if max(map(abs, ppb)) > BILLION:
        raise RuleError("a premium of more than 100% of the index")
    weights = [1] * len(ppb) if rules.average == "simple" else list(range(first, first + len(ppb)))
    now["premium_sum"] = sum(weight * value for weight, value in zip(weights, ppb, strict=True))
    now["premium_weight"] = sum(weights)
    for name, value in (("base_ppb", rules.base), ("clamp_ppb", rules.clamp)):
        now[name] = whole_of(number(value, name) * BILLION, f"{name.removesuffix('_ppb')} of funding, in 1e-9,")
    cap = number(rules.cap_share, "the cap") * number(venue.margin_tiers[0].maintenance, "a maintenance rate")
    if rules.cap is not None:
        cap = payments_of(venue) * number(rules.cap, "the cap")
    now["cap_ppb"] = floor(cap * BILLION)
    return Fraction(doors.settled_rate(now), BILLION)


def payments_of(venue: VenueSettings | Terms) -> int:
    """Payments that a stated rate is for: 8 where a rate of 8 h is paid hourly."""
    if isinstance(venue, Terms) or venue.funding.rate_for is None:
        return 1
    return whole_of(number(venue.funding.rate_for, "") / number(venue.funding.every, ""), "payments of a rate")


def funding_payments(
    venue: VenueSettings | Terms, sizes: Mapping[str, Number], mark: Number, rate: Number
) -> tuple[dict[str, Fraction], Fraction]:
    """What each position pays for a period on its mark notional, below 0 for what it receives; and what is left over.

    Parameters
    ----------
    venue : VenueSettings or Terms
        Whose tick and lot.
    sizes : mapping
        Owner to coins, below 0 for a short.
    mark : number
        Dollars, on half a tick; the index where the venue pays on that (``notional: index``).
    rate : number
        Of the notional, in whole 1e-9, as ``funding_rate`` gives it.

    Returns
    -------
    tuple
        Owner to dollars: up to a millionth for who pays, down for who receives; and their sum, which goes to the
        venue's fee account: at least 0 where positions sum to 0, and below a millionth an owner.

    Raises
    ------
    RuleError
        When a number is off its grid, or for inverse contracts.
    """
    terms = terms_of(venue)
    if terms.is_inverse:
        raise RuleError("funding of inverse contracts is not offered")
    halves = whole_of(2 * number(mark, "the mark") / terms.tick, "the mark, in half ticks,")
    unit = whole_of(terms.tick * terms.lot * 10**6, "tick x lot, in millionths of a dollar,")
    ppb = whole_of(number(rate, "the rate") * BILLION, "the rate, in 1e-9,")
    if halves <= 0:
        raise RuleError(f"the mark is {float(number(mark, 'the mark')):g}: it is above 0")
    paid: dict[str, Any] = {}
    for owner, size in sizes.items():
        lots = whole_of(number(size, "a size") / terms.lot, f"the size of {owner}, in lots,")
        paid[owner] = Fraction(doors.payment_up(lots, halves, unit, ppb, payments_of(venue)), 10**6)
    return paid, sum(paid.values(), Fraction(0))
