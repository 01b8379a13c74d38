"""Slow twin of how losses are shared out, written from MODEL 2.7; imports nothing of the simulator."""

import math
from fractions import Fraction


def split(amount: int, weights: list[int]) -> tuple[list[int], int]:
    """Parts in proportion to the positive weights, running shares rounded down; and what is left beyond their sum."""
    positive = [max(0, w) for w in weights]
    borne = min(amount, sum(positive))
    upto = [math.floor(Fraction(borne * sum(positive[: i + 1]), sum(positive) or 1)) for i in range(len(positive))]
    return [b - a for a, b in zip([0, *upto], upto, strict=False)], amount - borne


def split_capped(amount: int, weights: list[int], caps: list[int]) -> tuple[list[int], int]:
    """The least sum of part^2 / weight: one level times the weight, or the cap; caps bind in order of cap / weight."""
    out, left = [0] * len(weights), amount
    free = sorted((Fraction(caps[i], weights[i]), i) for i in range(len(weights)) if weights[i] > 0 and caps[i] > 0)
    while free and Fraction(left, sum(weights[i] for _, i in free)) >= free[0][0]:
        _, i = free.pop(0)
        out[i] = caps[i]
        left -= caps[i]
    total, weight, given = sum(weights[i] for _, i in free), 0, 0
    for i in sorted(i for _, i in free):
        weight += weights[i]
        upto = math.floor(Fraction(left * weight, total))
        out[i] = upto - given
        given = upto
    return out, left - given


def use_layers(loss: int, layers: list[int]) -> tuple[list[int], int]:
    """A layer pays what the ones before left, up to what it holds."""
    used = [max(0, min(layer, loss - sum(layers[:i]))) for i, layer in enumerate(layers)]
    return used, loss - sum(used)
