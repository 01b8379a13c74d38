"""The measure ``mids``: the mid of a book at given times after a moment, and what the account of flow shocks holds.

Arguments: ``book`` ("perp" or "spot"), ``at_s``, the moment in seconds from the start, and ``after_s``, a list of times
since then, and ``listing`` where it is not the first of a network; 0 is the end of the last tick that a probe sent at
that moment cannot have moved.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sim.experiments.measures import Arguments, Measure

if TYPE_CHECKING:
    from sim.results import Run
    from sim.runner import Scenario


def mid_after(after_s: float) -> str:
    """Name of the column that holds the mid at a time."""
    return f"mid_after_{after_s:g}s_usd"


HELD = "flow_account_btc"


def columns(arguments: Arguments) -> dict[str, tuple[str, str]]:
    """Name to unit and meaning of the numbers."""
    book = arguments["book"]
    mids = {mid_after(s): ("USD", f"mid of the {book} book {s:g} s after the probe") for s in arguments["after_s"]}
    return {HELD: ("BTC", f"{book} coins of the account of flow shocks at the end, short below 0"), **mids}


def make(scenario: Scenario, seed: int, arguments: Arguments) -> tuple[Run, dict[str, float]]:
    """Run the scenario once and read the mids off its series.

    Parameters
    ----------
    scenario : Scenario
    seed : int
    arguments : mapping
        As the module says; every time must be one that the scenario records.

    Returns
    -------
    Run, dict
        The run, and a number for each column; NaN where a side of the book was empty.
    """
    from sim.experiments.cases import live_market
    from sim.kernels.ledger import FLOW
    from sim.results import Origin, Timing
    from sim.runner import finished
    from sim.view import BOOKS

    live = scenario.live(seed)
    live.run_until(scenario.spec.duration)
    run = finished(live, Timing(0.0, 0.0, "", ""), Origin(scenario.resolved))
    listing = arguments.get("listing")
    market, hit = live_market(live, listing), run.listings[listing] if listing else run
    arrays = market.collect()
    mid = hit.series[f"{arguments['book']}_mid_usd"].to_numpy(dtype=np.float64)
    wanted_us = np.rint(1e6 * (arguments["at_s"] + np.array(arguments["after_s"]))).astype(np.int64)
    rows = np.searchsorted(arrays.series["time_us"], wanted_us)
    if rows.max() >= mid.size or (arrays.series["time_us"][rows] != wanted_us).any():
        raise ValueError("a time after the probe is not one that the scenario records")
    held = int(market.state.books.positions[BOOKS[arguments["book"]], int(FLOW)]) * market.lot_coin
    names = (mid_after(s) for s in arguments["after_s"])
    return run, {HELD: held, **dict(zip(names, mid[rows].tolist(), strict=True))}


MEASURE = Measure(columns, make)
