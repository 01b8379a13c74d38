"""Slow twin of the arbitrage firms, from MODEL 4.4, with lists of price levels; imports nothing of the simulator.

Prices in ticks, mark in half ticks, money in micro-dollars. Books: 0 perp, 1 spot; sides: 0 buy, 1 sell.
"""

import math
from dataclasses import dataclass
from itertools import accumulate

Levels = list[tuple[int, int]]  # (price, lots), best first
Leg = tuple[int, int, int, int]  # book, side, price, lots


@dataclass
class Firm:
    """One firm at the start of a tick."""

    margin_cash: int
    wallet_cash: int
    reserve_cash: int
    perp: int
    coins: int
    reserve_coins: int
    targets: tuple[int, int, int]  # free money in the perp account, cash and coins in the spot account
    size: int
    stock: int
    share: float
    latency_s: float  # both legs together


@dataclass
class Rules:
    """What firms share."""

    unit: int
    mark: int
    fee_ppm: tuple[int, int]
    bound_ppm: int
    leverage: float
    risk_multiple: float
    variance_per_s: float
    shadow: float
    smallest: int
    bids: tuple[Levels, Levels]
    asks: tuple[Levels, Levels]
    transfers: bool = True


def money(firm: Firm, r: Rules) -> int:
    """Equity of the perp account, rounded down."""
    return firm.margin_cash + math.floor(firm.perp * r.mark * r.unit / 2)


def toward(gap: int, share: float, available: int) -> int:
    """A share of what is missing, at most what the other side has; of what is too much, all of the share."""
    return min(int(share * gap), max(0, available))


def after_transfers(firm: Firm, r: Rules) -> Firm:
    """Each balance moved toward its start out of the reserve."""
    f = Firm(**vars(firm))
    used = int(0.5 * float(abs(f.perp) * r.mark * r.unit) / r.leverage)
    moved = toward(f.targets[0] + used - money(f, r), f.share, f.reserve_cash)
    f.margin_cash, f.reserve_cash = f.margin_cash + moved, f.reserve_cash - moved
    moved = toward(f.targets[1] - f.wallet_cash, f.share, f.reserve_cash)
    f.wallet_cash, f.reserve_cash = f.wallet_cash + moved, f.reserve_cash - moved
    moved = min(int(f.share * (f.targets[2] - f.coins)), f.reserve_coins)
    f.coins, f.reserve_coins = f.coins + moved, f.reserve_coins - moved
    return f


def largest_position(f: Firm, r: Rules, leverage: float) -> int:
    """Perp lots either way that the money in the perp account carries."""
    return int(2.0 * leverage * max(0, money(f, r)) / (r.mark * r.unit))


def room(f: Firm, r: Rules, book: int, side: int, price: int) -> int:
    """Lots that a balance allows."""
    if book == 0:
        most = largest_position(f, r, r.leverage)
        return max(0, most - f.perp if side == 0 else most + f.perp)
    if side == 1:
        return f.coins
    each = price * r.unit
    return max(0, f.wallet_cash) // (each + math.ceil(each * r.fee_ppm[1] / 10**6) + 1)


def risk(f: Firm, r: Rules) -> float:
    """Standard deviations of the price over both latencies."""
    return r.risk_multiple * math.sqrt(r.variance_per_s * f.latency_s)


def shadow(r: Rules, share: float) -> float:
    """Price of what is gone."""
    return r.shadow * min(1.0, max(0.0, share)) ** 2


def price_at(levels: Levels, lots: int) -> int | None:
    """Price of the last of ``lots`` taken from the best on; None where the side holds fewer."""
    for (price, _), total in zip(levels, accumulate(n for _, n in levels), strict=True):
        if total >= lots:
            return price
    return None


def crossing(asks: Levels, bids: Levels, cost: float, most: int) -> tuple[int, int, int]:
    """Largest size at which the last lot bought and the last lot sold still earn ``cost``, and their prices."""
    ends = {most, *accumulate(n for _, n in asks), *accumulate(n for _, n in bids)}
    best = (0, 0, 0)
    for lots in sorted(n for n in ends if 0 < n <= most):
        buy, sell = price_at(asks, lots), price_at(bids, lots)
        if buy is not None and sell is not None and sell >= buy * (1.0 + cost):
            best = (lots, buy, sell)
    return best


def legs(f: Firm, r: Rules) -> tuple[list[Leg], bool]:
    """Orders of a firm after transfers, and whether it saw a gap for which its balances do not reach."""
    beyond = abs(f.perp) - largest_position(f, r, 2.0 * r.leverage)
    if f.perp != 0 and beyond > 0:
        side = 1 if f.perp > 0 else 0
        price = touch(r, 0, side, r.bound_ppm * 1e-6)
        return ([] if price is None else [(0, side, price, beyond)]), False
    net = f.perp + f.coins + f.reserve_coins - f.stock
    if net:
        return leftover(f, r, net), False
    for cheap in (1, 0):
        dear = 1 - cheap
        if not r.asks[cheap] or not r.bids[dear] or r.bids[dear][0][0] <= r.asks[cheap][0][0]:
            continue
        allowed = min(room(f, r, cheap, 0, r.bids[dear][0][0]), room(f, r, dear, 1, 1))
        cost = sum(r.fee_ppm) * 1e-6 + risk(f, r) + shadow(r, 1.0 - allowed / f.size)
        lots, buy, sell = crossing(r.asks[cheap], r.bids[dear], cost, max(allowed, r.smallest))
        if lots >= r.smallest and allowed < r.smallest:
            return [], True
        if lots >= r.smallest:
            return [(cheap, 0, buy, lots), (dear, 1, sell, lots)], False
    return [], False


def touch(r: Rules, book: int, side: int, give: float) -> int | None:
    """Best opposite price, worsened."""
    levels = (r.asks, r.bids)[side][book]
    if not levels:
        return None
    return math.floor(levels[0][0] * (1.0 + give)) if side == 0 else max(1, math.ceil(levels[0][0] * (1.0 - give)))


def leftover(f: Firm, r: Rules, net: int) -> list[Leg]:
    """Inventory goes to the book that pays better, as far as balances reach."""
    side = 1 if net > 0 else 0
    options = []
    for book in (0, 1):
        give = risk(f, r) + shadow(r, abs(net) / f.size) + r.fee_ppm[book] * 1e-6
        price = touch(r, book, side, give)
        lots = 0 if price is None else min(abs(net), room(f, r, book, side, price))
        if price is not None and lots > 0:
            options.append((price if side == 0 else -price, book, price, lots))
    return [(book, side, price, lots) for _, book, price, lots in sorted(options)[:1]]
