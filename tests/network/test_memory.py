"""What a network does not use is not there: empty pages, the market under its tables, code for linking."""

import gc
import weakref

import numpy as np
import pytest

import sim.coupling
import sim.tick
from sim.kernels._jit import JIT_OFF
from sim.network import build_network
from sim.network.ended import left_by
from sim.network.memory import PAGE, copy_written, joined
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


@pytest.mark.parametrize(
    "parts",
    [
        [ladder(4 * ROWS, 0, 3 * ROWS - 1)],
        [ladder(64), ladder(5 * ROWS + 3, 5 * ROWS + 2), ladder(2 * ROWS, ROWS)],
        [np.arange(1500, dtype=np.uint64), np.zeros(700, np.uint64), np.ones(1, np.uint64)],
    ],
)
def test_joined_is_concatenate(parts):
    """Value for value, whole pages or not, and what is joined can be written."""
    whole, wanted = joined(parts), np.concatenate(parts)
    assert whole.dtype == wanted.dtype and whole.tobytes() == wanted.tobytes()
    whole[-1] = whole[0]
    assert whole.flags.writeable and whole[-1] == whole[0]


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


@pytest.mark.skipif(JIT_OFF, reason="nothing is compiled")
def test_code_for_linking_is_dropped(tmp_path):
    """Numba's attribute is there and holds nothing once a network is built; its ticks run."""
    network = build_network(spec_of(tmp_path, LISTINGS), 3)
    network.run_until(5.0)
    gc.collect()
    for entry in (sim.tick.advance, sim.coupling.couple):
        kept = [compiled.library for compiled in entry.overloads.values()]
        assert kept and all(vars(library)["_shared_module"] is None for library in kept)
