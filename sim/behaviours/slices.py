"""Large orders in slices: once a second (or tick, where that is longer), at a moment drawn within the tick."""

import numpy as np

from sim import rng
from sim.kernels._jit import small
from sim.kernels.ledger import ZERO

SECOND_US = np.int64(1_000_000)


@small
def passes(now_us, step_us, phase_us, period_us):
    """Whether the step from ``now_us`` on holds a beat of a clock with this period and phase."""
    return (now_us + step_us + phase_us) // period_us != (now_us + phase_us) // period_us


@small
def slice_us(tick_us):
    """Time between two slices."""
    return max(SECOND_US, tick_us)


@small
def arrival_us(key, tick, purpose, owner_key, tick_us):
    """A moment in the tick, uniform."""
    w0, w1, w2, w3 = rng.philox(key, tick, purpose, owner_key, ZERO)
    return tick * tick_us + np.int64(rng.uniform(w0, w1) * np.float64(tick_us))
