"""Slow twin of how losses are shared out, written from MODEL 2.7; imports nothing of the simulator."""

import math
from fractions import Fraction


def split(amount: int, weights: list[int]) -> tuple[list[int], int]:
    """Parts in proportion to the positive weights, running shares rounded down; and what is left beyond their sum."""
    positive = [max(0, w) for w in weights]
    borne = min(amount, sum(positive))
    upto = [math.floor(Fraction(borne * sum(positive[: i + 1]), sum(positive) or 1)) for i in range(len(positive))]
    return [b - a for a, b in zip([0, *upto], upto, strict=False)], amount - borne


def use_layers(loss: int, layers: list[int]) -> tuple[list[int], int]:
    """A layer pays what the ones before left, up to what it holds."""
    used = [max(0, min(layer, loss - sum(layers[:i]))) for i, layer in enumerate(layers)]
    return used, loss - sum(used)
