"""The critical shock as a curve: coverage where it is true, refusal where it is not, and what it is worth."""

import numpy as np
import pytest
from numpy.typing import NDArray

from sim.metrics.critical_curve import REJECTED, critical_curve
from sim.metrics.threshold import RESAMPLES, Critical, Outcomes, bootstrap_weights, critical_shock

DEPTHS = (1.5, 1.0, 0.8, 0.65, 0.5, 0.4, 0.3, 0.2)
SPREAD = 0.2
Floats = NDArray[np.float64]


def truth(depth: float) -> float:
    x = np.log(depth)
    return float(0.087 * np.exp(0.18 * x - 0.07 * x * x))


def planted(rng: np.random.Generator, at: dict[float, float], n: int = 128) -> list[Critical]:
    """Thresholds are lognormal; 64 seeds are common to all depths, ``n`` more belong to each."""
    blocks = [np.arange(1, 65), *(np.arange(1000 * (k + 1), 1000 * (k + 1) + n) for k in range(len(at)))]
    seeds, weights = bootstrap_weights(blocks, resamples=400)
    luck = rng.standard_normal(64)
    found = []
    for block, (_, middle) in zip(blocks[1:], at.items(), strict=True):
        sizes = middle * np.array([0.8, 1.0, 1.25])
        own = np.exp(SPREAD * np.concatenate([luck, rng.standard_normal(n)]))
        hit = (sizes[None, :] > middle * own[:, None]).astype(float)
        hit[64:, [0, 2]] = np.nan  # added ones were run near the threshold alone
        found.append(critical_shock(Outcomes(sizes, np.concatenate([blocks[0], block]), hit), seeds, weights))
    return found


def test_the_curve_covers_the_truth_and_is_narrower_than_each_depth_alone():
    rng = np.random.default_rng(11)
    at = {depth: truth(depth) for depth in DEPTHS}
    covered, held, gain = [], [], []
    for _ in range(40):
        found = planted(rng, at, n=512)
        curve = critical_curve(DEPTHS, found)
        assert curve is not None
        held.append(curve.holds)
        covered += [low <= at[d] <= high for d, low, high in zip(curve.depths, curve.low, curve.high, strict=True)]
        gain.append(np.mean([(curve.half_width(d) / c.half_width) ** 2 for d, c in zip(DEPTHS, found, strict=True)]))
    assert 0.90 <= np.mean(covered) <= 0.985  # 320 of them, eight to a world
    assert np.mean(held) >= 0.85
    assert np.mean(gain) < 0.6  # 3/8 where no seed is common


def test_a_step_in_depth_is_no_curve_of_any_degree_and_is_said():
    rng = np.random.default_rng(3)
    at = {depth: 0.09 if depth > 0.45 else 0.06 for depth in DEPTHS}
    curve = critical_curve(DEPTHS, planted(rng, at, n=512))
    assert curve is not None and not curve.holds and curve.degree == 3
    assert curve.misfit < REJECTED


def gaussian(rng: np.random.Generator, middles: Floats, draws: int = RESAMPLES) -> list[Critical]:
    """Estimates of ln s* with normal errors, half of their variance common to all depths, and their bootstrap draws."""

    def errors(n: int) -> Floats:
        common, own = rng.standard_normal((1, n)), rng.standard_normal((len(middles), n))
        return 0.008 * (common + own) / np.sqrt(2.0)

    points = np.log(middles) + errors(1)[:, 0]
    boot = np.exp(points[:, None] + errors(draws))
    return [Critical(float(np.exp(x)), 0.0, 0.0, 0.0, SPREAD, "", b) for x, b in zip(points, boot, strict=True)]


CUBIC = np.array([truth(depth) * np.exp(0.2 * np.log(depth) ** 3) for depth in DEPTHS])


@pytest.mark.parametrize(("degree", "middles"), [(2, np.array([truth(d) for d in DEPTHS])), (3, CUBIC)])
def test_the_lowest_degree_that_will_do_is_taken_and_covers_the_truth(degree: int, middles: Floats):
    rng = np.random.default_rng(17)
    curves = [critical_curve(DEPTHS, gaussian(rng, middles)) for _ in range(500)]
    degrees = [curve.degree for curve in curves if curve is not None]
    assert len(degrees) == 500 and 0.92 <= np.mean([d == degree for d in degrees])  # a true quadratic: 95 % of times
    covered = [(curve.low <= middles) & (middles <= curve.high) for curve in curves if curve is not None]
    assert 0.93 <= np.mean(covered) <= 0.97  # 4,000 of them, three or four terms to a world
    assert np.mean([curve.holds for curve in curves if curve is not None]) >= 0.92


def test_a_cubic_wants_seven_depths():
    rng = np.random.default_rng(17)
    six, seven = (critical_curve(DEPTHS[-n:], gaussian(rng, CUBIC[-n:])) for n in (6, 7))
    assert six is not None and six.degree == 2 and not six.holds
    assert seven is not None and seven.degree == 3 and seven.holds


def test_too_few_depths_give_no_curve():
    rng = np.random.default_rng(3)
    at = {depth: truth(depth) for depth in DEPTHS[:4]}
    assert critical_curve(DEPTHS[:4], planted(rng, at)) is None
    found = planted(rng, {depth: truth(depth) for depth in DEPTHS[:5]})
    left = [found[0]._replace(beyond="above"), *found[1:]]
    assert critical_curve(DEPTHS[:5], left) is None
    curve = critical_curve(DEPTHS[:5], found)
    assert curve is not None and np.isnan(curve.half_width(0.123))
    assert curve.half_width(1.0) == pytest.approx(0.5 * (curve.high[1] - curve.low[1]))
