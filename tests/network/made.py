"""Random arrays of a network that never ran: every rule is met, in states that a run would seldom reach. A third of
them are tied: books, prices, fees and firms that equal one another, in ticks of different sizes, so that what decides
between equals is met.
"""

from typing import Any

import numpy as np

from sim.behaviours.bridge import ASSET, BRIDGE, Bridge
from sim.behaviours.maker_risk import MAKER
from sim.kernels.clock import CLOCK
from sim.kernels.ledger import ACCOUNT, RULES
from sim.kernels.mailbox import MESSAGE
from sim.kernels.margin import TIER
from sim.kernels.marks import PRICE
from sim.kernels.portfolios import BLOCK, COLLATERAL, LEG, PORTFOLIO, Portfolios
from sim.kernels.references import References
from sim.kernels.shared import LISTING, Shared
from sim.kernels.transit import FIRM, HALT, SEAT, Wallets
from sim.network.build import next_same
from sim.schema import LEVEL, NO_KEY, SIDE
from tests.network.rooms import Room, no_purses

TICK, TICK_US = 10_000, 100_000
NOW = TICK * TICK_US
N_LEVELS, N_WORDS = 512, 9  # of one side: its levels, and 8 words of bitmap with a summary
INBOX = 64
FIRST_FIRM = 6
PRICES_USD = (1000.0, 40.0)
HALF_TICKS_NANO = (50_000_000, 25_000_000, 10_000_000)  # ticks of 0.1, 0.05 and 0.02 dollars
LOT_COIN = 0.01
COMMON_NANO = 100_000_000  # a price that is a whole number of ticks in every listing


def made(draws: np.random.Generator) -> Room:
    """One random network of 2 to 5 listings of two assets on three exchanges, with a book that trades two moneys."""
    n, n_firms, tied = int(draws.integers(2, 6)), int(draws.integers(1, 5)), bool(draws.random() < 0.33)
    n_all = n + 1  # the last listing trades one money for the other
    listings = np.zeros(n_all, LISTING)
    listings["asset"] = [*draws.integers(0, 2, n), 2]
    listings["next_same"] = next_same(listings["asset"])
    listings["exchange"] = draws.integers(0, 3, n_all)
    listings["quote"] = [*draws.integers(0, 2, n), 1]
    kind = draws.integers(0, 4, n)  # 0 perp only, 1 spot only, else both
    listings["has_perp"], listings["has_spot"] = [*(kind != 1), 0], [*(kind != 0), 1]
    listings["half_tick_nano"] = [*draws.choice(HALF_TICKS_NANO, n), 50_000]
    listings["median"] = draws.integers(0, 2, n_all)
    listings["deviation"] = draws.choice([0.01, 0.03, 0.05], n_all)
    listings["stale_us"] = 10_000_000
    rows = FIRST_FIRM + draws.integers(0, 3, n_all)
    owners = rows + n_firms + draws.integers(0, 2, n_all)
    listings["n_owners"], listings["account0"] = owners, np.cumsum(owners) - owners
    listings["position0"] = 2 * listings["account0"]
    listings["inbox0"], listings["inbox_end"] = INBOX * np.arange(n_all), INBOX * (1 + np.arange(n_all))
    shared = Shared(
        listings, np.zeros(n_all, PRICE), np.zeros(n_all, CLOCK), np.zeros(2 * n_all, RULES),
        np.zeros(4 * n_all, SIDE), np.zeros(4 * n_all * N_LEVELS, LEVEL), np.zeros(4 * n_all * N_WORDS, np.uint64),
        np.zeros(owners.sum(), ACCOUNT), np.zeros(2 * owners.sum(), np.int64), np.zeros(INBOX * n_all, MESSAGE),
        np.zeros(0, MAKER),
    )  # fmt: skip
    fill_prices(draws, shared, tied)
    fill_books(draws, shared, tied)
    wallets = made_wallets(draws, shared, rows, n_firms, tied)
    fill_accounts(draws, shared, wallets, tied)
    if tied:
        tie_firms(shared, wallets)
    return Room(
        shared, made_references(draws, listings), wallets, made_desk(draws, shared, n_firms),
        draws.integers(0, 2, 3), no_portfolios(n_all, int(owners.sum())), no_purses(3),
    )  # fmt: skip


def no_portfolios(n: int, n_accounts: int) -> Portfolios:
    """Tables of cross margin without an account."""
    collateral = np.zeros(n, COLLATERAL)
    collateral["source"], collateral["redeems"] = -1, -1
    return Portfolios(
        np.zeros(0, PORTFOLIO), np.zeros(0, BLOCK), np.zeros(0, LEG), collateral, np.zeros(1, TIER),
        np.zeros(n + 1, np.int64),
        np.zeros((3, 2)), np.zeros((n, 2), np.int64), np.zeros(3, np.int64), np.full(n_accounts, -1),
    )  # fmt: skip


def fill_prices(draws: np.random.Generator, s: Shared, tied: bool) -> None:
    """Prices a few per cent apart or equal, some of them stale; fees, and books that are halted now and then."""
    apart, noise, fee = (0.0, 0.0, int(draws.choice([0, 131]))) if tied else (0.03, 0.005, None)
    for at, row in enumerate(s.listings):
        usd = (*PRICES_USD, 1.0)[row["asset"]] * float(np.exp(draws.normal(0.0, apart)))
        half_tick = int(row["half_tick_nano"]) * 1e-9
        for name in ("mark_half_ticks", "mid_half_ticks", "spot_half_ticks", "given_half_ticks", "others_half_ticks"):
            s.price[at][name] = max(2, round(usd * float(np.exp(draws.normal(0.0, noise))) / half_tick))
        s.price[at]["spot_us"] = NOW - int(draws.choice([0, 9_999_999, 10_000_000, 10_000_001, 10**8]))
        s.clock[at]["tick_us"] = TICK_US
        s.clock[at]["n_waiting"] = draws.choice([0, 0, 0, 0, 3], 2)
        s.clock[at]["open_interest_lots"] = int(draws.choice([0, 1, 10**4, 10**7]))
        for rules in s.rules[2 * at : 2 * at + 2]:
            rules["micro_per_tick_lot"] = max(1, round(2 * half_tick * LOT_COIN * 1e6))
            rules["professional_taker_ppm"] = int(draws.choice([-13, 0, 131, 373, 617])) if fee is None else fee
            rules["halted"] = int(draws.choice([0, 0, 0, 0, 0, 0, 1, 2]))


def fill_books(draws: np.random.Generator, s: Shared, tied: bool) -> None:
    """A few price levels on each side about the listing's price, some sides empty; tied ones at few prices."""
    for row in range(len(s.sides)):
        side, at, is_bid = s.sides[row], row // 4, row % 2 == 0
        side["mask"], side["level0"] = N_LEVELS - 1, row * N_LEVELS
        side["word0"], side["summary0"] = row * N_WORDS, row * N_WORDS + N_WORDS - 1
        price = s.price[at]["mark_half_ticks" if row % 4 < 2 else "spot_half_ticks"] // 2
        step = COMMON_NANO // (2 * int(s.listings[at]["half_tick_nano"])) if tied and at < len(s.listings) - 1 else 1
        if tied:
            price = int(price) // step * step + step * int(draws.choice([0, 0, 2, -2]))
        key = -int(price) if is_bid else int(price) + step
        side["lo"], side["best"] = key - int(draws.integers(0, 100)), NO_KEY
        for _ in range(int(draws.integers(0, 12))):
            if side["best"] == NO_KEY:
                side["best"] = key
            index = key & (N_LEVELS - 1)
            s.levels[row * N_LEVELS + index]["total_lots"] = int(draws.choice([1, 7, 60, 400, 3000]))
            s.words[row * N_WORDS + (index >> 6)] |= np.uint64(1) << np.uint64(index & 63)
            s.words[row * N_WORDS + N_WORDS - 1] |= np.uint64(1) << np.uint64(index >> 6)
            key += step * int(draws.choice([1, 2] if tied else [1, 2, 5, 30]))


def made_wallets(draws: np.random.Generator, s: Shared, rows: Any, n_firms: int, tied: bool) -> Wallets:
    """Firms with targets, transfers on their way or due, and halts that hold now or just ended."""
    n = len(rows)
    firms, seats = np.zeros(n_firms, FIRM), np.zeros((n_firms, n, 2), SEAT)
    firms["latency_us"] = draws.integers(1, 300_000, n_firms)
    firms["travel_us"] = draws.integers(0, 10**9, n_firms)
    firms["leverage"] = 3.0
    firms["busy_us"] = NOW + draws.choice([-NOW, -TICK_US, -1, -1, 0, 1], n_firms)
    for firm in firms:
        if draws.random() < 0.4:
            firm["legs"] = 1 + draws.integers(0, 2 * n, 2)
    seats["target"][..., 0] = draws.choice([0, 10**9, 10**11], (n_firms, n))
    seats["target"][..., 1] = draws.choice([0, 30, 10**4], (n_firms, n)) * s.listings["has_spot"]
    if tied:
        seats["target"][..., 0], seats["target"][..., 1] = 10**9, 30 * s.listings["has_spot"]
    seats["on_way"] = draws.choice([0, 0, 1, 10**4], seats.shape)
    seats["due_us"] = NOW + draws.choice([-1, 0, 1], seats.shape)
    halts = np.zeros(int(draws.integers(0, 3)), HALT)
    for halt in halts:
        halt["exchange"] = int(draws.integers(-1, 3))
        halt["start_us"] = NOW - int(draws.choice([10**6, 0, -1]))
        halt["end_us"] = halt["start_us"] + int(draws.choice([10**6, 10**6 + 1, 10**9]))
    over, net = np.zeros((len(firms), len(rows) + 1, 2), np.int64), np.zeros((len(firms), 3), np.int64)
    return Wallets(firms, seats, rows, halts, np.zeros(3, np.int64), over, net)


def fill_accounts(draws: np.random.Generator, s: Shared, w: Wallets, tied: bool) -> None:
    """Money and positions of everybody: firms near, above and below their targets, long, short or flat."""
    s.accounts["cash_micro"] = draws.integers(-(10**11), 10**12, len(s.accounts))
    s.accounts["held_lots"] = draws.integers(-(10**4), 10**4, len(s.accounts))
    s.positions[:] = draws.integers(0, 10**4, len(s.positions))
    for at, row in enumerate(s.listings):
        value = int(s.price[at]["mark_half_ticks"]) * int(s.rules[2 * at]["micro_per_tick_lot"])
        for f, seat in enumerate(w.seats[:, at]):
            account = s.accounts[int(row["account0"] + w.rows[at]) + f]
            account["held_lots"] = int(draws.choice([0, 1, -3000, -20, 20, 3000])) if row["has_perp"] else 0
            if tied and draws.random() < 0.7:
                account["held_lots"] = 0
            share = float(draws.choice([0.3, 1.0, 1.7] if tied else [-0.1, 0.0, 0.3, 0.94, 0.95, 1.0, 1.7]))
            cash = int(share * seat[0]["target"]) + (0 if tied else int(draws.integers(0, 10**6)))
            account["cash_micro"] = cash - (int(account["held_lots"]) * value >> 1)
            coins = int(row["position0"] + row["n_owners"] + w.rows[at]) + f
            s.positions[coins] = round(max(0.0, share) * int(seat[1]["target"])) if row["has_spot"] else 0


def tie_firms(s: Shared, w: Wallets) -> None:
    """Every firm is the first one again: balances, targets, times."""
    w.firms[1:], w.seats[1:] = w.firms[:1], w.seats[:1]
    for at, row in enumerate(s.listings):
        first, n = int(row["account0"] + w.rows[at]), len(w.firms)
        coins = int(row["position0"] + row["n_owners"] + w.rows[at])
        for name in ("cash_micro", "held_lots"):
            s.accounts[name][first : first + n] = s.accounts[first][name]
        s.positions[coins : coins + n] = s.positions[coins]


def made_references(draws: np.random.Generator, listings: Any) -> References:
    """Small whole weights of components of one asset, so that sums of them are exact."""
    n = len(listings)
    same = (listings["asset"][:, None] == listings["asset"]) & (listings["asset"] < 2)
    weights = same * listings["has_spot"] * draws.integers(0, 6, (n, n)).astype(float)
    others = same * listings["has_perp"] * draws.integers(0, 3, (n, n)).astype(float)
    sign = listings["quote"][None, :] - listings["quote"][:, None]  # money 0 is worth what the last listing says in 1
    rates = np.where(same, -sign * n, 0).astype(np.int64)
    return References(weights, others, rates, np.zeros(n), np.zeros(n))


def made_desk(draws: np.random.Generator, s: Shared, n_firms: int) -> Bridge:
    """Parameters, and stocks near what the firms have or far from it."""
    desk, assets = np.zeros(1, BRIDGE), np.zeros(3, ASSET)
    desk["enabled"], desk["transfers"] = int(draws.random() < 0.95), int(draws.random() < 0.8)
    desk["leverage"], desk["risk_multiple"] = 3.0, float(draws.choice([0.0, 1.0]))
    desk["shadow_price"] = float(draws.choice([0.0, 0.001, 0.01]))
    assets["variance_per_s"], assets["looked_us"] = draws.choice([0.0, 1e-9, 1e-6]), NOW
    assets["smallest_lots"] = draws.choice([1, 20, 100], 3)
    assets["first"] = [1 + k[0] if (k := np.flatnonzero(s.listings["asset"] == a)).size else 0 for a in range(3)]
    return Bridge(desk, assets, draws.integers(-100, 10**4, (n_firms, 3)))


def balance_stock(draws: np.random.Generator, room: Room, firms: list[Any]) -> None:
    """Let most firms want net what they have, a few lots more or less, so that they look for gaps."""
    for f, firm in enumerate(firms):
        for asset in range(room.bridge.stock.shape[1]):
            mine = np.flatnonzero(room.shared.listings["asset"] == asset)
            net = sum(firm.accounts[at].coins + firm.accounts[at].perp + firm.seats[at][1].on_way for at in mine)
            if draws.random() < 0.8:
                room.bridge.stock[f, asset] = net + int(draws.integers(-1, 2))
