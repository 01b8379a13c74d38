"""L6: at the liquidation price equity is maintenance, for portfolios of one to eight positions, isolated and cross.

The twin (tests/reference_market/portfolio.py) adds maintenance bracket by bracket and rounds nothing. The seed is
fixed; the law has no tolerance beyond the integers it is computed in.
"""

from fractions import Fraction
from itertools import pairwise

import numpy as np

from sim import calculator as calc
from sim.calculator import Portfolio, Position, Terms, Tier
from tests.reference_market import portfolio as twin

ACCOUNTS = 10_000
MICRO = Fraction(1, 10**6)


def tiers_of(rows: list[tuple[int | None, str]]) -> tuple[tuple[Tier, ...], twin.Tiers]:
    """Tiers for the calculator with their deductions, and for the twin without any."""
    plain = [(None if edge is None else Fraction(edge), Fraction(rate)) for edge, rate in rows]
    deductions = [Fraction(0)]
    for (edge, lower), (_, upper) in pairwise(plain):
        assert edge is not None
        deductions.append(deductions[-1] + edge * (upper - lower))
    tiers = tuple(Tier(e, m, d, 2 * m) for (e, m), d in zip(plain, deductions, strict=True))
    return tiers, plain


# eight markets: tick, lot, brackets, price about
LARGE = [(50_000, "0.004"), (600_000, "0.005"), (3_000_000, "0.0065"), (12_000_000, "0.01"), (None, "0.02")]
ALT = [(10_000, "0.01"), (80_000, "0.015"), (400_000, "0.02"), (800_000, "0.025"), (4_000_000, "0.05"), (None, "0.1")]
MARKETS = {
    "BTC": ("0.1", "0.001", LARGE, 116_720), "ETH": ("0.01", "0.001", LARGE, 4_300), "SOL": ("0.01", "0.01", ALT, 220),
    "ENA": ("0.0001", "1", ALT, "0.57"), "DOGE": ("0.00001", "1", ALT, "0.25"), "XRP": ("0.0001", "0.1", ALT, "2.8"),
    "ATOM": ("0.001", "0.01", ALT, "4.1"), "ARB": ("0.0001", "0.1", ALT, "0.43"),
}  # fmt: skip
TERMS = {
    name: (Terms(Fraction(tick), Fraction(lot), tiers_of(rows)[0]), tiers_of(rows)[1], Fraction(price))
    for name, (tick, lot, rows, price) in MARKETS.items()
}


def drawn(rng: np.random.Generator) -> tuple[Portfolio, dict[str, Fraction], Fraction, dict[str, twin.Held]]:
    """An account of one to eight positions, worth $100 to $30m each, on 1 to 50 times leverage, and its marks."""
    n = int(rng.integers(1, 9))
    positions, marks, held, value = {}, {}, {}, Fraction(0)
    for name in rng.choice(list(TERMS), n, replace=False).tolist():
        terms, tiers, price = TERMS[name]
        lots = max(1, int(10 ** rng.uniform(2, 7.5) / float(price * terms.lot)))
        size = lots * terms.lot * int(rng.choice([-1, 1]))
        # the mean of several fills is on no grid
        entry = price * Fraction(int(rng.integers(800_000, 1_200_000)), 10**6)
        marks[name] = price * Fraction(int(rng.integers(900, 1_100)), 1_000) // (terms.tick / 2) * (terms.tick / 2)
        positions[name], held[name] = Position(terms, size, entry), (size, entry, tiers)
        value += abs(size) * marks[name]
    gain = sum((size * (marks[m] - entry) for m, (size, entry, _) in held.items()), Fraction(0))
    # above maintenance at these marks, as an account that is still there
    backing = twin.needed(held, marks) + Fraction(int(value / int(rng.integers(1, 51)) * 10**6), 10**6)
    money = (backing - gain) // MICRO * MICRO
    return Portfolio(money, positions), marks, money, held


def test_equity_is_maintenance_at_the_liquidation_price_of_ten_thousand_portfolios():
    """Residual within a millionth of a dollar; a millionth worse and the account is liquidatable."""
    rng = np.random.default_rng(60)
    seen, never, several = 0, 0, 0
    for _ in range(ACCOUNTS):
        portfolio, marks, money, held = drawn(rng)
        name = next(iter(held))
        price = calc.liquidation_price(portfolio, name, marks)
        if price is None:
            never += 1
            side = 1 if held[name][0] > 0 else -1
            least = marks | {name: Fraction(1, 10**9)}
            assert side < 0 or twin.margin_left(money, held, least) >= 0
            continue
        assert 0 <= twin.margin_left(money, held, marks | {name: price}) <= MICRO, (name, held, money)
        worse = price - MICRO / held[name][0]
        assert twin.margin_left(money, held, marks | {name: worse}) < 0, (name, held, money)
        seen += 1
        several += len(held) > 1
    assert seen > 0.6 * ACCOUNTS and several > 0.5 * ACCOUNTS and never > 100
