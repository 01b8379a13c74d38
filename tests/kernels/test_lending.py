"""The lending kernels against their slow twin, with ``==``, on random positions; and the laws of a liquidation (L9).

What is drawn: one to four assets at prices finer or coarser than a unit of money a lot, modes, accounts near a health
of one and below, offers of any size. Seeds are fixed; nothing compared has a tolerance.
"""

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from sim.kernels import lending_entries as doors
from sim.kernels._jit import JIT_OFF
from sim.kernels.lending import CURVE, LENDER, MODE, REASONS, RESERVE
from sim.kernels.oracles import FEED, YEAR_US
from tests.reference_market import lending as twin

PPM = 10**6
DRAWS = 500 if JIT_OFF else 6_000
PRICES = ((1, 1), (999_700, 1_000_000), (3_517_290_000, 1_000_000), (116_720_120, 1_000), (7, 3), (1, 1_003))


@dataclass
class Case:
    """One protocol with one account, for both."""

    room: tuple[Any, ...]
    protocol: twin.Protocol
    account: twin.Account

    def sums(self) -> tuple[int, ...]:
        return tuple(int(v) for v in doors.sums_of(np.int64(0), *self.room))

    def call(self, c: int, d: int, cover: int) -> tuple[str, int, int, int, list[int]]:
        before = self.room[6].copy()
        got = doors.call_of(np.int64(0), np.int64(c), np.int64(d), np.int64(cover), *self.room)
        return (REASONS[int(got[0])], *(int(v) for v in got[1:]), (self.room[6] - before).tolist())

    @property
    def lots(self) -> tuple[list[int], list[int]]:
        return self.room[4][0].tolist(), self.room[5][0].tolist()


def shares(rng: np.random.Generator) -> tuple[int, int, int]:
    """LTV, threshold and bonus in millionths, as a profile may have them; at times no collateral at all."""
    if rng.random() < 0.15:
        return 0, 0, int(rng.integers(0, 100_000))
    threshold = int(rng.integers(300_000, 960_000))
    bonus = int(rng.integers(0, min(150_000, PPM * PPM // threshold - PPM)))
    return int(rng.integers(0, threshold + 1)), threshold, bonus


def as_shares(ppm: tuple[int, int, int]) -> twin.Shares:
    return twin.Shares(*(Fraction(v, PPM) for v in ppm))


def drawn(rng: np.random.Generator) -> Case:
    """A protocol, and an account whose debt is drawn around its threshold."""
    n, n_modes = int(rng.integers(1, 5)), 2
    own, modes = [shares(rng) for _ in range(n)], [shares(rng) for _ in range(n_modes)]
    prices = [PRICES[i] for i in rng.integers(0, len(PRICES), n)]
    backs, lends = rng.integers(0, 4, n) << 1, rng.integers(0, 8, n)
    terms = (
        int(rng.integers(800_000, PPM)), int(rng.integers(100_000, PPM)), int(rng.choice([0, 2_000 * PPM])),
        int(rng.choice([0, 1_000 * PPM])), int(rng.integers(0, PPM + 1)),
    )  # fmt: skip
    assets = [
        twin.Asset(
            Fraction(*prices[r]),
            as_shares(own[r]),
            {m: as_shares(modes[m - 1]) for m in (1, 2) if backs[r] >> m & 1},
            frozenset(m for m in (0, 1, 2) if lends[r] >> m & 1),
        )
        for r in range(n)
    ]
    rates = [Fraction(v, PPM) for v in (terms[0], terms[1], terms[4])]
    protocol = twin.Protocol(rates[0], rates[1], terms[2], terms[3], rates[2], assets)
    account = twin.Account([0] * n, [0] * n, int(rng.integers(0, 3)))
    usd = 10 ** rng.uniform(0, 8)  # of tiny accounts roundings are most of what there is
    for r in range(n):
        if rng.random() < 0.8:
            account.collateral[r] = int(Fraction(usd * rng.uniform(0.1, 1) * PPM) / assets[r].price)
    room = twin.sums(protocol, account)[2] or usd * PPM
    health = rng.uniform(0.4, 1.1) if rng.random() < 0.5 else rng.uniform(0.9, 1.0)
    parts = rng.uniform(0.1, 1, n) * (rng.random(n) < 0.8)
    for r in range(n):
        account.debt[r] = int(Fraction(room / health * parts[r] / max(parts.sum(), 0.1)) / assets[r].price)
    return Case(arrays(terms, prices, own, backs, lends, modes, account), protocol, account)


def arrays(terms: Any, prices: Any, own: Any, backs: Any, lends: Any, modes: Any, account: twin.Account) -> Any:
    n = len(prices)
    lender, reserves, rows = np.zeros(1, LENDER), np.zeros(n, RESERVE), np.zeros(len(modes) + 1, MODE)
    lender[0] = terms
    for r in range(n):
        reserves[r] = (*prices[r], *own[r], backs[r], lends[r])
    for m, numbers in enumerate(modes, 1):
        rows[m] = numbers
    held = (np.array([side], np.int64) for side in (account.collateral, account.debt))
    return (lender, reserves, rows, np.array([account.mode]), *held, np.zeros(n, np.int64))


def offer(rng: np.random.Generator, case: Case, d: int) -> int:
    owed = case.account.debt[d]
    return int(rng.choice([owed, owed // 2, int(owed * rng.random()), 1, 2 * owed]))


def test_sums_calls_and_loans_are_the_twins():
    rng, seen = np.random.default_rng(20251010), dict.fromkeys(REASONS, 0)
    n_written_off = 0
    for _ in range(DRAWS):
        case = drawn(rng)
        n = len(case.protocol.assets)
        for _ in range(3):  # the second and third call find what the first left
            assert case.sums() == twin.sums(case.protocol, case.account)
            r, lots = int(rng.integers(0, n)), int(rng.integers(1, 10**9))
            lent = doors.borrow_of(np.int64(0), np.int64(r), np.int64(lots), *case.room)
            assert bool(lent) == twin.may_borrow(case.protocol, case.account, r, lots)
            c, d = (int(i) for i in rng.integers(0, n, 2))
            cover = offer(rng, case, d)
            want = twin.liquidate(case.protocol, case.account, c, d, cover)
            assert case.call(c, d, cover) == want
            assert case.lots == (case.account.collateral, case.account.debt)
            seen[want[0]] += 1
            n_written_off += any(want[4])
    assert min(seen.values()) > DRAWS // 200 and n_written_off > DRAWS // 100  # every branch is met


def test_close_factors_are_the_twins_at_their_borders():
    rng, terms, seen = np.random.default_rng(3), np.zeros(1, LENDER), set()
    for _ in range(DRAWS):
        full, part, small = int(rng.integers(800_000, PPM)), int(rng.integers(100_000, PPM)), 2_000 * PPM
        terms[0] = full, part, small, 0, 0
        debt = PPM * int(10 ** rng.uniform(0, 11)) + int(rng.choice([0, 1]))
        threshold = debt * full // PPM + int(rng.integers(-1, 2))  # at the health itself, and a unit to either side
        worths = [small + int(v) for v in rng.choice([-(10**9), -1, 0, 1, 10**12], 2)]
        got = int(doors.part_of(terms, *(np.int64(v) for v in (threshold, debt, *worths))))
        rates = Fraction(full, PPM), Fraction(part, PPM)
        protocol = twin.Protocol(*rates, small, 0, Fraction(0), [])
        assert Fraction(got, PPM) == twin.close_factor(protocol, threshold, debt, *worths)
        seen.add((got == PPM, *(v < small for v in worths), threshold * PPM <= debt * full))
    assert len(seen) == 8


def test_laws_of_a_liquidation():
    """Lots are conserved, nobody gains by rounding, no dust stays, what is written off had no collateral left."""
    rng, done = np.random.default_rng(4), 0
    for _ in range(DRAWS):
        case = drawn(rng)
        c, d = (int(i) for i in rng.integers(0, len(case.protocol.assets), 2))
        held, owed = [list(side) for side in case.lots]
        reason, repaid, seized, fee, written_off = case.call(c, d, offer(rng, case, d))
        left, still_owed = case.lots
        if reason:
            assert (left, still_owed, seized, repaid) == (held, owed, 0, 0)
            continue
        done += 1
        taken, given = case.protocol.assets[c], case.protocol.assets[d]
        shares = twin.shares_of(taken, case.account.mode)
        assert [b - a for a, b in zip(left, held, strict=True)] == [seized if r == c else 0 for r in range(len(held))]
        paid = [a - b - w for a, b, w in zip(owed, still_owed, written_off, strict=True)]
        assert paid == [repaid if r == d else 0 for r in range(len(owed))]
        assert 0 <= fee <= seized  # the protocol's part and the liquidator's are what was seized
        bonus_lots = seized * shares.bonus / (1 + shares.bonus)
        assert bonus_lots * case.protocol.fee <= fee < (bonus_lots + 1) * case.protocol.fee + 1
        worth_taken, worth_paid = seized * taken.price, repaid * given.price
        most = worth_paid * (1 + shares.bonus)
        assert worth_taken <= most  # never more than the bonus
        if seized < held[c]:  # and less by no more than each step's rounding
            assert most - worth_taken < taken.price + 2 + shares.bonus
            if repaid < owed[d]:
                remains = min(left[c] * taken.price, (owed[d] - repaid) * given.price)
                assert remains >= case.protocol.least_left
        backed = twin.sums(case.protocol, twin.Account(left, still_owed, case.account.mode))[0]
        assert any(still_owed) <= (backed > 0) and (any(written_off) <= (backed == 0))
    assert done > DRAWS // 10


def test_a_call_raises_health_exactly_where_it_stands_above_threshold_times_what_is_taken_for_a_dollar():
    """MODEL 3.1: HF rises iff HF > LT x LB; in lots iff HF > LT x seized / repaid, which rounding keeps below it."""
    rng, rose = np.random.default_rng(5), [0, 0]
    for _ in range(DRAWS):
        case = pair(rng, health=rng.uniform(0.7, 1.0))
        (held, _), (_, owed) = case.lots
        asset, debt = case.protocol.assets
        threshold, bonus = asset.shares.threshold, asset.shares.bonus
        before = held * asset.price * threshold / (owed * debt.price)
        reason, repaid, seized, _, _ = case.call(0, 1, int(owed * rng.uniform(0.01, 0.9)))
        if reason or seized == held:
            continue
        (left, _), (_, remains) = case.lots
        after = left * asset.price * threshold / (remains * debt.price)
        ratio = seized * asset.price / (repaid * debt.price)
        r, b = repaid * debt.price, owed * debt.price
        assert after - before == r * (before - threshold * ratio) / (b - r)
        assert (after > before) == (before > threshold * ratio)
        if before > threshold * (1 + bonus):
            assert after > before
        elif before < threshold * (1 + bonus) * (1 - Fraction(1, 10**6)):
            assert after < before
        rose[after > before] += 1
    assert min(rose) > DRAWS // 20


def pair(rng: np.random.Generator, health: float) -> Case:
    """Collateral of one asset and debt of another, at a health, worth $1m and more: roundings are below 1e-9 of it."""
    threshold = int(rng.integers(700_000, 950_000))
    bonus = int(rng.integers(1_000, PPM * PPM // threshold - PPM))
    own = [(threshold, threshold, bonus), (0, 0, 0)]
    prices = [(3_517_290_000, 1_000_000), (1, 1)]
    terms = (950_000, 500_000, 2_000 * PPM, 1_000 * PPM, 100_000)
    assets = [twin.Asset(Fraction(*p), as_shares(s)) for p, s in zip(prices, own, strict=True)]
    rates = [Fraction(v, PPM) for v in (terms[0], terms[1], terms[4])]
    protocol = twin.Protocol(rates[0], rates[1], terms[2], terms[3], rates[2], assets)
    lots = int(rng.integers(10**9, 10**11))
    owed = int(Fraction(lots) * assets[0].price * assets[0].shares.threshold / Fraction(health))
    account = twin.Account([lots, 0], [0, owed])
    return Case(arrays(terms, prices, own, [0, 0], [1, 1], [], account), protocol, account)


def test_bad_debt_is_left_exactly_where_collateral_is_worth_less_than_debt_and_bonus():
    """MODEL 3.1: liquidated to the end at one price, something is written off iff C / D < LB, and then D - C / LB."""
    rng, seen = np.random.default_rng(6), [0, 0]
    for _ in range(DRAWS // 10):
        threshold_over_one = rng.uniform(0.6, 0.999)
        case = pair(rng, health=threshold_over_one)
        (held, _), (_, owed) = case.lots
        asset = case.protocol.assets[0]
        worth, with_bonus = held * asset.price, 1 + asset.shares.bonus
        if abs(worth / owed - with_bonus) < Fraction(1, 10**6):
            continue
        reason, written_off, repaid, n_calls = "", 0, 0, 0
        while not reason:
            n_calls += 1
            reason, paid, _, _, off = case.call(0, 1, case.lots[1][1])
            repaid, written_off = repaid + paid, written_off + off[1]
        is_bad = worth < owed * with_bonus
        assert (written_off > 0) == is_bad
        seen[is_bad] += 1
        assert owed == repaid + written_off + case.lots[1][1] and case.room[6].tolist() == [0, written_off]
        if is_bad:  # up to a lot and each step's unit are left to the borrower in a call
            assert case.lots[0] == [0, 0]
            assert 0 <= owed - worth / with_bonus - written_off < n_calls * (asset.price + 3)
        else:
            assert reason == "healthy"
    assert min(seen) > DRAWS // 100


def test_rates_of_a_curve_are_the_twins():
    rng = np.random.default_rng(7)
    row = np.zeros(1, CURVE)
    for _ in range(DRAWS):
        kink = int(rng.integers(10_000, 990_000))
        numbers = int(rng.integers(0, 50_000)), kink, int(rng.integers(0, 200_000)), int(rng.integers(0, 3 * PPM))
        borrowed, available = (int(10 ** rng.uniform(0, 17)) for _ in range(2))
        if rng.random() < 0.2:
            borrowed, available = kink * 10**9, (PPM - kink) * 10**9  # at the kink itself
        row[0] = numbers
        got = int(doors.rate_of_year(row, np.int64(borrowed), np.int64(available)))
        assert got == twin.borrow_rate([Fraction(v, PPM) for v in numbers], borrowed, available)
    assert int(doors.rate_of_year(row, np.int64(0), np.int64(0))) == numbers[0]
    assert int(doors.rate_of_year(row, np.int64(5), np.int64(0))) == numbers[0] + numbers[2] + numbers[3]


@pytest.mark.parametrize("delay_s", [0, 12, 300])
def test_feeds_are_the_twins(delay_s: int):
    rng, moved = np.random.default_rng(8), 0
    for _ in range(20):
        now = np.cumsum(rng.integers(1, 30_000_000, 400))
        market = np.round(116_720_000 * np.exp(np.cumsum(rng.normal(0, 0.001, 400)))).astype(np.int64)
        deviation, heartbeat = int(rng.choice([0, 2_500, 5_000, 20_000])), int(rng.choice([600, 3_600])) * PPM
        row = np.zeros(1, FEED)
        row[0] = market[0], now[0], 0, 0, deviation, heartbeat
        got = np.zeros(400, np.int64)
        doors.observed(row, market, now, np.int64(delay_s * PPM), got)
        path = list(zip(now.tolist(), market.tolist(), strict=True))
        assert got.tolist() == twin.prices_in_force(path, Fraction(deviation, PPM), heartbeat, delay_s * PPM)
        moved += len(set(got.tolist()))
    assert moved > 100


def test_derived_prices_are_the_twins():
    rng, capped = np.random.default_rng(9), 0
    for _ in range(DRAWS):
        price = int(10 ** rng.uniform(0, 12))
        ratio, recorded = (int(rng.integers(900_000_000, 1_300_000_000)) for _ in range(2))
        growth, age = int(rng.integers(0, PPM)), int(rng.integers(0, 3 * int(YEAR_US)))
        got = int(doors.derived_of(*(np.int64(v) for v in (price, ratio, recorded, growth, age))))
        rates = Fraction(ratio, 10**9), Fraction(recorded, 10**9), Fraction(growth, PPM), Fraction(age, int(YEAR_US))
        assert got == twin.derived_price(price, *rates) <= price * rates[0]
        capped += got < price * ratio // 10**9
        assert int(doors.derived_of(*(np.int64(v) for v in (price, 10**9, 10**9, 0, age)))) == price
    assert 0 < capped < DRAWS
