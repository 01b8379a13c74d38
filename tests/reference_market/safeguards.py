"""Slow twin of the price band and the circuit breaker, from MODEL 2.1, with fractions and lists; imports nothing of
the simulator. Prices are half ticks, times microseconds.
"""

import math
from fractions import Fraction


def band(mark: int, width: Fraction) -> tuple[int, int]:
    """Lowest price of a resting sell order and highest of a resting buy order, whole ticks within the band."""
    middle = Fraction(mark, 2)
    return math.ceil(middle * (1 - width)), math.floor(middle * (1 + width))


def halts(marks: list[tuple[int, int]], move: Fraction, within: int, halt: int, look: int = 10**6) -> list[bool]:
    """Whether the perp is halted in each tick, of (start, mark) of all ticks.

    A look is due ``look`` after the last one, and at the first tick after a halt. It stops the perp when the mark is at
    least ``move`` below the highest, or above the lowest, of the looks of the last ``within``, from the last halt on.
    """
    seen: list[tuple[int, int]] = []
    out, until, due = [], None, 0
    for now, mark in marks:
        if until is not None and now >= until:
            until, due, seen = None, now, []
        if until is None and now >= due:
            due = now + look
            seen.append((now, mark))
            near = [price for at, price in seen if now - at <= within]
            if mark <= max(near) * (1 - move) or mark >= min(near) * (1 + move):
                until = now + halt
        out.append(until is not None)
    return out
