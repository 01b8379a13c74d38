"""The arrays of ``sim.coupling.couple`` as one bundle: copied, coupled, read into the slow twins and written back."""

from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from sim.behaviours.background import SERIAL_ROOM
from sim.behaviours.bridge import Bridge
from sim.behaviours.maker_purse import PURSE, Purses
from sim.coupling import couple
from sim.kernels._jit import Packed
from sim.kernels.fund_levels import SharedFunds
from sim.kernels.ledger import FUND, NO_TICKET
from sim.kernels.mailbox import MESSAGE, NEW
from sim.kernels.portfolios import Portfolios
from sim.kernels.references import References
from sim.kernels.shared import Shared
from sim.kernels.transit import Wallets
from sim.network import Network
from sim.schema import IOC
from tests.reference_market import bridge, fund_levels, references, transit


class Room(NamedTuple):
    """Everything that ``couple`` reads or writes."""

    shared: Shared
    refs: References
    wallets: Wallets
    bridge: Bridge
    shared_fund: Any
    portfolios: Portfolios  # without any account: they have tests of their own
    purses: Purses  # the same of makers

    def copy(self) -> "Room":
        """Arrays of its own."""
        parts = [type(part)(*(array.copy() for array in part)) for part in self[:4]]
        tables = [type(part)(*(array.copy() for array in part)) for part in (self.portfolios, self.purses)]
        return Room(*parts, self.shared_fund.copy(), *tables)

    def couple(self, tick: int) -> None:
        """One step between ticks."""
        now = tick * int(self.shared.clock[0]["tick_us"])
        funds = SharedFunds(self.shared_fund)
        rooms = self.shared, self.refs, self.wallets, self.bridge, funds, self.portfolios, self.purses
        couple(np.int64(now), np.int64(tick), Packed(rooms))

    def arrays(self) -> dict[str, Any]:
        """All arrays that hold results, by name."""
        named = {name: getattr(part, name) for part in self[:4] for name in part._fields}
        return {name: array for name, array in named.items() if name not in ("nano", "part", "open", "over", "net")}


def room_of(network: Network) -> Room:
    """Copies of a live network's arrays."""
    c = network.couplings
    return Room(
        network._shared, c.refs, c.wallets, Bridge(c.desk, c.assets, c.stock), c.shared_fund, c.portfolios, c.purses
    ).copy()


def no_purses(n_assets: int) -> Purses:
    """Tables of makers without a purse."""
    return Purses(
        np.zeros(0, np.int64), np.ones((n_assets, 3)), np.zeros((n_assets, 3)), np.zeros(0, PURSE),
        np.zeros((0, 2 + n_assets)), np.zeros((0, 2 + n_assets)),
    )  # fmt: skip


# --- reading: arrays to plain numbers


def levels_of(s: Shared, at: int, book: int, side: int) -> transit.Levels:
    """Price levels of one side inside its window, best first."""
    row = s.sides[4 * at + 2 * book + side]
    keys = int(row["lo"]) + np.arange(int(row["mask"]) + 1)
    lots = s.levels["total_lots"][int(row["level0"]) + (keys & int(row["mask"]))]
    return [(abs(int(key)), int(n)) for key, n in zip(keys[lots > 0], lots[lots > 0], strict=True)]


def places_of(s: Shared) -> list[transit.Place]:
    out = []
    for at, row in enumerate(s.listings):
        perp, spot = s.rules[2 * at : 2 * at + 2]
        bids, asks = (tuple(levels_of(s, at, book, side) for book in (0, 1)) for side in (0, 1))
        out.append(
            transit.Place(
                *(int(row[name]) for name in ("asset", "exchange", "quote")),
                listed=(bool(row["has_perp"]), bool(row["has_spot"])),
                mark=int(s.price[at]["mark_half_ticks"]),
                spot=int(s.price[at]["spot_half_ticks"]),
                half_tick_nano=int(row["half_tick_nano"]),
                units=tuple(int(b["micro_per_tick_lot"]) for b in (perp, spot)),
                fees_ppm=tuple(int(b["professional_taker_ppm"]) for b in (perp, spot)),
                halted=tuple(int(b["halted"]) for b in (perp, spot)),
                waiting=tuple(int(n) for n in s.clock[at]["n_waiting"]),
                bids=bids,
                asks=asks,
            )
        )
    return out


def account_row(room: Room, at: int, f: int) -> int:
    """Row of a firm's account in the shared accounts."""
    return int(room.shared.listings[at]["account0"] + room.wallets.rows[at]) + f


def coin_row(room: Room, at: int, f: int) -> int:
    """Place of a firm's coins in the shared positions: after those of the perp."""
    row = room.shared.listings[at]
    return int(row["position0"] + row["n_owners"] + room.wallets.rows[at]) + f


def firms_of(room: Room) -> list[transit.Firm]:
    s, w, out = room.shared, room.wallets, []
    for f, firm in enumerate(w.firms):
        held = []
        for at in range(len(s.listings)):
            account = s.accounts[account_row(room, at, f)]
            coins = int(s.positions[coin_row(room, at, f)])
            held.append(transit.Account(int(account["cash_micro"]), int(account["held_lots"]), coins))
        seats = [[transit.Seat(*map(int, seat)) for seat in place] for place in w.seats[f]]
        orders = [((int(leg) - 1) // 2, (int(leg) - 1) % 2) for leg in firm["legs"] if leg]
        out.append(
            transit.Firm(
                int(firm["latency_us"]), int(firm["travel_us"]), float(firm["leverage"]), held, seats,
                int(firm["busy_us"]), orders,
            )
        )  # fmt: skip
    return out


def quotes_of(s: Shared) -> list[references.Quote]:
    return [
        references.Quote(
            int(p["spot_half_ticks"]), int(p["mid_half_ticks"]), int(row["half_tick_nano"]), int(p["spot_us"])
        )
        for p, row in zip(s.price, s.listings, strict=True)
    ]


def funds_of(s: Shared) -> dict[int, fund_levels.Fund]:
    """Fund of each listing with a perp."""
    out = {}
    for at, row in enumerate(s.listings):
        if row["has_perp"]:
            account = s.accounts[int(row["account0"]) + int(FUND)]
            out[at] = fund_levels.Fund(
                int(row["exchange"]), int(row["quote"]), int(account["cash_micro"]), int(account["held_lots"]),
                int(s.clock[at]["open_interest_lots"]), int(s.price[at]["mark_half_ticks"]),
                int(s.rules[2 * at]["micro_per_tick_lot"]),
            )  # fmt: skip
    return out


def ratios_of(room: Room) -> bridge.Ratio:
    """What one money is worth in another, for each pair of places."""
    quotes, rates = quotes_of(room.shared), room.refs.rates
    return [[references.in_money(Fraction(1), int(rate), quotes) for rate in row] for row in rates]


# --- the four steps by the twins, written into a copy of the arrays


def step_references(room: Room, now: int) -> None:
    s, refs, quotes = room.shared, room.refs, quotes_of(room.shared)
    for at, row in enumerate(s.listings):
        rule = references.Rule(bool(row["median"]), Fraction(float(row["deviation"])), int(row["stale_us"]))
        rates = [int(rate) for rate in refs.rates[at]]
        index = references.given_index(at, quotes, list(refs.weights[at]), rates, rule, now)
        if index is not None:
            s.price[at]["given_half_ticks"], s.price[at]["given_us"] = index, now
        others = references.perp_of_others(at, quotes, list(refs.others[at]), rates)
        if others is not None:
            s.price[at]["others_half_ticks"] = others


def step_funds(room: Room) -> None:
    s, funds = room.shared, funds_of(room.shared)
    cash = fund_levels.levelled(list(funds.values()), [bool(x) for x in room.shared_fund])
    for (at, fund), new in zip(funds.items(), cash, strict=True):
        s.accounts[int(s.listings[at]["account0"]) + int(FUND)]["cash_micro"] = new
        s.clock[at]["cash_micro"] += new - fund.cash
        s.clock[at]["levelled_micro"] += new - fund.cash
        if room.shared_fund[fund.exchange]:
            mine = [f.equity() for f in funds.values() if (f.exchange, f.quote) == (fund.exchange, fund.quote)]
            s.clock[at]["pool_micro"], s.clock[at]["is_pooled"] = sum(mine), 1


def write_firms(room: Room, firms: list[transit.Firm]) -> None:
    """Balances, seats and what each firm waits for; totals of the listings follow."""
    s, w = room.shared, room.wallets
    for f, firm in enumerate(firms):
        for at, held in enumerate(firm.accounts):
            account, coins = s.accounts[account_row(room, at, f)], coin_row(room, at, f)
            s.clock[at]["cash_micro"] += held.cash - account["cash_micro"]
            s.clock[at]["coin_lots"] += held.coins - s.positions[coins]
            account["cash_micro"], s.positions[coins] = held.cash, held.coins
            for kind in (0, 1):
                seat = firm.seats[at][kind]
                w.seats[f, at, kind] = (seat.target, seat.on_way, seat.due_us)
        w.firms[f]["busy_us"] = firm.busy_us


def step_transfers(room: Room, now: int) -> list[transit.Firm]:
    s, w = room.shared, room.wallets
    halts = [
        transit.Halt(None if h["exchange"] < 0 else int(h["exchange"]), int(h["start_us"]), int(h["end_us"]))
        for h in w.halts
    ]
    firms = firms_of(room)
    transit.move_balances(firms, places_of(s), halts, bool(room.bridge.desk[0]["transfers"]), now)
    write_firms(room, firms)
    return firms


def step_bridge(
    room: Room, firms: list[transit.Firm], variances: list[float], tick: int, now: int
) -> list[bridge.Order]:
    s, w, desk = room.shared, room.wallets, room.bridge.desk[0]
    places = places_of(s)
    orders: list[bridge.Order] = []
    if desk["enabled"]:
        rules = bridge.Desk(*(float(desk[name]) for name in ("leverage", "risk_multiple", "shadow_price")))
        assets = [
            bridge.Asset(k, variance, int(row["smallest_lots"]))
            for k, (row, variance) in enumerate(zip(room.bridge.assets, variances, strict=True))
        ]
        stock = [[int(n) for n in row] for row in room.bridge.stock]
        orders, stops = bridge.look(firms, bridge.World(places, ratios_of(room), rules), assets, stock, now)
        desk["sent"] += len(orders)
        desk["stopped"] += stops
    for f, at, book, side, price, lots in orders:
        n = int(s.clock[at]["n_inbox"])
        s.inbox[int(s.listings[at]["inbox0"]) + n] = np.array(
            (now + firms[f].latency_us, tick * int(SERIAL_ROOM) + n, NO_TICKET, price, lots, int(w.rows[at]) + f,
             NEW, IOC, book, side, 0), MESSAGE,
        )  # fmt: skip
        s.clock[at]["n_inbox"] = n + 1
    for f, firm in enumerate(firms):
        w.firms[f]["busy_us"] = firm.busy_us
    return orders


def check_couple(before: Room, tick: int) -> tuple[Room, list[bridge.Order]]:
    """Couple a copy, let the twins do the same to another, and compare every array. Returns the coupled copy."""
    now = tick * int(before.shared.clock[0]["tick_us"])
    got, want = before.copy(), before.copy()
    got.couple(tick)
    step_references(want, now)
    step_funds(want)
    firms = step_transfers(want, now)
    orders = step_bridge(want, firms, [float(v) for v in got.bridge.assets["variance_per_s"]], tick, now)
    for f, firm in enumerate(firms):  # which leg is in which place of the pair means nothing
        legs = sorted(int(leg) for leg in got.wallets.firms[f]["legs"] if leg)
        assert legs == sorted(2 * at + book + 1 for at, book in firm.orders)
    want.wallets.firms["legs"] = got.wallets.firms["legs"]
    for name in ("variance_per_s", "log_mid", "looked_us"):  # has a test of its own
        want.bridge.assets[name] = got.bridge.assets[name]
    ours, theirs = got.arrays(), want.arrays()
    for name, array in ours.items():
        assert array.tobytes() == theirs[name].tobytes(), (name, np.flatnonzero(array.ravel() != theirs[name].ravel()))
    return got, orders
