"""Scores of deleveraging rules by hand."""

import numpy as np
import pytest

from sim.metrics.deleveraging import deleveraging_scores
from sim.schema import EVENT, EVENT_ADL, EVENT_HAIRCUT, RECORD

UNITS = {"lot_coin": 0.1, "start_open_interest_lots": 1000}


def test_the_worked_example_in_numbers():
    """Two shorts of 10 coins closed at 93 against a mark of 90 (MODEL 6.2.12): 60 dollars; later the mark is 85."""
    series = np.zeros(3, RECORD)
    series["time_us"], series["mark_usd"], series["deficit_micro"] = (
        [0, 10_000_000, 20_000_000],
        [100, 90, 85],
        [0, 7, 3],
    )
    events = np.zeros(3, EVENT)
    events["kind"], events["account"] = [EVENT_ADL, EVENT_ADL, EVENT_HAIRCUT], [7, 8, 7]
    events["time_us"], events["lots"], events["cash_micro"] = 10_500_000, [100, 100, 0], [930e6, 930e6, 140e6]
    got = deleveraging_scores(events, series, UNITS, later_s=10.0)
    assert got.borne_usd == pytest.approx(60 + 140)
    assert got.solvency_gap_usd == pytest.approx(7e-6) and got.interest_kept == pytest.approx(0.8)
    assert got.top_one == pytest.approx(1070 / 2000) and got.top_ten == 1.0
    assert got.overshoot_usd == pytest.approx(20 * 5)  # shorts that would have gained 5 dollars a coin more


def test_where_nobody_is_asked_nothing_is_shared():
    got = deleveraging_scores(np.zeros(0, EVENT), np.zeros(1, RECORD), UNITS)
    assert got.interest_kept == 1.0 and got.borne_usd == got.overshoot_usd == 0.0 and np.isnan(got.top_one)
