"""The listings of a finished run as the metrics over several markets want them."""

from __future__ import annotations

from sim.metrics.listings import Book, Listed
from sim.results.run import Run
from sim.venues.profile import load_profile

INVERSE = "_coin"
"""Ends the venue of an inverse contract: the coin-margined books of ``cex_a`` are ``cex_a_coin``."""


def listed(run: Run) -> dict[str, Listed]:
    """Name of each listing to its asset, venue and tables; empty for a run of one market.

    The venue is the exchange, with ``_coin`` behind it where the profile's contract is inverse.
    """
    out = {}
    for name, listing in run.spec.listings.items():
        part = run.listings[name]
        is_inverse = load_profile(part.spec.venue).contract == "inverse"
        venue = listing.exchange + INVERSE if is_inverse else listing.exchange
        market = part.spec.market
        books: list[Book] = ["perp"] if market.perp else []
        books += ["spot"] if market.spot else []
        out[name] = Listed(listing.asset, venue.replace(INVERSE * 2, INVERSE), part.series, part.events, tuple(books))
    return out
