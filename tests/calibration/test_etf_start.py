"""Where the flow rule of the funds' desk begins: its past returns and noise, from recordings of before the event."""

import numpy as np
import pandas as pd
import pytest

from calibration.etf_flow import LAST_DAY, RULES, _arrays, fit, rows
from calibration.recordings import mark_5m
from calibration.tables import evidence_folder
from sim.scenario.load import load_spec
from sim.settings.etf import EtfSettings


@pytest.mark.evidence
def test_start_of_the_rule_is_recorded():
    days = rows(evidence_folder())
    returns = days["r0"].loc[:"2025-10-10"].tail(20)
    assert str(returns.index[0].date()) == "2025-09-15"
    np.testing.assert_allclose(EtfSettings().past_returns, np.round(returns / 100.0, 3), atol=1e-12)
    before = days.loc[:LAST_DAY].dropna()
    x, y = _arrays(before, RULES["trend"])
    fitted = fit(x, y)
    last = float(y[-1] - x[-1] @ fitted.b[0])
    assert round(last * float(fitted.rho[0]), 1) == EtfSettings().last_noise


@pytest.mark.evidence
@pytest.mark.parametrize(
    ("scenario", "start", "close"),
    [
        ("aftermath_reset", "2025-10-12 00:00", "2025-10-10 20:00"),
        ("recovery", "2025-11-21 00:00", "2025-11-20 21:00"),
    ],
)
def test_states_after_the_event_begin_at_the_recorded_mark(scenario, start, close):
    marks, spec = mark_5m(evidence_folder())["open"], load_spec(scenario)
    assert spec.start_utc == pd.Timestamp(start, tz="UTC")
    assert abs(spec.market.price / float(marks.loc[start]) - 1.0) < 0.001
    assert abs(spec.etf.last_close / float(marks.loc[close]) - 1.0) < 0.001


@pytest.mark.evidence
def test_past_returns_of_the_recovery_are_of_the_recorded_marks_at_four_in_new_york():
    marks = mark_5m(evidence_folder())["open"]
    days = pd.bdate_range("2025-10-23", "2025-11-20")
    closes = [pd.Timestamp(day.date(), tz="America/New_York") + pd.Timedelta(hours=16) for day in days]
    at = [float(marks.loc[time.tz_convert("UTC").tz_localize(None)]) for time in closes]
    returns = np.round(np.diff(np.log(at)), 3)[-20:]
    np.testing.assert_allclose(load_spec("recovery").etf.past_returns, returns, atol=1e-12)
