"""Random events in several small markets that are coupled: every law after each event, of the listing and of the whole
(QUALITY L4).

A listing's events are those of tests/market/storm.py, in a room whose arrays are parts of shared ones. Beside them the
coupling acts: funds are levelled, money and coins of bridge firms travel, portfolios are called, sell collateral and
are written off, bridge firms send orders. What the coupling may have changed, and by how much, is worked out here from
the balances before it; the books of every listing follow that alone.
"""

from typing import Any, NamedTuple

import numpy as np

from sim.behaviours.bridge import ASSET, BRIDGE, Bridge
from sim.behaviours.maker_risk import MAKER
from sim.coupling import couple
from sim.kernels._jit import Packed
from sim.kernels.fund_levels import SharedFunds
from sim.kernels.ledger import FIRST_MAKER, FUND, HEDGERS, NO_TICKET
from sim.kernels.mailbox import MESSAGE, NEW
from sim.kernels.portfolios import BLOCK, COLLATERAL, LEG, PORTFOLIO, Portfolios
from sim.kernels.references import References
from sim.kernels.shared import LISTING, Shared
from sim.kernels.transit import FIRM, HALT, SEAT, Wallets
from sim.network.build import next_same
from sim.network.links import shift_ladders
from sim.rng import seed_key
from sim.schema import IOC, SELL
from tests.market.storm import DRAW, run_storm
from tests.market.storm_books import COUNTS
from tests.market.test_storm import LAWS, START, WRONG, market_of
from tests.network.made_portfolios import fill_collateral
from tests.network.rooms import no_purses

Array = np.ndarray[Any, Any]
JOINT, FIRMS, INBOX, EVENT_US = 5, 2, 8, 100
SEEN = ("coupling", "sent for", "arrival", "levelling", "written off", "coins handed over", "call", "collateral sale",
        "bridge order")  # fmt: skip


class Storm(NamedTuple):
    """``rooms`` of each listing in the order of ``run_storm``, ``keys`` of their draws, the shared tables, and what was
    ``seen``.
    """

    rooms: list[tuple[Any, ...]]
    keys: list[Array]
    shared: Shared
    refs: References
    wallets: Wallets
    bridge: Bridge
    shared_fund: Array
    portfolios: Portfolios
    seen: Array

    def couple(self, event: int) -> None:
        funds = SharedFunds(self.shared_fund)
        rooms = self.shared, self.refs, self.wallets, self.bridge, funds, self.portfolios, no_purses(2)
        couple(np.int64(event * EVENT_US), np.int64(event), Packed(rooms))


def network_of(seed: int) -> Storm:
    """Two to four listings of two assets in two moneys on two exchanges."""
    draws = np.random.default_rng([5, seed])
    n = int(draws.integers(2, 5))
    rooms = [market_of(10 * seed + k, JOINT) for k in range(n)]
    listings = np.zeros(n, LISTING)
    for name in ("asset", "exchange", "quote"):
        listings[name] = draws.integers(0, 2, n)
    listings["next_same"] = next_same(listings["asset"])
    listings["has_perp"], listings["has_spot"], listings["half_tick_nano"] = 1, 1, 50_000_000
    shared, rooms = share(rooms, listings)
    portfolios = made_portfolios(draws, shared, rooms)
    wallets, desk = made_firms(draws, shared)
    refs = References(np.zeros((n, n)), np.zeros((n, n)), np.zeros((n, n), np.int64), np.zeros(n), np.zeros(n))
    keys = [seed_key(10 * seed + k) for k in range(n)]
    for room in rooms:  # the books of the storm begin with what portfolios brought
        own = room[-1]
        own.cash[:], own.lots[:] = room[1].accounts["cash_micro"], room[0].positions
    return Storm(
        rooms, keys, shared, refs, wallets, desk, draws.integers(0, 2, 2), portfolios, np.zeros(len(SEEN), np.int64)
    )


def share(rooms: list[tuple[Any, ...]], listings: Array) -> tuple[Shared, list[tuple[Any, ...]]]:
    """Put what the coupling reads or writes into shared arrays; the rooms with their parts of them."""
    levels = words = 0
    for room in rooms:
        books = room[0]
        shift_ladders(books, levels, words, 0)
        levels, words = levels + len(books.levels), words + len(books.words)
    of = {
        "price": [r[4].now for r in rooms], "clock": [r[1].clock for r in rooms], "rules": [r[1].rules for r in rooms],
        "accounts": [r[1].accounts for r in rooms], "sides": [r[0].sides for r in rooms],
        "levels": [r[0].levels for r in rooms], "words": [r[0].words for r in rooms],
        "positions": [r[0].positions.ravel() for r in rooms],
    }  # fmt: skip
    whole = {name: np.concatenate(parts) for name, parts in of.items()}
    starts = {name: np.cumsum([0, *map(len, parts)]) for name, parts in of.items()}
    inbox = np.zeros(INBOX * len(rooms), MESSAGE)
    out = []
    for k, (books, ledger, mail, risk, prices, own) in enumerate(rooms):
        mine = {name: whole[name][at[k] : at[k + 1]] for name, at in starts.items()}
        n = len(mine["accounts"])
        listings[k]["account0"], listings[k]["n_owners"] = starts["accounts"][k], n
        listings[k]["position0"] = starts["positions"][k]
        listings[k]["inbox0"], listings[k]["inbox_end"] = INBOX * k, INBOX * (k + 1)
        books = books._replace(
            sides=mine["sides"], levels=whole["levels"], words=whole["words"], positions=mine["positions"].reshape(2, n)
        )
        ledger = ledger._replace(clock=mine["clock"], rules=mine["rules"], accounts=mine["accounts"])
        out.append((books, ledger, mail, risk, prices._replace(now=mine["price"]), own))
    parts = (whole[name] for name in ("price", "clock", "rules", "sides", "levels", "words", "accounts", "positions"))
    return Shared(listings, *parts, inbox, np.zeros(0, MAKER)), out


def made_portfolios(draws: Any, s: Shared, rooms: list[tuple[Any, ...]]) -> Portfolios:
    """Portfolios of one to five legs within an exchange and a money; the last holds coins that may be collateral."""
    every, legs, blocks = [], [], np.zeros(2, BLOCK)
    for e in range(2):
        first = len(every)
        for quote in range(2):
            mine = np.flatnonzero((s.listings["exchange"] == e) & (s.listings["quote"] == quote))
            rows = [(int(k), int(rooms[k][1].clock[0]["first_joint"]) + i) for k in mine for i in range(JOINT)]
            draws.shuffle(rows)
            while rows:
                taken, rows = rows[: (n := int(draws.integers(1, 6)))], rows[n:]
                every.append((len(legs), len(taken), e))
                legs += [(k, row, len(every) - 1) for k, row in taken]
        blocks[e] = first, len(every), e, -1.0
    out = np.zeros(len(every), PORTFOLIO)
    out["first_leg"], out["n_legs"], out["exchange"] = np.array(every).T
    out["block"], out["due"] = out["exchange"], -1.0
    table, leg_of = np.array([tuple(leg) for leg in legs], LEG), np.full(len(s.accounts), -1)
    leg_of[s.listings["account0"][table["listing"]] + table["row"]] = np.arange(len(table))
    collateral = np.zeros(len(rooms), COLLATERAL)
    for row in collateral:
        fill_collateral(draws, row, len(rooms))
    for leg in table[out["first_leg"] + out["n_legs"] - 1]:
        coins = int(draws.choice([0, 1, 40, 4_000]))
        rooms[leg["listing"]][0].positions[1, leg["row"]] = coins
        s.clock[leg["listing"]]["coin_lots"] += coins
    tiers = [room[3].tiers for room in rooms]
    return Portfolios(
        out, blocks, table, collateral, np.concatenate(tiers), np.cumsum([0, *map(len, tiers)]), np.zeros((2, 2)),
        np.zeros((len(rooms), 2), np.int64), draws.choice([0, 10**4, 10**6], 2), leg_of,
    )  # fmt: skip


def made_firms(draws: Any, s: Shared) -> tuple[Wallets, Bridge]:
    """The first firms of every listing bridge it to the others."""
    n = len(s.listings)
    firms, seats, halts = np.zeros(FIRMS, FIRM), np.zeros((FIRMS, n, 2), SEAT), np.zeros(1, HALT)
    firms["latency_us"], firms["travel_us"] = draws.integers(1, 3 * EVENT_US, FIRMS), draws.integers(1, 10**4, FIRMS)
    firms["leverage"] = 3.0
    halts["exchange"], halts["start_us"], halts["end_us"] = draws.integers(-1, 2), 10_000, 60_000
    desk, assets = np.zeros(1, BRIDGE), np.zeros(2, ASSET)
    desk["enabled"], desk["transfers"], desk["leverage"] = 1, int(draws.random() < 0.9), 3.0
    desk["shadow_price"] = float(draws.choice([0.0, 0.001]))
    assets["log_mid"], assets["smallest_lots"] = np.log(2 * START), draws.integers(1, 5, 2)
    assets["first"] = [1 + k[0] if (k := np.flatnonzero(s.listings["asset"] == a)).size else 0 for a in range(2)]
    wallets = Wallets(
        firms, seats, np.full(n, int(FIRST_MAKER)), halts, np.zeros(2, np.int64),
        np.zeros((FIRMS, n + 1, 2), np.int64), np.zeros((FIRMS, 2), np.int64),
    )  # fmt: skip
    return wallets, Bridge(desk, assets, np.zeros((FIRMS, 2), np.int64))


# --- one coupling, held against the balances before it


class Balances(NamedTuple):
    """Of every account row cash, coins, and what the coupling leaves alone; of firms what is on its way."""

    cash: Array
    coins: Array
    rest: list[Array]
    on_way: Array
    levelled: Array
    sold: Array


def balances(storm: Storm) -> Balances:
    s, cash, coins, perps = storm.shared, [], [], []
    for row in s.listings:
        first, n, at = int(row["account0"]), int(row["n_owners"]), int(row["position0"])
        cash.append(s.accounts["cash_micro"][first : first + n])
        perps.append(s.positions[at : at + n])
        coins.append(s.positions[at + n : at + 2 * n])
    rest = [np.concatenate(perps), *(s.accounts[x].copy() for x in ("free_micro", "held_lots", "entry_micro"))]
    return Balances(
        np.concatenate(cash), np.concatenate(coins), rest, storm.wallets.seats["on_way"].copy(),
        s.clock["levelled_micro"].copy(), storm.portfolios.collateral["sold_lots"].copy(),
    )  # fmt: skip


def couple_and_check(storm: Storm, event: int) -> None:
    """One coupling: who is concerned, by how much, and that nobody else is. The listings' own books follow."""
    s, before = storm.shared, balances(storm)
    calls, sent = int(storm.portfolios.all["n_calls"].sum()), int(storm.bridge.desk[0]["sent"])
    inboxes = s.clock["n_inbox"].copy()
    storm.couple(event)
    after = balances(storm)
    cash, coins = after.cash - before.cash, after.coins - before.coins
    for one, other in zip(after.rest, before.rest, strict=True):
        assert (one == other).all(), "positions, cost or locked cash"
    left = np.ones(len(cash), bool)  # rows that may have nothing but what they had
    check_travel(storm, cash, coins, after.on_way - before.on_way, left)
    check_portfolios_and_funds(storm, cash, coins, after.levelled - before.levelled, left)
    assert (cash[left] == 0).all() and (coins[left] == 0).all(), "somebody else's balance"
    check_orders(storm, after, inboxes)
    for room, row in zip(storm.rooms, s.listings, strict=True):
        first, n = int(row["account0"]), int(row["n_owners"])
        own = room[-1]
        own.cash[:] += cash[first : first + n]
        own.lots[1] += coins[first : first + n]
        total = own.cash.sum(), own.lots[1].sum()
        assert total == (room[1].clock[0]["cash_micro"], room[1].clock[0]["coin_lots"]), "totals of a listing"
    storm.seen[0] += 1
    storm.seen[1] += int((after.on_way > before.on_way).sum())
    storm.seen[2] += int((after.on_way < before.on_way).sum())
    storm.seen[6] += int(storm.portfolios.all["n_calls"].sum()) - calls
    storm.seen[7] += int((after.sold > before.sold).sum())
    storm.seen[8] += int(storm.bridge.desk[0]["sent"]) - sent


def check_travel(storm: Storm, cash: Array, coins: Array, on_way: Array, left: Array) -> None:
    """C1, C8: of each firm, money of one kind and coins of one asset with what is on its way are what they were."""
    s = storm.shared
    for f in range(FIRMS):
        rows = s.listings["account0"] + storm.wallets.rows + f
        left[rows] = False
        for name, moved, kind in (("quote", cash, 0), ("asset", coins, 1)):
            for number in range(2):
                mine = s.listings[name] == number
                assert moved[rows[mine]].sum() + on_way[f, mine, kind].sum() == 0, "a firm's balances"
    assert (storm.wallets.seats["on_way"] >= 0).all()


def check_portfolios_and_funds(storm: Storm, cash: Array, coins: Array, levelled: Array, left: Array) -> None:
    """C6, C10: a portfolio's cash is what it was, but for one without positions whose debt is written off: hedgers pay
    for coins at their value, rounded down, and the fund the rest, to zero. Levelled money of funds sums to nothing.
    """
    s, p = storm.shared, storm.portfolios
    n, first = len(s.listings), s.listings["account0"]
    fund, hedgers, gained = levelled.copy(), np.zeros(n, np.int64), np.zeros(n, np.int64)
    for row in p.all:
        legs = p.legs[row["first_leg"] : row["first_leg"] + row["n_legs"]]
        at, rows = legs["listing"], first[legs["listing"]] + legs["row"]
        left[rows] = False
        got, gave = int(cash[rows].sum()), -coins[rows]
        if got == 0 and not gave.any():
            continue
        units = s.rules["micro_per_tick_lot"][2 * at + 1]
        paid = gave * np.maximum(1, p.collateral["value_half_ticks"][at] * units) // 2
        assert (gave >= 0).all() and not s.accounts["held_lots"][rows].any(), "written off with a position"
        assert got >= paid.sum() and (got == paid.sum() or s.accounts["cash_micro"][rows].sum() == 0), "the fund's part"
        np.subtract.at(hedgers, at, paid)
        np.add.at(gained, at, gave)
        fund[at[0]] -= got - int(paid.sum())
        storm.seen[4] += got > paid.sum()
        storm.seen[5] += int(gave.sum() > 0)
    funds, others = first + int(FUND), first + int(HEDGERS)
    left[funds] = left[others] = False
    assert (cash[funds] == fund).all() and not coins[funds].any(), "a fund"
    assert (cash[others] == hedgers).all() and (coins[others] == gained).all(), "hedgers"
    for e in range(2):
        for quote in range(2):
            mine = (s.listings["exchange"] == e) & (s.listings["quote"] == quote)
            assert levelled[mine].sum() == 0 and (storm.shared_fund[e] or not levelled[mine].any()), "levelled funds"
    storm.seen[3] += int(levelled.any())


def check_orders(storm: Storm, after: Balances, inboxes: Array) -> None:
    """New orders are immediate-or-cancel; a portfolio sells coins that it has."""
    s = storm.shared
    for k, row in enumerate(s.listings):
        joint = range(int(s.clock[k]["first_joint"]), int(s.clock[k]["end_joint"]))
        for m in s.inbox[int(row["inbox0"]) + int(inboxes[k]) : int(row["inbox0"]) + int(s.clock[k]["n_inbox"])]:
            assert (m["action"], m["kind"], m["ticket"]) == (NEW, IOC, NO_TICKET) and m["lots"] > 0, "an order"
            if m["owner"] in joint:
                held = after.coins[int(row["account0"]) + int(m["owner"])]
                assert (m["book"], m["side"]) == (1, SELL) and m["lots"] <= held, "a sale"


# --- the loop


def disturb(draws: Any, storm: Storm, event: int) -> None:
    """Prices of coins, targets of firms and what they want net are drawn anew, often at an edge."""
    s, w = storm.shared, storm.wallets
    n = len(s.listings)
    for name in ("mid_half_ticks", "spot_half_ticks", "index_half_ticks", "given_half_ticks"):
        s.price[name] = np.maximum(2, s.price["mark_half_ticks"] + draws.integers(-100, 101, n))
    s.price["spot_us"] = event * EVENT_US
    f, k, kind = (int(draws.integers(0, top)) for top in (FIRMS, n, 2))
    row = int(s.listings[k]["account0"] + w.rows[k]) + f
    at = int(s.listings[k]["position0"] + s.listings[k]["n_owners"] + w.rows[k]) + f
    has = int(s.positions[at] if kind else s.accounts[row]["cash_micro"])
    w.seats[f, k, kind]["target"] = has + has // int(draws.choice([-19, -8, 19, 8, 1 << 50]))
    for asset in range(2):
        mine = np.flatnonzero(s.listings["asset"] == asset)
        coins = s.listings["position0"] + s.listings["n_owners"] + w.rows
        net = s.positions[coins[mine] + f].sum() + w.seats[f, mine, 1]["on_way"].sum()
        net += s.accounts["held_lots"][s.listings["account0"][mine] + w.rows[mine] + f].sum()
        storm.bridge.stock[f, asset] = net + int(draws.choice([0, 0, 0, -6, 6]))
    if draws.random() < 0.1:  # a portfolio loses nearly all, or more than all
        leg = storm.portfolios.legs[int(draws.integers(0, len(storm.portfolios.legs)))]
        k, who = int(leg["listing"]), int(leg["row"])
        amount = int(draws.integers(-(1 << int(draws.integers(1, 24))), 2))
        s.accounts["cash_micro"][int(s.listings[k]["account0"]) + who] += amount
        s.clock[k]["cash_micro"] += amount
        storm.rooms[k][-1].cash[who] += amount
        storm.portfolios.all["due"] = storm.portfolios.blocks["due"] = -1.0


def run_network(seed: int, n: int) -> tuple[Array, Array]:
    """At least ``n`` events of one network; the counts of both kinds. Between two couplings every listing works off
    what the network sent it, as its tick would, and one of them has one to sixteen events more.
    """
    storm, draws = network_of(seed), np.random.default_rng([6, seed])
    event = 0
    while event < n:
        bursts = storm.shared.clock["n_inbox"].copy()
        bursts[int(draws.integers(0, len(bursts)))] += int(draws.integers(1, 17))
        for k, burst in enumerate(bursts.tolist()):
            event = run_listing(storm, seed, k, burst, event)
        disturb(draws, storm, event)
        try:
            couple_and_check(storm, event)
        except AssertionError as wrong:
            raise AssertionError(f"network {seed}, coupling after event {event}: {wrong}") from wrong
        event += 1
    counts = sum((room[-1].counts for room in storm.rooms), np.zeros(len(COUNTS), np.int64))
    assert int(counts[:12].sum() + counts[19] + storm.seen[0]) == event
    return counts, storm.seen


def run_listing(storm: Storm, seed: int, k: int, burst: int, event: int) -> int:
    """Events of one listing; the number of the last one over all listings."""
    room = storm.rooms[k]
    room[-1].now[0] = event
    inbox = storm.shared.inbox[INBOX * k : INBOX * (k + 1)]
    held, wrong = run_storm(np.int64(burst), storm.keys[k], *room, DRAW, inbox)
    said = LAWS[int(wrong)] if wrong < 100 else WRONG[int(wrong)]
    assert held == burst, f"network {seed}, listing {k}, event {event + int(held) + 1}: {said}"
    return event + burst
