"""When a portfolio is looked at next (DECISIONS 22): never after the least joint move that exhausts it."""

import numpy as np

from sim.kernels.margin import TIER
from tests.market.rig import FIRST, Rig
from tests.network.joined import Joined
from tests.reference_market import portfolios as slow

TIERS = [(8_000_000, 10_000, 0), (20_000_000, 100_000, 720_000), (1 << 62, 400_000, 6_720_000)]
MARK, PRICE = 200_000, 100_000  # in half ticks, in ticks


def is_below(book: slow.Book, marks: list[int]) -> bool:
    now = slow.standing(book, [slow.Place(mark, 1, 1, TIERS) for mark in marks])
    return now.equity < now.need


def first_marks(book: slow.Book, signs: list[int]) -> list[int] | None:
    """The least joint jump, in steps of a 4,000th up to a tenth, that leaves equity below maintenance."""
    for step in range(1, 401):
        marks = [MARK + sign * MARK * step // 4_000 for sign in signs]
        if is_below(book, marks):
            return marks
    return None


def test_the_least_jump_that_exhausts_a_portfolio_finds_it_due():
    """From the very prices it was looked at, so that no slack of the watched distance helps: longs, shorts and both,
    under edges of tiers beyond which maintenance rises steeply.
    """
    draws, late, found = np.random.default_rng(2), [], 0
    for case in range(500):
        n = int(draws.integers(1, 4))
        lots = [int(draws.integers(40, 320) * draws.choice([-1, 1])) for _ in range(n)]
        need = slow.standing(slow.Book([slow.Leg(k, 0, x) for k, x in enumerate(lots)]),
                             [slow.Place(MARK, 1, 1, TIERS)] * n).need  # fmt: skip
        spare = need + int(sum(map(abs, lots)) * PRICE * draws.uniform(0.0, 0.12))
        cash = [spare // n - x * PRICE for x in lots]
        book = slow.Book([slow.Leg(k, money, x) for k, (money, x) in enumerate(zip(cash, lots, strict=True))])
        signs = [int(-np.sign(x) if draws.random() < 0.8 else np.sign(x)) for x in lots]
        marks = first_marks(book, signs)
        if is_below(book, [MARK] * n) or marks is None:
            continue
        found += 1
        rigs = [Rig([money], [x], [PRICE], tiers=np.array([(*t, 0) for t in TIERS], TIER))
                for money, x in zip(cash, lots, strict=True)]  # fmt: skip
        joined = Joined(rigs, [[(k, FIRST) for k in range(n)]])
        joined.look([MARK] * n)
        assert joined.portfolios.all[0]["is_called"] == 0
        joined.look(marks, 1)
        if joined.portfolios.all[0]["is_called"] == 0:
            late.append(case)
    assert late == [] and found > 200, (late, found)


def test_prices_that_go_back_past_their_reference_find_a_portfolio_due():
    """Looked at half a percent above the reference, safe by 0.75%; then half a percent below it, no farther from the
    reference than before.
    """
    up, down = MARK * 1_005 // 1_000, MARK * 995 // 1_000
    need = slow.maintenance(slow.Leg(0, 0, 100), slow.Place(up, 1, 1, TIERS))
    cash = need + 100 * up * 75 // 20_000 - 100 * up // 2
    joined = Joined([Rig([cash], [100], [PRICE], tiers=np.array([(*t, 0) for t in TIERS], TIER))], [[(0, FIRST)]])
    row = joined.portfolios.all[0]
    for tick, (mark, calls) in enumerate([(MARK, 0), (up, 0), (down, 1)]):
        joined.look([mark], tick)
        assert row["n_calls"] == row["is_called"] == calls
