"""What the adapters share: how a case is skipped, how a difference is told, how an engine is made."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

Engine = Any  # sim.MatchingEngine or tests.reference.matching.ReferenceEngine: the same public methods
MakeEngine = Callable[..., Engine]
Case = dict[str, Any]


class SkippedCase(Exception):
    """The case needs a feature which is not offered; the message names it."""


class Difference(Exception):
    """The engine did something else than the case says."""


def expect(what: str, got: Any, want: Any) -> None:
    """Raise ``Difference`` unless the two are equal."""
    if got != want:
        raise Difference(f"{what}: got {got!r}, expected {want!r}")


def exact(value: Any) -> Fraction:
    """A number of a case as it is written."""
    return Fraction(str(value))


def whole(value: Fraction, what: str) -> np.int64:
    """An integer that the case's grid must give."""
    if value.denominator != 1:
        raise Difference(f"{what} is no whole number of its unit: {value}")
    return np.int64(int(value))


def near(what: str, got: Fraction | float, want: Any, tolerance: Any) -> None:
    """Raise ``Difference`` unless both are within the case's tolerance."""
    if abs(float(got) - float(want)) > float(tolerance if tolerance is not None else 1e-9):
        raise Difference(f"{what}: got {float(got)!r}, expected {want!r}")


def depth_of(engine: Engine, side: str) -> list[tuple[int, int, int]]:
    """Levels of one side, best first, as (price, lots, number of orders)."""
    bids, asks = engine.depth(0)
    return [tuple(int(x) for x in row) for row in (bids if side in ("buy", "bids") else asks)]


def resting(engine: Engine, side: str) -> list[Any]:
    """Resting orders of one side in order of priority."""
    name = "buy" if side in ("buy", "bids") else "sell"
    return [order for order in engine.orders(0) if order.side == name]


def trades_of(ack: Any) -> list[Any]:
    """All trades of a message, those of the orders which it fired included."""
    return [*ack.fills, *(fill for fired in ack.triggered for fill in fired.fills)]
