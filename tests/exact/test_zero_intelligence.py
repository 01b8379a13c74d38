"""MODEL 6.2.6: the zero-intelligence market in the matching core scales as dimensional analysis says.

The scaling is tested, not the constants of the literature. A tolerance is the Monte-Carlo error of independent seeds
plus one tick, because the laws hold where the price scale ``mu/alpha`` (here 50 to 200 ticks) is much above a tick.
"""

import math

import numpy as np
import pytest

from sim.engine import MatchingEngine
from tests.exact.poisson_flow import zero_intelligence

ALPHA, MU = 0.01, 1.0
ERRORS = 4.0  # standard errors of a mean of 6 seeds that chance passes in 1% of trials (Student, 5 degrees)
SEEDS = 6
# delta / mu of MODEL 6.2.6 and the time average of the spread in units of mu / alpha
SPREADS = {0.005: 0.456, 0.01: 0.469, 0.02: 0.496, 0.04: 0.542, 0.08: 0.601}
# Diffusion is mu^2 delta / alpha^2 times a function of delta/mu alone. Smith et al. (2003) read that function as the
# powers -1/2 at short lags and +1/2 at long ones, which gives mu^5/2 delta^1/2 and mu^3/2 delta^3/2. It is a fit: at
# short lags the slope found here runs from -0.8 below 0.01 to above 0 beyond 0.2, so doubling mu from 0.02 gives 6.8
# at a lag of 1/mu and 5.2 at a fixed one, where MODEL 6.2.6 has 5.78 (its lag is not stated) and the power 5.66.
RATIOS = (0.01, 0.02, 0.04, 0.08, 0.16)  # over which the power is fitted
SHORT, LONG = -0.5, 0.5
POWER_ERROR = 0.1  # beyond the Monte-Carlo error, for the bend of the curve


def mean_and_error(values):
    return np.mean(values), np.std(values, ddof=1) / math.sqrt(len(values))


def spreads(alpha, mu, delta, n_events=300_000, seeds=SEEDS):
    """Mean spread in units of mu/alpha, and its Monte-Carlo error, from the end of twenty lives of an order on."""
    found = []
    for seed in range(seeds):
        market = zero_intelligence(alpha, mu, delta, seed)
        market.settle(round(20 * 12 * mu / delta))  # 12 mu: the rate of all events
        market.run(n_events)
        found.append(market.spread * alpha / mu)
    return mean_and_error(found)


@pytest.mark.parametrize("ratio", SPREADS)
def test_spread_depends_on_delta_over_mu_as_tabulated(ratio):
    mean, error = spreads(ALPHA, MU, ratio * MU)
    assert abs(mean - SPREADS[ratio]) < ERRORS * error + ALPHA / MU


@pytest.mark.parametrize(("alpha", "mu", "delta"), [(0.02, 1.0, 0.02), (0.005, 1.0, 0.02), (0.01, 0.5, 0.01)])
def test_spread_in_units_of_mu_over_alpha_depends_on_delta_over_mu_alone(alpha, mu, delta):
    base, base_error = spreads(ALPHA, MU, 0.02)
    mean, error = spreads(alpha, mu, delta)
    assert abs(mean - base) < ERRORS * math.hypot(error, base_error) + max(ALPHA / MU, alpha / mu)


def test_doubling_alpha_halves_the_spread():
    once, once_error = spreads(ALPHA, MU, 0.02)
    twice, twice_error = spreads(2 * ALPHA, MU, 0.02)
    ticks, ticks_twice = once * MU / ALPHA, twice * MU / (2 * ALPHA)
    error = math.hypot(once_error * MU / ALPHA, twice_error * MU / ALPHA)
    assert abs(2 * ticks_twice - ticks) < ERRORS * error + 1.0
    assert ticks == pytest.approx(49.55, abs=ERRORS * once_error * MU / ALPHA + 1.0)  # MODEL 6.2.6
    assert ticks_twice == pytest.approx(25.09, abs=ERRORS * twice_error * MU / (2 * ALPHA) + 1.0)


def test_a_faster_clock_changes_no_path():
    slow, fast = zero_intelligence(0.01, 1.0, 0.02, 3), zero_intelligence(0.02, 2.0, 0.04, 3)
    slow.run(50_000)
    fast.run(50_000)
    assert int(slow.flow["n_trades"][0]) == int(fast.flow["n_trades"][0]) > 1000
    assert slow.flow["time"][0] == 2 * fast.flow["time"][0]
    assert slow.spread == fast.spread
    assert [slow.books.sides["best"].tolist(), slow.books.book["volume_lots"]] == [
        fast.books.sides["best"].tolist(),
        fast.books.book["volume_lots"],
    ]


def diffusion(alpha, ratio, seed, n_events, long_lives=20):
    """Diffusion of the mid at a lag of 1/mu and of some lives of an order, in units of mu^2 delta / alpha^2."""
    market = zero_intelligence(alpha, MU, ratio * MU, seed, sample_every=1.0 / MU, n_samples=n_events)
    market.settle(round(20 * 12 / ratio))
    market.run(n_events)
    unit = ratio * MU**3 / alpha**2
    return market.long_diffusion(1) / unit, market.long_diffusion(round(long_lives / ratio)) / unit


def logs_of_diffusion(alpha, ratio, seeds, n_events):
    """Logarithms of both, each with its Monte-Carlo error."""
    pairs = [diffusion(alpha, ratio, seed, n_events) for seed in seeds]
    means = [mean_and_error(np.array(column)) for column in zip(*pairs, strict=True)]
    return [(math.log(mean), error / mean) for mean, error in means]


def powers(seeds, n_events):
    """Fitted powers of delta/mu at both lags, each with its Monte-Carlo error."""
    x = np.log(RATIOS) - np.log(RATIOS).mean()
    rows = [logs_of_diffusion(ALPHA, ratio, seeds, n_events) for ratio in RATIOS]
    weights = x / np.sum(x * x)
    return [
        (sum(w * row[lag][0] for w, row in zip(weights, rows, strict=True)),
         math.sqrt(sum((w * row[lag][1]) ** 2 for w, row in zip(weights, rows, strict=True))))
        for lag in (0, 1)
    ]  # fmt: skip


def test_diffusion_at_short_lags_scales():
    (power, error), _ = powers(range(4), 300_000)
    assert error < 0.02
    assert abs(power - SHORT) < 3 * error + POWER_ERROR


def test_doubling_alpha_quarters_the_diffusion():
    (once, once_error), _ = logs_of_diffusion(ALPHA, 0.02, range(6), 400_000)
    (twice, twice_error), _ = logs_of_diffusion(2 * ALPHA, 0.02, range(6), 400_000)
    assert abs(twice - once) < ERRORS * math.hypot(once_error, twice_error) + 2 * ALPHA / MU  # a tick of the scale


@pytest.mark.long
def test_diffusion_at_long_lags_scales():
    (short, short_error), (power, error) = powers(range(16), 6_000_000)
    print(f"powers of delta/mu: {short:.3f} +- {short_error:.3f} short, {power:.3f} +- {error:.3f} long")
    assert error < 0.03
    assert abs(short - SHORT) < 3 * short_error + POWER_ERROR
    assert abs(power - LONG) < 3 * error + POWER_ERROR


@pytest.mark.long
@pytest.mark.parametrize("ratio", SPREADS)
def test_spread_at_length(ratio):
    mean, error = spreads(ALPHA, MU, ratio * MU, n_events=6_000_000)
    assert error < 0.001
    assert abs(mean - SPREADS[ratio]) < ERRORS * error + ALPHA / MU


def test_the_public_engine_fed_with_the_same_messages_ends_in_the_same_book():
    market = zero_intelligence(ALPHA, MU, 0.02, 5, n_logged=4000)
    market.run(4000)
    engine = MatchingEngine(self_trade="off")
    n_trades = 0
    for event, (what, side, price, kind) in enumerate(market.sent):
        if what == 1:
            sent = engine.limit(("buy", "sell")[side], int(price), 1, tif=("GTC", "IOC")[kind], order_id=event)
            n_trades += len(sent.fills)
        elif what == 2:
            engine.cancel(int(side))
    bid, ask = engine.best()
    assert n_trades == int(market.flow["n_trades"][0]) > 100
    assert (bid, ask) == (int(market.flow["bid"][0]), int(market.flow["ask"][0]))
    assert len(engine.orders()) == int(market.flow["n_live"][0])
