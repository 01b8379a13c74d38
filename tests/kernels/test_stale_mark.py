"""L13: nobody is liquidated on a stale mark; what is no number enters nowhere."""

from typing import Any

import numpy as np
import pytest

import sim
from sim.errors import EngineError, ScenarioError
from sim.kernels.marks import STALE_US
from sim.schema import EVENT_FORCED
from tests.market.drivers import scan
from tests.market.rig import FIRST, Rig

NOW = 60_000_000


def scanned(age_us: int) -> Rig:
    """A long of 10 with equity of half its maintenance, and an engine whose index was last computed so long ago."""
    rig = Rig(-9_950, 10, 1_000, bids=[(1_000, 100)])
    rig.engine["next_scan_us"] = NOW
    rig.price["mark_half_ticks"], rig.price["index_us"] = 2_000, NOW - age_us
    scan(np.int64(FIRST), np.int64(FIRST + 1), np.int64(NOW), *rig.room, rig.price, np.zeros(30, np.int64))
    return rig


def test_an_index_older_than_ten_seconds_and_a_tick_stops_the_engine_to_the_microsecond():
    tick_us = 1_000_000
    assert STALE_US == 10_000_000
    fresh, stale = scanned(STALE_US + tick_us), scanned(STALE_US + tick_us + 1)
    assert fresh.events["kind"][0] == EVENT_FORCED and fresh.books.positions[0, FIRST] == 0
    assert int(stale.clock[0]["n_events"]) == 0 and stale.books.positions[0, FIRST] == 10
    # the scan of a stale mark is lost, the next fresh one finds the account
    stale.hung_to = FIRST + 1
    assert stale.scan(2_000)["kind"].tolist() == [EVENT_FORCED]


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), ".nan", "nan", "$nan"])
@pytest.mark.parametrize("field", ["market.price", "market_maker.flow_response", "duration"])
def test_a_setting_that_is_no_number_is_refused_before_anything_runs(field: str, bad: Any):
    with pytest.raises(ScenarioError, match=r"expected an? \w+"):
        sim.load("calm_btc", set=[f"{field}={bad}"])


@pytest.mark.parametrize("price", [float("nan"), float("inf"), np.nan])
def test_an_order_at_a_price_that_is_no_number_is_refused(price: Any):
    engine = sim.MatchingEngine()
    with pytest.raises(EngineError):
        engine.limit("sell", price=price, lots=1, owner=1)
    assert [list(side) for side in engine.depth(0)] == [[], []]
