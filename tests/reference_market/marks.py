"""Slow twin of the oracle formula of the mark, written from MODEL 2.3 [S:3]; imports nothing of the simulator."""

import math
from statistics import median


class Mean:
    """num <- num e^(-t/T) + sample t; den <- den e^(-t/T) + t."""

    def __init__(self, window_s: float, step_s: float) -> None:
        self.num = self.den = 0.0
        self.kept, self.step = math.exp(-step_s / window_s), step_s

    def add(self, sample: float) -> None:
        """One sample, a step after the last."""
        self.num = self.num * self.kept + sample * self.step
        self.den = self.den * self.kept + self.step

    def value(self) -> int:
        """Nearest integer, halves up."""
        return math.floor(self.num / self.den + 0.5)


class OracleMark:
    """Prices in half ticks; a touch is best bid, best ask and last trade in ticks, or None where a side is empty."""

    def __init__(self, step_s: float = 3.0) -> None:
        self.basis, self.touch = Mean(150.0, step_s), Mean(30.0, step_s)

    def step(self, index: int, mid: int, touch: tuple[int, int, int] | None, others: int | None) -> int:
        """The mark of one point of the lattice."""
        self.basis.add(mid - index)
        prices = [index + self.basis.value()]
        if touch is not None:
            bid, ask, last = touch
            own = 2 * median([bid, ask, last]) if last else bid + ask
            self.touch.add(own)
            prices.append(own)
        if others is not None:
            prices.append(others)
        if len(prices) == 2:
            prices.append(self.touch.value() if self.touch.den else sum(prices) // 2)
        return max(1, int(median(prices)))
