"""MODEL 6.2.3: stationary quotes in closed form against the eigenproblem that they approximate."""

import math

import numpy as np
import pytest
from scipy.linalg import eigh_tridiagonal

import sim
from sim.build import build
from sim.kernels._jit import entry
from sim.kernels.quotes import growth_of, half_spread, skew_per_lot

MARKET = (0.01, 0.3, 0.9, 0.3)  # gamma, k, A, sigma of MODEL 6.2.3
TOLERANCE = 0.005  # of MODEL 6.2.3: how far the closed form may be from the exact quotes
PRINTED = 5.1e-5  # the table has four decimals
# lots held, exact bid distance, exact ask distance
TABLE = [(0, 3.3130, 3.3130), (1, 3.3812, 3.2449), (5, 3.6535, 2.9725), (10, 3.9929, 2.6328)]
LIMIT = 60  # lots at which the maker stops quoting the side that adds; 60 or 120 give the same quotes within +-10


@entry
def compiled_skew(gamma, k, intensity, sigma, growth):
    return skew_per_lot(gamma, k, intensity, sigma, growth)


def quotes_of(gamma, k, intensity, sigma):
    """Half-spread and skew for each lot."""
    skew = compiled_skew(gamma, k, intensity, sigma, growth_of(gamma, k))
    return half_spread(gamma, k, skew), skew


def exact_distances(gamma, k, intensity, sigma, limit=LIMIT):
    """Bid and ask distances by inventory -limit..limit: ground state of the matrix with ``alpha q^2`` on its diagonal
    and ``-eta`` beside it.
    """
    q = np.arange(-limit, limit + 1)
    alpha = 0.5 * k * gamma * sigma**2
    eta = intensity * (1 + gamma / k) ** -(1 + k / gamma)
    _, vectors = eigh_tridiagonal(alpha * q**2, np.full(2 * limit, -eta), select="i", select_range=(0, 0))
    f = np.abs(vectors[:, 0])
    base = math.log1p(gamma / k) / gamma
    bid, ask = np.full(len(q), np.nan), np.full(len(q), np.nan)
    bid[:-1] = np.log(f[:-1] / f[1:]) / k + base
    ask[1:] = np.log(f[1:] / f[:-1]) / k + base
    return bid, ask


@pytest.mark.parametrize(("held", "bid", "ask"), TABLE)
def test_eigenproblem_gives_the_published_table(held, bid, ask):
    bids, asks = exact_distances(*MARKET)
    assert bids[LIMIT + held] == pytest.approx(bid, abs=PRINTED)
    assert asks[LIMIT + held] == pytest.approx(ask, abs=PRINTED)


@pytest.mark.parametrize(("held", "bid", "ask"), TABLE)
def test_closed_form_is_within_tolerance_of_the_table(held, bid, ask):
    half, skew = quotes_of(*MARKET)
    assert half + held * skew == pytest.approx(bid, abs=TOLERANCE)
    assert half - held * skew == pytest.approx(ask, abs=TOLERANCE)


@pytest.mark.parametrize("market", [MARKET, (0.005, 0.3, 0.9, 0.3), (0.01, 0.6, 0.9, 0.3), (0.01, 0.3, 1.8, 0.15)])
def test_closed_form_is_within_tolerance_of_the_eigenproblem(market):
    half, skew = quotes_of(*market)
    bids, asks = exact_distances(*market)
    held = np.arange(-10, 11)
    assert np.max(np.abs(half + held * skew - bids[LIMIT + held])) < TOLERANCE
    assert np.max(np.abs(half - held * skew - asks[LIMIT + held])) < TOLERANCE


def test_quotes_scale_with_the_unit_of_price_and_of_time():
    half, skew = quotes_of(*MARKET)
    gamma, k, intensity, sigma = MARKET
    assert quotes_of(gamma / 4, k / 4, intensity, sigma * 4) == pytest.approx((4 * half, 4 * skew), rel=1e-12)
    assert quotes_of(gamma, k, intensity * 4, sigma * 2) == pytest.approx((half, skew), rel=1e-12)


def test_a_market_keeps_what_no_tick_changes():
    """What its ticks read instead of working it out."""
    state = build(sim.load("calm_btc").spec, 1).state
    quoting, news = state.quoting[0], state.news[0]
    gamma, k = float(quoting["gamma"]), float(quoting["k"])
    assert quoting["growth"] == growth_of(gamma, k) == pytest.approx((1 + gamma / k) ** (1 + k / gamma), rel=1e-9)
    assert quoting["base"] == half_spread(gamma, k, 0.0) == math.log1p(gamma / k) / gamma
    assert news["start_log"] == math.log(2 * news["start_usd"] / news["tick_usd"])
