"""The measure ``resilience``: how a book fills up again after an order took a share of what is near (MODEL.md 5.1).

Arguments: ``book``, ``side`` of the probe ("sell" or "buy"), ``at_s``, ``share`` of the depth within ``touch`` that the
probe takes, ``near``, the distance within which depth is watched (fractions of mid), ``after_s``, times since it, and
``listing`` where it is not the first of a network.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from sim.experiments.measures import Arguments, Measure

if TYPE_CHECKING:
    from sim.results import Run
    from sim.runner import Scenario

PROBE = "probe_usd"


def names_of(arguments: Arguments) -> dict[str, list[str]]:
    """Columns of each kind of gap, in the order of the times."""
    return {
        "depth": [f"depth_gap_after_{s:g}s_usd" for s in arguments["after_s"]],
        "price": [f"price_gap_after_{s:g}s_bp" for s in arguments["after_s"]],
    }


def columns(arguments: Arguments) -> dict[str, tuple[str, str]]:
    """Name to unit and meaning of the numbers."""
    names = names_of(arguments)
    hit = "bids" if arguments["side"] == "sell" else "asks"
    near = f"{hit} of the {arguments['book']} book within {100 * arguments['near']:g} % of mid"
    return {
        PROBE: ("USD", "value of the probe"),
        **{name: ("USD", f"{near}: run with the probe less run without") for name in names["depth"]},
        **{name: ("bp", "log mid: run with the probe less run without") for name in names["price"]},
    }


def make(scenario: Scenario, seed: int, arguments: Arguments) -> tuple[Run, dict[str, float]]:
    """Walk two markets side by side, one with the probe.

    Parameters
    ----------
    scenario : Scenario
        Without the probe.
    seed : int
        Of both.
    arguments : mapping
        As the module says.

    Returns
    -------
    Run, dict
        The run without the probe, and a number for each column; NaN where a side of the book was empty.
    """
    from sim.experiments.cases import live_market, order, with_shock
    from sim.recorder import near_usd

    book, side = arguments["book"], arguments["side"]
    hit = "buy" if side == "sell" else "sell"
    listing = arguments.get("listing")
    plain = scenario.live(seed)
    plain.run_until(arguments["at_s"])
    usd = arguments["share"] * near_usd(live_market(plain, listing), book, hit, arguments["touch"])
    probed = with_shock(scenario, order(arguments["at_s"], 1.0, side, book, usd), listing).live(seed)
    out, names = {PROBE: usd}, names_of(arguments)
    for k, after_s in enumerate(arguments["after_s"]):
        held, mids = [], []
        for live in (plain, probed):
            live.run_until(arguments["at_s"] + after_s)
            market = live_market(live, listing)
            held.append(near_usd(market, book, hit, arguments["near"]))
            mids.append(market.view().mid(book) or math.nan)
        out[names["depth"][k]] = held[1] - held[0]
        out[names["price"][k]] = 1e4 * math.log(mids[1] / mids[0])
    return scenario.run(seed), out


MEASURE = Measure(columns, make)
