"""An assumption made ready to be judged: what it looks at, what is asked of it, and why it may have no verdict."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sim.errors import ScenarioError
from sim.experiments.cases import listing_spec, named
from sim.experiments.live_looks import end_of
from sim.experiments.looks import LIMITS, WORST, key_of, name_in, valid_until
from sim.scenario.spec import Spec
from sim.settings.assumption import JUDGED
from sim.settings.assumptions import Assumption
from sim.thresholds import TierTable, tier_table
from sim.venues.profile import load_profile

DEPTH_TRIED = (0.2, 1.5)
"""Range of the depth scales in docs/validation.md."""
FARTHEST = 0.05
"""Distance from mid up to which recorded depth went into the book (docs/limits.md)."""
LARGEST_SALE_USD = 1.92e9
"""Largest sale whose impact is measured in docs/validation.md."""
_DAY_S = 86_400.0
_WHOLE = 0.999  # of a sale that must trade: slices are rounded to lots


@dataclass(frozen=True)
class Assumed:
    """One assumption of a scenario with what the section and the command line decide."""

    test: Assumption
    look: dict[str, Any]
    """What is measured, in memory units, with the key of its columns."""
    least: float
    """Share of seeds asked."""
    confidence: float
    seeds: int
    """Most seeds."""
    max_age_s: float
    as_of: date | None
    """Day of the depth data."""
    age_days: int | None
    fee: float = 0.0
    reasons: tuple[str, ...] = field(default=())
    """Why there can be no verdict, whatever is measured."""

    @property
    def name(self) -> str:
        """Name of the assumption."""
        return self.test.name

    @property
    def key(self) -> str:
        """Name of its columns."""
        return str(self.look["key"])

    @property
    def is_sale(self) -> bool:
        """Whether it needs runs with a sale."""
        return self.test.kind == "exit_cost"

    @property
    def limit(self) -> float:
        """The limit, in the unit of the measure."""
        return float(getattr(self.test, self.test.limit))

    def value(self, row: Mapping[str, Any], sale: Mapping[str, Any] | None) -> float:
        """Measure of one seed; infinite where it never came, NaN where the run cannot answer.

        Parameters
        ----------
        row : mapping
            Row of the run without a sale.
        sale : mapping, optional
            Row of the run with this assumption's sale.
        """
        if self.test.kind != "exit_cost":
            found = float(row[self.key])
            if math.isnan(found) and self.test.kind == "recovery":
                return math.inf
            if math.isnan(found) and self.test.kind == "fund" and not self._ended_before(row):
                return -math.inf  # there was no fund to begin with
            return found
        if sale is None:
            return math.nan
        if not float(sale[f"{self.key}_filled"]) >= _WHOLE:
            return math.inf
        ratio = float(sale[f"{self.key}_sale_usd"]) / float(row[f"{self.key}_{self.test.against}_usd"])
        return (ratio - 1.0 if self.test.side == "buy" else 1.0 - ratio) + self.fee

    def within(
        self, value: float, row: Mapping[str, Any], sale: Mapping[str, Any] | None, duration_s: float
    ) -> bool | None:
        """Whether a seed keeps the limit; None where the model cannot say.

        A run stops to be a result when the price loses the news or the fund is used up (``looks.valid_until``). What
        is the worst of a window is a breach if it was one by then, and open otherwise.
        """
        if math.isnan(value):
            return None
        keeps = value <= self.limit if self.test.limit == "at_most" else value >= self.limit
        end = end_of(self.look, duration_s)
        ended = any(valid_until(self.test.kind, self._ends(r)) < end for r in (row, sale) if r is not None)
        if ended and (keeps or self.test.kind not in WORST):
            return None
        return keeps

    def _ended_before(self, row: Mapping[str, Any]) -> bool:
        return valid_until(self.test.kind, self._ends(row)) < float(self.look["at"])

    def _ends(self, row: Mapping[str, Any]) -> dict[str, float]:
        return {name: float(row[name_in(self.look.get("listing"), name)]) for name in LIMITS}


def assumed(spec: Spec, today: date, seeds: int | None = None, joint: bool = False) -> list[Assumed]:
    """Make every assumption of a scenario ready.

    Parameters
    ----------
    spec : Spec
    today : date
        Day on which the age of the depth data is judged.
    seeds : int, optional
        Most seeds, instead of what the file says.
    joint : bool
        The chance of any wrong verdict among all is at most 1 - confidence: each gets its part (Bonferroni).

    Returns
    -------
    list of Assumed
        In the order of the file.

    Raises
    ------
    ScenarioError
        When the scenario states none.
    """
    section = spec.assumptions
    if not section.tests:
        why = "has no assumptions: add 'assumptions: {tests: [...]}' (docs/assumptions.md)"
        raise ScenarioError(f"scenario {spec.name!r} {why}")
    depth = spec.sources.depth
    age = None if depth is None else (today - depth.as_of).days
    out = []
    for test in section.tests:
        one = listing_spec(spec, test.listing)
        refuse_books(one, test)
        venue = load_profile(one.venue)
        tiers = tier_table(venue.margin_tiers)
        look = test.model_dump(mode="python", exclude={*JUDGED, "listing"}) | named(spec, test.listing)
        look["key"] = key_of(look)
        confidence = test.confidence or section.confidence
        if joint:
            confidence = 1.0 - (1.0 - confidence) / len(section.tests)
        max_age_s = section.max_age if test.max_age is None else test.max_age
        fee = 0.0
        if test.kind == "exit_cost" and test.fees:
            fee = (venue.perp if test.book == "perp" else venue.spot).taker_fee
        ready = Assumed(
            test=test,
            look=look,
            least=test.share_of_seeds or section.share_of_seeds,
            confidence=confidence,
            seeds=seeds or test.seeds or section.seeds,
            max_age_s=max_age_s,
            as_of=None if depth is None else depth.as_of,
            age_days=age,
            fee=fee,
            reasons=(*_stale(age, max_age_s), *out_of_range(one, test, tiers)),
        )
        out.append(ready)
    return out


def refuse_books(one: Spec, test: Assumption) -> None:
    """Refuse an assumption about a book that its listing does not have, or about a sale between two recorded rows."""
    books = (
        [test.book] if test.kind in ("depth", "exit_cost") or (test.kind == "recovery" and test.of == "depth") else []
    )
    books += ["perp"] if test.kind in ("liquidation", "margin_call", "fund", "bad_debt", "adl") else []
    for book in books:
        if not getattr(one.market, book):
            raise ScenarioError(f"assumption {test.name}: {one.name} has no {book} book")
    if test.kind == "exit_cost" and test.over < one.record_every:
        raise ScenarioError(
            f"assumption {test.name}: {one.name} is recorded every {one.record_every:g} s; spread the sale over at "
            "least as long, or set network.record_every"
        )


def _stale(age_days: int | None, max_age_s: float) -> list[str]:
    if age_days is None:
        return ["no day is given for the depth data: add sources.depth.as_of"]
    if age_days < 0:
        return [f"the depth data are from {-age_days} days after the day of the check"]
    if age_days * _DAY_S > max_age_s:
        return [f"stale: the depth data are {age_days} days old, max_age is {max_age_s / _DAY_S:g} days"]
    return []


def out_of_range(spec: Spec, test: Assumption, tiers: TierTable) -> list[str]:
    """Why the model has nothing to say about an assumption: it lies outside what was measured (docs/limits.md)."""
    low, high = DEPTH_TRIED
    reasons = [
        f"market.{name} is {value:g}, outside the range that was tried, {low:g} to {high:g}"
        for name in ("depth_scale_visible", "depth_scale_latent", "depth_scale_refill")
        if not low <= (value := getattr(spec.market, name)) <= high
    ]
    if test.kind == "depth" or (test.kind == "recovery" and test.of == "depth"):
        if test.within > FARTHEST:
            reasons.append(f"depth beyond {FARTHEST:.0%} of mid is not measured, within is {test.within:.3g}")
    if test.kind == "exit_cost" and test.notional > LARGEST_SALE_USD:
        reasons.append(
            f"no sale above ${LARGEST_SALE_USD / 1e9:g}bn is measured, notional is ${test.notional / 1e9:g}bn"
        )
    if test.kind == "liquidation" and test.leverage is not None:
        reasons += _beyond_tiers(test.notional, test.leverage, tiers)
    if test.kind == "margin_call":
        for position in test.positions:
            reasons += _beyond_tiers(position.notional, position.leverage, tiers)
    return reasons


def _beyond_tiers(notional_usd: float, leverage: float, tiers: TierTable) -> list[str]:
    if notional_usd > tiers.up_to_usd[-1]:
        return [f"the venue's tiers end at ${tiers.up_to_usd[-1]:,.0f}, the position is ${notional_usd:,.0f}"]
    most = float(tiers.max_leverage[tiers.row(_one(notional_usd))][0])
    if leverage > most:
        return [f"the venue allows leverage {most:g} for ${notional_usd:,.0f}, the position has {leverage:g}"]
    return []


def _one(value: float) -> Any:
    import numpy as np

    return np.array([value])


def looks_of(tests: Sequence[Assumed]) -> list[dict[str, Any]]:
    """Distinct looks of all assumptions, in an order that does not depend on theirs."""
    from sim.results.storage import plain

    distinct = {one.key: one.look for one in tests}
    return [plain(distinct[key]) for key in sorted(distinct)]
