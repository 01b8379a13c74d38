"""Many ticks of a network in one call: before each tick the coupling, then every listing's tick.

Called from Python, an entry is handed its 66 arrays one by one, which for 34 listings is an eighth of a run. Here the
arguments are laid out once, as machine words, and compiled code calls the compiled entries with them. Without the JIT
the same loop calls the functions themselves, with their arguments.
"""

from collections.abc import Sequence
from operator import is_
from typing import Any

import numpy as np

from sim.coupling import couple
from sim.kernels._jit import JIT_OFF, MOST_WORDS, address_of
from sim.kernels.rounds import run_rounds
from sim.state import Array
from sim.tick import advance


class Rounds:
    """The arguments of all calls of a network's ticks, laid out when an array is a new one."""

    def __init__(self) -> None:
        self._shared: tuple[Array, ...] = ()
        self._states: list[tuple[Array, ...]] = []  # kept alive
        self._functions: Any = ()
        self._joint: Any = ()
        self._listings: Any = ()

    def set(self, shared: tuple[Array, ...], states: Sequence[tuple[Array, ...]]) -> None:
        """Take the arguments of ``couple`` after time and tick, and those of ``advance`` after the number of ticks, of
        each listing.
        """
        if len(self._states) != len(states):
            self._states = [()] * len(states)
            self._listings = [()] * len(states) if JIT_OFF else np.zeros((len(states), MOST_WORDS), np.int64)
        if not same(shared, self._shared):
            self._shared = shared
            self._joint = laid_out((0, 0, *shared))
            called = (couple, (0, 0, *shared)), (advance, (1, *states[0]))
            self._functions = [f for f, _ in called] if JIT_OFF else np.array([address_of(*one) for one in called])
        for k, arrays in enumerate(states):
            self.replace(k, arrays)

    def replace(self, k: int, arrays: tuple[Array, ...]) -> None:
        """Take the arguments of listing ``k``."""
        if not same(arrays, self._states[k]):
            self._states[k] = arrays
            self._listings[k] = laid_out((1, *arrays))

    def run(self, at: Array, target: int, tick_us: int) -> None:
        """As ``run_rounds``."""
        run_rounds(at, target, tick_us, len(self._states), self._functions, self._joint, self._listings)


def laid_out(arguments: tuple[Any, ...]) -> Any:
    """Arguments as ``call_entry`` takes them."""
    return [np.int64(a) if isinstance(a, int) else a for a in arguments] if JIT_OFF else words_of(arguments)


def same(arrays: tuple[Array, ...], others: tuple[Array, ...]) -> bool:
    """Whether two tuples hold the very same arrays."""
    return len(arrays) == len(others) and all(map(is_, arrays, others))


def words_of(arguments: tuple[Any, ...]) -> Array:
    """Arguments as the machine code takes them: an integer is one word; an array is two zeros (nobody counts its
    owners), its elements, bytes of one, address, shape and strides.
    """
    words: list[int] = []
    for argument in arguments:
        if isinstance(argument, np.ndarray):
            words += [0, 0, argument.size, argument.itemsize, argument.ctypes.data, *argument.shape, *argument.strides]
        else:
            words.append(int(argument))
    out = np.zeros(MOST_WORDS, np.int64)
    out[: len(words)] = words  # raises where MOST_WORDS is too small
    return out
