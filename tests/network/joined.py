"""Engines that can be computed (tests/market/rig.py), one a listing, some of whose accounts are legs of portfolios: the
look at portfolios and the scan of each engine in turn, as a network has them.
"""

from typing import Any

import numpy as np

from sim.behaviours.maker_risk import MAKER
from sim.kernels.mailbox import MESSAGE
from sim.kernels.portfolios import BLOCK, COLLATERAL, LEG, PORTFOLIO, Portfolios
from sim.kernels.shared import LISTING, Shared
from sim.schema import LEVEL, NO_KEY, SIDE
from tests.market.rig import Rig
from tests.network.made_portfolios import look_at_all

INBOX = 512


class Joined:
    """Rigs of one exchange and, of each portfolio, its legs as (rig, account row). The arrays that the look reads are
    shared; books stay the rigs' own, and spot books are empty unless a test says what stands there.
    """

    def __init__(self, rigs: list[Rig], portfolios: list[list[tuple[int, int]]]) -> None:
        n = len(rigs)
        self.rigs = rigs
        listings = np.zeros(n, LISTING)
        owners = np.array([len(rig.accounts) for rig in rigs])
        listings["n_owners"], listings["account0"] = owners, np.cumsum(owners) - owners
        listings["position0"] = 2 * listings["account0"]
        listings["has_perp"] = listings["has_spot"] = 1
        listings["half_tick_nano"] = 50_000_000
        listings["inbox0"], listings["inbox_end"] = INBOX * np.arange(n), INBOX * (1 + np.arange(n))
        sides = np.zeros(4 * n, SIDE)
        sides["best"] = NO_KEY
        self.shared = Shared(
            listings, *(np.concatenate([getattr(rig, name) for rig in rigs]) for name in ("price", "clock", "rules")),
            sides, np.zeros(1, LEVEL), np.zeros(1, np.uint64), np.concatenate([rig.accounts for rig in rigs]),
            np.concatenate([rig.books.positions.ravel() for rig in rigs]), np.zeros(INBOX * n, MESSAGE),
            np.zeros(0, MAKER),
        )  # fmt: skip
        self.portfolios = self.tables(rigs, portfolios)
        for k, rig in enumerate(rigs):
            first, m = int(listings[k]["account0"]), int(owners[k])
            rig.price, rig.clock = self.shared.price[k : k + 1], self.shared.clock[k : k + 1]
            rig.rules, rig.accounts = self.shared.rules[2 * k : 2 * k + 2], self.shared.accounts[first : first + m]
            rig.books = rig.books._replace(positions=self.shared.positions[2 * first : 2 * (first + m)].reshape(2, m))
            rows = [row for legs in portfolios for at, row in legs if at == k]
            rig.accounts["joint"][rows] = 1
            rig.clock["first_joint"], rig.clock["end_joint"] = (min(rows), max(rows) + 1) if rows else (0, 0)
            rig.clock["cash_micro"] = rig.accounts["cash_micro"].sum()
            rig.hang()
            rig.engine["next_scan_us"] = 0

    def tables(self, rigs: list[Rig], portfolios: list[list[tuple[int, int]]]) -> Portfolios:
        every = np.zeros(len(portfolios), PORTFOLIO)
        legs = np.array([(at, row, k) for k, mine in enumerate(portfolios) for at, row in mine], LEG)
        sizes = np.array([len(mine) for mine in portfolios])
        every["first_leg"], every["n_legs"], every["due"] = np.cumsum(sizes) - sizes, sizes, -1.0
        leg_of = np.full(len(self.shared.accounts), -1)
        leg_of[self.shared.listings["account0"][legs["listing"]] + legs["row"]] = np.arange(len(legs))
        collateral = np.zeros(len(rigs), COLLATERAL)
        collateral["source"] = collateral["redeems"] = -1
        tiers = [rig.tiers for rig in rigs]
        return Portfolios(
            every, np.array([(0, len(every), 0, -1.0)], BLOCK), legs, collateral, np.concatenate(tiers),
            np.cumsum([0, *map(len, tiers)]), np.zeros((1, 2)), np.zeros((len(rigs), 2), np.int64),
            np.zeros(1, np.int64), leg_of,
        )  # fmt: skip

    def look(self, marks: list[int], tick: int = 0) -> None:
        """Portfolios are looked at, at these marks in half ticks."""
        for rig, mark in zip(self.rigs, marks, strict=True):
            rig.price["mark_half_ticks"] = mark
        look_at_all(self.shared, self.portfolios, tick, 1_000_000 * tick)

    def leg(self, k: int, i: int) -> Any:
        """Account row of a portfolio's leg."""
        leg = self.portfolios.legs[int(self.portfolios.all[k]["first_leg"]) + i]
        return self.rigs[int(leg["listing"])].accounts[int(leg["row"])]

    def coins(self, at: int, row: int) -> int:
        """Coins of an account."""
        return int(self.rigs[at].books.positions[1, row])
