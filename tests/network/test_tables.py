"""Tables of a run are made when they are looked at (sim/results/run.py)."""

import gc
import pickle
import subprocess
import sys
import weakref
from functools import partial
from pathlib import Path

import pandas as pd
import pytest

import sim
from sim.results.run import TABLES, Run, Tables
from sim.runner import Scenario
from tests.network.small import spec_of

SHORT = {"duration": "5s", "leveraged.accounts": 100, "shocks": []}
FALL = [{"kind": "news_move", "at": "10s", "over": "10s", "move": "-12%"}]


def two(folder: Path) -> Run:
    """A run of two listings in which accounts are liquidated."""
    listings = {"m": {"asset": "btc", "exchange": "one"}, "n": {"asset": "btc", "exchange": "two"}}
    return Scenario(spec_of(folder, listings, duration="1min", shocks=FALL)).run(seed=3)


class Rows:
    """Stands for raw rows."""


def test_each_is_made_once_and_the_rows_it_is_made_of_are_given_up():
    asked: list[str] = []

    def make(name: str, rows: Rows) -> pd.DataFrame:
        asked.append(name)
        return pd.DataFrame({name: [1]})

    rows = {name: Rows() for name in TABLES}
    gone = {name: weakref.ref(row) for name, row in rows.items()}
    tables = Tables(*(partial(make, name, rows.pop(name)) for name in TABLES))
    assert asked == []
    events = tables.events
    assert tables.events is events
    gc.collect()
    assert asked == ["events"]
    assert [name for name in TABLES if gone[name]() is None] == ["events"]
    assert [list(table) for table in tables] == [[name] for name in TABLES]
    assert sorted(asked) == sorted(TABLES)


def test_one_that_is_put_in_anothers_place_leaves_the_rest_unmade():
    def never() -> pd.DataFrame:
        raise AssertionError("nobody looked at it")

    made = pd.DataFrame({"a": [1]})
    other = Tables(never, never, never, never)._replace(bands=made)
    assert other.bands is made
    with pytest.raises(AssertionError, match="nobody looked"):
        _ = other.series


def test_what_goes_wrong_is_said_at_each_look():
    def broken() -> pd.DataFrame:
        raise OSError("no room")

    tables = Tables(broken, pd.DataFrame(), pd.DataFrame(), pd.DataFrame())
    for _ in range(2):
        with pytest.raises(OSError, match="no room"):
            _ = tables.series
    assert tables.bands.empty


def test_a_pickled_run_has_the_tables(tmp_path):
    for run in (sim.load("calm_btc", set=SHORT).run(seed=3), two(tmp_path)):
        again = pickle.loads(pickle.dumps(run))
        for mine, theirs in zip(run.tables, again.tables, strict=True):
            pd.testing.assert_frame_equal(mine, theirs)
        assert list(again.listings) == list(run.listings)


def test_a_run_of_one_market_reads_no_pandas_until_it_is_looked_at():
    code = f"""
import sim, sys
run = sim.load("calm_btc", set={SHORT!r}).run(seed=3)
print("pandas.core" in sys.modules, sorted(run.hashes), len(run.series), "pandas.core" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False ['accounts', 'bands', 'events', 'series', 'state'] 6 True\n"


def test_listings_have_the_tables_of_their_rows_in_whatever_order_they_are_looked_at(tmp_path):
    first, second = two(tmp_path), two(tmp_path)
    assert first.hashes == second.hashes
    there = {name: list(run.tables) for name, run in first.listings.items()}
    for name, run in reversed(second.listings.items()):
        for at, table in reversed(list(enumerate(TABLES))):
            pd.testing.assert_frame_equal(getattr(run, table), there[name][at])
            assert len(there[name][at])
        assert (run.events.loc[run.events["account"] >= 0, "group"] != "").all()
