"""Where the flow rule of the funds' desk begins: its past returns and noise, from recordings of before the event."""

import numpy as np
import pytest

from calibration.etf_flow import LAST_DAY, RULES, _arrays, fit, rows
from calibration.tables import evidence_folder
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
