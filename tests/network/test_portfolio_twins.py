"""The look at cross-margin portfolios against its slow twin on made-up arrays: accounts, coins, orders, totals."""

from collections import Counter

import numpy as np

from tests.network.made_portfolios import NOW, TICK, by_twin, look_at_all, made, read
from tests.reference_market import portfolios as slow


def test_made_up_portfolios_are_looked_at_as_the_twin_says():
    draws, seen = np.random.default_rng(4), Counter[str]()
    for _ in range(400):
        s, p = made(draws)
        places, books = read(s, p)
        cash, coins = int(s.accounts["cash_micro"].sum()), int(s.positions.sum())
        before = s.positions.copy()
        s2, p2, orders = by_twin(s, p)
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
    assert min(seen.values()) > 100, seen
