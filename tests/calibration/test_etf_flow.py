"""Flow rule of the funds: estimator on made-up days, alignment of days by hand, and what the committed table says."""

import csv

import numpy as np
import pandas as pd
import pytest
from scipy import optimize, stats

from calibration import etf_flow, etf_rule
from calibration.etf_rule import Fit
from calibration.tables import DERIVED, evidence_folder

TRUE = Fit(np.array([[3.0, 2.0, -1.0]]), np.array([0.4]), np.array([1.5]), np.array([5.0]))


def made_up(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Days of a known rule: a constant and two terms."""
    rng = np.random.default_rng(seed)
    x = np.column_stack((np.ones(n), rng.standard_normal((n, 2))))
    return x, etf_rule.run(TRUE, x, (x[0], float(x[0] @ TRUE.b[0])), 1, rng)[0]


def table() -> list[dict[str, str]]:
    lines = (DERIVED / "etf_flow.csv").read_text(encoding="utf-8").splitlines()
    return list(csv.DictReader(line for line in lines if not line.startswith("#")))


def cells(part: str, rule: str, quantity: str) -> dict[str, str]:
    (row,) = (r for r in table() if (r["part"], r["rule"], r["quantity"]) == (part, rule, quantity))
    return row


def test_fit_is_the_greatest_likelihood():
    """Against a general optimiser on the density that scipy has."""
    x, y = made_up(300, 1)
    found = etf_rule.fit(x, y)

    def cost(p: np.ndarray) -> float:
        u = y - x @ p[:3]
        e = u[1:] - p[3] * u[:-1]
        return -float(stats.t.logpdf(e, found.nu[0], scale=np.exp(p[4])).sum())

    best = optimize.minimize(cost, [0.0, 0.0, 0.0, 0.0, 0.0], method="BFGS", options={"gtol": 1e-7}).x
    mine = [*found.b[0], found.rho[0], np.log(found.s[0])]
    assert mine == pytest.approx(best, abs=2e-4)


def test_fit_finds_the_rule_that_made_the_days_and_its_tail():
    x, y = made_up(20_000, 2)
    found = etf_rule.fit(x, y)
    assert found.b[0] == pytest.approx(TRUE.b[0], abs=0.05)
    assert (found.rho[0], found.s[0], found.nu[0]) == (pytest.approx(0.4, abs=0.02), pytest.approx(1.5, abs=0.05), 5.0)


def test_a_day_that_counts_nothing_might_as_well_not_be_there():
    """The last 50 days with weight 0, and the days without them; each of several fits by its own weights."""
    x, y = made_up(200, 3)
    short = etf_rule.fit(x[:150], y[:150])
    weights = np.ones((2, 199))
    weights[1, 149:] = 0.0
    both = etf_rule.fit(x, y, weights)
    assert both.b[1] == pytest.approx(short.b[0], rel=1e-3)
    assert both.b[0] == pytest.approx(etf_rule.fit(x, y).b[0])
    assert abs(both.b[0] - both.b[1]).max() > 1e-3


def test_intervals_hold_the_truth_as_often_as_they_say():
    """95 % intervals of drawn blocks on 40 sets of days: 3 coefficients each, near 0.95 of 120."""
    held = 0
    for seed in range(40):
        fits = etf_rule.drawn(*made_up(250, 100 + seed), 100, 10, np.random.default_rng(seed))
        low, high = np.quantile(fits.b, (0.025, 0.975), axis=0)
        held += int(((low < TRUE.b[0]) & (TRUE.b[0] < high)).sum())
    assert 0.85 <= held / 120 <= 0.99


def test_noise_goes_on_from_the_last_day():
    """Without new noise: 3 below the rule, then 3 x 0.4, 3 x 0.16."""
    still = Fit(TRUE.b, TRUE.rho, np.array([0.0]), TRUE.nu)
    x = np.column_stack((np.ones(2), [1.0, 0.0], [0.0, 1.0]))
    out = etf_rule.run(still, x, (np.array([1.0, 0.0, 0.0]), 0.0), 4, np.random.default_rng(0))
    assert out == pytest.approx(np.tile([5.0 - 1.2, 2.0 - 0.48], (4, 1)))


def test_crps_by_hand_and_of_a_normal():
    assert etf_rule.crps(np.array([0.0, 2.0]), 1.0) == 0.5
    sample = stats.norm.ppf((np.arange(4000) + 0.5) / 4000)
    assert etf_rule.crps(sample, 0.0) == pytest.approx((np.sqrt(2.0) - 1.0) / np.sqrt(np.pi), abs=1e-3)


def days_by_hand() -> tuple[pd.Series, pd.Series]:
    """Trading days that end with 9 October, weekends among them: 14 flat, then logs of 1, 3, 6 up to 36, 30, 25, 27."""
    days = pd.bdate_range(end=etf_flow.LAST_DAY, periods=25)
    logs = [0.0] * 14 + [1, 3, 6, 10, 15, 21, 28, 36, 30, 25, 27]
    close = pd.Series(np.exp(0.01 * np.array(logs)) * 1e5, index=days)
    return close, pd.Series(1e9, index=days)


def test_terms_stand_at_their_day():
    """r0 is the day's own, over a weekend where there is one; all else is known at the close before."""
    close, flow = days_by_hand()
    got = etf_flow.terms_of(close, flow)
    day = got.iloc[-1]
    assert (day["r0"], day["r1"]) == (pytest.approx(2.0), pytest.approx(-5.0))
    assert day["r2_6"] == pytest.approx(-6 + 8 + 7 + 6 + 5)
    assert (day["drawdown"], day["trend"]) == (pytest.approx(25 - 36), pytest.approx(25.0))
    friday = got[got.index.day_of_week == 4].index[-1]
    monday = friday + pd.Timedelta("3D")
    assert got.loc[monday, "r0"] == pytest.approx(100 * np.log(close[monday] / close[friday]))
    moved = close.copy()
    moved.iloc[-1] *= 1.5
    last = etf_flow.terms_of(moved, flow).iloc[-1]
    known = ["r1", "r2_6", "below_cost", "over_cost", "trend", "drawdown"]
    assert last[known].equals(day[known])
    assert last["r0"] == pytest.approx(2.0 + 100 * np.log(1.5))


def test_assets_are_coins_at_the_close_before():
    close, flow = days_by_hand()
    got = etf_flow.terms_of(close, flow)
    held = etf_flow.HELD - 1e9 / close.iloc[-1]
    assert got["assets"].iloc[-1] == pytest.approx(held * close.iloc[-2])
    assert got["flow"].iloc[-1] == pytest.approx(1e4 * 1e9 / (held * close.iloc[-2]))


def test_mean_cost_by_hand():
    """10 coins at 10, 5 at 20: 200 for 15; 3 leave at their mean; all leave; a new price."""
    days = pd.bdate_range("2025-01-01", periods=5)
    close = pd.Series([10.0, 20.0, 20.0, 30.0, 40.0], index=days)
    flow = pd.Series([100.0, 100.0, -60.0, -720.0, 80.0], index=days)
    got = etf_flow.mean_cost(close, flow)
    assert got.iloc[:3].tolist() == pytest.approx([10.0, 200 / 15, 200 / 15])
    assert np.isnan(got.iloc[3]) and got.iloc[4] == 40.0


def test_assets_follow_the_price_and_the_flow():
    """Without noise: 100 bp of the assets a day, price +10 % on the first day ahead."""
    close, flow = days_by_hand()
    days = etf_flow.terms_of(close, flow)
    before, ahead = days.iloc[-4:-2], days.iloc[-2:].copy()
    ahead["r0"] = [100 * np.log(1.1), 0.0]
    sure = Fit(np.array([[100.0]]), np.zeros(1), np.zeros(1), np.array([5.0]))
    got = etf_flow.dollars(sure, before, ahead, (), 2, np.random.default_rng(0))
    start = days["assets"].iloc[-2]
    assert got == pytest.approx(np.tile([0.01 * start, 0.01 * start * 1.11], (2, 1)))


def test_of_the_days_ahead_only_prices_are_read():
    rng = np.random.default_rng(4)
    days = pd.bdate_range(end=etf_flow.LAST_DAY, periods=150)
    close = pd.Series(1e5 * np.exp(0.02 * rng.standard_normal(150).cumsum()), index=days)
    flow = pd.Series(1e8 * rng.standard_normal(150) + 1e8, index=days)
    got = etf_flow.terms_of(close, flow).iloc[30:]
    before, ahead = got.iloc[:90], got.iloc[90:]
    for terms in etf_flow.RULES.values():
        rule = Fit(np.full((1, len(terms) + 1), 0.5), np.array([0.3]), np.array([10.0]), np.array([5.0]))
        spoiled = ahead.assign(flow=np.nan, assets=np.nan)
        spoiled.loc[spoiled.index[1] :, ["below_cost", "over_cost"]] = np.nan
        both = [etf_flow.dollars(rule, before, a, terms, 50, np.random.default_rng(1)) for a in (ahead, spoiled)]
        assert (both[0] == both[1]).all()


def test_windows_of_the_backtest_end_before_the_event():
    found = etf_flow.origins(378)
    assert max(found) + etf_flow.AHEAD <= 378
    assert min(found) >= etf_flow.HISTORY


@pytest.mark.evidence
def test_nothing_after_9_october_enters_a_fit():
    """Other flows after it and the days up to it are the same, to the last bit."""
    data = evidence_folder()
    assert data is not None
    close, flow = etf_flow.ibit_daily(data) / etf_flow.COINS_PER_SHARE, etf_flow.flows(data)
    other = flow.copy()
    other.loc["2025-10-10":] = 7e9
    late = close.copy()
    late.loc["2025-10-10":] *= 0.5
    mine, spoiled = (etf_flow.terms_of(*two).loc[: etf_flow.LAST_DAY] for two in ((close, flow), (late, other)))
    pd.testing.assert_frame_equal(mine, spoiled, check_exact=True)
    assert len(etf_flow.rows(data).loc[etf_flow.FIRST_AHEAD : etf_flow.LAST_AHEAD]) == etf_flow.AHEAD


@pytest.mark.evidence
def test_two_collectors_agree_where_both_have_a_day():
    data = evidence_folder()
    assert data is not None
    both = pd.concat([etf_flow.etf_flows_of_the_first_months(data), etf_flow.etf_flows(data)], axis=1, sort=True)
    apart = (both.iloc[:, 0] - both.iloc[:, 1]).dropna().abs() / 1e6
    assert len(apart) == 164 and apart.median() < 0.1 and apart.max() < 0.1 * both.std().min() / 1e6


def test_flow_goes_with_its_day_and_the_day_before_and_not_with_the_day_after():
    """MODEL 4.7: flow foretells no return; two standard errors of a correlation of 378 days are 0.10."""
    found = [
        float(cells("data", "", f"correlation of flow with the return of the {what}")["value"])
        for what in ("day after", "day itself", "day before")
    ]
    assert abs(found[0]) < 0.10 < 0.35 < min(found[1:])


def test_the_rule_was_chosen_by_its_score():
    scores = {name: float(cells("backtest", name, "mean CRPS of 31 days")["value"]) for name in etf_flow.RULES}
    assert cells("choice", etf_flow.choice(scores), "least score of the rules with a state")
    assert etf_flow.choice({**scores, "lagged": 0.0, "cost_sign": 0.1}) == "cost_sign"


def test_recorded_sums_lie_in_the_interval_of_the_chosen_rule():
    (chosen,) = (row["rule"] for row in table() if row["part"] == "choice")
    for ends, known in (("6 November", "10 October to 6 November, file"), ("21 November", etf_flow.PUBLISHED[1])):
        row = cells("event", chosen, f"10 October to {ends}, 80%")
        assert float(row["low"]) < float(cells("recorded", "", known)["value"]) < float(row["high"])
