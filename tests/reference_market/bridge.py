"""Slow twin of arbitrage between exchanges, from MODEL 4.4 and docs/network.md, with lists of price levels and
fractions; imports nothing of the simulator.

Prices in ticks of their own book, money in micro-dollars. Books: 0 perp, 1 spot; sides of an order: 0 buy, 1 sell.
"""

import math
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate

from tests.reference_market.transit import CASH, COINS, Firm, Levels, Place, free, money

BUY, SELL = 0, 1
HIGHEST = 2**31 - 1
Order = tuple[int, int, int, int, int, int]  # firm, place, book, side, price, lots
Ratio = list[list[Fraction]]  # [a][b]: what one of b's money is worth in a's


@dataclass
class Desk:
    """What firms share."""

    leverage: float
    risk_multiple: float
    shadow: float


@dataclass
class Asset:
    """What firms know of one asset."""

    number: int
    variance_per_s: float
    smallest: int


@dataclass
class World:
    """Listings, moneys and rules as firms see them."""

    places: list[Place]
    worth: Ratio
    desk: Desk

    def side(self, at: int, book: int, side: int) -> Levels:
        """Orders that an order of ``side`` meets."""
        return (self.places[at].asks if side == BUY else self.places[at].bids)[book]

    def fee(self, at: int, book: int) -> Fraction:
        """Of a taker, as a fraction."""
        return Fraction(self.places[at].fees_ppm[book], 10**6)

    def tick(self, at: int, money_of: int) -> Fraction:
        """A tick in nano-dollars of another place's money."""
        return 2 * self.places[at].half_tick_nano * self.worth[money_of][at]


def room(firm: Firm, world: World, at: int, book: int, side: int, worst: int) -> int:
    """Lots that a balance allows at a price no worse than ``worst``."""
    place, account = world.places[at], firm.accounts[at]
    if book == 0:
        carried = Fraction(world.desk.leverage) * max(0, money(account, place))
        most = math.floor(carried / Fraction(place.mark * place.units[0], 2))
        return max(0, most - account.perp if side == BUY else most + account.perp)
    if side == SELL:
        return account.coins
    each = worst * place.units[1]
    return max(0, free(firm, world.places, at, CASH)) // (each + math.ceil(each * world.fee(at, 1)) + 1)


def wanted_room(firm: Firm, world: World, at: int, book: int, side: int) -> int:
    """Lots that the balance would allow if it were at its target, at the mark or the spot mid."""
    place = world.places[at]
    if book == 1 and side == SELL:
        return firm.seats[at][COINS].target
    half_ticks, times = (place.mark, world.desk.leverage) if book == 0 else (place.spot, 1.0)
    return math.floor(Fraction(times) * firm.seats[at][CASH].target / Fraction(half_ticks * place.units[book], 2))


def depletion(firm: Firm, world: World, at: int, book: int, side: int, left: int) -> Fraction:
    """Share of the target that is gone."""
    return min(Fraction(1), max(Fraction(0), 1 - Fraction(left, max(1, wanted_room(firm, world, at, book, side)))))


def best(
    world: World, asset: int, book: int, side: int, allowed: list[int] | None = None
) -> tuple[int, Fraction] | None:
    """Place with the best price after fees for an order of ``side``, of equals the first, and that price in the money
    of the asset's first place.
    """
    first = next((at for at, place in enumerate(world.places) if place.asset == asset), -1)
    found: tuple[int, Fraction] | None = None
    for at, place in enumerate(world.places):
        levels = world.side(at, book, side)
        usable = place.asset == asset and place.listed[book] and not place.halted[book] and levels
        if not usable or (allowed is not None and at not in allowed):
            continue
        fee = world.fee(at, book)
        price = levels[0][0] * world.tick(at, first) * (1 + fee if side == BUY else 1 - fee)
        if found is None or (price < found[1] if side == BUY else price > found[1]):
            found = (at, price)
    return found


def price_at(levels: Levels, lots: int) -> int | None:
    """Price of the last of ``lots`` taken from the best on; None where the side holds fewer."""
    for (price, _), total in zip(levels, accumulate(n for _, n in levels), strict=True):
        if total >= lots:
            return price
    return None


def crossing(world: World, cheap: int, dear: int, book: int, cost: Fraction, most: int) -> tuple[int, int, int]:
    """Largest size at which the last lot bought and the last lot sold still earn ``cost``, and their prices."""
    asks, bids = world.side(cheap, book, BUY), world.side(dear, book, SELL)
    ends = {most, *accumulate(n for _, n in asks), *accumulate(n for _, n in bids)}
    out = (0, 0, 0)
    for lots in sorted(n for n in ends if 0 < n <= most):
        buy, sell = price_at(asks, lots), price_at(bids, lots)
        if buy is None or sell is None:
            break
        if sell * world.tick(dear, cheap) >= buy * world.tick(cheap, cheap) * (1 + cost):
            out = (lots, buy, sell)
    return out


def risk(firm: Firm, world: World, asset: Asset) -> Fraction:
    """Standard deviations of the price over the latency of two legs."""
    seconds = 2 * firm.latency_us * 1e-6
    return Fraction(world.desk.risk_multiple * math.sqrt(asset.variance_per_s * seconds))


def gap(f: int, firm: Firm, world: World, asset: Asset, book: int, cheap: int, dear: int) -> tuple[list[Order], bool]:
    """Both legs of one gap, and whether it would pay but a balance does not reach."""
    dearest = world.side(dear, book, SELL)[0][0] * world.tick(dear, cheap)
    buys = room(firm, world, cheap, book, BUY, math.ceil(dearest / world.tick(cheap, cheap)))
    sells = room(firm, world, dear, book, SELL, 1)
    gone = max(depletion(firm, world, cheap, book, BUY, buys), depletion(firm, world, dear, book, SELL, sells))
    cost = world.fee(cheap, book) + world.fee(dear, book) + risk(firm, world, asset)
    cost += Fraction(world.desk.shadow) * gone**2
    lots, buy, sell = crossing(world, cheap, dear, book, cost, max(min(buys, sells), asset.smallest))
    if lots < asset.smallest:
        return [], False
    if min(buys, sells) < asset.smallest:
        return [], True
    return [(f, cheap, book, BUY, buy, lots), (f, dear, book, SELL, sell, lots)], False


def gaps(f: int, firm: Firm, world: World, asset: Asset, book: int) -> tuple[list[Order], bool]:
    """Legs between the two best places, or between the best of those where the firm's balance reaches."""
    ask, bid = best(world, asset.number, book, BUY), best(world, asset.number, book, SELL)
    if ask is None or bid is None or bid[1] <= ask[1]:
        return [], False
    orders, stopped = gap(f, firm, world, asset, book, ask[0], bid[0])
    if not stopped:
        return orders, False
    reach: list[list[int]] = [[], []]
    for at in range(len(world.places)):
        for side in (BUY, SELL):
            levels = world.side(at, book, side)
            if levels and room(firm, world, at, book, side, levels[0][0]) >= asset.smallest:
                reach[side].append(at)
    ask, bid = best(world, asset.number, book, BUY, reach[BUY]), best(world, asset.number, book, SELL, reach[SELL])
    if ask is not None and bid is not None and bid[1] > ask[1]:
        orders, _ = gap(f, firm, world, asset, book, ask[0], bid[0])
    return orders, True


def inventory(firm: Firm, world: World, asset: int, stock: int) -> int:
    """Coins, coins on their way and perps in all places of an asset, less what the firm wants to hold."""
    mine = [at for at, place in enumerate(world.places) if place.asset == asset]
    return sum(firm.accounts[at].coins + firm.accounts[at].perp + firm.seats[at][COINS].on_way for at in mine) - stock


def leftover(f: int, firm: Firm, world: World, asset: Asset, net: int) -> list[Order]:
    """One order that takes inventory off: in the better of the best perp and the best spot book where a balance
    reaches, at a loss of at most fee, risk and shadow price.
    """
    side = SELL if net > 0 else BUY
    found = [(best(world, asset.number, book, side), book) for book in (0, 1)]
    options = sorted((leg[1] if side == BUY else -leg[1], book, leg[0]) for leg, book in found if leg is not None)
    for _, book, at in options:
        touch = world.side(at, book, side)[0][0]
        give = risk(firm, world, asset) + world.fee(at, book) + Fraction(world.desk.shadow)
        price = math.floor(touch * (1 + give)) if side == BUY else math.ceil(touch * (1 - give))
        price = min(HIGHEST, max(1, price))
        lots = min(abs(net), room(firm, world, at, book, side, price))
        if lots > 0:
            return [(f, at, book, side, price, lots)]
    return []


def look(
    firms: list[Firm], world: World, assets: list[Asset], stock: list[list[int]], now: int
) -> tuple[list[Order], int]:
    """Orders of all firms, asset by asset, and how often a gap paid and a balance did not reach. Firms become busy."""
    out: list[Order] = []
    stops = 0
    for asset in assets:
        for f, firm in enumerate(firms):
            if now <= firm.busy_us:
                continue
            net = inventory(firm, world, asset.number, stock[f][asset.number])
            books = () if abs(net) >= asset.smallest else (1, 0)
            orders = [] if books else leftover(f, firm, world, asset, net)
            for book in books:
                if not orders:
                    orders, stopped = gaps(f, firm, world, asset, book)
                    stops += stopped
            if orders:
                out += orders
                firm.busy_us = now + firm.latency_us
                firm.orders = [(at, book) for _, at, book, *_ in orders]
    return out, stops
