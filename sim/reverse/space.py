"""Changes of a scenario as lengths: how far each input is moved from what it is, in scales that the user gives."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sim.errors import ScenarioError
from sim.sensitivity.asked import Values
from sim.sensitivity.factors import Factor

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Space:
    """Inputs measured from the scenario as it stands.

    Attributes
    ----------
    factors : tuple of Factor
        Their ranges hold the present value.
    scales : tuple of float
        The move of each that counts as 1: in its unit, or in logarithms where it is spread so.
    """

    factors: tuple[Factor, ...]
    scales: tuple[float, ...]

    @property
    def ends(self) -> tuple[Floats, Floats]:
        """Lowest and highest length of each input: float64[d] each, the first at or below 0, the second at or above."""
        low = [_length(f, f.low, s) for f, s in zip(self.factors, self.scales, strict=True)]
        high = [_length(f, f.high, s) for f, s in zip(self.factors, self.scales, strict=True)]
        return np.array(low), np.array(high)

    def values(self, z: Floats) -> Values:
        """The inputs at a change: as a scenario takes them, to ten digits or whole."""
        out = []
        for factor, scale, length in zip(self.factors, self.scales, z, strict=True):
            x = factor.now * math.exp(scale * length) if factor.log else factor.now + scale * length
            x = min(max(float(x), factor.low), factor.high)
            out.append(float(round(x)) if factor.whole else float(f"{x:.10g}"))
        return tuple(out)

    def lengths(self, values: Values) -> Floats:
        """The change that leads to some values."""
        parts = zip(self.factors, values, self.scales, strict=True)
        return np.array([_length(factor, value, scale) for factor, value, scale in parts])

    def cube(self, z: Floats) -> Floats:
        """Changes as points of the unit cube."""
        low, high = self.ends
        return (np.asarray(z) - low) / (high - low)

    def from_cube(self, u: Floats) -> Floats:
        """Points of the unit cube as changes."""
        low, high = self.ends
        return low + np.asarray(u) * (high - low)

    def reach(self, direction: Floats) -> float:
        """How far a direction (of length 1) can be followed before an input is at the end of its range."""
        low, high = self.ends
        with np.errstate(divide="ignore", invalid="ignore"):
            steps = np.where(direction > 0.0, high / direction, np.where(direction < 0.0, low / direction, np.inf))
        return float(steps.min())


def space_of(factors: Sequence[Factor], scales: Mapping[str, str]) -> Space:
    """Measure inputs from where they are.

    Parameters
    ----------
    factors : sequence of Factor
        A range that does not hold the present value is extended to it.
    scales : mapping
        Input to the move that counts as 1: an amount in its unit, a per cent of a fraction ("10%"), or a factor ("x2"),
        which measures it in logarithms. Default: from the present value to the farther end.

    Raises
    ------
    ScenarioError
        When a scale makes no sense.
    """
    unknown = set(scales) - {factor.name for factor in factors}
    if unknown:
        raise ScenarioError(f"--scale {', '.join(sorted(unknown))}: not among the inputs that vary")
    kept, lengths = [], []
    for factor in factors:
        said = scales.get(factor.name, "")
        factor = replace(factor, low=min(factor.low, factor.now), high=max(factor.high, factor.now))
        factor = replace(factor, log=factor.log or said.startswith("x"))
        if factor.log and factor.low <= 0.0:
            raise ScenarioError(
                f"{factor.name} is {factor.now:g} to begin with: it has no logarithm; give a plain scale"
            )
        kept.append(factor)
        lengths.append(_scale(factor, said))
    return Space(tuple(kept), tuple(lengths))


def _scale(factor: Factor, said: str) -> float:
    if not said:
        return max(abs(_length(factor, factor.low, 1.0)), abs(_length(factor, factor.high, 1.0)))
    try:
        if said.startswith("x"):
            found = math.log(float(said[1:]))
        else:
            found = float(said[:-1]) / 100.0 if said.endswith("%") else float(said)
            found = math.log1p(found / factor.now) if factor.log else found
    except ValueError:
        found = 0.0
    if not 0.0 < found < math.inf:
        raise ScenarioError(f'--scale {factor.name}={said[:40]}: expected an amount above 0 such as "10%", or "x2"')
    return found


def _length(factor: Factor, value: float, scale: float) -> float:
    return (math.log(value / factor.now) if factor.log else value - factor.now) / scale
