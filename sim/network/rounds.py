"""Many ticks of a network in one call: before each tick the coupling, then every listing's tick.

Called from Python, an entry is handed its arrays by Python, which for 34 listings is an eighth of a run. Here compiled
code calls the compiled entries with the addresses of their arrays. Without the JIT the same loop calls the functions
themselves.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from sim.coupling import couple
from sim.kernels._jit import JIT_OFF, Packed, address_of
from sim.kernels.rounds import run_rounds
from sim.state import Array
from sim.tick import advance


class Rounds:
    """The arguments of all calls of a network's ticks."""

    def __init__(self) -> None:
        self._shared = Packed(())
        self._states: list[Packed] = []  # kept alive
        self._functions: Any = ()
        self._listings: Any = ()

    def set(self, shared: tuple[tuple[Array, ...], ...], states: Sequence[Packed]) -> None:
        """Take the rooms of ``couple``, and those of ``advance`` of each listing."""
        if len(self._states) != len(states):
            self._states = list(states)
            self._listings = list(states) if JIT_OFF else np.zeros(len(states), np.int64)
        if not self._shared.holds(shared):
            self._shared = Packed(shared)
            called = (couple, (np.int64(0), np.int64(0), self._shared)), (advance, (np.int64(1), states[0]))
            self._functions = [f for f, _ in called] if JIT_OFF else np.array([address_of(*one) for one in called])
        for k, packed in enumerate(states):
            self.replace(k, packed)

    def replace(self, k: int, packed: Packed) -> None:
        """Take the rooms of listing ``k``."""
        self._states[k] = packed
        self._listings[k] = word(packed)

    def run(self, at: Array, target: int, tick_us: int) -> None:
        """As ``run_rounds``."""
        n = len(self._states)
        run_rounds(at, target, tick_us, n, self._functions, word(self._shared), self._listings)


def word(packed: Packed) -> Any:
    """A ``Packed`` as ``call_entry`` takes it."""
    return packed if JIT_OFF else packed.address
