"""Slow twin of inverse contracts with fractions; imports nothing of the simulator.

Satoshi, half ticks; ``scale`` satoshi x half ticks a contract.
"""

import math
from fractions import Fraction

from tests.reference_market.rules import Tiers, requirement


def equity(cash: int, position: int, mark: int, scale: int) -> int:
    """Coins after paying back what the contracts are worth."""
    return math.floor(cash - Fraction(position * scale, mark))


def is_liquidatable(cash: int, position: int, mark: int, scale: int, tiers: Tiers) -> bool:
    """E < MM, equity floored, notional and requirement ceiled."""
    notional = math.ceil(Fraction(abs(position) * scale, mark))
    return equity(cash, position, mark, scale) < math.ceil(requirement(Fraction(notional), tiers))


def bankruptcy(cash: int, position: int, scale: int) -> int:
    """The mark, rounded up, where cash equals the worth of the position."""
    if cash * position <= 0:
        return 0
    return math.ceil(Fraction(position * scale, cash))
