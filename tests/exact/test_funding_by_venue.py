"""Funding by a venue's profile: impact prices and premium of books, the shelf, payments (MODEL 2.5, 6.2.14; C5)."""

from fractions import Fraction
from math import floor, nan

import numpy as np
import pytest

from sim import calculator as calc
from sim.calculator import Terms, Tier, doors
from sim.errors import RuleError
from tests.reference_market import funding as twin

CEX = calc.load_profile("cex_a")
MICRO, NANO = Fraction(1, 10**6), Fraction(1, 10**9)
TICK, LOT = Fraction(1, 10), Fraction(1, 1000)


def drawn(rng: np.random.Generator) -> tuple[twin.Levels, twin.Levels, int]:
    """A book in ticks and lots with holes, thin or empty sides among them; an index in half ticks near it."""
    middle = int(rng.integers(10_000, 2_000_000))
    sides = []
    for sign in (-1, 1):
        away = np.unique(rng.integers(1, 400, int(rng.choice([0, 1, 3, 30]))))
        sides.append([(middle + sign * int(d), int(10 ** rng.uniform(0, 4))) for d in away])
    return sides[0], sides[1], 2 * middle + int(rng.integers(-500, 500))


def test_premium_and_impact_prices_of_a_thousand_books_are_the_twins():
    rng = np.random.default_rng(90)
    outside = 0
    for _ in range(1_000):
        bids, asks, index = drawn(rng)
        notional = int(10 ** rng.uniform(2, 6))
        levels = ([(p * TICK, k * LOT) for p, k in rng.permutation(np.array(side)).tolist()] if side else []
                  for side in (bids, asks))  # fmt: skip
        got = calc.premium_index(CEX, *levels, index * TICK / 2, notional)
        want = [twin.impact_price(side, 100, notional * 10**6) for side in (bids, asks)]
        assert [got.impact_bid, got.impact_ask] == [None if p is None else p * TICK for p in want]
        assert got.premium == twin.premium_ppb(bids, asks, index, 100, notional * 10**6) * NANO
        outside += got.premium != 0
    assert 200 < outside < 900


def test_the_profile_gives_the_impact_notional_and_an_index_may_lie_between_ticks():
    """BTC: 200 / (1/125) = $25,000. Bids at 100,010.1 over an index of 100,000.003."""
    assert calc.impact_notional(CEX) == 25_000
    got = calc.premium_index(CEX, [("100010.1", 1)], [("100020", 1)], "100000.003")
    assert got.premium == floor((Fraction("100010.1") / Fraction("100000.003") - 1) / NANO) * NANO
    assert got.impact_bid == Fraction("100010.1") and got.impact_ask == 100_020


def test_the_flat_shelf_of_the_rate_and_its_ends():
    """6.2.14: within 0.05% of 0.01% the rate is 0.01%, beyond it the mean premium less or plus 0.05%; cap 0.3%."""
    base, clamp, cap = Fraction(1, 10_000), Fraction(5, 10_000), Fraction(3, 1_000)
    for ppb in range(-600_000, 800_000, 7_919):
        premium = ppb * NANO
        want = base if abs(premium - base) <= clamp else premium + (clamp if premium < base else -clamp)
        assert calc.funding_rate(CEX, [premium]) == want
    for far in (Fraction(1, 100), -Fraction(1, 100)):
        assert calc.funding_rate(CEX, [far]) == (cap if far > 0 else -cap)
    ends = [calc.funding_rate(CEX, [base + sign * clamp + step * NANO]) for sign in (-1, 1) for step in (-1, 0, 1)]
    assert ends == [base - NANO, base, base, base, base, base + NANO]


def test_samples_weigh_by_their_place_in_the_period():
    rng = np.random.default_rng(91)
    for _ in range(300):
        first, n = int(rng.integers(1, 5_000)), int(rng.integers(1, 200))
        ppb = [int(v) for v in rng.integers(-3_000_000, 3_000_000, n)]
        want = twin.rate_ppb(list(enumerate(ppb, first)), 100_000, 500_000, 3_000_000)
        assert calc.funding_rate(CEX, [v * NANO for v in ppb], first) == want * NANO


def test_payments_sum_to_what_the_fee_account_gets_and_to_nothing_more():
    """C5 and L9: prime marks and one-lot positions; who pays is rounded up, who receives down."""
    rng = np.random.default_rng(92)
    for _ in range(1_000):
        lots = [int(v) for v in rng.choice([1, -1, 2, -3, 7, 101, -997, 99_991], int(rng.integers(1, 9)))]
        lots.append(-sum(lots))
        halves, rate = int(rng.choice([2, 3, 7919, 2_334_401])), int(rng.integers(-3_000_000, 3_000_000))
        paid, left = calc.funding_payments(
            CEX, {f"n{i}": k * LOT for i, k in enumerate(lots)}, halves * TICK / 2, rate * NANO
        )
        assert [v / MICRO for v in paid.values()] == twin.payments(lots, halves, 100, rate)
        assert left == sum(paid.values()) and 0 <= left < len(lots) * MICRO
        for amount, size in zip(paid.values(), lots, strict=True):
            exact = size * LOT * halves * TICK / 2 * rate * NANO
            assert 0 <= amount - exact < MICRO


def test_what_is_refused():
    book = ([(100, 1)], [(101, 1)])
    terms = Terms(TICK, LOT, (Tier(None, Fraction(1, 100), Fraction(0), Fraction(1, 50)),))
    refused = [
        (lambda: calc.premium_index(CEX, *book, nan), "the index is nan, which is no number"),
        (lambda: calc.premium_index(CEX, *book, 0), "are above 0"),
        (lambda: calc.premium_index(terms, *book, 100), "state no impact notional"),
        (lambda: calc.premium_index(CEX, [(101, 1)], [(101, 1)], 100), "not below the best ask"),
        (lambda: calc.premium_index(CEX, [("100.05", 1)], [], 100), r"a price of 100.05, in ticks is 1000.5, no whole"),
        (lambda: calc.premium_index(CEX, [(100, "0.0001")], [], 100), "a size of 0.0001, in lots is 0.1"),
        (lambda: calc.premium_index(CEX, [(100, -1)], [], 100), "a price and a size above 0"),
        (lambda: calc.premium_index(CEX, [(100, 1), (60_000, 1)], [], 100), "span too many ticks"),
        (lambda: calc.premium_index(CEX, *book, "100.000001"), "finer than a thousandth of a tick"),
        (lambda: calc.premium_index(CEX, [(100, 1)], [], 100, 10**18), "too large for 64-bit"),
        (lambda: calc.funding_rate(CEX, []), "1 to 5760 samples"),
        (lambda: calc.funding_rate(CEX, [0, 0], 5760), "1 to 5760 samples"),
        (lambda: calc.funding_rate(CEX, [2]), "more than 100%"),
        (lambda: calc.funding_payments(CEX, {"a": 1}, nan, 0), "the mark is nan, which is no number"),
        (lambda: calc.funding_payments(CEX, {"a": 1}, "0.01", 0), "the mark, in half ticks, is 0.2"),
        (lambda: calc.funding_payments(CEX, {"a": 1}, 0, 0), "the mark is 0: it is above 0"),
        (lambda: calc.funding_payments(CEX, {"a": 1}, 100, "1e-10"), "the rate, in 1e-9, is 0.1"),
        (lambda: calc.funding_payments(Terms(TICK, LOT, terms.tiers, is_inverse=True), {}, 1, 0), "inverse"),
    ]  # fmt: skip
    for ask, why in refused:
        with pytest.raises(RuleError, match=why):
            ask()


def test_every_number_is_the_kernels_own(monkeypatch: pytest.MonkeyPatch):
    asked = {
        "premium_of": (lambda: calc.premium_index(CEX, [(110, 1)], [(111, 1)], 100), lambda *_: (7, (1, 2), (3, 4))),
        "period_of": (lambda: calc.funding_rate(CEX, ["0.001"]), lambda *_: None),
        "payment_of": (lambda: calc.funding_payments(CEX, {"a": 1}, 100, "0.001"), lambda *_: 3),
    }
    for door, (ask, wrong) in asked.items():
        right = ask()
        monkeypatch.setattr(doors, door, wrong)
        assert ask() != right, door
        monkeypatch.undo()
        assert ask() == right
