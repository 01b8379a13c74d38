"""What happens between two ticks of a network, against slow twins: on made-up arrays, and on networks that run."""

import math
from itertools import product

import numpy as np
import pytest

from sim.behaviours import bridge
from sim.network import build_network
from tests.network.made import NOW, TICK, TICK_US, balance_stock, made
from tests.network.rooms import account_row, check_couple, coin_row, firms_of, places_of, ratios_of, room_of
from tests.network.small import PERP_ONLY, SPOT_ONLY, spec_of
from tests.reference_market import bridge as bridge_twin

THREE = {
    "a": {"asset": "btc", "exchange": "one"},
    "b": {"asset": "btc", "exchange": "two", **PERP_ONLY},
    "c": {"asset": "btc", "exchange": "three", **SPOT_ONLY},
    "d": {"asset": "eth", "exchange": "two", "market": {"price": "$4100", "open_interest": "1m"}},
}


def test_made_up_arrays_are_coupled_as_the_twins_say():
    seen = made_up_arrays(600)
    assert seen.pop("equal arrival") > 50 and min(seen.values()) > 100, seen


def made_up_arrays(n: int) -> dict[str, int]:
    """``n`` random networks coupled once; how often what happened."""
    draws = np.random.default_rng(11)
    seen = dict.fromkeys(("orders", "single", "equal arrival", "stopped", "arrived", "left", "index", "levelled"), 0)
    for _ in range(n):
        room = made(draws)
        balance_stock(draws, room, firms_of(room))
        after, orders = check_couple(room, TICK)
        ways = [r.wallets.seats["on_way"] for r in (room, after)]
        seen["orders"] += len(orders)
        seen["single"] += len(orders) % 2
        firms = sorted({f for f, *_ in orders})
        seen["equal arrival"] += len(firms) - len(set(room.wallets.firms["latency_us"][firms].tolist()))
        seen["stopped"] += int(after.bridge.desk[0]["stopped"])
        seen["arrived"] += int(((ways[0] > 0) & (ways[1] == 0)).sum())
        seen["left"] += int(((ways[0] == 0) & (ways[1] > 0)).sum())
        seen["index"] += int((room.shared.price["given_half_ticks"] != after.shared.price["given_half_ticks"]).sum())
        seen["levelled"] += int(room.shared_fund.any())
    return seen


def test_running_networks_are_coupled_as_the_twins_say(tmp_path):
    """Every tick of ten seconds in a fall on one exchange; and the same states with the firms' balances drawn anew."""
    shock = [{"kind": "flow", "at": "20s", "over": "20s", "notional": "$400m", "side": "sell"}]
    network = build_network(spec_of(tmp_path, THREE, {"bridge": {"firms": 4}}, shocks=shock), 5)
    draws, orders = np.random.default_rng(3), [0, 0]
    for end in (10.0, 30.0, 45.0):
        network.run_until(end)
        for _ in range(40):
            network.run_for(0.1)
            room = room_of(network)
            orders[0] += len(check_couple(room, network.tick)[1])
            disturb(draws, room)
            orders[1] += len(check_couple(room, network.tick)[1])
    assert min(orders) > 30, orders


def disturb(draws: np.random.Generator, room) -> None:
    """Other balances for every firm, of which a third is used up, and none busy."""
    for f in range(len(room.wallets.firms)):
        for at in range(len(room.shared.listings)):
            share = float(draws.choice([0.0, 0.01, 0.5, 1.0]))
            account = room.shared.accounts[account_row(room, at, f)]
            account["cash_micro"] = int(share * room.wallets.seats[f, at, 0]["target"])
            account["held_lots"] = 0
            room.shared.positions[coin_row(room, at, f)] = int(share * room.wallets.seats[f, at, 1]["target"])
    room.wallets.firms["busy_us"] = -1
    balance_stock(draws, room, firms_of(room))


def test_a_component_at_the_deviation_counts_and_one_beyond_does_not():
    room = next(r for r in (made(np.random.default_rng(k)) for k in range(99)) if same_asset(r, 3))
    s, at = room.shared, np.flatnonzero(room.shared.listings["asset"] == 0)[:3]
    s.listings["quote"], s.listings["median"], s.listings["has_spot"] = 0, 0, 1
    s.listings["deviation"], s.listings["half_tick_nano"] = 0.05, 50_000_000
    s.price["spot_us"] = NOW
    room.refs.rates[:], room.refs.weights[:] = 0, 0.0
    room.refs.weights[at[0], at] = 1.0
    for last, index in ((21_000, 20_333), (21_001, 20_000)):
        s.price["spot_half_ticks"][at] = 20_000, 20_000, last
        after, _ = check_couple(room, TICK)
        assert int(after.shared.price[at[0]]["given_half_ticks"]) == index


def four_of_one_asset():
    """A room whose first four listings are spot books of one asset in one money, each a component of the first's
    index.
    """
    room = next(r for r in (made(np.random.default_rng(k)) for k in range(99)) if len(r.shared.listings) > 4)
    s = room.shared
    s.listings["asset"][:4], s.listings["quote"][:4], s.listings["has_spot"][:4] = 0, 0, 1
    s.listings["median"], s.listings["deviation"], s.listings["half_tick_nano"] = 0, 0.05, 50_000_000
    s.price["spot_us"] = NOW
    room.refs.rates[:], room.refs.weights[:], room.refs.others[:] = 0, 0.0, 0.0
    room.refs.weights[0, :4] = 1.0
    return room


def test_one_far_component_is_left_out_and_of_two_the_median_is_the_index():
    room = four_of_one_asset()
    for prices, index in (
        ((20_000, 20_010, 20_100, 20_200), 20_078),  # none
        ((20_000, 20_010, 20_101, 30_000), 20_037),  # the mean of the rest
        ((20_000, 20_010, 10_000, 30_000), 20_000),  # the median: of the rest the mean would be 20,005
    ):
        room.shared.price["spot_half_ticks"][:4] = prices
        after, _ = check_couple(room, TICK)
        assert int(after.shared.price[0]["given_half_ticks"]) == index


def test_the_first_listing_may_be_the_rate_and_no_index_is_below_half_a_tick():
    room = four_of_one_asset()
    s = room.shared
    s.price["spot_half_ticks"][:5] = 40_000_000, 20_000, 1, 1, 1  # the first is worth 2,000,000 of the other money
    room.refs.weights[:] = 0.0
    room.refs.weights[1, 1] = room.refs.weights[2, 1] = room.refs.weights[3, 1] = 1.0
    room.refs.rates[2, 1], room.refs.rates[3, 1] = 1, -1
    after, _ = check_couple(room, TICK)
    assert after.shared.price["given_half_ticks"][1:4].tolist() == [20_000, 40_000_000_000, 1]


def same_asset(room, n: int) -> bool:
    return int((room.shared.listings["asset"] == 0).sum()) >= n


def test_funds_of_two_moneys_are_levelled_apart():
    """Money of one quote never stands in for that of another."""
    room = next(
        r for r in (made(np.random.default_rng(k)) for k in range(99)) if r.shared.listings["has_perp"].sum() > 3
    )
    s = room.shared
    s.listings["exchange"], room.shared_fund[:] = 0, 1
    totals = []
    for r in (room, check_couple(room, TICK)[0]):
        listings, seats = r.shared.listings, r.wallets.seats
        cash = r.shared.clock["cash_micro"] + seats["on_way"][:, :, 0].sum(axis=0)
        totals.append([int(cash[listings["quote"] == quote].sum()) for quote in (0, 1)])
    assert totals[0] == totals[1]


def test_a_firm_waits_while_its_order_may_stand_before_its_book():
    room = next(r for r in (made(np.random.default_rng(k)) for k in range(99)) if r.bridge.desk[0]["enabled"])
    firms, clock = room.wallets.firms, room.shared.clock
    firms["busy_us"], firms["legs"] = NOW, 0
    firms["legs"][:, 0] = 1  # the first listing's perp
    clock["n_waiting"][:] = 0
    clock["n_waiting"][0] = 2, 0
    for k in range(3):
        room, orders = check_couple(room, TICK + k)
        assert (room.wallets.firms["busy_us"] == NOW + k * TICK_US).all() and not orders
    room.shared.clock["n_waiting"][0] = 0, 2  # now the spot book's wait
    room, orders = check_couple(room, TICK + 3)
    free = room.wallets.firms["busy_us"] <= NOW + 3 * TICK_US
    assert (room.wallets.firms["legs"][free] == 0).all() and (free.any() or orders)


def test_volatility_is_the_average_of_squared_moves_of_a_second():
    room = made(np.random.default_rng(5))
    room.bridge.desk["enabled"] = 1
    room.wallets.firms["busy_us"] = 1 << 60  # nobody trades
    assets, price = room.bridge.assets, room.shared.price
    assets["looked_us"], assets["variance_per_s"] = NOW - 1_500_000, 4e-8
    assets["log_mid"] = math.log(20_000)
    room.couple(TICK)
    for asset in assets:
        move, kept = math.log(int(price[asset["watched"]]["mid_half_ticks"])) - math.log(20_000), 0.5 ** (1.5 / 60.0)
        assert float(asset["variance_per_s"]) == kept * 4e-8 + (1.0 - kept) * (move * move / 1.5)
        assert int(asset["looked_us"]) == NOW
    room.couple(TICK + 9)  # under a second later nothing is looked at
    assert (assets["looked_us"] == NOW).all()


def test_a_leg_has_lost_the_share_of_its_target_that_is_gone(monkeypatch):
    """Of every leg of every firm, in either direction: what the target would allow, and the share of it that is gone.
    As plain Python, since compiled helpers have no door.
    """
    target_lots, gone_of = (getattr(f, "py_func", f) for f in (bridge.target_lots, bridge.gone_of))
    monkeypatch.setattr(bridge, "target_lots", target_lots)
    compared = 0
    for k in range(40):
        room = made(np.random.default_rng(k))
        firms, s, w = firms_of(room), room.shared, room.wallets
        leverage = float(room.bridge.desk[0]["leverage"])
        world = bridge_twin.World(places_of(s), ratios_of(room), bridge_twin.Desk(leverage, 1.0, 0.01))
        for f, firm in enumerate(firms):
            for at, listing in enumerate(s.listings):
                for book, side in product((0, 1), (0, 1)):
                    if not listing["has_perp" if book == 0 else "has_spot"] or listing["asset"] > 1:
                        continue
                    leg = bridge.Leg(np.int64(at), np.int64(book), np.int64(4 * at + 2 * book + side), 1.0)
                    wanted = bridge_twin.wanted_room(firm, world, at, book, side)
                    assert abs(target_lots(s, w, leverage, leg, f, side) - wanted) <= wanted * 1e-12
                    for left in (0, wanted // 3, wanted, 2 * wanted):
                        gone = bridge_twin.depletion(firm, world, at, book, side, left)
                        assert gone_of(s, w, leverage, leg, f, side, left) == pytest.approx(float(gone), abs=1e-12)
                        compared += 0 < gone < 1
    assert compared > 200
