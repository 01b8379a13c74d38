"""Slow twin of cross margin over several listings, from MODEL 2.4 and 2.6 and the docstring of the rules, with whole
numbers and fractions; imports nothing of the simulator.
"""

import math
from dataclasses import dataclass
from fractions import Fraction

PPM = 10**6
CALLED, WORKED, BROKE, SOUND = 1, 2, 4, 8  # what a leg's engine is told


@dataclass
class Place:
    """A listing: mark in half ticks, micro-dollars of a tick and lot in both books, tiers (up to, ppm, deduction)."""

    mark: int
    unit: int
    spot_unit: int
    tiers: list[tuple[int, int, int]]
    has_spot: bool = True
    halted: bool = False
    bid: int | None = None
    room: int = 10**9  # orders that still fit
    fund: int = 0
    hedgers: int = 0
    hedgers_coins: int = 0
    n_called: int = 0
    total: int = 0  # change of the listing's cash
    counts: bool = False  # whether its coins are collateral
    value: int = 0  # of a coin, half ticks
    kept_ppm: int = PPM
    converts: bool = True
    bound_ppm: int = 50_000
    sold: int = 0


@dataclass
class Leg:
    at: int
    cash: int
    held: int = 0
    entry: int = 0
    coins: int = 0
    called: int = 0


@dataclass
class Book:
    """One portfolio."""

    legs: list[Leg]
    is_called: bool = False
    n_calls: int = 0


@dataclass
class Standing:
    equity: int
    need: int
    uncounted: int
    pledged: int


Order = tuple[int, Leg, int, int]  # listing, leg, lots, price


def value_of_coin(
    source: str, book: int, index: int, redeems_nano: Fraction, half_tick_nano: int, ratio: Fraction, weight: Fraction,
    floor: Fraction,
) -> int:  # fmt: skip
    """What a coin is worth as collateral, in half ticks of its listing, to the nearest."""
    redemption = math.floor(ratio * redeems_nano / half_tick_nano + Fraction(1, 2))
    mixed = math.floor(weight * redemption + (1 - weight) * book + Fraction(1, 2))
    least = math.floor(floor * redemption + Fraction(1, 2))
    return {"own_book": book, "index": index, "redemption": redemption, "floor": max(mixed, least)}[source]


def worth(leg: Leg, place: Place) -> int:
    """Of a leg's coins, rounded down."""
    return math.floor(Fraction(leg.coins * place.value * place.spot_unit, 2)) if place.counts else 0


def money(leg: Leg, place: Place) -> int:
    """Cash and position at mark, rounded down."""
    return leg.cash + math.floor(Fraction(leg.held * place.mark * place.unit, 2))


def maintenance(leg: Leg, place: Place) -> int:
    """Against the account: notional and requirement are rounded up."""
    if leg.held == 0:
        return 0
    notional = math.ceil(Fraction(abs(leg.held) * place.mark * place.unit, 2))
    for up_to, ppm, deduction in place.tiers:  # noqa: B007
        if notional <= up_to:
            break
    return math.ceil(Fraction(notional * ppm, PPM)) - deduction


def standing(book: Book, places: list[Place]) -> Standing:
    out = Standing(0, 0, 0, 0)
    for leg in book.legs:
        place = places[leg.at]
        full = worth(leg, place)
        counted = math.floor(Fraction(full * place.kept_ppm, PPM))
        out.equity += money(leg, place) + counted
        out.need += maintenance(leg, place)
        out.uncounted += full - counted
        out.pledged += full
    return out


def pay(leg: Leg, place: Place, amount: int) -> None:
    leg.cash += amount
    place.total += amount


def apportion(book: Book, places: list[Place], equity: int, need: int) -> None:
    """Each leg's money becomes its share of equity, by maintenance, rounded down; the last keeps what is left."""
    whole = sum(money(leg, places[leg.at]) for leg in book.legs)
    shares = [math.floor(Fraction(equity * maintenance(leg, places[leg.at]), need)) if need else 0 for leg in book.legs]
    shares[-1] = whole - sum(shares[:-1])
    for leg, share in zip(book.legs, shares, strict=True):
        pay(leg, places[leg.at], share - money(leg, places[leg.at]))


def tell(book: Book, places: list[Place], below: bool, broke: bool) -> bool:
    """Call legs or let them go; whether any is still with its engine."""
    waits = False
    for leg in book.legs:
        with_engine = leg.called & (CALLED | WORKED)
        if leg.held == 0 or (not below and with_engine != WORKED):
            leg.called = 0
            continue
        if with_engine == 0:
            places[leg.at].n_called += 1
            with_engine = CALLED
        leg.called = with_engine + (SOUND if not below else BROKE if broke else 0)
        waits = True
    return waits


def sell(book: Book, places: list[Place], debt: int) -> tuple[bool, list[Order]]:
    """Immediate-or-cancel orders for as much as the debt needs at the bid, in the order of the legs."""
    orders: list[Order] = []
    has_some = False
    for leg in book.legs:
        place = places[leg.at]
        if debt <= 0 or leg.coins == 0 or not (place.counts and place.converts and place.has_spot):
            continue
        has_some = True
        if place.bid is None or place.room == 0 or place.halted:
            continue
        each = place.bid * place.spot_unit
        lots = min(leg.coins, debt // each + 1)
        orders.append((leg.at, leg, lots, max(1, place.bid - place.bid * place.bound_ppm // PPM)))
        place.room -= 1
        place.sold += lots
        debt -= lots * each
    return has_some, orders


def hand_over(book: Book, places: list[Place]) -> None:
    """Coins that are not sold go to hedgers at their value, as the debt needs; the fund pays the rest."""
    for leg in book.legs:
        if leg.coins and places[leg.at].converts and places[leg.at].has_spot:
            return
    debt = -sum(leg.cash for leg in book.legs)
    for leg in book.legs:
        place = places[leg.at]
        if leg.coins == 0 or not place.counts or debt <= 0:
            continue
        twice = max(1, place.value * place.spot_unit)
        lots = min(leg.coins, math.ceil(Fraction(2 * debt, twice)))
        paid = lots * twice // 2
        leg.coins, place.hedgers_coins = leg.coins - lots, place.hedgers_coins + lots
        leg.cash, place.hedgers = leg.cash + paid, place.hedgers - paid
        debt -= paid
    first = book.legs[0]
    if debt > 0:
        first.cash += debt
        places[first.at].fund -= debt
    for leg in book.legs[1:]:
        amount = leg.cash
        pay(leg, places[leg.at], -amount)
        pay(first, places[first.at], amount)


def look(book: Book, places: list[Place], owed_allowed: int) -> list[Order]:
    """One look at a portfolio; returns the orders it sends."""
    now = standing(book, places)
    below, broke = now.equity < now.need, now.equity + now.uncounted < 0
    if below or book.is_called:
        book.n_calls += below and now.need > 0 and not book.is_called
        backing = now.equity if now.equity >= 0 else min(0, now.equity + now.uncounted)
        apportion(book, places, backing, now.need)
        book.is_called = tell(book, places, below, broke)
    debt = max(0, -sum(leg.cash + leg.entry for leg in book.legs))
    orders: list[Order] = []
    if now.pledged > 0 and (debt > owed_allowed or (broke and now.need == 0)):
        _, orders = sell(book, places, debt)
    if now.need == 0 and debt > 0:
        hand_over(book, places)
    return orders
