"""Stylised facts on synthetic series with known answers."""

import math

import numpy as np
import pytest
from scipy import stats

from sim.metrics import facts
from sim.metrics import stylised as st
from sim.schema import BAND_EDGES_BP

RNG = np.random.default_rng(5)
NOISE = RNG.normal(size=20_000)


def test_acf_of_an_autoregression():
    x = np.zeros(200_000)
    e = np.random.default_rng(1).normal(size=x.size)
    for k in range(1, x.size):
        x[k] = 0.6 * x[k - 1] + e[k]
    assert st.acf(x, 3) == pytest.approx([0.6, 0.36, 0.216], abs=0.01)
    y = x[:300] - x[:300].mean()
    assert st.acf(x[:300], 5)[4] == pytest.approx((y[5:] @ y[:-5]) / (y @ y))
    assert st.largest_acf(x, 2, 4) == pytest.approx(0.36, abs=0.01)
    assert np.isnan(st.acf(np.ones(50), 2)).all()


def test_hill_of_a_pareto_tail():
    assert st.hill(np.random.default_rng(2).pareto(3.0, 200_000) + 1.0, 0.05) == pytest.approx(3.0, rel=0.05)
    assert math.isnan(st.hill(NOISE[:100], 0.05))


def test_kurtosis_agrees_with_scipy():
    x = np.random.default_rng(3).standard_t(9, 5000)
    assert st.excess_kurtosis(x) == pytest.approx(stats.kurtosis(x))


def test_decay_exponent_of_a_planted_power_law():
    lags = np.arange(1, 1001)
    assert st.decay_exponent(0.4 * lags**-0.5, 10, 1000) == pytest.approx(0.5)
    assert math.isnan(st.decay_exponent(-0.1 * np.ones(1000), 10, 1000))


def fractional_noise(n, h):
    """Gaussian noise of Hurst exponent h by circulant embedding (Davies and Harte)."""
    k = np.arange(n)
    gamma = 0.5 * (np.abs(k - 1.0) ** (2 * h) - 2 * k ** (2 * h) + (k + 1.0) ** (2 * h))
    row = np.concatenate((gamma, gamma[1:-1][::-1]))
    rng = np.random.default_rng(7)
    z = rng.normal(size=row.size) + 1j * rng.normal(size=row.size)
    return np.fft.fft(np.sqrt(np.maximum(np.fft.fft(row).real, 0) / row.size) * z).real[:n]


def test_hurst_of_planted_memory():
    assert st.hurst(fractional_noise(1 << 17, 0.75)) == pytest.approx(0.75, abs=0.03)
    assert st.hurst(NOISE) == pytest.approx(0.5, abs=0.06)
    assert math.isnan(st.hurst(NOISE[:100]))


def test_variance_ratio_of_a_walk_and_of_a_bouncing_price():
    time_s = np.arange(1.0, 200_001.0)
    walk = 100 * np.exp(np.cumsum(np.random.default_rng(4).normal(0, 1e-4, time_s.size)))
    assert st.variance_ratio(time_s, walk, 1.0, 60.0) == pytest.approx(1.0, abs=0.06)
    bounce = 100 * np.exp(np.random.default_rng(4).normal(0, 1e-4, time_s.size))
    assert st.variance_ratio(time_s, bounce, 1.0, 60.0) == pytest.approx(1 / 60, rel=0.1)


def test_impact_of_planted_square_root():
    size = np.geomspace(1e6, 1e8, 6)
    impact = 0.9 * 0.02 * np.sqrt(size / 2e10)
    assert st.impact_exponent(size, impact) == pytest.approx(0.5)
    assert st.impact_prefactor(size, impact, 2e10, 0.02) == pytest.approx(0.9)
    assert math.isnan(st.impact_exponent(size[:4], impact[:4]))
    time_s = np.arange(0.0, 7201.0)
    response = np.sqrt(time_s / 3600) - np.sqrt(np.maximum(time_s / 3600 - 1, 0))
    assert st.impact_decay(time_s, response, 3600.0) == pytest.approx(math.sqrt(2) - 1, abs=1e-3)
    assert math.isnan(st.impact_decay(time_s[:4000], response[:4000], 3600.0))


def test_shape_of_a_planted_book():
    edges = np.concatenate(([0.0], BAND_EDGES_BP))
    held = np.diff(edges**0.8)
    assert st.book_shape(np.tile(np.concatenate((held, held)), (3, 1))) == pytest.approx(0.8, abs=0.01)


def test_levels_that_move_with_volatility():
    sd = np.repeat(np.exp(np.sin(np.arange(100) / 5)), 300) * 1e-4
    mid = 100 * np.exp(np.cumsum(np.random.default_rng(6).normal(size=sd.size) * sd))
    time_s = np.arange(1.0, sd.size + 1)
    assert st.with_volatility(time_s, mid, sd) > 0.95 and st.with_volatility(time_s, mid, 1 / sd) < -0.95


def test_counts_and_prints():
    assert st.fano(np.random.default_rng(8).poisson(4.0, 50_000).astype(float)) == pytest.approx(1.0, abs=0.03)
    assert st.fano(np.array([0.0, 0.0, 30.0])) == pytest.approx(20.0) and math.isnan(st.fano(np.zeros(5)))
    assert st.share_at(np.array([1e-4, 1e-4, 2e-4, np.nan]), 1e-4) == pytest.approx(2 / 3)


def test_every_fact_is_judged_on_a_random_walk():
    n = 90_000
    rng = np.random.default_rng(9)
    flow = rng.random(n)
    columns = {
        "elapsed_s": np.arange(1.0, n + 1), "perp_mid_usd": 1e5 * np.exp(np.cumsum(rng.normal(0, 6e-5, n))),
        "perp_taker_buy_btc": flow, "perp_taker_sell_btc": rng.random(n), "perp_spread_bp": np.full(n, 0.1),
        "depth_bid_1pct_usd": np.full(n, 3e8), "n_liquidated": np.zeros(n),
    }  # fmt: skip
    series = facts.Series(columns, np.ones((9, 60)))
    verdict = {j.fact.name: j.verdict for j in facts.stylised_facts([series] * 3)}
    assert len(verdict) == len(facts.FACTS)
    assert {f.number for f in facts.FACTS} == {1, 2, 3, 4, 7, 8, 9, 12, 16, 17, 18, 20}
    assert verdict["variance ratio, 5 min over 30 s"] == "pass"
    assert verdict["excess kurtosis of 1-min returns"] == "miss"  # a Gaussian walk has no heavy tails
    assert verdict["share of funding prints at the base"] == "not measurable"
    assert verdict["Fano factor of liquidations a minute"] == "not measurable"


def test_a_fact_passes_on_eighteen_of_twenty():
    fact = facts.FACTS[0]
    values = np.zeros(20)
    values[:2] = 1.0
    assert facts.judge(fact, values).verdict == "pass"
    values[2] = 1.0
    assert facts.judge(fact, values).verdict == "miss"
