"""How a loss is shared out by layers or in proportion, and whether what is prefunded covers the largest defaults.

Splits are the kernels' (``kernels/loss_shares.py``), exact on the finest grid of the numbers given: the parts sum to
what was split. Source: MODEL 2.7 [S:15]; CPMI-IOSCO principle 4 and EMIR Art. 42-43 for the cover rules.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import lcm
from typing import Literal

from sim.calculator import doors
from sim.calculator.standing import Marks, equity
from sim.calculator.terms import Number, Portfolio, number
from sim.errors import RuleError
from sim.units import LIMIT

Layers = Mapping[str, Number]


def loss_layers(loss: Number, layers: Layers) -> tuple[dict[str, Fraction], Fraction]:
    """Take a loss from layers in their order, none before the one ahead is empty.

    Parameters
    ----------
    loss : number
        At least 0.
    layers : mapping
        Name to what it holds, at least 0, first asked first.

    Returns
    -------
    tuple
        Name to what it pays; and what is left. They sum to the loss, exactly.

    Raises
    ------
    RuleError
        For a number below 0, or one that no 64-bit grid holds.
    """
    amount, held = number(loss, "the loss"), {name: number(value, name) for name, value in layers.items()}
    if amount < 0 or any(value < 0 for value in held.values()):
        raise RuleError("a loss and its layers are at least 0")
    unit = _unit([amount, *held.values()])
    used, left = doors.layers_used(int(amount * unit), [int(value * unit) for value in held.values()])
    return {name: Fraction(part, unit) for name, part in zip(held, used, strict=True)}, Fraction(left, unit)


def loss_shares(
    loss: Number, weights: Mapping[str, Number], quantum: Number = Fraction(1, 10**6)
) -> tuple[dict[str, Fraction], Fraction]:
    """Share a loss out in proportion to weights: sizes of positions (pro rata) or profits (a haircut).

    Parameters
    ----------
    loss : number
        At least 0.
    weights : mapping
        Name to what it may lose at most; below 0 counts as 0.
    quantum : number
        Smallest part of either.

    Returns
    -------
    tuple
        Name to its part, none above its weight or its exact share rounded up; and what is left of a loss beyond the sum
        of weights.

    Raises
    ------
    RuleError
        For a loss below 0, or a quantum that is not above 0.
    """
    amount, step = number(loss, "the loss"), number(quantum, "the quantum")
    if amount < 0 or step <= 0:
        raise RuleError("a loss is at least 0, and a quantum above 0")
    parts = {name: number(value, name) / step for name, value in weights.items()}
    if (amount / step).denominator != 1 or any(value.denominator != 1 for value in parts.values()):
        raise RuleError(f"loss and weights are whole multiples of the quantum, {float(step):g}")
    given, left = doors.shares(int(amount / step), [int(value) for value in parts.values()])
    return {name: part * step for name, part in zip(parts, given, strict=True)}, left * step


@dataclass(frozen=True)
class Cover:
    """The worst scenario for what is prefunded.

    Attributes
    ----------
    scenario : int
        Its place among those asked.
    members : tuple of str
        Members, or groups of them, that default in it, largest loss first.
    loss : Fraction
        What they lose together beyond their own money and collateral.
    used : dict
        Layer to what it pays.
    uncovered : Fraction
        What is left.
    """

    scenario: int
    members: tuple[str, ...]
    loss: Fraction
    used: dict[str, Fraction]
    uncovered: Fraction


def cover(
    members: Mapping[str, Portfolio],
    scenarios: Sequence[Marks],
    prefunded: Layers,
    rule: Literal["cover_1", "cover_2", "emir"] = "cover_2",
    groups: Mapping[str, str] | None = None,
) -> Cover:
    """Whether prefunded layers bear the default of the largest members, in the worst of several scenarios.

    Parameters
    ----------
    members : mapping
        Name to its portfolio, whose money is its margin: a loss is what closing at the marks leaves below 0.
    scenarios : sequence of mappings
        Market to mark, each with every market that somebody holds.
    prefunded : mapping
        Layer to dollars, first asked first.
    rule : str
        The largest loss, the two largest, or the larger of the largest and the second with the third (EMIR's rule for
        the default fund).
    groups : mapping, optional
        Member to its group: affiliates default together.

    Returns
    -------
    Cover
        Of the scenario with the largest loss, the first of equals.

    Raises
    ------
    RuleError
        Without members or scenarios, or as for ``standing``.
    """
    if not members or not scenarios:
        raise RuleError("a cover rule asks about at least one member and one scenario")
    worst: tuple[Fraction, int, tuple[str, ...]] = (Fraction(-1), 0, ())
    for at, marks in enumerate(scenarios):
        losses: dict[str, Fraction] = {}
        for name, portfolio in members.items():
            group = (groups or {}).get(name, name)
            losses[group] = losses.get(group, Fraction(0)) + max(Fraction(0), -equity(portfolio, marks))
        order = sorted((name for name, loss in losses.items() if loss > 0), key=lambda name: -losses[name])
        choices = {"cover_1": [order[:1]], "cover_2": [order[:2]], "emir": [order[:1], order[1:3]]}[rule]
        chosen = max(choices, key=lambda names: sum((losses[name] for name in names), Fraction(0)))
        total = sum((losses[name] for name in chosen), Fraction(0))
        if total > worst[0]:
            worst = total, at, tuple(chosen)
    used, left = loss_layers(worst[0], prefunded)
    return Cover(worst[1], worst[2], worst[0], used, left)


def _unit(values: Sequence[Fraction]) -> int:
    """Parts of one in which all values are whole."""
    unit = lcm(*(value.denominator for value in values))
    if max(values) * unit >= LIMIT:
        raise RuleError("the amounts have too many digits for 64-bit integers: round them")
    return unit
