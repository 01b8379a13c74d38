"""Arrays handed to an entry by the address of a table."""

import copy
import pickle

import numpy as np
import pytest

import sim
from sim.build import build
from sim.kernels._jit import Packed, entry, unpacked

PAIR = np.dtype([("a", "i4"), ("b", "f8")])


@entry
def read_and_write(k, rooms):
    """One place of each array, by its last index; the flat record is written."""
    (flat, square, cube, pairs) = unpacked(rooms)
    pairs[k]["b"] = pairs[k]["b"] + 0.5
    return flat[k] + square[k, k + 1] + cube[k, 1, k] + pairs[k]["a"]


def arrays(seed: int = 1) -> tuple[np.ndarray, ...]:
    draws = np.random.default_rng(seed)
    pairs = np.zeros(3, PAIR)
    pairs["a"] = draws.integers(0, 9, 3)
    return draws.integers(0, 9, 3), draws.integers(0, 9, (3, 4)), draws.integers(0, 9, (3, 2, 5)), pairs


@pytest.mark.parametrize("k", [0, 1, 2])
def test_every_array_is_found_with_its_shape(k):
    flat, square, cube, pairs = given = arrays()
    got = read_and_write(np.int64(k), Packed(given))
    assert got == flat[k] + square[k, k + 1] + cube[k, 1, k] + pairs["a"][k]
    assert pairs["b"].tolist() == [0.5 * (i == k) for i in range(3)]


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda packed: pickle.loads(pickle.dumps(packed))])
def test_a_copy_has_a_table_of_its_own_arrays(copied):
    one = Packed(arrays())
    other = copied(one)
    assert other.address != one.address
    assert not other.holds(one.arrays) and other.holds(other.arrays)
    read_and_write(np.int64(1), other)
    assert one.arrays[3]["b"].tolist() == [0.0] * 3 and other.arrays[3]["b"].tolist() == [0.0, 0.5, 0.0]


def test_an_array_with_gaps_is_refused():
    with pytest.raises(ValueError, match="contiguous"):
        Packed((np.zeros(8)[::2],))


def test_rooms_are_laid_out_anew_when_one_has_grown():
    state = build(sim.load("calm_btc").spec, 1).state
    first = state.rooms()
    assert state.rooms() is first
    state.grow_mail()
    assert state.rooms() is not first and state.rooms().holds(state.arrays())
