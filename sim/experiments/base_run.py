"""The base run beside a run: same seed, depth and shock, with liquidation and makers' withdrawal off (DECISIONS 20).

Without liquidation nobody is deleveraged either.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim import units
from sim.population import draw_population
from sim.results import Run
from sim.scenario.spec import Spec
from sim.thresholds import liquidation_share
from sim.venues.profile import load_profile

Floats = NDArray[np.float64]

BASE = {"leveraged.enabled": False, "market_maker.withdrawal": False}
"""What the base run switches off, where this version has the setting."""


def base_changes(spec: Spec) -> dict[str, Any]:
    """Overrides that turn a scenario into its base run."""
    known: dict[str, Any] = spec.model_dump()
    return {key: off for key, off in BASE.items() if key.split(".")[1] in known.get(key.split(".")[0], {})}


def fuel(spec: Spec, seed: int, falls: Floats) -> Floats:
    """Lambda of a run's own population: share of the longs' open interest that each fall of the mark would liquidate.

    Parameters
    ----------
    spec : Spec
    seed : int
    falls : float64[k]
        Positive fractions of the mark at the start; no price impact.

    Notes
    -----
    Of a network that of the first listing; what its cross-margin accounts hold there counts as never liquidated by the
    fall of one asset alone, so their sales belong to the second round.
    """
    venue = load_profile(spec.venue)
    alone = 1.0
    for listing in list(spec.listings.values())[:1]:
        joint = spec.network.portfolios.get(listing.exchange)
        alone -= joint.interest_share if joint is not None else 0.0
    perp = venue.perp
    unit_micro = units.micro_per_tick_lot(perp.tick_usd, perp.lot_coin)
    mark = units.ticks(spec.market.price, perp.tick_usd)
    lots = units.lots(spec.market.open_interest, perp.lot_coin)
    crowd = draw_population(spec.leveraged, venue.margin_tiers, lots, mark, seed, unit_micro=unit_micro)
    return alone * liquidation_share(crowd, venue.margin_tiers, mark, unit_micro, falls)


def lead_marks(spec: Spec, seed: int) -> Floats:
    """Mark in USD, one a recorded row, of the scenario's own market: of a network, that of the first listing."""
    if spec.listings:
        from sim.network import build_network

        network = build_network(spec, seed)
        network.run_until(spec.duration)
        series = network.lead.collect().series
    else:
        from sim.build import build

        series = build(spec, seed).run().series
    return np.asarray(series["mark_usd"], dtype=np.float64)


def forced_btc(run: Run) -> float:
    """Coins of accounts that were liquidated: traded through the book, taken over by the fund, or deleveraged."""
    names = ("forced_sell_btc", "forced_buy_btc", "takeover_btc", "adl_btc")
    return float(sum(run.series[name].sum() for name in names))
