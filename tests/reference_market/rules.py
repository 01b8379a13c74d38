"""Slow twin of the market's rules, written from MODEL 2.3, 2.4 and 2.6 with fractions and lists; imports nothing of
the simulator.

Prices in half ticks, money in micro-dollars, rates in millionths, as the rules state them.
"""

import math
from fractions import Fraction
from statistics import median

Tiers = list[tuple[int | None, int]]  # upper edge in micro-dollars (None: open), maintenance in millionths


def deductions(tiers: Tiers) -> list[Fraction]:
    """d_n = d_(n-1) + lower edge x (m_n - m_(n-1)): the requirement has no step."""
    out = [Fraction(0)]
    for (edge, lower), (_, upper) in zip(tiers, tiers[1:], strict=False):
        assert edge is not None
        out.append(out[-1] + Fraction(edge * (upper - lower), 10**6))
    return out


def requirement(notional: Fraction, tiers: Tiers) -> Fraction:
    """MM(N) = N m_n - d_n."""
    n = next((i for i, (edge, _) in enumerate(tiers) if edge is None or notional <= edge), len(tiers) - 1)
    return notional * Fraction(tiers[n][1], 10**6) - deductions(tiers)[n]


def equity(cash: int, position: int, mark: int, unit: int) -> int:
    """Cash plus position at mark, floored to the micro-dollar."""
    return math.floor(cash + Fraction(position * mark * unit, 2))


def is_liquidatable(cash: int, position: int, mark: int, unit: int, tiers: Tiers) -> bool:
    """E < MM with equity floored, notional and requirement ceiled."""
    if position == 0:
        return cash < 0
    notional = math.ceil(Fraction(abs(position) * mark * unit, 2))
    return equity(cash, position, mark, unit) < math.ceil(requirement(Fraction(notional), tiers))


def last_safe(cash: int, position: int, unit: int, tiers: Tiers, ceiling: int, multiple: Fraction = Fraction(1)) -> int:
    """Where halving all marks from 0 to the ceiling ends: of a long the lowest, of a short the highest that is safe."""
    low, high, is_long = 0, ceiling, position > 0
    while low < high:
        mark = (low + high + (not is_long)) // 2
        need = requirement(Fraction(math.ceil(Fraction(abs(position) * mark * unit, 2))), tiers)
        least = math.ceil(multiple * math.ceil(need))
        if equity(cash, position, mark, unit) < least:
            low, high = (mark + 1, high) if is_long else (low, mark - 1)
        else:
            low, high = (low, mark) if is_long else (mark, high)
    return low


def exact_root(cash: int, position: int, unit: int, tiers: Tiers) -> Fraction | None:
    """The real price, in half ticks, at which equity equals the requirement: the closed form, tier by tier."""
    side = 1 if position > 0 else -1
    for n, (_, rate) in enumerate(tiers):
        per_half_tick = Fraction(abs(position) * unit, 2)
        slope = per_half_tick * (side - Fraction(rate, 10**6))
        root = (-cash - deductions(tiers)[n]) / slope
        notional = root * per_half_tick
        low = tiers[n - 1][0] if n else 0
        high = tiers[n][0]
        assert low is not None
        if root > 0 and notional >= low and (high is None or notional <= high or n == len(tiers) - 1):
            return root
    return None


def mark_price(index: int, samples: list[int], last: int, interest_ppb: int, seconds_left: int) -> int:
    """Median of P1, P2 and last; half ticks, each rounded to the nearest, halves up."""
    p1 = index + _nearest(Fraction(index * interest_ppb * seconds_left, 28800 * 10**9))
    p2 = index + _nearest(Fraction(sum(samples), len(samples)))
    return int(median([p1, p2, last]))


def _nearest(value: Fraction) -> int:
    return math.floor(value + Fraction(1, 2))


def close_to_comply(cash: int, position: int, mark: int, unit: int, tiers: Tiers, fee_ppm: int) -> int:
    """Lots to close at mark: to the highest lower tier edge that complies after the fee, or all."""
    size = abs(position)
    notional = math.ceil(Fraction(size * mark * unit, 2))
    for edge, _ in reversed(tiers[:-1]):
        assert edge is not None
        if edge >= notional:
            continue
        kept = math.floor(Fraction(2 * edge, mark * unit))
        if kept >= size:
            continue
        closed_value = math.ceil(Fraction((size - kept) * mark * unit, 2))
        fee = math.ceil(Fraction(closed_value * fee_ppm, 10**6))
        left = math.ceil(Fraction(kept * mark * unit, 2))
        if equity(cash, position, mark, unit) - fee >= math.ceil(requirement(Fraction(left), tiers)):
            return size - kept
    return size


def walk_down(best: int, lots_per_level: int, lots: int) -> list[tuple[int, int]]:
    """Fills (price in ticks, lots) of a sale into a flat book of bids."""
    out = []
    price = best
    while lots > 0:
        taken = min(lots, lots_per_level)
        out.append((price, taken))
        lots -= taken
        price -= 1
    return out


class Holding:
    """A position and its cost by the average-cost method, one fill after another."""

    def __init__(self) -> None:
        self.lots = self.cost = 0

    def add(self, lots: int, value: int) -> None:
        """``lots`` more (negative: fewer) for ``value`` in all."""
        after = self.lots + lots
        if self.lots * lots >= 0:
            self.cost += value
        elif self.lots * after >= 0:
            self.cost = math.floor(Fraction(self.cost * abs(after), abs(self.lots)))
        else:
            self.cost = math.floor(Fraction(value * abs(after), abs(lots)))
        self.lots = after
