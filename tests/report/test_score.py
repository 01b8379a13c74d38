"""Estimators of the event and the scorecard, on paths worked by hand."""

from math import isinf, isnan

import numpy as np
import pytest

from sim.metrics import event, score
from sim.targets import Target, targets


def recorded_like() -> event.Path:
    """The recorded day in its corner points: minutes after 20:50, USD."""
    corners = np.array(
        [
            (-30, 116_720),
            (0, 116_848),
            (6, 113_189),
            (10, 114_400),
            (20, 114_416),
            (21, 114_321.5),
            (23.5, 110_284),
            (26, 111_207),
            (30.5, 102_497.5),
        ]
        + [(40.5, 109_673), (70, 113_793), (190, 112_900)]
    )
    time_s = np.arange(-1800.0, 11401.0, 1.0)
    mark = np.interp(time_s, corners[:, 0] * 60.0, corners[:, 1])
    minutes = np.arange(-1800.0, 11400.0, 60.0)
    return event.Path(time_s, mark, minutes, np.full(minutes.size, 0.27), np.full(minutes.size, 0.15))


def rows_named(row: str) -> list[Target]:
    return [t for t in targets() if t.id == row and not t.why_not]


def test_the_recorded_day_meets_its_own_targets():
    path = recorded_like()
    by_row = {t.id: event.measure(t, path) for t in targets() if t.id[0] == "F"}
    assert by_row["F1"] == pytest.approx(100 * (102_497.5 / 116_848 - 1), abs=1e-6)
    assert by_row["F2"] == pytest.approx(100 * (102_497.5 / 114_321.5 - 1), abs=1e-6)
    assert by_row["F3"] == pytest.approx(30.5)
    assert by_row["F4"] == pytest.approx(10.0, abs=0.02)
    assert 21.0 <= by_row["F0"] <= 26.0
    passed = [
        score.judge(t, np.array([event.measure(t, path)])).verdict
        for row in ("F0", "F1", "F2", "F3", "F4", "F5", "F16")
        for t in rows_named(row)
    ]
    assert passed == ["pass"] * 9


def test_rows_outside_the_run_are_not_measurable():
    path = recorded_like()
    early = event.Path(
        path.time_s[:600], path.mark_usd[:600], path.minute_s, path.bid_share * np.nan, path.ask_share * np.nan
    )
    assert {score.score(t, [early]).verdict for t in targets() if t.id[0] == "F"} == {"not measurable"}


def test_a_path_that_never_falls_misses_and_has_no_recovery():
    path = recorded_like()
    flat = event.Path(path.time_s, np.full(path.time_s.size, 116_000.0), path.minute_s, path.bid_share, path.ask_share)
    passage, fall, half = rows_named("F0")[-1], rows_named("F1")[0], rows_named("F4")[0]
    assert event.measure(fall, flat) == 0.0 and isnan(event.measure(half, flat))
    missed = score.score(passage, [flat])
    assert isinf(missed.median) and missed.verdict == "miss" and score.onset(missed).never == 1


def test_onset_counts_every_seed_in_its_quantiles():
    row = rows_named("F0")[-1]
    o = score.onset(score.judge(row, np.array([22.0, np.inf, 41.0, 19.0, np.inf, np.inf, 30.0, np.inf, 24.0, np.inf])))
    assert (o.early, o.inside, o.late, o.never) == (1, 2, 2, 5)
    assert o.quantiles((0.1, 0.3, 0.5, 0.51, 1.0)).tolist() == [19.0, 24.0, 41.0, np.inf, np.inf]
    assert (o.passed.n_hit, o.passed.n) == (5, 10) and 0.23 < o.passed.low < 0.24 < 0.76 < o.passed.high


def test_every_estimator_says_what_it_does():
    for row in targets():
        if not row.why_not:
            name, text = event.how(row).split(": ", 1)
            assert name == row.estimator and text.endswith(".") and len(text) > 20, row.id
    assert "median bid depth" in event.how(rows_named("P7")[0])


def test_flows_levels_and_premium_of_a_path_made_by_hand():
    """Rows each second from 20:20 to 24:00: 1 coin a second before 20:50, 10 until 21:31, 2 after."""
    path = recorded_like()
    early, crash = path.time_s <= 0, (path.time_s > 0) & (path.time_s <= 41 * 60)
    late = ~early & ~crash
    flow = np.select([early, crash], [1.0, 10.0], 2.0)
    sold = np.select([early, crash], [0.5, 8.0], 0.0)
    mid = np.full(path.time_s.size, 100.0)
    perp = np.where(np.abs(path.time_s - 30 * 60) < 5, 97.0, mid)
    columns = {
        "perp_taker_buy_btc": flow / 2, "perp_taker_sell_btc": flow / 2, "spot_taker_buy_btc": flow / 8,
        "spot_taker_sell_btc": flow / 8, "forced_sell_usd": sold, "forced_buy_usd": sold / 4,
        "forced_sell_btc": sold, "forced_buy_btc": 0 * sold, "perp_spread_bp": np.where(late, 0.1, 7.0),
        "open_interest_btc": 130_000.0 - np.cumsum(2 * sold), "fund_usd": 1000.0 - 0.01 * np.cumsum(sold),
        "perp_mid_usd": perp, "spot_mid_usd": mid,
    }  # fmt: skip
    path = path._replace(columns=columns)
    value = {t.id: event.measure(t, path) for t in targets() if t.id[0] == "F" and not t.why_not}
    assert value["F19"] == 7.0
    assert value["F23"] == pytest.approx(10.0) and value["F24"] == pytest.approx(4.0)
    before, during = 0.5 * 1800, 8.0 * 41 * 60  # the row at 20:20:00 belongs to the minute before
    assert value["F25"] == pytest.approx(100 * during / (before + during))
    assert value["F26"] == pytest.approx(16.0)
    assert value["F27"] == pytest.approx(100 * 8.0 * 60 / (before + during))
    assert value["F28"] == pytest.approx(80.0)
    coins = 130_000.0 - 1801.0  # at 20:50:00: 1,801 rows of 2 x 0.5
    assert value["F32"] == pytest.approx(-100 * 2 * during / coins) and value["F35"] == pytest.approx(50.0)
    assert value["F44"] == pytest.approx(-100 * 0.01 * during / (1000.0 - 0.01 * 0.5 * 1801))
    assert value["F45"] == pytest.approx(-3.0)


def test_impact_slope_of_the_crash_over_that_of_the_half_hour_before():
    """One minute moves the log mid by its net taker dollars times 1e-9 before 20:50 and 3e-9 from then on."""
    path = recorded_like()
    minute = np.ceil(path.time_s / 60).astype(int)
    net_usd = 1e6 * np.where(minute % 3 == 0, 2.0, -1.0)  # a minute's flow, dealt in its last second
    last = path.time_s == 60 * minute
    move = np.where(last, net_usd * np.where(minute <= 0, 1e-9, 3e-9), 0.0)
    mid = 100_000.0 * np.exp(np.cumsum(move))
    bought = np.where(last & (net_usd > 0), net_usd / mid, 0.0)
    sold = np.where(last & (net_usd < 0), -net_usd / mid, 0.0)
    columns = {"perp_mid_usd": mid, "perp_taker_buy_btc": bought, "perp_taker_sell_btc": sold}
    row = next(t for t in rows_named("F21") if not t.why_not)
    assert event.measure(row, path._replace(columns=columns)) == pytest.approx(3.0)


def test_state_of_a_calm_market():
    n = 600
    bands = np.zeros((n, 60))
    bands[:, 5], bands[:, 35] = 3.0, 2.0  # within 5 bp of mid on either side
    columns = {"open_interest_btc": np.full(n, 9.0), "fund_usd": np.full(n, 1.23e9), "perp_spread_bp": np.full(n, 0.02)}
    none = np.empty(0)
    mark = 100.0 * np.exp(0.001 * (np.arange(n) // 300 % 2))
    path = event.Path(np.arange(n) + 1.0, mark, none, none, none, columns, np.full(n, 100.0), bands)
    value = {t.name: event.measure(t, path) for t in targets() if t.id[0] == "P" and not t.why_not}
    assert value["bid depth within 1 %, morning"] == pytest.approx(3.0 * 100.0 * 1e-6)
    assert value["ask depth within 5 %, morning"] == pytest.approx(2.0 * 100.0 * 1e-6)
    assert value["open interest over own bid depth to -2 %"] == pytest.approx(3.0)
    assert value["perp spread, calm"] == pytest.approx(0.02)
    assert value["insurance fund, Binance BTC, ETH and BNB pool"] == pytest.approx(1230.0)


def test_a_row_passes_only_when_every_measured_number_of_it_does():
    low, high = rows_named("F0")[:2]
    three = rows_named("F3")[0]
    good, bad, none = np.array([-2.0, -2.1]), np.array([-9.0, -9.1]), np.array([np.nan])
    t = score.tally([score.judge(low, good), score.judge(high, bad), score.judge(three, none)])
    assert (t.passed, t.missed, t.not_measurable, t.untouched_passed, t.untouched) == (0, 1, 1, 0, 1)
    t = score.tally([score.judge(low, good), score.judge(high, good), score.judge(three, np.array([30.0]))])
    assert (t.passed, t.missed, t.untouched_passed, t.untouched) == (2, 0, 2, 2)
    touched = three.model_copy(update={"touched_by": ("market.price",)})
    assert score.tally([score.judge(touched, np.array([30.0]))]).untouched == 0
