"""Latent orders as a density over distance from the news value: renewal, diffusion, execution.

One float64 array holds the net density of latent orders, in lots per unit of distance: bids above 0, asks below 0.
Cell ``i`` of width ``dy`` is centred on ``y = (i - origin) dy``, where ``y`` is log price less log value; the price is
where the density crosses 0. Away from the price every step pulls the density to the V shape of MODEL 4.2, linear with
slope ``slope`` up to a distance ``flat_from`` and flat beyond; what was traded away re-enters in this way. With
diffusion and instant reveal these are the equations of the locally linear order book, whose impact of a steady sale
is known in closed form (tests/exact/test_latent_density.py).

Source: MODEL 4.2, layer B; Donier, Bonart, Mastromatteo and Bouchaud (2015), Quantitative Finance 15, 1109-1121.
"""

import math

import numpy as np

from sim.kernels._jit import behaviour, small
from sim.kernels.ledger import ONE, ZERO


@small
def resting_density(y, slope, flat_from):
    """Net density of the undisturbed V shape at distance ``y``: slope ``slope``, flat beyond ``flat_from``."""
    return -math.copysign(slope * min(abs(y), flat_from), y)


@behaviour
def renew(net, slope, flat_from, dy, origin, share):
    """Pull the density to the V shape by ``share`` = 1 - exp(-rate x time)."""
    for i in range(net.shape[0]):
        net[i] += share * (resting_density(np.float64(i - origin) * dy, slope, flat_from) - net[i])


@behaviour
def diffuse(net, number):
    """One explicit step; ``number`` = diffusion x time / dy^2, at most 1/2. The outermost cells stay as they are."""
    left = net[0]
    for i in range(ONE, net.shape[0] - ONE):
        here = net[i]
        net[i] = here + number * (left - 2.0 * here + net[i + ONE])
        left = here


@behaviour
def take(net, lots, dy):
    """Trade against the density from the price outwards: a buyer's ``lots`` are positive, a seller's negative.

    Returns
    -------
    float
        Lots, of the same sign, for which there was no order on the grid.
    """
    n = np.int64(net.shape[0])
    density = lots / dy
    for k in range(n):
        i = np.int64(k) if lots > 0.0 else n - ONE - np.int64(k)
        if lots > 0.0 and net[i] < 0.0:
            traded = min(density, -net[i])
        elif lots < 0.0 and net[i] > 0.0:
            traded = max(density, -net[i])
        else:
            continue
        net[i] += traded
        density -= traded
        if density == 0.0:
            break
    return density * dy


@behaviour
def touch_cells(net):
    """Cells of the highest bid and of the lowest ask above it; the last and the last when there is no ask, the first
    and the first when there is no bid.
    """
    last = np.int64(net.shape[0]) - ONE
    bid = last
    while bid > ZERO and net[bid] <= 0.0:
        bid -= ONE
    if net[bid] <= 0.0:
        return ZERO, ZERO
    ask = min(bid + ONE, last)
    while ask < last and net[ask] == 0.0:
        ask += ONE
    return (bid, ask) if net[ask] < 0.0 else (last, last)


@behaviour
def crossing(net, dy, origin):
    """Distance at which the density changes from bids to asks, linear between the cells of the touch; an end of the
    grid when one side is gone. Where a trade has left a gap, only the touch itself has a meaning.
    """
    bid, ask = touch_cells(net)
    gap = np.float64(ask - bid) * net[bid] / (net[bid] - net[ask]) if ask > bid else 0.0
    return (np.float64(bid - origin) + gap) * dy
