"""A venue's rule book in numbers: books, fees, mark price, margin tiers, liquidation engine, insurance fund."""

from decimal import Decimal
from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Field, model_validator

from sim.settings.clearing import FundingRules
from sim.settings.engine import EngineRules as EngineRules
from sim.settings.fields import Settings, problem_at, setting
from sim.settings.quantities import Duration, Fraction, Money, Number

_GIVEN = "given with its source in the profile's file, sim/venues/profiles"


def _exact(value: float) -> Decimal:
    return Decimal(repr(value))


class BookRules(Settings):
    """Grid, fees and price bound of one order book."""

    tick_usd: Number = setting(
        ..., unit="USD", provenance="sourced", source=_GIVEN, note="Smallest price step.", at_least=1e-6, at_most=1e4
    )
    lot_coin: Number = setting(
        ...,
        unit="coins",
        provenance="sourced",
        source=_GIVEN,
        note="Smallest quantity step.",
        at_least=1e-9,
        at_most=1e6,
    )
    taker_fee: Fraction = setting(
        ...,
        unit="fraction",
        provenance="sourced",
        source=_GIVEN,
        note="Fee of the side that takes.",
        at_least=0.0,
        at_most=0.05,
    )
    maker_fee: Fraction = setting(
        ...,
        unit="fraction",
        provenance="sourced",
        source=_GIVEN,
        note="Fee of the side that rests; below 0 is a rebate.",
        at_least=-0.01,
        at_most=0.05,
    )
    professional_taker_fee: Fraction = setting(
        ...,
        unit="fraction",
        provenance="sourced",
        source=_GIVEN,
        note="Fee of market makers and arbitrage firms when they take.",
        at_least=0.0,
        at_most=0.05,
    )
    professional_maker_fee: Fraction = setting(
        ...,
        unit="fraction",
        provenance="sourced",
        source=_GIVEN,
        note="Fee of market makers and arbitrage firms when they rest; below 0 is a rebate.",
        at_least=-0.01,
        at_most=0.05,
    )
    market_order_bound: Fraction = setting(
        ...,
        unit="fraction",
        provenance="sourced",
        source=_GIVEN,
        note="A market order may trade this far from the reference price, the rest is cancelled.",
        at_least=0.001,
        at_most=0.5,
    )

    @property
    def micro_per_tick_lot(self) -> int:
        """Value of one lot over one tick, in millionths of a dollar; a whole number by construction."""
        return int(_exact(self.tick_usd) * _exact(self.lot_coin) * 1_000_000)

    @model_validator(mode="after")
    def _grid_is_whole(self) -> "BookRules":
        micro = _exact(self.tick_usd) * _exact(self.lot_coin) * 1_000_000
        if micro != micro.to_integral_value() or micro < 1:
            why = (
                f"tick_usd x lot_coin must be a whole number of millionths of a dollar, "
                f"{self.tick_usd!r} x {self.lot_coin!r} gives {micro.normalize():f}"
            )
            raise problem_at("lot_coin", sentence=why)
        return self


class MarkRules(Settings):
    """The mark price by one of two formulas, kernels/marks.py."""

    formula: Literal["median3", "oracle"] = setting(
        "median3",
        unit="",
        provenance="sourced",
        source="MODEL.md 2.3 [S:5, S:6] and [S:3]",
        note=(
            "median3: median of index plus basis average, index plus interest, and the last trade. oracle: of index "
            "plus an exponential mean of the basis, the touch's median with the last trade, and other venues' mids."
        ),
    )
    basis_window: Duration = setting(
        ...,
        unit="s",
        provenance="sourced",
        source=_GIVEN,
        note="Length of the basis average; of oracle, the time constant of its exponential mean.",
        at_least=0.1,
        at_most=86400.0,
    )
    basis_sample: Duration = setting(
        ...,
        unit="s",
        provenance="sourced",
        source=_GIVEN,
        note="Time between two samples of the basis; of oracle, the lattice on which index and mark move.",
        at_least=0.01,
        at_most=3600.0,
    )
    touch_window: Duration | None = setting(
        None,
        unit="s",
        provenance="sourced",
        source=_GIVEN,
        note="Of oracle alone: time constant of the exponential mean that stands in for a missing third price.",
        at_least=0.1,
        at_most=86400.0,
    )

    @model_validator(mode="after")
    def _window_holds_samples(self) -> "MarkRules":
        samples = _exact(self.basis_window) / _exact(self.basis_sample)
        if samples != samples.to_integral_value() or not 1 <= samples <= 10_000:
            why = f"must hold 1 to 10000 whole samples of basis_sample, it holds {float(samples):g}"
            raise problem_at("basis_window", sentence=why)
        if (self.touch_window is not None) != (self.formula == "oracle"):
            raise problem_at(
                "touch_window", sentence="belongs to formula: oracle, which needs it: give both or neither"
            )
        return self


class MarginTier(Settings):
    """One bracket of the maintenance table."""

    up_to: Money | None = setting(
        ...,
        unit="USD",
        provenance="sourced",
        source=_GIVEN,
        note="Upper end of the bracket; null in the last row means without end.",
        at_least=1.0,
        at_most=1e12,
    )
    maintenance: Fraction = setting(
        ...,
        unit="fraction",
        provenance="sourced",
        source=_GIVEN,
        note="Maintenance margin rate.",
        at_least=1e-5,
        at_most=1.0,
    )
    max_leverage: Number = setting(
        ...,
        unit="x",
        provenance="sourced",
        source=_GIVEN,
        note="Largest leverage on opening.",
        at_least=1.0,
        at_most=1000.0,
    )


class VenueSettings(Settings):
    """One venue profile, whole: a rule set, and no finding about any firm."""

    title: Annotated[str, Field(min_length=1, max_length=120)] = setting(
        ..., unit="", provenance="scenario", source=_GIVEN, note="One line that names the rule set."
    )
    statement: Annotated[str, Field(min_length=1, max_length=2000)] = setting(
        ..., unit="", provenance="scenario", source=_GIVEN, note="What the profile is, and what it is not."
    )
    contract: Literal["linear", "inverse"] = setting(
        ...,
        unit="",
        provenance="sourced",
        source=_GIVEN,
        note=(
            "What the perpetual is worth: coins settled in dollars (linear), or dollars settled in coins (inverse). A "
            "profile may state either; a market can be built of linear ones alone."
        ),
    )
    perp: BookRules = setting(..., unit="", provenance="sourced", source=_GIVEN, note="The perpetual's book.")
    spot: BookRules = setting(..., unit="", provenance="sourced", source=_GIVEN, note="The spot book.")
    window_half: Fraction = setting(
        ...,
        unit="fraction",
        provenance="judgement",
        source=_GIVEN,
        note="Half-width of the price window held as a ladder; farther orders wait in a list and keep their priority.",
        at_least=0.001,
        at_most=0.5,
    )
    self_trade: Literal["off", "cancel_maker", "cancel_taker", "decrement_both"] = setting(
        ..., unit="", provenance="sourced", source=_GIVEN, note="What happens when an account would trade with itself."
    )
    mark: MarkRules = setting(..., unit="", provenance="sourced", source=_GIVEN, note="The mark price.")
    funding: FundingRules = setting(..., unit="", provenance="sourced", source=_GIVEN, note="Funding of the perp.")
    margin_tiers: Annotated[tuple[MarginTier, ...], Field(min_length=1, max_length=100)] = setting(
        ...,
        unit="list of up_to, maintenance, max_leverage",
        provenance="sourced",
        source=_GIVEN,
        note="Maintenance table.",
    )
    engine: EngineRules = setting(..., unit="", provenance="sourced", source=_GIVEN, note="The liquidation engine.")
    adl_ranking: Literal["leverage_pnl", "pnl_leverage", "index", "pro_rata", "haircut", "optimal"] = setting(
        ...,
        unit="",
        provenance="sourced",
        source=_GIVEN,
        note=(
            "Auto-deleveraging. A queue by profit over collateral x margin ratio; profit over cost x leverage; "
            "or price index x leverage. Or all winners share: pro_rata by size; haircut the same part of each profit; "
            "optimal the least sum of payment^2 / equity."
        ),
    )
    adl_exempt: Annotated[tuple[Literal["makers", "hedgers", "arbitrage"], ...], Field(max_length=3)] = setting(
        (),
        unit="list of names",
        provenance="judgement",
        source="MODEL.md 2.7: some exchanges exempt accounts by agreement [from memory]; none unless a profile says so",
        note="Who is never a counterparty of auto-deleveraging.",
    )
    insurance_fund: Money = setting(
        ...,
        unit="USD",
        provenance="sourced",
        source=_GIVEN,
        note="Cash of the fund at the start.",
        at_least=0.0,
        at_most=1e12,
    )
    fund_unload_half_life: Duration = setting(
        ...,
        unit="s",
        provenance="judgement",
        source=_GIVEN,
        note="Half-life with which the fund sells positions it took over.",
        at_least=1.0,
        at_most=8.64e6,
    )

    @property
    def deductions_usd(self) -> tuple[float, ...]:
        """What each tier subtracts, so that the maintenance requirement has no step at a bracket edge.

        Returns
        -------
        tuple of float
            US dollars, one a tier: d_0 = 0, d_n = d_(n-1) + lower edge x (m_n - m_(n-1)).

        Notes
        -----
        The requirement is notional x m_n - d_n. Computed in decimals and rounded once. Source: MODEL.md 2.4.
        """
        total, out = Decimal(0), [0.0]
        for lower, upper in pairwise(self.margin_tiers):
            total += _exact(lower.up_to or 0.0) * (_exact(upper.maintenance) - _exact(lower.maintenance))
            out.append(float(total))
        return tuple(out)

    @model_validator(mode="after")
    def _engine_follows_the_mark(self) -> "VenueSettings":
        if (self.engine.kind == "backstop") and self.mark.formula != "oracle":
            raise problem_at(
                "mark", "formula", sentence="kind: backstop needs formula: oracle, whose previous mark it uses"
            )
        if self.mark.formula == "oracle" and self.engine.scan_every != self.mark.basis_sample:
            why = f"must be mark.basis_sample, {self.mark.basis_sample:g} s: with formula: oracle scans follow the mark"
            raise problem_at("engine", "scan_every", sentence=why)
        return self

    @model_validator(mode="after")
    def _tiers_tighten(self) -> "VenueSettings":
        for n, (lower, upper) in enumerate(pairwise(self.margin_tiers), start=1):
            if lower.up_to is None:
                raise problem_at(
                    "margin_tiers", n - 1, "up_to", sentence="only the last tier may have no end: give its upper edge"
                )
            if upper.up_to is not None and upper.up_to <= lower.up_to:
                why = f"tier {n} ends at ${upper.up_to:g}, not above the end of tier {n - 1} at ${lower.up_to:g}"
                raise problem_at("margin_tiers", n, "up_to", sentence=why)
            if upper.maintenance <= lower.maintenance or upper.max_leverage >= lower.max_leverage:
                why = f"tier {n} must ask more margin and allow less leverage than tier {n - 1}"
                raise problem_at("margin_tiers", n, sentence=why)
        for n, tier in enumerate(self.margin_tiers):
            if tier.maintenance * tier.max_leverage > 1.0:
                why = (
                    f"would liquidate a position as it opens: maintenance {tier.maintenance:g} is above "
                    f"1/{tier.max_leverage:g}"
                )
                raise problem_at("margin_tiers", n, "maintenance", sentence=why)
        return self
