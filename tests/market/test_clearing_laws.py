"""Laws of clearing over random accounts: L5, L6, L7, L9 and L10 of the test programme.

The seeds of the drawn cases are fixed; a law has no tolerance, so that a failure is never chance.
"""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.build import tier_table
from sim.kernels.ledger import FEES, FUND
from sim.kernels.margin import TIER
from sim.schema import EVENT_ADL, EVENT_FORCED, EVENT_TAKEOVER
from sim.venues.profile import load_profile
from tests.market.drivers import margin_of
from tests.market.rig import FIRST, MAKER, Rig
from tests.reference_market import funding, rules

VENUE = load_profile("cex_a")
TABLE = tier_table(VENUE)
SLOW = [(None if t.up_to is None else round(t.up_to * 10**6), round(t.maintenance * 10**6)) for t in VENUE.margin_tiers]
FLAT = np.array([(1 << 62, 20_000, 0, 0)], TIER)
STEEP = np.array([(8_000, 10_000, 0, 0), (20_000, 25_000, 120, 0), (1 << 62, 50_000, 620, 0)], TIER)
ACCOUNTS, SHOCKS = 10_000, 10_000


def last_safe(cash, position, unit, tiers, ceiling):
    values = margin_of(*(np.int64(v) for v in (cash, position, 1, unit)), tiers, np.int64(ceiling), np.int64(0))
    return int(values[3])


def test_equity_equals_maintenance_at_the_liquidation_price_of_ten_thousand_accounts():
    """L6 where a half tick moves an account by one micro-dollar: one lot is all of it, worth $10 to $1bn."""
    rng = np.random.default_rng(6)
    worth = (10.0 ** rng.uniform(7, 15, ACCOUNTS)).astype(np.int64)
    margin = (worth / rng.uniform(1, 125, ACCOUNTS)).astype(np.int64)
    side = rng.choice([-1, 1], ACCOUNTS)
    residuals, seen = set(), 0
    for value, backing, s in zip(worth.tolist(), margin.tolist(), side.tolist(), strict=True):
        cash, ceiling = backing - s * value, 4 * value
        safe = last_safe(cash, s, 2, TABLE, ceiling)
        if 0 < safe < ceiling:
            need = rules.requirement(safe, SLOW)
            residuals.add(rules.equity(cash, s, safe, 2) - -(-need.numerator // need.denominator))
            seen += 1
    assert residuals <= {0, 1} and 0 in residuals
    assert seen > 0.9 * ACCOUNTS


def test_ten_thousand_hung_accounts_are_safe_at_their_mark_and_not_beyond_isolated_or_cross():
    """L6 on the market's own grid: free cash of an isolated account does not back it."""
    rng = np.random.default_rng(7)
    n, unit = ACCOUNTS, 100
    lots = rng.integers(1, 200_000, n) * rng.choice([-1, 1], n)
    entry = rng.integers(600_000, 1_600_000, n)
    margin = (abs(lots) * entry * unit / rng.uniform(1, 60, n)).astype(np.int64)
    rig = Rig(margin - lots * entry * unit, lots, entry, tiers=TABLE, unit=unit, ceiling_ticks=4_000_000)
    people = rig.accounts[FIRST:]
    people["isolated"] = rng.integers(0, 2, n)
    people["free_micro"] = people["isolated"] * rng.integers(0, 1 << 40, n)
    rig.hang()
    safe = people["liquidation_half_ticks"].tolist()
    inside = 0
    for cash, position, mark in zip(people["cash_micro"].tolist(), lots.tolist(), safe, strict=True):
        if 0 < mark < 8_000_000:
            inside += 1
            assert not rules.is_liquidatable(cash, position, mark, unit, SLOW)
            assert rules.is_liquidatable(cash, position, mark - (1 if position > 0 else -1), unit, SLOW)
    assert inside > 0.9 * n


# L5 and L9: one event at a time

primes = st.sampled_from([2, 3, 5, 7, 11, 101, 997, 7919, 99_991])
odd_sizes = st.one_of(st.just(1), primes, st.integers(1, 10_000))
prices = st.one_of(primes, st.integers(100, 100_000))
rates = st.integers(-3_000_000, 3_000_000)


@settings(max_examples=400, deadline=None)
@given(odd_sizes, prices, st.integers(0, 5_000), st.integers(-300, 2_000), st.integers(0, 20_000), st.booleans())
def test_a_forced_fill_posts_sum_zero(size, price, taker_ppm, maker_ppm, clearance_ppm, is_long):
    """Buyer, seller, fee account and fund; each fee is the exact one rounded up for who pays."""
    side = {"bids" if is_long else "asks": [(price, size)]}
    position = size if is_long else -size
    cash = -position * price + size * price // 50  # 2% of margin where 100% is asked
    tiers = np.array([(1 << 62, 1_000_000, 0, 0)], TIER)
    rig = Rig(cash, position, price, **side, tiers=tiers, window=1 << 17, clearance_fee_ppm=clearance_ppm)
    rig.rules[0]["taker_fee_ppm"], rig.rules[0]["maker_fee_ppm"] = taker_ppm, maker_ppm
    before, totals = rig.accounts["cash_micro"].copy(), rig.totals()
    events = rig.scan(2 * price)
    assert rig.totals() == totals
    assert events[0]["kind"] == EVENT_FORCED and abs(events[0]["lots"]) == size
    change = rig.accounts["cash_micro"] - before
    value = size * price
    taker_fee, maker_fee = (-(-value * ppm // 10**6) for ppm in (taker_ppm, maker_ppm))
    assert change[FEES] == taker_fee + maker_fee
    assert change[MAKER] == (-value if is_long else value) - maker_fee
    assert change[FIRST] + change[FUND] == (value if is_long else -value) - taker_fee
    assert rig.books.positions[0, FIRST] == 0


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(odd_sizes, st.booleans()), min_size=1, max_size=6), prices, rates)
def test_a_funding_payment_posts_sum_zero(holdings, mark, rate):
    lots = [size if is_long else -size for size, is_long in holdings]
    rig = Rig([10**9] * len(lots), lots, mark)
    before, totals = rig.accounts["cash_micro"].copy(), rig.totals()
    rig.pay_funding(2 * mark, rate)
    assert rig.totals() == totals
    paid = (before - rig.accounts["cash_micro"]).tolist()
    owed = funding.payments(rig.books.positions[0].tolist(), 2 * mark, 1, rate)
    assert [p for a, p in enumerate(paid) if a != FEES] == [p for a, p in enumerate(owed) if a != FEES]
    assert 0 <= -paid[FEES] <= len(lots)


@settings(max_examples=400, deadline=None)
@given(odd_sizes, odd_sizes, prices, st.integers(0, 10**6), st.integers(0, 10**6), st.booleans())
def test_takeover_and_deleveraging_post_sum_zero(size, other, price, shortfall, fund, is_long):
    """A bankrupt account of any size, a fund that bears some of it, one counterparty of another size."""
    side = 1 if is_long else -1
    entry = price + 50 if is_long else max(1, price - 50)
    cash = [-side * size * price - shortfall - 1, side * other * (entry + side * 10**6)]
    rig = Rig(cash, [side * size, -side * other], entry, fund=fund, adl_on=1, adl_rule=1)
    before, totals = rig.accounts.copy(), rig.totals()
    events = rig.scan(2 * price)
    assert rig.totals() == totals
    change = rig.accounts["cash_micro"] - before["cash_micro"]
    taken, adl = events[events["kind"] == EVENT_TAKEOVER], events[events["kind"] == EVENT_ADL]
    assert change[FUND] == taken["cash_micro"].sum()
    assert change[FIRST + 1] == -adl["cash_micro"].sum()
    assert change[FIRST] == -change[FUND] - change[FIRST + 1] == -before["cash_micro"][FIRST]
    assert rig.books.positions[0, FUND] == taken["lots"].sum()
    assert rig.accounts["held_lots"][FIRST + 1] - before["held_lots"][FIRST + 1] == adl["lots"].sum()
    assert taken["lots"].sum() + adl["lots"].sum() == side * size


# L7 and L10: whole cascades


def draw_rig(rng):
    """One to eight accounts around a price of 1000 ticks over a book with holes, a fund that may be empty."""
    n = int(rng.integers(1, 9))
    lots = rng.integers(1, 60, n) * rng.choice([-1, 1, 1], n)
    entry = rng.integers(900, 1100, n)
    margin = (abs(lots) * 1000 / rng.uniform(2, 40, n)).astype(np.int64)
    levels = rng.permutation(np.arange(1, 300))[: int(rng.integers(0, 12))]
    sizes = rng.integers(1, 40, levels.size)
    bids = [(1000 - int(d), int(k)) for d, k in zip(levels, sizes, strict=True) if d % 2]
    asks = [(1000 + int(d), int(k)) for d, k in zip(levels, sizes, strict=True) if d % 2 == 0]
    tiers = STEEP if rng.integers(0, 2) else FLAT
    # margin is what backs the position at 1000: those who entered better are in profit and have more
    return Rig(
        margin - lots * 1000, lots, entry, bids=bids, asks=asks, tiers=tiers, fund=int(rng.choice([0, 0, 300, 5000])),
        window=1024, ceiling_ticks=8000, adl_on=int(rng.integers(0, 5) > 0), adl_rule=int(rng.integers(0, 3)),
        clearance_fee_ppm=int(rng.choice([0, 12_500])), order_bound_ppm=int(rng.choice([20_000, 500_000])),
    )  # fmt: skip


def breaches_of_order(rig, before, events, mark):
    """L7 in one scan: each close against a counterparty found a fund that could not pay for a lot more, and each
    deficit found nobody in profit who could have borne what was left.

    Accounts taken with equity left add to no deficit; one unit of it is the rounding of a share. Who was asked held at
    most what it held before the scan and had at least the equity that it has after it, since counterparties close at a
    loss against mark: the order of events within the scan can make no breach of nothing.
    """
    found = []
    cash, lots, closed = int(before["cash_micro"][FUND]), int(before["held_lots"][FUND]), 0
    for event in events:
        size, worth = abs(int(event["lots"])), int(event["lots"]) * mark / 2
        if event["kind"] == EVENT_ADL:
            closed += size
            if cash + lots * mark // 2 > (int(event["cash_micro"]) - worth) / size + 2:
                found.append("a counterparty paid before the fund was empty")
            continue
        cash += int(event["cash_micro"])
        if event["kind"] == EVENT_TAKEOVER:
            lots += int(event["lots"])
            deficit, own = -(cash + lots * mark // 2), int(event["cash_micro"]) + worth
            if deficit > 1 and own < 0 and size and rig.engine[0]["adl_on"]:
                side = 1 if event["lots"] > 0 else -1
                held = rig.books.positions[0]
                profit = held * mark // 2 - rig.accounts["entry_micro"]
                loss = np.minimum(closed + size, abs(before["held_lots"])) * (1 - own / size)
                able = (held * side < 0) & (profit > 0) & (rig.equity(mark) > loss)
                able[FUND] = False
                if able.any():
                    found.append("a deficit was declared beside a counterparty that could have borne it")
        closed = 0
    return found


def run_shock(rng):
    """A shock to the mark, which then follows the last trade until nothing happens: steps, their bound, breaches."""
    rig = draw_rig(rng)
    mark = int(rng.integers(1400, 2600))
    totals, found, steps = rig.totals(), [], 0
    n = rig.accounts.size - FIRST
    most = n * rig.tiers.size + 2  # a step brings an account down a tier or away, or empties a side of the book
    while steps <= most:
        before = rig.accounts.copy()
        events = rig.scan(mark)
        if events.size == 0:
            break
        steps += 1
        found += breaches_of_order(rig, before, events, mark)
        if rig.totals() != totals:
            found.append("cash or positions were not conserved")
        people = rig.accounts[FIRST:]
        gone = (people["taken_lots"] != 0) & (people["held_lots"] == 0)
        if (people["cash_micro"][gone] != 0).any():
            found.append("an account whose position was taken kept cash or debt")
        hit = np.unique(events["account"][events["kind"] == EVENT_ADL])
        if (rig.equity(mark)[hit] < 0).any():
            found.append("a counterparty was left below zero")
        traded = rig.last()
        if traded and (events["kind"] == EVENT_FORCED).any():
            mark = 2 * traded
    return steps, most, n, found, rig


def test_order_of_loss_and_end_of_ten_thousand_cascades():
    """L7 and L10. Within as many steps as there are accounts in all but a few; those with tiers may take one a tier."""
    rng = np.random.default_rng(10)
    breaches, longer, deleveraged, uncovered = [], 0, 0, 0
    for k in range(SHOCKS):
        steps, most, n, found, rig = run_shock(rng)
        breaches += [(k, what) for what in found]
        if steps > most:
            breaches.append((k, "the cascade did not end"))
        longer += steps > n
        deleveraged += bool(rig.accounts["adl_lots"].any())
        uncovered += bool(rig.accounts["cash_micro"][FUND] < 0)
    assert breaches == []
    assert longer <= 2
    assert deleveraged > SHOCKS // 5 and uncovered > SHOCKS // 20  # the layers are reached


def test_who_is_passed_over_for_one_account_bears_the_loss_of_the_next():
    """A short of 50 in profit by 100 can bear a loss of 2 a lot on 10 lots and not of 10 a lot on 50; no fund."""
    rig = Rig([-50 * 1_010, -10 * 1_002, 20 * 1_004 + 900 + 30 * 1_004], [50, 10, -50], [1_100, 1_100, 1_004],
              tiers=FLAT, adl_on=1, ceiling_ticks=8_000)  # fmt: skip
    rig.accounts["rank"][FIRST : FIRST + 2] = [0, 1]  # the large one first
    rig.accounts[FIRST + 2]["cash_micro"] = 50 * 1_000 + 400
    events = rig.scan(2_000)
    assert events["kind"].tolist() == [EVENT_TAKEOVER, EVENT_ADL]
    assert (events["lots"].tolist(), events["price_ticks"].tolist()) == ([50, 10], [1_010, 1_002])
    assert rig.equity(2_000)[FIRST + 2] == 400 - 20
