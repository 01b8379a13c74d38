"""Indices against functions whose indices are known: Ishigami's, a line, one without effect."""

import math

import numpy as np
import pytest

from sim.sensitivity.critical import tipping
from sim.sensitivity.emulator import emulate, explained
from sim.sensitivity.evens import evens
from sim.sensitivity.indices import design, of_emulator, of_morris, of_sobol
from sim.sensitivity.noise import noise_of

A, B = 7.0, 0.1
_V1 = 0.5 * (1.0 + B * math.pi**4 / 5.0) ** 2
_V2 = A * A / 8.0
_V13 = B * B * math.pi**8 * (1.0 / 18.0 - 1.0 / 50.0)
_V = _V1 + _V2 + _V13
FIRST = np.array([_V1, _V2, 0.0]) / _V
TOTAL = np.array([_V1 + _V13, _V2, _V13]) / _V


def ishigami(u: np.ndarray) -> np.ndarray:
    x = math.pi * (2.0 * u - 1.0)
    return np.sin(x[:, 0]) + A * np.sin(x[:, 1]) ** 2 + B * x[:, 2] ** 4 * np.sin(x[:, 0])


def test_sobol_directly_on_ishigami():
    assert _V == pytest.approx(A * A / 8 + B * math.pi**4 / 5 + B * B * math.pi**8 / 18 + 0.5)
    found = of_sobol(ishigami(design("sobol", 3, 1024)), 3)
    for k, one in enumerate(found):
        assert one.first.value == pytest.approx(FIRST[k], abs=0.02)
        assert one.total.value == pytest.approx(TOTAL[k], abs=0.02)
        assert one.first.low < one.first.value < one.first.high


def test_sobol_on_an_emulator_of_ishigami():
    x = design("emulator", 3, 256)
    one = emulate(x, ishigami(x))
    assert explained(one) > 0.9
    for k, found in enumerate(of_emulator(one)):
        assert found.first.value == pytest.approx(FIRST[k], abs=0.02)
        assert found.total.value == pytest.approx(TOTAL[k], abs=0.02)
        assert found.total.low <= TOTAL[k] <= found.total.high


def test_an_input_without_effect_has_none():
    def f(u: np.ndarray) -> np.ndarray:
        return 3.0 * u[:, 0] + u[:, 1] ** 2

    morris = of_morris(x := design("morris", 3, 8), f(x))
    assert morris[0].effect.value == pytest.approx(3.0) and morris[0].bends == pytest.approx(0.0, abs=1e-12)
    assert morris[2].effect.value == 0.0 and morris[2].bends == 0.0
    direct = of_sobol(f(design("sobol", 3, 256)), 3)
    assert abs(direct[2].first.value) < 1e-6 and direct[2].total.value == 0.0
    assert of_emulator(emulate(x := design("emulator", 3, 48), f(x)))[2].total.value == pytest.approx(0.0, abs=0.005)


def test_a_flat_outcome_and_points_without_a_value():
    flat = of_sobol(np.full(5 * 8, 2.0), 3)
    assert [one.total.value for one in flat] == [0.0] * 3
    x = design("sobol", 2, 256)
    values = 2.0 * x[:, 0] + x[:, 1]
    values[5] = math.nan  # its base point is left out, not the design
    one = of_sobol(values, 2)
    assert one[0].total.value == pytest.approx(0.8, abs=0.02) and one[1].total.value == pytest.approx(0.2, abs=0.02)
    assert math.isnan(of_sobol(np.full(8, math.nan), 2)[0].first.value)


@pytest.mark.parametrize(
    ("sd", "share"), [(0.0, 0.0), (0.3, 0.09 / (0.09 + 1.0 / 12.0)), (2.0, 4.0 / (4.0 + 1.0 / 12.0))]
)
def test_the_share_of_seed_noise_is_recovered(sd: float, share: float):
    rng = np.random.default_rng(3)
    values = rng.random((400, 1)) + sd * rng.standard_normal((400, 8))  # variance of a uniform input: 1/12
    found = noise_of(values)
    assert found.share == pytest.approx(share, abs=0.03)
    assert found.low - 1e-9 <= share <= found.high + 1e-9 and found.sd == pytest.approx(sd, rel=0.05)
    left = (sd * sd / 8) / (sd * sd / 8 + 1.0 / 12.0)
    assert found.in_means == pytest.approx(left, abs=0.06)


def test_noise_of_one_seed_or_one_point_is_not_told():
    assert math.isnan(noise_of(np.arange(5.0)[:, None]).share)
    assert math.isnan(noise_of(np.ones((1, 5))).share)
    gap = np.array([[1.0, math.nan], [2.0, 2.0], [math.nan, math.nan], [3.0, 3.5]])
    assert noise_of(gap).seeds == pytest.approx(5.0 / 3.0)


def test_the_tipping_size_is_where_the_margin_rises_through_zero():
    x = design("emulator", 2, 96)
    one = emulate(x, 4.0 * (x[:, 0] - 0.3 - 0.4 * x[:, 1]))  # s* = 0.3 + 0.4 times the other input
    others = np.array([[0.0], [0.5], [1.0]])
    assert tipping(one, 0)(others) == pytest.approx([0.3, 0.5, 0.7], abs=0.01)
    never = emulate(x, x[:, 0] - 2.0)
    always = emulate(x, x[:, 0] + 1.0)
    assert list(tipping(never, 0)(others)) == [1.0] * 3 and list(tipping(always, 0)(others)) == [0.0] * 3


def test_evens_is_zero_at_one_half_and_widest_at_the_ends():
    margin, variance = evens(np.array([0.0, 8.0, 16.0]), np.array([16.0, 16.0, 16.0]))
    assert margin[1] == 0.0 and margin[0] == pytest.approx(-margin[2]) and variance[0] > variance[1] < variance[2]
