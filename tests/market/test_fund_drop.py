"""A fund that has lost a share of its pool takes nothing more: deleveraging starts before it is empty (MODEL 2.7)."""

import numpy as np

from sim.kernels.fund_drop import DROP, N_PARTS, PEAK
from sim.kernels.ledger import FUND
from sim.schema import EVENT_ADL, EVENT_TAKEOVER
from tests.market.drivers import look_at_fund
from tests.market.rig import Rig
from tests.market.small import DROP as FALL
from tests.market.small import PASSIVE, market_of, venue_of
from tests.reference_market.fund_drop import Watch

HOUR = 3600 * 10**6
CRASH = FALL | {"over": "5s", "move": "-15%"}


class Fund:
    """A fund in a room with nobody else in it."""

    def __init__(self, drop_ppm: int, window_us: int) -> None:
        self.rig = Rig([0], [0], 100)
        self.drop, self.peaks = np.zeros(1, DROP), np.zeros(N_PARTS + 1, PEAK)
        self.drop["drop_ppm"], self.drop["part_us"] = drop_ppm, window_us // N_PARTS

    def look(self, now: int, cash: int, levelled: int = 0, pool: int | None = None) -> bool:
        self.rig.accounts[FUND]["cash_micro"] = cash
        self.rig.clock["levelled_micro"] = levelled
        self.rig.clock["is_pooled"], self.rig.clock["pool_micro"] = pool is not None, pool or 0
        self.rig.price["mark_half_ticks"] = 200
        price = self.rig.price, np.zeros(30, np.int64)
        look_at_fund(self.drop, self.peaks, np.int64(now), *self.rig.room, *price)
        return bool(self.rig.engine[0]["fund_dropped"])


def test_at_the_share_it_has_dropped_and_a_dollar_less_it_has_not():
    million = 10**12
    for lost, dropped in ((300_000 * 10**6, True), (300_000 * 10**6 - 1, False), (0, False)):
        fund = Fund(300_000, 8 * HOUR)
        assert not fund.look(0, million)
        assert fund.look(10**6, million - lost) == dropped
    fund = Fund(300_000, 8 * HOUR)  # money from other listings' funds is no profit, and what they take no loss
    assert not fund.look(0, million)
    assert not fund.look(10**6, million // 2, levelled=-million // 2)
    fund = Fund(300_000, 8 * HOUR)  # of a pool of three: the same loss is a tenth
    assert not fund.look(0, million, pool=3 * million)
    assert not fund.look(10**6, 6 * million // 10, pool=26 * million // 10)
    assert fund.look(2 * 10**6, million // 10, pool=21 * million // 10)


def test_the_highest_is_forgotten_after_the_window():
    fund = Fund(300_000, 8 * HOUR)
    assert not fund.look(0, 10**12)
    assert fund.look(8 * HOUR, 6 * 10**11)
    assert not fund.look(8 * HOUR + 2 * 60 * 10**6, 6 * 10**11)


def test_random_paths_are_judged_as_the_twin_says():
    draws, found = np.random.default_rng(4), []
    for _ in range(20):
        fund, watch = Fund(200_000, HOUR), Watch(200_000, HOUR)
        now, cash, levelled = 0, 10**12, 0
        is_pooled = bool(draws.random() < 0.5)
        for _ in range(300):
            now += int(draws.choice([10**6, 20 * 10**6, 300 * 10**6, HOUR]))
            cash += int(draws.normal(0.0, 1.5e11))
            given = int(draws.integers(-(10**10), 10**10)) if is_pooled else 0
            cash, levelled = cash + given, levelled + given
            pool = 3 * cash if is_pooled else None
            found.append(fund.look(now, cash, levelled, pool))
            assert found[-1] == watch.look(now, cash - levelled, cash if pool is None else pool)
    assert 0.1 < np.mean(found) < 0.9


def crashed(drop: float | None):
    """Lots deleveraged and lots taken over by the fund in a crash, and whether the fund had dropped in the end."""
    venue = venue_of(insurance_fund=200_000.0, engine={"adl_drop": drop})
    market = market_of(venue=venue, shocks=[CRASH], leveraged=PASSIVE)
    market.audit = True
    market.run_until(120.0)
    events = market.collect().events
    lots = [int(np.abs(events["lots"][events["kind"] == kind]).sum()) for kind in (EVENT_ADL, EVENT_TAKEOVER)]
    return *lots, bool(market.state.engine[0]["fund_dropped"])


def test_once_it_has_dropped_owners_in_profit_bear_what_the_fund_would_have_taken():
    never, soon = crashed(None), crashed(0.05)
    assert not never[2] and soon[2]
    assert soon[0] > never[0] and soon[1] < never[1]
