"""Slow twin of order margin (sim/kernels/guests.py), from its three rules; imports nothing of the simulator.

Prices in ticks, marks in half ticks, money in micro-dollars, ``unit`` of them a tick and lot, rates in millionths.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor

PERP, SPOT = 0, 1
BUY, SELL = 0, 1
MOST = 1 << 57


@dataclass(frozen=True)
class Order:
    book: int
    side: int
    price: int
    lots: int


@dataclass(frozen=True)
class Venue:
    """Units, fees (taker, maker) of each book, and tiers (upper edge or None, rate of initial margin)."""

    unit: int
    fees: tuple[tuple[int, int], tuple[int, int]]
    tiers: Sequence[tuple[int | None, int]]

    def fee(self, book: int, value: Fraction) -> int:
        return ceil(value * max(0, *self.fees[book]) / 10**6)

    def initial(self, notional: int, least: int) -> int:
        rate = next(rate for edge, rate in self.tiers if edge is None or notional <= edge)
        return ceil(Fraction(notional * max(least, rate), 10**6))


@dataclass(frozen=True)
class Account:
    cash: int  # locked cash included
    lots: int
    coins: int
    least: int  # rate of initial margin


def equity(account: Account, mark: int, venue: Venue) -> int:
    return floor(account.cash + Fraction(account.lots * mark * venue.unit, 2))


def order_value(order: Order, mark: int, venue: Venue) -> Fraction:
    """At its price or at mark: the lower for a bid, the higher for an ask."""
    price = Fraction(mark, 2)
    price = min(price, order.price) if order.side == BUY else max(price, order.price)
    return price * order.lots * venue.unit


def spot_cost(order: Order, venue: Venue) -> int:
    value = order.price * order.lots * venue.unit
    return value + venue.fee(SPOT, Fraction(value)) + order.lots


def reserved(account: Account, orders: Iterable[Order], mark: int, venue: Venue) -> int:
    """Initial margin of the larger outcome, what prices are worse than mark, fees, and the money of spot bids."""
    outcome = [Fraction(account.lots * mark * venue.unit, 2)] * 2
    other = 0
    for order in orders:
        if order.book == SPOT:
            other += spot_cost(order, venue) if order.side == BUY else 0
            continue
        value, sign = order_value(order, mark, venue), 1 if order.side == BUY else -1
        outcome[order.side] += sign * value
        worse = sign * (order.price - Fraction(mark, 2)) * order.lots * venue.unit
        other += ceil(max(Fraction(0), worse)) + venue.fee(PERP, Fraction(ceil(value))) + order.lots
    return venue.initial(ceil(max(abs(v) for v in outcome)), account.least) + other


def answer(account: Account, orders: Sequence[Order], new: Order, mark: int, venue: Venue) -> str:
    """What becomes of a new order beside those open: "ok", "money" or "coins"."""
    same = [o for o in orders if (o.book, o.side) == (new.book, new.side)]
    if new.book == SPOT and new.side == SELL:
        return "ok" if account.coins >= sum(o.lots for o in [*same, new]) else "coins"
    if new.lots * max(2 * new.price, mark) * venue.unit > MOST:
        return "money"
    values = [2 * order_value(o, mark, venue) if o.book == PERP else spot_cost(o, venue) for o in [*same, new]]
    if sum(values) > MOST:
        return "money"
    held = -account.lots if new.side == BUY else account.lots
    if new.book == PERP and sum(o.lots for o in [*same, new]) <= held:
        return "ok"
    covered = reserved(account, [*orders, new], mark, venue) <= equity(account, mark, venue)
    return "ok" if covered else "money"
