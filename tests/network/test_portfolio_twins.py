"""The look at cross-margin portfolios against its slow twin on made-up arrays: accounts, coins, orders, totals."""

from collections import Counter

import numpy as np
import pytest

from tests.network.made_portfolios import NOW, TICK, by_twin, look_at_all, made, read
from tests.reference_market import portfolios as slow


def test_made_up_portfolios_are_looked_at_as_the_twin_says():
    seen = made_up_portfolios(400)
    assert min(seen.values()) > 100, seen


def made_up_portfolios(n: int) -> Counter[str]:
    """``n`` random sets of portfolios looked at once; how often what was met."""
    draws, seen = np.random.default_rng(4), Counter[str]()
    for _ in range(n):
        s, p = made(draws)
        places, books = read(s, p)
        cash, coins = int(s.accounts["cash_micro"].sum()), int(s.positions.sum())
        before = s.positions.copy()
        s2, p2, orders = by_twin(s, p)
        p.collateral["value_half_ticks"][p.collateral["source"] >= 0] = -7  # of an earlier tick
        look_at_all(s, p, TICK, NOW)
        for name in ("accounts", "positions", "clock", "inbox"):
            assert getattr(s, name).tobytes() == getattr(s2, name).tobytes(), name
        for name in ("is_called", "n_calls"):
            assert (p.all[name] == p2.all[name]).all(), name
        assert p.collateral.tobytes() == p2.collateral.tobytes()
        assert int(s.accounts["cash_micro"].sum()) == cash and int(s.positions.sum()) == coins
        for book, row in zip(books, p.all, strict=True):
            now = slow.standing(book, places)
            seen["below"] += now.equity < now.need
            seen["broke"] += now.equity + now.uncounted < 0
            seen["at the edge"] += now.equity == now.need > 0
            seen["let go"] += bool(book.is_called and not row["is_called"])
            seen["flat and owing"] += now.need == 0 and sum(leg.cash for leg in book.legs) < 0
            seen["later"] += bool(0 < row["due"] < np.inf)
        seen["orders"] += len(orders)
        seen["handed over"] += int((s.positions != before).any())
    return seen


def step_prices(draws, s):
    """To and fro in small steps, now and then in one of some percent."""
    size = 0.05 if draws.random() < 0.02 else 0.002
    for name in ("mark_half_ticks", "spot_half_ticks", "index_half_ticks", "given_half_ticks"):
        moves = np.exp(size * draws.standard_normal(len(s.price)))
        s.price[name] = np.maximum(1, np.rint(s.price[name] * moves)).astype(np.int64)


def fill_somebody(draws, s, p, s2):
    """A fill of a leg drawn: position, cost and cash change, which makes its portfolio due; and funding of another."""
    for k, leg in enumerate(p.legs[draws.integers(0, len(p.legs), 2)]):
        at, row = int(leg["listing"]), int(s.listings[leg["listing"]]["account0"]) + int(leg["row"])
        lots, value = int(draws.integers(-50, 51)), int(draws.normal(0.0, 1e8))
        for one in (s, s2):
            account = one.accounts[row]
            account["held_lots"] += lots * (k == 0)
            account["entry_micro"] = (account["entry_micro"] + value) * (account["held_lots"] != 0)
            account["cash_micro"] -= value
            account["touched"] = one.clock[at]["joint_touched"] = 1


def paths(draws, n, ticks):
    """Looks that were due and looks left out over ``n`` random paths, each beside a look at everybody after each
    tick, compared array by array.
    """
    looks, left = 0, 0
    for path in range(n):
        s, p = made(draws)
        for account in s.accounts:  # far from the edge, most of them, or nobody could be left alone
            if account["held_lots"] and draws.random() < 0.7:
                account["cash_micro"] += abs(int(account["held_lots"])) * 10**5
        s2, p2 = type(s)(*(x.copy() for x in s)), type(p)(*(x.copy() for x in p))
        for tick in range(TICK, TICK + ticks):
            step_prices(draws, s)
            if draws.random() < 0.1 * (path % 2):
                fill_somebody(draws, s, p, s2)
            for name in s.price.dtype.names:
                s2.price[name] = s.price[name]
            p2.all["due"] = p2.blocks["due"] = -1.0
            due = p.all["due"].copy()
            for one, other in ((s, p), (s2, p2)):
                one.clock["n_inbox"] = 0
                look_at_all(one, other, tick, NOW)
            for name in ("accounts", "positions", "clock", "inbox"):
                assert getattr(s, name).tobytes() == getattr(s2, name).tobytes(), (name, path, tick)
            assert (p.all["n_calls"] == p2.all["n_calls"]).all() and (p.all["is_called"] == p2.all["is_called"]).all()
            looks, left = looks + len(due), left + int((due > p.moved[p.all["exchange"], 0]).sum())
    return looks, left


def test_portfolios_that_are_left_alone_are_those_that_a_look_at_everybody_would_not_touch():
    looks, left = paths(np.random.default_rng(9), 40, 150)
    assert 0.3 * looks < left, (looks, left)


@pytest.mark.long
def test_the_filter_of_due_looks_over_two_hundred_random_paths_equals_the_full_look():
    """DECISIONS 22."""
    looks, left = paths(np.random.default_rng(22), 200, 300)
    print(f"200 paths: {looks:,} looks, of which {left:,} were left out and would have changed nothing")
    assert 0.3 * looks < left, (looks, left)
