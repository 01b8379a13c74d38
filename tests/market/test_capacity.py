"""A venue that works off so many messages a second: the rest waits in order of arrival, what is too much is refused."""

import numpy as np

from sim.build import build
from sim.scenario.load import load_spec

SMALL = {"duration": "5min", "leveraged.accounts": 200}
SELL = [{"kind": "news_move", "at": "1min", "over": "2s", "move": "-4%"}]


def run(**more):
    market = build(load_spec("calm_btc", {**SMALL, "shocks": SELL, **more}), 3)
    market.audit = True
    market.run()
    return market


def test_no_limit_and_a_limit_that_never_binds_are_one():
    free, wide = run(), run(**{"clearing.capacity": "100000/s"})
    assert free.collect().series.tobytes() == wide.collect().series.tobytes()


def test_messages_of_a_tick_never_pass_the_limit():
    market = run(**{"clearing.capacity": "120/s"})
    series = market.collect().series
    assert series["n_messages"][2:].max() <= 240  # worked off, and refused beyond twice the limit
    assert series["n_messages"][2:].sum() > 0


def test_an_overloaded_venue_moves_its_quotes_later():
    """Makers pull their quotes through the same queue: takers meet stale ones, and the mid lags behind the news."""
    free, slow = run(), run(**{"clearing.capacity": "60/s"})
    at = 75
    lag = [m.collect().series["mark_usd"][at] / m.collect().series["value_usd"][at] - 1.0 for m in (free, slow)]
    assert lag[1] > lag[0]
    assert np.isfinite(lag).all()
