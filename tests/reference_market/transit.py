"""Slow twin of bridge firms' balances and transfers, from MODEL 2.9, 4.4 and docs/network.md, with lists and fractions;
imports nothing of the simulator.

Money in micro-dollars, marks in half ticks. Kinds: 0 cash, 1 coins. Books: 0 perp, 1 spot.
"""

import math
from dataclasses import dataclass, field
from fractions import Fraction

CASH, COINS = 0, 1
Levels = list[tuple[int, int]]  # (price in ticks, lots), best first


@dataclass
class Place:
    """One listing. Pairs are (perp, spot)."""

    asset: int
    exchange: int
    quote: int
    listed: tuple[bool, bool]
    mark: int = 2
    spot: int = 2
    half_tick_nano: int = 1
    units: tuple[int, int] = (1, 1)  # micro-dollars of a tick times a lot
    fees_ppm: tuple[int, int] = (0, 0)
    halted: tuple[int, int] = (0, 0)
    waiting: tuple[int, int] = (0, 0)  # orders that have arrived and stand before a halted or loaded book
    bids: tuple[Levels, Levels] = ((), ())  # type: ignore[assignment]
    asks: tuple[Levels, Levels] = ((), ())  # type: ignore[assignment]


@dataclass
class Seat:
    """What a firm wants of a kind in a place, and what is on its way there."""

    target: int
    on_way: int = 0
    due_us: int = 0


@dataclass
class Account:
    """What a firm has in a place."""

    cash: int
    perp: int
    coins: int


@dataclass
class Firm:
    """One firm: an account and two seats in each place."""

    latency_us: int
    travel_us: int
    leverage: float
    accounts: list[Account]
    seats: list[list[Seat]]
    busy_us: int = -1
    orders: list[tuple[int, int]] = field(default_factory=list)  # places and books that its orders go to


@dataclass
class Halt:
    """No transfers from ``start_us`` to before ``end_us``, of one exchange or (None) of all."""

    exchange: int | None
    start_us: int
    end_us: int


def money(account: Account, place: Place) -> int:
    """Cash and perp at mark, rounded down."""
    return math.floor(account.cash + Fraction(account.perp * place.mark * place.units[0], 2))


def free(firm: Firm, places: list[Place], at: int, kind: int) -> int:
    """What a firm could send away: coins, or money beyond the margin that its perp needs at its leverage."""
    account, place = firm.accounts[at], places[at]
    if kind == COINS:
        return account.coins
    notional = abs(account.perp) * place.mark * place.units[0] // 2
    return money(account, place) - math.floor(Fraction(notional) / Fraction(firm.leverage))


def add(firm: Firm, at: int, kind: int, amount: int) -> None:
    """Change one balance."""
    if kind == COINS:
        firm.accounts[at].coins += amount
    else:
        firm.accounts[at].cash += amount


def stands_still(exchange: int, halts: list[Halt], transfers: bool, now: int) -> bool:
    """Whether an exchange neither sends nor receives."""
    mine = [halt for halt in halts if halt.exchange in (None, exchange)]
    return not transfers or any(halt.start_us <= now < halt.end_us for halt in mine)


def sources(firm: Firm, places: list[Place], at: int, kind: int) -> list[tuple[int, int]]:
    """Places that hold more than they should of what is wanted at ``at``: (excess, place)."""
    here = places[at]
    same = [
        k
        for k, place in enumerate(places)
        if k != at
        and (
            place.quote == here.quote
            if kind == CASH
            else place.asset == here.asset and place.listed[1] and here.listed[1]
        )
    ]
    excess = [(free(firm, places, k, kind) - firm.seats[k][kind].target, k) for k in same]
    return [(over, k) for over, k in excess if over > 0]


def fetch(firm: Firm, places: list[Place], at: int, kind: int, still: list[bool], now: int) -> None:
    """Send for what is missing, from the fullest place of the own exchange, else from the fullest elsewhere."""
    seat, here = firm.seats[at][kind], places[at].exchange
    missing = seat.target - free(firm, places, at, kind)
    if missing <= 0 or Fraction(missing) < Fraction(seat.target, 20):
        return
    options = sources(firm, places, at, kind)
    near = [(over, k) for over, k in options if places[k].exchange == here]
    far = [(over, k) for over, k in options if not still[here] and not still[places[k].exchange]]
    for group, is_near in ((near, True), (far, False)):
        if group:
            over, source = max(group, key=lambda option: (option[0], -option[1]))
            amount = min(missing, over)
            add(firm, source, kind, -amount)
            if is_near:
                add(firm, at, kind, amount)
            else:
                seat.on_way, seat.due_us = amount, now + firm.travel_us
            return


def wait(firm: Firm, places: list[Place], now: int) -> None:
    """Orders that have arrived are done, unless they may be among those that stand before their book."""
    if now > firm.busy_us:
        if any(places[at].waiting[book] for at, book in firm.orders):
            firm.busy_us = now
        else:
            firm.orders = []


def move_balances(firms: list[Firm], places: list[Place], halts: list[Halt], transfers: bool, now: int) -> None:
    """Deliver what is due, then send for what is missing, place by place; changes the firms."""
    still = [stands_still(e, halts, transfers, now) for e in range(1 + max(place.exchange for place in places))]
    for firm in firms:
        wait(firm, places, now)
        for at, place in enumerate(places):
            for kind in (CASH, COINS):
                seat = firm.seats[at][kind]
                if seat.on_way and now >= seat.due_us and not still[place.exchange]:
                    add(firm, at, kind, seat.on_way)
                    seat.on_way = 0
                if not seat.on_way and now > firm.busy_us:
                    fetch(firm, places, at, kind, still, now)
