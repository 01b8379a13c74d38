"""Arrays handed to an entry by the address of a table."""

import copy
import pickle
from typing import NamedTuple

import numpy as np
import pytest

import sim
from sim.build import build
from sim.kernels import _jit
from sim.kernels._jit import Packed, behaviour, entry, room
from sim.state import ROOMS

PAIR = np.dtype([("a", "i4"), ("b", "f8")])


class Grids(NamedTuple):
    flat: np.ndarray
    square: np.ndarray
    cube: np.ndarray


class Cells(NamedTuple):
    pairs: np.ndarray


@entry
def read_and_write(k, rooms):
    """One place of each array, by its last index; the flat record is written."""
    cells, grids = room(rooms, Cells), room(rooms, Grids)
    cells.pairs[k]["b"] = cells.pairs[k]["b"] + 0.5
    return grids.flat[k] + grids.square[k, k + 1] + grids.cube[k, 1, k] + cells.pairs[k]["a"]


def made(seed: int = 1) -> tuple[Grids, Cells]:
    draws = np.random.default_rng(seed)
    pairs = np.zeros(3, PAIR)
    pairs["a"] = draws.integers(0, 9, 3)
    return Grids(draws.integers(0, 9, 3), draws.integers(0, 9, (3, 4)), draws.integers(0, 9, (3, 2, 5))), Cells(pairs)


@pytest.mark.parametrize("k", [0, 1, 2])
def test_every_array_is_found_with_its_shape(k):
    given = made()
    (flat, square, cube), (pairs,) = given
    got = read_and_write(np.int64(k), Packed(given))
    assert got == flat[k] + square[k, k + 1] + cube[k, 1, k] + pairs["a"][k]
    assert pairs["b"].tolist() == [0.5 * (i == k) for i in range(3)]


@behaviour
def sum_of(grids, cells):
    """A function that is handed rooms; it takes named tuples as well."""
    return grids.flat.sum() + grids.cube.shape[2] + cells.pairs[0]["a"]


@entry
def sum_in_another(rooms):
    """Rooms handed on."""
    return sum_of(room(rooms, Grids), room(rooms, Cells))


@entry
def sum_of_tuples(grids, cells):
    """The same of named tuples that Python hands on."""
    return sum_of(grids, cells)


def test_a_room_is_handed_on_and_used_as_the_named_tuple_that_it_stands_for():
    grids, cells = made(3)
    expected = grids.flat.sum() + 5 + cells.pairs["a"][0]
    assert sum_in_another(Packed((grids, cells))) == sum_of_tuples(grids, cells) == expected
    assert sum_in_another(Packed((cells, grids))) == expected


def test_a_longer_array_is_seen_by_the_same_machine_code():
    longer = made(3)[0]._replace(flat=np.arange(1000))
    sum_in_another(Packed(made(3)))
    known = len(getattr(sum_in_another, "signatures", ()))
    assert sum_in_another(Packed((longer, made(3)[1]))) == 499500 + 5 + made(3)[1].pairs["a"][0]
    assert len(getattr(sum_in_another, "signatures", ())) == known


@pytest.mark.skipif(_jit.JIT_OFF, reason="nothing has a type with the JIT off")
def test_the_type_of_arrays_alike_is_told_once(monkeypatch):
    """Numba asks at every call: it took 7 ms for a market's arrays, and a run of an hour twice its time."""
    read_and_write(np.int64(1), Packed(made(1)))
    monkeypatch.setattr(_jit, "PackedType", None)
    read_and_write(np.int64(1), Packed(made(2)))


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda packed: pickle.loads(pickle.dumps(packed))])
def test_a_copy_has_a_table_of_its_own_arrays(copied):
    one = Packed(made())
    other = copied(one)
    assert other.address != one.address
    assert not other.holds(one.rooms) and other.holds(other.rooms)
    read_and_write(np.int64(1), other)
    assert one.arrays[3]["b"].tolist() == [0.0] * 3 and other.arrays[3]["b"].tolist() == [0.0, 0.5, 0.0]


def test_an_array_with_gaps_is_refused():
    with pytest.raises(ValueError, match="contiguous"):
        Packed((Cells(np.zeros(8)[::2]),))


@pytest.mark.parametrize("grow", ["grow_mail", "grow_orders"])
def test_rooms_are_laid_out_anew_when_one_has_grown(grow):
    state = build(sim.load("calm_btc").spec, 1).state
    first = state.packed_rooms()
    assert state.packed_rooms() is first and first.holds(state.by_room())
    getattr(state, grow)()
    assert not first.holds(state.by_room())
    assert state.packed_rooms() is not first and state.packed_rooms().holds(state.by_room())


def test_every_array_of_a_state_is_in_one_room():
    state = build(sim.load("calm_btc").spec, 1).state
    arrays = [id(array) for room in state.by_room() for array in room]
    assert sorted(arrays) == sorted(id(state.room(name)) for name in (*ROOMS, *state.books._fields) if name != "books")
