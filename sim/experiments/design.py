"""What a user asks for: scenario, parameters by their dotted path, how to choose points, seeds; and the points."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from sim.errors import ScenarioError
from sim.settings.complaints import check
from sim.settings.fields import Settings, problem_at
from sim.settings.problems import refusal
from sim.settings.quantities import Count, Duration, Flag, Number
from sim.settings.reader import read_file

Method = Literal["grid", "list", "sobol", "lhs", "morris"]
Changes = dict[str, Any]
"""Dotted path of a setting to its value, as ``--set`` takes them."""

MOST_POINTS = 100_000


class Range(Settings):
    """Values of one parameter between two ends, for the methods that fill a space."""

    low: Number = Field(description="Lower end, in ``unit``.")
    high: Number = Field(description="Upper end, in ``unit``.")
    scale: Literal["linear", "log"] = Field("linear", description="Spread evenly, or evenly in the logarithm.")
    unit: Annotated[str, Field(max_length=12)] = Field("", description="Written behind the number: %, bp, s, min, USD.")
    whole: Flag = Field(False, description="Round to whole numbers.")

    @model_validator(mode="after")
    def _ordered(self) -> Range:
        if not self.low < self.high:
            raise problem_at("high", sentence=f"must lie above low ({self.low:g}), got {self.high:g}")
        if self.scale == "log" and self.low <= 0.0:
            raise problem_at("low", sentence=f"must be above 0 on a log scale, got {self.low:g}")
        return self

    def at(self, share: float) -> Any:
        """Value at a share of the way, 0 to 1, as a scenario file would write it."""
        low, high = self.low, self.high
        value = low * (high / low) ** share if self.scale == "log" else low + share * (high - low)
        number: float | int = round(value) if self.whole else float(f"{value:.10g}")
        return f"{number}{self.unit}" if self.unit else number


class Sampled(Settings):
    """Columns of ``series`` that are kept, thinned out; without it a run leaves one row of numbers."""

    columns: Annotated[list[str], Field(min_length=1, max_length=200)] = Field(description="Columns of ``series``.")
    every: Duration = Field(description="Time between two rows; flows are summed over it, levels taken at its end.")


class Design(Settings):
    """One design file."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")] = Field(description="Names the sweep's folder.")
    scenario: Annotated[str, Field(min_length=1)] = Field(description="Shipped scenario, or a YAML file.")
    changes: Changes = Field(default={}, alias="set", description="Changes that every run gets.")
    method: Method = Field("grid", description="How points are chosen.")
    parameters: dict[str, list[Any] | Range] = Field(default={}, description="Path to values (grid) or range.")
    points: list[Changes] | Count | None = Field(
        None, description="The points (list), how many (sobol, lhs), or paths (morris)."
    )
    levels: Count = Field(4, description="Steps of a range (morris), an even number.", ge=2, le=1000)
    draw: Count = Field(1, description="Seed of the sampler; no run depends on it.", ge=0)
    seeds: Count | str = Field(8, description='Seeds of every point: "8" is 1 to 8, "1,5,9", "11-14".')
    series: Sampled | None = Field(None, description="What is kept of the path of each run.")
    shard: Count = Field(64, description="Runs in one result file.", ge=1, le=10_000)

    @model_validator(mode="after")
    def _fits_its_method(self) -> Design:
        if self.method == "list":
            if not isinstance(self.points, list) or not self.points or self.parameters:
                raise problem_at("points", sentence="method list wants a list of points, and no parameters")
            return self
        if not self.parameters:
            raise problem_at("parameters", sentence=f"method {self.method} wants at least one parameter")
        wanted, word = (list, "a list of values") if self.method == "grid" else (Range, "low and high")
        for path, values in self.parameters.items():
            if not isinstance(values, wanted) or values == []:
                raise problem_at("parameters", path, sentence=f"method {self.method} wants {word}")
        if self.method == "grid" and self.points is not None:
            raise problem_at("points", sentence="a grid has as many points as its values give: remove it")
        if self.method != "grid" and (not isinstance(self.points, int) or not 1 <= self.points <= MOST_POINTS):
            raise problem_at("points", sentence=f"method {self.method} wants a number from 1 to {MOST_POINTS}")
        return self

    @property
    def paths(self) -> list[str]:
        """Paths that vary, in the order written."""
        if isinstance(self.points, list):
            return list(dict.fromkeys(path for point in self.points for path in point))
        return list(self.parameters)

    def chosen(self) -> list[Changes]:
        """Points of the design, in order; the same file gives the same points.

        Returns
        -------
        list of dict
            Dotted path to value, for ``runner.load(set=...)``.
        """
        if isinstance(self.points, list):
            return [dict(point) for point in self.points]
        if self.method == "grid":
            axes = [values for values in self.parameters.values() if isinstance(values, list)]
            if (count := _product(axes)) > MOST_POINTS:
                raise ScenarioError(f"the grid has {count} points, at most {MOST_POINTS}: shorten an axis")
            return [dict(zip(self.parameters, values, strict=True)) for values in itertools.product(*axes)]
        shares = _morris if self.method == "morris" else _filling
        return [
            {path: r.at(float(u)) for (path, r), u in zip(self.parameters.items(), row, strict=True)}  # type: ignore[union-attr]
            for row in shares(self)
        ]


def read_design(path: str | Path) -> Design:
    """Read a design file.

    Parameters
    ----------
    path : str or Path
        YAML, read by the reader of scenarios.

    Returns
    -------
    Design
        A scenario that is a file is found beside the design.

    Raises
    ------
    ScenarioError
        With one line for each problem: ``file:line:col: path: sentence``.
    """
    place = Path(path)
    document = read_file(place, str(path))
    design, problems = check(Design, document, str(path))
    if design is None or problems:
        raise refusal(problems)
    named = design.scenario
    if named.endswith((".yaml", ".yml")) and not Path(named).is_absolute():
        return design.model_copy(update={"scenario": str(place.parent / named)})
    return design


def _product(axes: list[list[Any]]) -> int:
    count = 1
    for values in axes:
        count *= len(values)
    return count


def _filling(design: Design) -> Any:
    """Shares of the ranges that fill their space: a scrambled Sobol sequence, or a Latin hypercube."""
    import warnings

    from scipy.stats import qmc

    kind = qmc.Sobol if design.method == "sobol" else qmc.LatinHypercube
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The balance properties of Sobol", UserWarning)  # said in docs/sweeps.md
        return kind(d=len(design.parameters), rng=design.draw).random(design.points)


def _morris(design: Design) -> Any:
    """Shares of the ranges along random paths that move one parameter at a time."""
    try:
        from SALib.sample import morris
    except ModuleNotFoundError as error:
        raise ScenarioError("method morris needs SALib: pip install 'shoal[sweep]'") from error
    names = list(design.parameters)
    problem = {"num_vars": len(names), "names": names, "bounds": [[0.0, 1.0]] * len(names)}
    return morris.sample(problem, design.points, num_levels=design.levels, seed=design.draw)
