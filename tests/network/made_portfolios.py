"""Random portfolios over made-up listings, the compiled look at them, and the twin's, compared array by array."""

from fractions import Fraction
from typing import Any

import numpy as np

from sim.behaviours.maker_risk import MAKER
from sim.kernels._jit import entry
from sim.kernels.clock import CLOCK
from sim.kernels.ledger import ACCOUNT, FUND, HEDGERS, NO_TICKET, RULES
from sim.kernels.mailbox import MESSAGE, NEW
from sim.kernels.margin import TIER
from sim.kernels.marks import PRICE
from sim.kernels.portfolios import BLOCK, COLLATERAL, LEG, PORTFOLIO, Portfolios, check_portfolios
from sim.kernels.shared import LISTING, Shared
from sim.schema import IOC, LEVEL, NO_KEY, SELL, SIDE
from tests.reference_market import portfolios as slow

TICK, NOW = 1000, 100_000_000
FIRST, INBOX = 6, 4
SOURCES = ("own_book", "index", "redemption", "floor")


@entry
def look_at_all(s, p, tick, now_us):
    check_portfolios(s, p, tick, now_us)


def tiers_of(draws: Any) -> list[tuple[int, int, int]]:
    """Rising rates, continuous over the edges."""
    out, rate, deduction = [], int(draws.choice([4_000, 5_000, 10_000])), 0
    for up_to in (int(5e10), int(6e11), int(1.2e13)):
        out.append((up_to, rate, deduction))
        higher = rate * int(draws.choice([1, 2, 3]))
        deduction += up_to * (higher - rate) // slow.PPM
        rate = higher
    return [*out, (1 << 62, rate, deduction)]


def made(draws: Any, n_books: int = 12) -> tuple[Shared, Portfolios]:
    """Portfolios of 1 to 8 legs on 3 to 6 listings of two exchanges: sound, near maintenance, below, broke, flat."""
    n = int(draws.integers(3, 7))
    listings = np.zeros(n, LISTING)
    listings["exchange"] = [0, 1, *draws.integers(0, 2, n - 2)]
    listings["has_perp"], listings["has_spot"] = 1, draws.random(n) < 0.8
    listings["half_tick_nano"] = draws.choice([50_000_000, 5_000_000, 50_000], n)
    plans = plan(draws, listings, n_books)
    counts = np.bincount([at for _, legs in plans for at in legs], minlength=n)
    owners = FIRST + counts
    listings["n_owners"], listings["account0"] = owners, np.cumsum(owners) - owners
    listings["position0"] = 2 * listings["account0"]
    listings["inbox0"], listings["inbox_end"] = INBOX * np.arange(n), INBOX * (1 + np.arange(n))
    s = Shared(
        listings, np.zeros(n, PRICE), np.zeros(n, CLOCK), np.zeros(2 * n, RULES), np.zeros(4 * n, SIDE),
        np.zeros(1, LEVEL), np.zeros(1, np.uint64), np.zeros(owners.sum(), ACCOUNT),
        np.zeros(2 * owners.sum(), np.int64), np.zeros(INBOX * n, MESSAGE), np.zeros(0, MAKER),
    )  # fmt: skip
    tables, collateral = [], np.zeros(n, COLLATERAL)
    for at in range(n):
        for name in ("mark_half_ticks", "spot_half_ticks", "index_half_ticks", "given_half_ticks"):
            s.price[at][name] = int(draws.integers(1_000, 300_000))
        s.price[at]["index_given"] = int(draws.integers(0, 2))
        s.rules["micro_per_tick_lot"][2 * at : 2 * at + 2] = draws.choice([1, 7, 100, 1000], 2)
        s.rules[2 * at + 1]["halted"] = int(draws.random() < 0.1)
        s.clock[at]["n_waiting"][1] = 3 * int(draws.random() < 0.1)
        s.sides["best"][4 * at : 4 * at + 4] = NO_KEY
        if draws.random() < 0.9:
            s.sides[4 * at + 2]["best"] = -max(1, int(s.price[at]["spot_half_ticks"]) // 2)
        tables.append(tiers_of(draws))
        fill_collateral(draws, collateral[at], n)
    p = seat(draws, s, plans, collateral, tables)
    place_near_the_edge(draws, s, p)
    s.clock["first_joint"], s.clock["end_joint"] = FIRST, owners
    return s, p


def plan(draws: Any, listings: Any, n_books: int) -> list[tuple[int, list[int]]]:
    """Exchange of each portfolio, in order, and the listings of its legs; the same listing may come twice."""
    out = []
    for e in sorted(draws.integers(0, 2, n_books)):
        mine = np.flatnonzero(listings["exchange"] == e)
        out.append((int(e), [int(k) for k in draws.choice(mine, int(draws.integers(1, 9)))]))
    return out


def fill_collateral(draws: Any, row: Any, n: int) -> None:
    row["source"], row["redeems"] = draws.integers(-1, 4), draws.integers(-1, n)
    row["ratio"], row["weight"], row["floor"] = draws.choice([0.5, 1.0, 1.08]), draws.random(), draws.random()
    row["kept_ppm"], row["converts"] = draws.choice([1_000_000, 950_000, 700_001]), draws.random() < 0.5
    row["bound_ppm"] = draws.choice([50_000, 1_000, 900_000])


def seat(draws: Any, s: Shared, plans: Any, collateral: Any, tables: Any) -> Portfolios:
    every, blocks = np.zeros(len(plans), PORTFOLIO), np.zeros(2, BLOCK)
    legs, used = np.zeros(sum(len(x) for _, x in plans), LEG), np.zeros(len(s.listings), np.int64)
    at = 0
    for k, (exchange, where) in enumerate(plans):
        every[k]["first_leg"], every[k]["n_legs"], every[k]["exchange"], every[k]["block"] = (
            at,
            len(where),
            exchange,
            exchange,
        )
        every[k]["is_called"] = int(draws.random() < 0.5)
        flat = draws.random() < 0.3
        for i, listing in enumerate(where):
            legs[at] = listing, FIRST + used[listing], k
            account = s.accounts[int(s.listings[listing]["account0"]) + int(legs[at]["row"])]
            is_last, held = i == len(where) - 1, int(draws.integers(-1, 2) * draws.choice([1, 50, 3_000, 10**6]))
            coins = int(draws.choice([0, 1, 40, 10**5])) if draws.random() < 0.4 or is_last else 0
            account["joint"], account["held_lots"] = 1, 0 if flat or (is_last and coins) else held
            account["entry_micro"] = int(draws.normal(0.0, 1e9)) if account["held_lots"] else 0
            account["called"] = int(draws.choice([0, 0, 1, 2, 6, 10])) if every[k]["is_called"] else 0
            row = s.listings[listing]
            s.positions[int(row["position0"]) + int(row["n_owners"]) + int(legs[at]["row"])] = coins
            used[listing] += 1
            at += 1
    for e in range(2):
        mine = np.flatnonzero(every["exchange"] == e)
        blocks[e] = (mine[0], mine[-1] + 1, e, -1.0) if len(mine) else (0, 0, e, -1.0)
    every["due"] = -1.0
    leg_of = np.full(len(s.accounts), -1, np.int64)
    leg_of[s.listings["account0"][legs["listing"]] + legs["row"]] = np.arange(len(legs))
    tiers = np.zeros(sum(len(t) for t in tables), TIER)
    for row, tier in zip(tiers, [tier for table in tables for tier in table], strict=True):
        row["up_to_micro"], row["maintenance_ppm"], row["deduction_micro"] = tier
    return Portfolios(
        every, blocks, legs, collateral, tiers, np.cumsum([0, *map(len, tables)]), np.zeros((2, 2)),
        np.zeros((len(s.listings), 2), np.int64), draws.choice([0, 10**9, 10**10], 2), leg_of,
    )  # fmt: skip


def place_near_the_edge(draws: Any, s: Shared, p: Portfolios) -> None:
    """Give each portfolio cash so that its equity is far, near or exactly at the edges of the rules."""
    values(s, p)
    for k, book in enumerate(read(s, p)[1]):
        places = read(s, p)[0]
        now = slow.standing(book, places)
        edge = int(draws.choice([0, now.need, now.need, -now.uncounted]))
        wanted = edge + int(draws.choice([-(10**10), -(10**6), -1, 0, 0, 1, 10**6, 10**10]))
        first = int(p.all[k]["first_leg"])
        gives = [int(draws.normal(0.0, 1e9)) for _ in book.legs]
        gives[0] += wanted - now.equity - sum(gives)
        for i, amount in enumerate(gives):
            leg = p.legs[first + i]
            s.accounts[int(s.listings[leg["listing"]]["account0"]) + int(leg["row"])]["cash_micro"] += amount


def values(s: Shared, p: Portfolios) -> None:
    """Collateral values by the twin."""
    for at, row in enumerate(p.collateral):
        if row["source"] < 0:
            continue
        price, to = s.price[at], int(row["redeems"])
        nano = Fraction(10**9)
        if to >= 0:
            nano = Fraction(int(s.price[to]["index_half_ticks"]) * int(s.listings[to]["half_tick_nano"]))
        row["value_half_ticks"] = slow.value_of_coin(
            SOURCES[row["source"]], int(price["spot_half_ticks"]),
            int(price["given_half_ticks" if price["index_given"] else "index_half_ticks"]), nano,
            int(s.listings[at]["half_tick_nano"]), *(Fraction(float(row[x])) for x in ("ratio", "weight", "floor")),
        )  # fmt: skip


def read(s: Shared, p: Portfolios) -> tuple[list[slow.Place], list[slow.Book]]:
    places = []
    for at, row in enumerate(s.listings):
        c, best = p.collateral[at], int(s.sides[4 * at + 2]["best"])
        tiers = p.tiers[p.tier0[at] : p.tier0[at + 1]]
        waits = bool(s.rules[2 * at + 1]["halted"] or s.clock[at]["n_waiting"][1])
        places.append(
            slow.Place(
                int(s.price[at]["mark_half_ticks"]), *(int(s.rules[2 * at + b]["micro_per_tick_lot"]) for b in (0, 1)),
                [(int(t["up_to_micro"]), int(t["maintenance_ppm"]), int(t["deduction_micro"])) for t in tiers],
                bool(row["has_spot"]), waits, None if best == NO_KEY else -best,
                int(row["inbox_end"] - row["inbox0"] - s.clock[at]["n_inbox"]), counts=bool(c["source"] >= 0),
                value=int(c["value_half_ticks"]), kept_ppm=int(c["kept_ppm"]), converts=bool(c["converts"]),
                bound_ppm=int(c["bound_ppm"]),
            )
        )  # fmt: skip
    books = []
    for row in p.all:
        legs = []
        for leg in p.legs[row["first_leg"] : row["first_leg"] + row["n_legs"]]:
            listing = s.listings[leg["listing"]]
            a = s.accounts[int(listing["account0"]) + int(leg["row"])]
            coins = s.positions[int(listing["position0"]) + int(listing["n_owners"]) + int(leg["row"])]
            legs.append(
                slow.Leg(
                    int(leg["listing"]), *(int(a[x]) for x in ("cash_micro", "held_lots", "entry_micro")), int(coins),
                    int(a["called"]),
                )
            )  # fmt: skip
        books.append(slow.Book(legs, bool(row["is_called"]), int(row["n_calls"])))
    return places, books


def by_twin(s: Shared, p: Portfolios) -> tuple[Shared, Portfolios, list[slow.Order]]:
    """What the twin makes of every portfolio of one look, written into copies of the arrays."""
    s, p = Shared(*(x.copy() for x in s)), Portfolios(*(x.copy() for x in p))
    values(s, p)
    places, books = read(s, p)
    sent: list[slow.Order] = []
    for k, book in enumerate(books):
        first = int(p.all[k]["first_leg"])
        orders = slow.look(book, places, int(p.owed_micro[p.all[k]["exchange"]]))
        for at, leg, lots, price in orders:
            i = int(s.clock[at]["n_inbox"])
            row = int(p.legs[first + [x is leg for x in book.legs].index(True)]["row"])
            s.inbox[int(s.listings[at]["inbox0"]) + i] = np.array(
                (NOW, TICK << 16, NO_TICKET, price, lots, row, NEW, IOC, 1, SELL, 0), MESSAGE
            )
            s.clock[at]["n_inbox"] = i + 1
        sent += orders
        for i, leg in enumerate(book.legs):
            listing, row = s.listings[leg.at], int(p.legs[first + i]["row"])
            account = s.accounts[int(listing["account0"]) + row]
            account["cash_micro"], account["called"] = leg.cash, leg.called
            s.positions[int(listing["position0"]) + int(listing["n_owners"]) + row] = leg.coins
        p.all[k]["is_called"], p.all[k]["n_calls"] = book.is_called, book.n_calls
    for at, place in enumerate(places):
        listing = s.listings[at]
        s.accounts[int(listing["account0"]) + int(FUND)]["cash_micro"] += place.fund
        s.accounts[int(listing["account0"]) + int(HEDGERS)]["cash_micro"] += place.hedgers
        s.positions[int(listing["position0"]) + int(listing["n_owners"]) + int(HEDGERS)] += place.hedgers_coins
        s.clock[at]["n_called"] += place.n_called
        s.clock[at]["cash_micro"] += place.total
        p.collateral[at]["sold_lots"] += place.sold
    return s, p, sent
