"""Slow twin of a lending protocol and its price feeds, from MODEL 3.1 and 3.2; imports nothing of the simulator.

Rates are Fractions; amounts whole lots, sums of money whole units. ``down`` and ``up`` say whom a rule favours.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

down, up = math.floor, math.ceil


@dataclass(frozen=True)
class Shares:
    """What collateral is good for."""

    ltv: Fraction
    threshold: Fraction
    bonus: Fraction


@dataclass(frozen=True)
class Asset:
    """Price: units of money of a lot. ``by_mode``: other shares for accounts in a mode. ``lent_to``: modes, 0: none."""

    price: Fraction
    shares: Shares
    by_mode: Mapping[int, Shares] = field(default_factory=dict)
    lent_to: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Protocol:
    """Its terms and assets."""

    full_close_health: Fraction
    close_factor: Fraction
    small: int
    least_left: int
    fee: Fraction
    assets: Sequence[Asset]


@dataclass
class Account:
    """Lots by asset."""

    collateral: list[int]
    debt: list[int]
    mode: int = 0


def shares_of(asset: Asset, mode: int) -> Shares:
    return asset.by_mode.get(mode, asset.shares) if mode else asset.shares


def sums(protocol: Protocol, account: Account) -> tuple[int, int, int, int]:
    """Collateral, borrowing limit and liquidation threshold, down by asset; debt, up by asset."""
    counted = [
        (down(lots * asset.price), shares_of(asset, account.mode))
        for lots, asset in zip(account.collateral, protocol.assets, strict=True)
        if shares_of(asset, account.mode).threshold > 0
    ]
    debts = [up(lots * asset.price) for lots, asset in zip(account.debt, protocol.assets, strict=True)]
    return (
        sum(worth for worth, _ in counted),
        sum(down(worth * shares.ltv) for worth, shares in counted),
        sum(down(worth * shares.threshold) for worth, shares in counted),
        sum(debts),
    )


def close_factor(protocol: Protocol, threshold: int, debt: int, collateral_worth: int, debt_worth: int) -> Fraction:
    """50% only above the health and where both values of the pair are at least ``small``."""
    is_large = min(collateral_worth, debt_worth) >= protocol.small
    return protocol.close_factor if is_large and Fraction(threshold, debt) > protocol.full_close_health else Fraction(1)


def liquidate(protocol: Protocol, account: Account, c: int, d: int, cover: int) -> tuple[str, int, int, int, list[int]]:
    """Reason, repaid, seized, fee, and what is written off by asset. The account changes where there is no reason."""
    nothing = [0] * len(protocol.assets)
    taken, given = protocol.assets[c], protocol.assets[d]
    shares = shares_of(taken, account.mode)
    held, owed = account.collateral[c], account.debt[d]
    _, _, threshold, debt = sums(protocol, account)
    if debt == 0 or Fraction(threshold, debt) >= 1:
        return "healthy", 0, 0, 0, nothing
    if held == 0 or shares.threshold == 0:
        return "no_collateral", 0, 0, 0, nothing
    if owed == 0:
        return "no_debt", 0, 0, 0, nothing
    part = close_factor(protocol, threshold, debt, down(held * taken.price), down(owed * given.price))
    most = owed
    if part < 1 and up(owed * given.price) > down(debt * part):
        most = down(down(debt * part) / given.price)
    repaid = min(cover, most)
    seized = down(down(down(repaid * given.price) * (1 + shares.bonus)) / taken.price)
    if seized > held:
        seized = held
        repaid = min(repaid, up(up(up(held * taken.price) / (1 + shares.bonus)) / given.price))
    if repaid <= 0 or seized <= 0:
        return "nothing", 0, 0, 0, nothing
    left = down((owed - repaid) * given.price), down((held - seized) * taken.price)
    if repaid < owed and seized < held and min(left) < protocol.least_left:
        return "dust", 0, 0, 0, nothing
    fee = up((seized - down(seized / (1 + shares.bonus))) * protocol.fee)
    account.collateral[c] -= seized
    account.debt[d] -= repaid
    written_off = nothing
    if sums(protocol, account)[0] == 0:
        written_off, account.debt = account.debt, list(nothing)
    return "", repaid, seized, fee, written_off


def may_borrow(protocol: Protocol, account: Account, asset: int, lots: int) -> bool:
    more = list(account.debt)
    more[asset] += lots
    _, limit, _, debt = sums(protocol, Account(account.collateral, more, account.mode))
    return account.mode in protocol.assets[asset].lent_to and debt <= limit


def borrow_rate(curve: Sequence[Fraction], borrowed: int, available: int) -> int:
    """Millionths a year, up; the share lent out is rounded up to 1e-9 first."""
    base, kink, slope, steep = curve
    used = (
        Fraction(up(Fraction(borrowed * 10**9, borrowed + available)), 10**9) if borrowed + available else Fraction(0)
    )
    if used <= kink:
        return up((base + slope * used / kink) * 10**6)
    return up((base + slope + steep * (used - kink) / (1 - kink)) * 10**6)


def prices_in_force(market: Sequence[tuple[int, int]], deviation: Fraction, heartbeat: int, delay: int) -> list[int]:
    """Price in force after each (time, price): sent when far or old, landing later, one on its way at a time."""
    since, price = market[0]
    on_its_way: tuple[int, int] | None = None
    found = []
    for now, seen in market:
        if on_its_way is not None and on_its_way[0] <= now:
            (since, price), on_its_way = on_its_way, None
        is_far = seen != price and abs(Fraction(seen, price) - 1) >= deviation
        if on_its_way is None and (is_far or now - since >= heartbeat):
            on_its_way = (now + delay, seen)
            if delay == 0:
                (since, price), on_its_way = on_its_way, None
        found.append(price)
    return found


def derived_price(price: int, ratio: Fraction, recorded: Fraction, growth: Fraction, years: Fraction) -> int:
    """Exchange rate up to a cap, which grows down to 1e-9, times a price, down."""
    yearly = Fraction(down(recorded * growth * 10**9), 10**9)
    cap = recorded + Fraction(down(yearly * years * 10**9), 10**9)
    return down(price * min(ratio, cap))
