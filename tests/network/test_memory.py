"""What a network does not use is not there: empty pages, the market under its tables, code for linking."""

import errno
import gc
import os
import weakref

import numpy as np
import pytest

import sim
import sim.coupling
import sim.network.spool
import sim.tick
from sim.build import build
from sim.kernels._jit import JIT_OFF
from sim.network import build_network
from sim.network.ended import left_by
from sim.network.links import Place, put_together
from sim.network.memory import PAGE, copy_written
from sim.network.spool import Spool
from sim.results import Origin, Run, Timing
from sim.runner import Scenario
from sim.schema import LEVEL
from tests.network.small import spec_of

LISTINGS = {"a": {"asset": "btc", "exchange": "one"}, "b": {"asset": "btc", "exchange": "two"}}
ROWS = PAGE // LEVEL.itemsize


def ladder(length, *rows):
    """A ladder in which these rows hold something."""
    levels = np.zeros(length, LEVEL)
    for row in rows:
        levels[row] = row + 1, 7, 9
    return levels


class Holder:
    """Of a listing's state one array."""

    def __init__(self, array):
        self.array = array

    def room(self, name):
        return self.array

    def put(self, name, array):
        self.array = array


@pytest.mark.parametrize("name", ["accounts", "far", "levels"])
@pytest.mark.parametrize(
    "parts",
    [
        [ladder(4 * ROWS, 0, 3 * ROWS - 1)],
        [ladder(64), ladder(5 * ROWS + 3, 5 * ROWS + 2), ladder(2 * ROWS, ROWS)],
        [np.arange(1500, dtype=np.uint64), np.zeros(700, np.uint64), np.ones(1, np.uint64)],
        [np.arange(6).reshape(2, 3), np.arange(8).reshape(2, 4)],
    ],
)
def test_what_is_put_together_is_concatenated(parts, name):
    """Value for value, whole pages or not; each listing has its part, or the whole of a ladder; all can be written."""
    holders = [Holder(part.copy()) for part in parts]
    old = [weakref.ref(holder.array) for holder in holders]
    whole, wanted = put_together(holders, name), np.concatenate([part.ravel() for part in parts])
    assert whole.dtype == wanted.dtype and whole.tobytes() == wanted.tobytes()
    assert [array() for array in old] == [None] * len(old)
    for holder, part in zip(holders, parts, strict=True):
        assert holder.array is whole if name in Place._fields else holder.array.tobytes() == part.tobytes()
        assert holder.array.shape == (whole if name in Place._fields else part).shape
        assert np.may_share_memory(holder.array, whole)
    whole[-1] = whole[0]
    assert whole.flags.writeable and whole[-1] == whole[0]


def test_what_lies_in_a_file_stays_when_its_pages_go():
    spool = Spool(3 * PAGE)
    assert spool.is_file == hasattr(os, "posix_fallocate") and not spool.room.any()
    spool.room[:] = np.arange(3 * PAGE) % 251
    for _ in range(2):
        spool.release()
        assert (spool.room == np.arange(3 * PAGE) % 251).all()
        spool.room[PAGE] = PAGE % 251  # written again, and found again


def test_a_file_without_room_is_memory(monkeypatch):
    def full(file, offset, length):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full, raising=False)
    spool = Spool(PAGE)
    spool.room[5] = 7
    spool.release()
    assert not spool.is_file and spool.room[5] == 7 and spool.room.sum() == 7


def test_a_network_is_the_same_whether_its_rows_lie_in_a_file_or_in_memory(tmp_path, monkeypatch):
    spec = spec_of(tmp_path, LISTINGS, duration="11min")  # pages are given up on the way, after ten
    one = build_network(spec, 3)
    monkeypatch.setattr(sim.network.spool, "mapped_file", lambda n_bytes: None)
    other = build_network(spec, 3)
    assert one.spool.is_file == hasattr(os, "posix_fallocate") and not other.spool.is_file
    for network in (one, other):
        network.run_until(spec.duration)
    assert one.state_hashes() == other.state_hashes()
    for name, arrays in one.collect().items():
        assert np.may_share_memory(one.markets[name].state.rows, one.spool.room)
        assert arrays.series.tobytes() == other.collect()[name].series.tobytes() and arrays.series["mark_usd"].all()


def test_a_page_that_holds_nothing_is_not_written():
    """Of the place that is copied to only the pages change on which there is something."""
    out = np.full(4 * ROWS, -1, np.int64).repeat(2).view(LEVEL)
    copy_written(ladder(4 * ROWS, ROWS, 2 * ROWS - 1), out)
    changed = (out["total_lots"] != -1).reshape(4, ROWS)
    assert changed.all(axis=1).tolist() == changed.any(axis=1).tolist() == [False, True, False, False]


def test_the_network_is_gone_before_its_tables_are_made(tmp_path, monkeypatch):
    """And the rows of a listing are given up with its tables; a run made while the network lives is the same."""
    spec = spec_of(tmp_path, LISTINGS, duration="2min")
    network = build_network(spec, 3)
    network.run_until(spec.duration)
    origin, timing = Origin(Scenario(spec).resolved), Timing(0.0, 0.0, "", "")
    left = left_by(network)
    run = Run.of_network(left, timing, origin)
    assert left.arrays == {} and list(run.listings) == list(LISTINGS)

    alive, live, of_network = [], Scenario.live, Run.of_network

    def watched(self, seed=1):
        found = live(self, seed)
        alive.append(weakref.ref(found))
        return found

    def looking(ended, *args):
        assert alive[0]() is None and list(ended.arrays) == list(LISTINGS)
        return of_network(ended, *args)

    monkeypatch.setattr(Scenario, "live", watched)
    monkeypatch.setattr(Run, "of_network", looking)
    again = Scenario(spec).run(seed=3)
    assert alive and again.hashes == run.hashes
    for name, one in again.listings.items():
        assert one.hashes == run.listings[name].hashes and one.events.equals(run.listings[name].events)


@pytest.mark.skipif(JIT_OFF, reason="nothing is compiled with the JIT off")
def test_code_for_linking_is_dropped(tmp_path):
    """Numba's attribute is there and holds nothing once a network is built; its ticks run."""
    network = build_network(spec_of(tmp_path, LISTINGS), 3)
    network.run_until(5.0)
    gc.collect()
    for entry in (sim.tick.advance, sim.coupling.couple):
        kept = [compiled.library for compiled in entry.overloads.values()]
        assert kept and all(vars(library)["_shared_module"] is None for library in kept)


def test_arrays_that_a_network_moves_are_held_by_nobody_else(tmp_path):
    """Neither what the warm-up tick took, nor what ticks took before the arrays were put together anew."""
    assert build(sim.load("calm_btc").spec, 1).state.packed is None
    network = build_network(spec_of(tmp_path, LISTINGS), 3)
    network.run_until(2.0)
    state = next(iter(network.markets.values())).state
    assert state.packed is not None and state.packed.holds(state.by_room())
    state.put("accounts", state.accounts.copy())
    assert state.packed is None
