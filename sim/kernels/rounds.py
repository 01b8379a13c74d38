"""Ticks of a network in one call: before each tick the coupling, then every listing's tick, by their addresses."""

import numpy as np

from sim.kernels._jit import call_entry, entry
from sim.kernels.clock import DONE
from sim.kernels.ledger import ONE, ZERO

LISTING, TICK, STATUS = (np.int64(i) for i in range(3))  # places in ``at``


@entry
def run_rounds(at, target, tick_us, n, functions, joint, listings):
    """Run ticks from ``at`` up to ``target``, from where it stopped; stops when one does not end well.

    Parameters
    ----------
    at : int64[3]
        Listing and tick that run next, and how the last one ended. Changed.
    target, tick_us, n : int64
        Tick to stop before, microseconds of one, number of listings.
    functions : int64[2]
        Addresses of ``couple`` and ``advance``.
    joint : int64
        Address of the arrays of ``couple``.
    listings : int64[n]
        Addresses of the arrays of ``advance`` for each listing.
    """
    while at[TICK] < target:
        if at[LISTING] == ZERO and at[STATUS] == DONE:
            at[STATUS] = call_entry(functions[0], (at[TICK] * tick_us, at[TICK], joint))
            if at[STATUS] != DONE:
                return
        while at[LISTING] < n:
            at[STATUS] = call_entry(functions[1], (ONE, listings[at[LISTING]]))
            if at[STATUS] != DONE:
                return
            at[LISTING] += ONE
        at[LISTING] = ZERO
        at[TICK] += ONE
