"""MODEL 6.2.8: impact of a steady buyer in the locally linear order book, kernel on a grid against the closed form."""

import math

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import brentq

from sim.kernels._jit import entry
from sim.kernels.latent_density import crossing, diffuse, renew, take, touch_cells

# r = rate / (D L) and A / sqrt(r), MODEL 4.2
TABLE = {0.01: 0.056, 0.1: 0.178, 1.0: 0.558, 3.0: 0.901, 10.0: 1.221, 100.0: 1.393}
CELL = 0.01  # in units of sqrt(D T)
GRID_ERROR = 0.01  # relative: one cell; measured 0.0009 to 0.0062
NUMBER = 0.4  # D dt / dy^2


@entry
def buy_steadily(net, rate, dy, origin, n, number, dt, prices):
    """Diffuse and buy ``n`` times; the price after each step goes to ``prices``."""
    for k in range(n):
        diffuse(net, number)
        take(net, rate * dt, dy)
        prices[k] = crossing(net, dy, origin)


@entry
def take_once(net, lots, dy):
    return take(net, lots, dy)


@entry
def renew_once(net, slope, flat_from, dy, origin, share):
    renew(net, slope, flat_from, dy, origin, share)


@entry
def diffuse_once(net, number):
    diffuse(net, number)


@entry
def crossing_of(net, dy, origin):
    return crossing(net, dy, origin)


@entry
def touch_of(net):
    return touch_cells(net)


def closed_form(r):
    """A of MODEL 4.2: A = r int_0^1 exp(-A^2 (1 - sqrt u) / (4 (1 + sqrt u))) / sqrt(4 pi (1 - u)) du."""

    def gap(a):
        # with w = sqrt(1 - u) the integrand has no singularity
        def integrand(w):
            root = math.sqrt(1.0 - w * w)
            return math.exp(-a * a * (1.0 - root) / (4.0 * (1.0 + root))) / math.sqrt(math.pi)

        return r * quad(integrand, 0.0, 1.0, limit=200)[0] - a

    return brentq(gap, 0.0, 2.0 * math.sqrt(r) + r)


def path(r, cell=CELL):
    """Price over time 0..1 for D = L = 1 and a buyer of rate r."""
    reach = 8.0 + math.sqrt(2.0 * r)
    origin = round(reach / cell)
    net = -cell * np.arange(-origin, origin + 1, dtype=np.float64)
    dt = NUMBER * cell * cell
    prices = np.zeros(round(1.0 / dt))
    buy_steadily(net, r, cell, origin, len(prices), NUMBER, dt, prices)
    return prices


@pytest.mark.parametrize("r", TABLE)
def test_closed_form_gives_the_table(r):
    assert closed_form(r) / math.sqrt(r) == pytest.approx(TABLE[r], abs=1e-3)  # three decimals printed


@pytest.mark.parametrize("r", TABLE)
def test_kernel_gives_the_closed_form(r):
    assert path(r)[-1] == pytest.approx(closed_form(r), rel=GRID_ERROR)


@pytest.mark.parametrize("r", [0.1, 1.0, 10.0])
def test_impact_grows_with_the_square_root_of_what_was_bought(r):
    prices = path(r)
    quarter, end = prices[len(prices) // 4 - 1], prices[-1]
    assert math.log(end / quarter) / math.log(4.0) == pytest.approx(0.5, abs=GRID_ERROR)


def test_the_error_shrinks_with_the_cell():
    errors = [abs(path(3.0, cell)[-1] / closed_form(3.0) - 1.0) for cell in (0.04, 0.02, 0.01)]
    assert errors[2] < 0.6 * errors[1] < 0.4 * errors[0]


@pytest.mark.parametrize("side", [1.0, -1.0])
def test_without_diffusion_a_trade_walks_up_the_triangle(side):
    cell, origin = 0.001, 5000
    net = -cell * np.arange(-origin, origin + 1, dtype=np.float64)
    before = net.sum()
    for lots in (0.5, 1.0, 2.0):
        assert take_once(net, side * lots, cell) == 0.0
    bid, ask = (cell * (i - origin) for i in touch_of(net))
    assert (ask if side > 0 else bid) == pytest.approx(side * math.sqrt(2 * 3.5), abs=2 * cell)
    assert (bid if side > 0 else ask) == pytest.approx(-side * cell)
    assert (net.sum() - before) * cell == pytest.approx(side * 3.5, rel=1e-12)


@pytest.mark.parametrize("side", [1.0, -1.0])
def test_more_than_there_is_comes_back(side):
    cell, origin = 0.5, 4
    net = -cell * np.arange(-origin, origin + 1, dtype=np.float64)
    there = cell * np.abs(net[net * side < 0]).sum()
    assert take_once(net, side * (there + 1.25), cell) == pytest.approx(side * 1.25)
    assert np.all(net * side >= 0.0)
    assert abs(crossing_of(net, cell, origin)) == origin * cell


def test_renewal_approaches_the_flat_v_at_its_rate():
    cell, origin = 0.5, 6
    net = np.zeros(2 * origin + 1)
    y = cell * np.arange(-origin, origin + 1)
    target = -2.0 * np.clip(y, -1.5, 1.5)
    half = 1.0 - math.exp(-0.7 / 2.0)
    renew_once(net, 2.0, 1.5, cell, origin, half)
    renew_once(net, 2.0, 1.5, cell, origin, half)
    assert net == pytest.approx((1.0 - math.exp(-0.7)) * target, rel=1e-12)
    assert np.array_equal(-net, net[::-1])


def slow_diffuse(net, number):
    inner = net[1:-1] + number * (net[:-2] - 2.0 * net[1:-1] + net[2:])
    return np.concatenate([net[:1], inner, net[-1:]])


def slow_take(net, lots, cell):
    """From the far end of the own side to the far end of the other: what is of the other sign is netted."""
    net, left = net.copy(), lots / cell
    for i in range(len(net)) if lots > 0 else reversed(range(len(net))):
        other = -net[i] if net[i] * lots < 0 else 0.0
        traded = math.copysign(min(abs(left), abs(other)), lots)
        net[i], left = net[i] + traded, left - traded
    return net, left * cell


def test_kernel_equals_its_slow_twin():
    rng = np.random.default_rng(8)
    for _ in range(50):
        net = np.sort(rng.normal(size=41))[::-1].copy()
        lots, number = float(rng.normal(scale=3.0)), float(rng.uniform(0, 0.5))
        slow, left = slow_take(net, lots, 0.25)
        assert take_once(net, lots, 0.25) == left
        assert np.array_equal(net, slow)
        diffuse_once(net, number)
        assert np.array_equal(net, slow_diffuse(slow, number))
