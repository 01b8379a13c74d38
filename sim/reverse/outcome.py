"""What shall come out: an outcome that a run has or has not, asked in a word or as ``COLUMN>NUMBER``."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sim.errors import ScenarioError
from sim.experiments.assumed import Assumed, assumed
from sim.experiments.tables import TEXT, measured
from sim.metrics.amplification import CUT
from sim.scenario.spec import Spec
from sim.settings.parsing import parse_fraction, parse_money

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Outcome:
    """An outcome of a run.

    Attributes
    ----------
    said : str
        In words.
    measure : mapping
        What is measured beyond the summary (``measures.py``).
    hit : callable
        From the row of a run, and of the run with the sale where one is asked, to 1, 0, or NaN where it cannot say.
    sale : mapping or None
        The sale of an assumption: the run is made with and without it.
    """

    said: str
    hit: Callable[[Row, Row | None], float]
    measure: Mapping[str, Any] = field(default_factory=dict)
    sale: Mapping[str, Any] | None = None


EXAMPLES = (
    "cascade, fund_gone, bad_debt, bad_debt>$10m, drawdown>20%, price>$100k, assumption:NAME, forced_sell_usd>1e9"
)


def outcome_of(spec: Spec, text: str, after_s: float = 0.0) -> Outcome:
    """Read an outcome.

    Parameters
    ----------
    spec : Spec
        The scenario.
    text : str
        As ``EXAMPLES``.
    after_s : float
        Seconds from the start from which a price counts as reached.

    Raises
    ------
    ScenarioError
        When there is no such outcome.
    """
    name, sign, limit = (part.strip() for part in re.match(r"([^<>]*)([<>]?)(.*)", text.strip()).groups())  # type: ignore[union-attr]
    if text.strip() == "cascade":
        quick = {"kind": "amplification", "quiet": {}, "from_s": 0.0, "whole_seeds": 0}  # runs end once it is known
        return Outcome("the second round exceeds 2 % of open interest", _column("second_round", ">", CUT), quick)
    if text.strip() == "fund_gone":
        return Outcome("the insurance fund is used up", _column("fund_least_usd", "<", 0.0))
    if name == "bad_debt" and sign != "<":
        usd = _read(text, limit, parse_money) if sign else 0.0
        return Outcome(f"a deficit above ${usd:,.0f} that nobody covers", _column("deficit_most_usd", ">", usd))
    if name == "drawdown" and sign == ">":
        fall = _read(text, limit, lambda word: parse_fraction(_number_or(word)))
        return Outcome(f"the mark falls more than {100 * fall:g} % from a high", _column("max_drawdown", "<", -fall))
    if name == "price" and sign:
        usd = _read(text, limit, parse_money)
        if not 0.0 <= after_s < spec.duration:
            raise ScenarioError(f"--after: a price must count before the run ends, after {spec.duration:g} s")
        way = "above" if sign == ">" else "below"
        measure = {"kind": "reach", "level_usd": usd, "way": way, "from_s": after_s}
        return Outcome(f"the mark is {way} ${usd:,.0f} once", _column("reached", ">", 0.5), measure)
    if name.startswith("assumption:") and not sign:
        return _assumption(spec, name.partition(":")[2].strip())
    if sign and name in measured() and name not in TEXT:
        number = _read(text, limit, float)
        unit, meaning = measured()[name]
        return Outcome(f"{meaning} {sign} {number:g} {unit}".strip(), _column(name, sign, number))
    raise ScenarioError(f"--outcome {text[:60]!r}: expected one such as {EXAMPLES}")


def _column(name: str, sign: str, limit: float) -> Callable[[Row, Row | None], float]:
    def hit(row: Row, _sale: Row | None) -> float:
        value = math.nan if row.get(name) is None else float(row[name])
        if math.isnan(value):
            return math.nan
        return float(value > limit if sign == ">" else value < limit)

    return hit


def _assumption(spec: Spec, name: str) -> Outcome:
    """A breach of a named assumption; the age of its data and its own seeds are not asked here."""
    from sim.experiments.assumed import looks_of

    found = [one for one in assumed(spec, date(2000, 1, 1)) if one.name == name] if spec.assumptions.tests else []
    if not found:
        known = ", ".join(test.name for test in spec.assumptions.tests) or "none"
        raise ScenarioError(f"assumption {name!r}: {spec.name} has {known}")
    one = found[0]
    looks = looks_of([one])
    measure = {"kind": "assumptions", "looks": looks}
    sale = looks[0] if one.is_sale else None
    return Outcome(f"assumption {name} is breached", _breach(one, spec.duration), measure, sale)


def _breach(one: Assumed, duration_s: float) -> Callable[[Row, Row | None], float]:
    def hit(row: Row, sale: Row | None) -> float:
        if one.is_sale and sale is None:
            return math.nan
        within = one.within(one.value(row, sale), row, sale, duration_s)
        return math.nan if within is None else float(not within)

    return hit


def _read(text: str, word: str, parse: Callable[[Any], float]) -> float:
    try:
        return float(parse(word))
    except ValueError as error:
        raise ScenarioError(f"--outcome {text[:60]!r}: {error}") from None


def _number_or(word: str) -> float | str:
    return float(word) if re.fullmatch(r"[0-9.]+", word) else word
