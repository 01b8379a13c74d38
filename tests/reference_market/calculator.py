"""Slow twin of the calculator, written from the venue's published rules with fractions; imports nothing of the
simulator.

An account is (money, {name: size}), a contract (worth of one, open interest in money) under rules
``{"imf", "share", "lower", "upper", "adjustment", "spread", "fee"}`` of fractions; requirements are rounded up, worth
towards zero, everything else is exact until its result is rounded.
"""

import math
from fractions import Fraction
from typing import Any

Rules = dict[str, Fraction]
Contract = tuple[Fraction, int]


def rate(rules: Rules, open_interest: int) -> Fraction:
    """Initial margin: base, whole notional, or a line between; in whole millionths, rounded down."""
    lower, upper = rules["lower"], rules["upper"]
    if not upper or open_interest <= lower:
        return rules["imf"]
    done = min(Fraction(1), (open_interest - lower) / (upper - lower) if upper > lower else Fraction(1))
    return rules["imf"] + Fraction(math.floor((1 - rules["imf"]) * done * 10**6), 10**6)


def position(rules: Rules, contract: Contract, size: int) -> tuple[int, int, int]:
    """Worth, initial and maintenance margin."""
    notional = math.floor(abs(size) * contract[0])
    base = math.ceil(notional * rules["imf"])
    return (
        notional if size > 0 else -notional,
        math.ceil(notional * rate(rules, contract[1])),
        math.ceil(base * rules["share"]),
    )


def account(rules: Rules, money: int, sizes: dict[str, int], contracts: dict[str, Contract]) -> tuple[int, int, int]:
    """Sums over the positions, money with the worth."""
    worth, initial, maintenance = zip(*(position(rules, contracts[n], s) for n, s in sizes.items()), strict=True)
    return money + sum(worth), sum(initial), sum(maintenance)


def bankruptcy(rules: Rules, money: int, sizes: dict[str, int], contracts: dict[str, Contract], *close: Any) -> int:
    """-DNNV - TNC x freed maintenance / TMMR, rounded up."""
    name, delta = close
    (nnv, _, held), (after, _, kept) = (position(rules, contracts[name], sizes[name] + d) for d in (0, delta))
    collateral, _, total = account(rules, money, sizes, contracts)
    return math.ceil(-(after - nnv) - Fraction(collateral * (held - kept), total))


def limit(rules: Rules, money: int, sizes: dict[str, int], contracts: dict[str, Contract], name: str) -> Fraction:
    """(PNNV - ABR x SMMR x PMMR) / PS with ABR = BA x (1 - TNC / TMMR), kept within 0 and 1."""
    collateral, _, total = account(rules, money, sizes, contracts)
    worth, _, maintenance = position(rules, contracts[name], sizes[name])
    rating = sorted((Fraction(0), rules["adjustment"] * (1 - Fraction(collateral, total)), Fraction(1)))[1]
    return (worth - rating * rules["spread"] * maintenance) / sizes[name]


def may_follow(old: tuple[int, int, int], new: tuple[int, int, int]) -> bool:
    """Collateralised afterwards; or maintenance no higher and collateral over maintenance no lower."""
    if new[0] >= new[1]:
        return True
    if new[2] > old[2]:
        return False
    if old[2] and new[2]:
        return Fraction(new[0], new[2]) >= Fraction(old[0], old[2])
    return not old[2] and not new[2] and new[0] > old[0]
