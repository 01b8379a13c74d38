"""The loop of MODEL 2.6: collateral that is marked on the book it is sold on. Its gain in closed form against looks,
engine and sales round by round, and what redemption value leaves of it, there and in a running network.
"""

import numpy as np
import pytest

from sim.kernels.portfolios import COLLATERAL
from sim.network import build_network
from tests.market.rig import FIRST, Rig
from tests.network.joined import Joined
from tests.network.small import SPOT_ONLY, spec_of

PEOPLE, COINS, START, PER_TICK = 2_000, 2_000, 100_000, 2  # accounts, lots of each, ticks, accounts called by a tick
LOTS, MARK, ENTRY, NEED = 1_000_000, 100, 400, 1_000_000  # of each position; its maintenance is a hundredth at mark
REDEMPTION = 10_000  # dollars of a coin: START ticks of 0.1


class Line:
    """Bids of one depth at every tick, best first at ``START``."""

    def __init__(self, lots_per_tick: int) -> None:
        self.depth, self.bid, self.left = lots_per_tick, START, lots_per_tick

    def sell(self, lots: int, limit: int) -> tuple[int, int]:
        """Lots sold and money got for them."""
        sold = money = 0
        while sold < lots and self.bid >= limit:
            step = min(lots - sold, self.left)
            sold, money, self.left = sold + step, money + step * self.bid, self.left - step
            if self.left == 0:
                self.bid, self.left = self.bid - 1, self.depth
        return sold, money


def crowd(source: int) -> Joined:
    """Longs at a loss that their coins cover, each as far as another price of the coin: two accounts to every tick."""
    called_at = START - 1 - np.arange(PEOPLE) // PER_TICK
    wallet = NEED + LOTS * (ENTRY - MARK) - COINS * called_at
    perp = Rig(wallet - LOTS * ENTRY, np.full(PEOPLE, LOTS), ENTRY, [(MARK, 1 << 40)])
    coin = Rig(np.zeros(PEOPLE), np.zeros(PEOPLE, np.int64), 1)
    coin.books.positions[1, FIRST:] = COINS
    joined = Joined([perp, coin], [[(0, FIRST + k), (1, FIRST + k)] for k in range(PEOPLE)])
    row = np.zeros(2, COLLATERAL)
    row["source"], row["redeems"], row["kept_ppm"], row["converts"] = (-1, source), -1, 1_000_000, 1
    row["ratio"], row["bound_ppm"] = REDEMPTION, 900_000
    joined.portfolios.collateral[:] = row
    return joined


def loop(gain: float, source: int, first_fall: int = 100) -> tuple[int, int]:
    """Fall of the coin in ticks after somebody else sold it down by ``first_fall``, and accounts called."""
    each = COINS - NEED / START
    book = Line(round(PER_TICK * each / gain))
    joined = crowd(source)
    s, coin = joined.shared, joined.rigs[1]
    book.sell(first_fall * book.depth, 1)
    for tick in range(400):
        s.sides["best"][4 + 2] = -book.bid
        s.price["spot_half_ticks"][1] = 2 * book.bid
        s.clock["n_inbox"] = 0
        before = joined.portfolios.all["is_called"].sum(), book.bid
        joined.look([2 * MARK, 2 * START], tick)
        for order in s.inbox[int(s.listings[1]["inbox0"]) :][: int(s.clock[1]["n_inbox"])]:
            sold, money = book.sell(int(order["lots"]), int(order["price_ticks"]))
            coin.books.positions[1, order["owner"]] -= sold
            coin.accounts[int(order["owner"])]["cash_micro"] += money
            coin.clock["cash_micro"] += money
        joined.rigs[0].scan(2 * MARK)
        if tick and s.clock[1]["n_inbox"] == 0 and (joined.portfolios.all["is_called"].sum(), book.bid) == before:
            break
    assert (joined.rigs[0].accounts["held_lots"][FIRST:] == 0).sum() == joined.portfolios.all["n_calls"].sum()
    return START - book.bid, int(joined.portfolios.all["n_calls"].sum())


@pytest.mark.parametrize("gain", [0.2, 0.5, 0.75])
def test_a_first_fall_grows_by_one_over_one_less_the_gain(gain):
    """Gain: what a tick of the coin lets be sold, times what that moves it. The series is finite and ends."""
    fall, calls = loop(gain, 0)
    assert fall == pytest.approx(100 / (1 - gain), abs=2 / (1 - gain))  # two ticks of the first fall
    assert calls == pytest.approx(PER_TICK * fall, abs=2 * PER_TICK)


def test_beyond_a_gain_of_one_everybody_is_called():
    fall, calls = loop(1.25, 0)
    assert calls == PEOPLE and fall > PEOPLE / PER_TICK


def test_at_redemption_value_nobody_is_called_by_the_fall():
    assert loop(0.75, 2) == (100, 0) == loop(1.25, 2)


def called(folder, seed: int, source: str, converts: bool) -> tuple[int, int]:
    """Portfolios that were called in a small network after a fall of 2%, and coins of collateral sent for sale. Nothing
    moves the coin's value, and little but makers stands behind its book.
    """
    btc = {"asset": "btc", "exchange": "one"}
    eth = {"asset": "eth", "exchange": "one", "market": {"price": "$4100", "open_interest": "1m"}}
    scale = dict.fromkeys(("depth_scale_visible", "depth_scale_latent"), 0.05) | {"depth_scale_refill": 0.2}
    token = {"asset": "token", "exchange": "one", **SPOT_ONLY, "latent": {"enabled": False}}
    token["trend"] = {"enabled": False}
    token["market"] = {"perp": False, "price": "$100k", "spot_daily_volume": "$100m", **scale}
    token["dip_buyer"] = {"enabled": False}
    pledge = {"share_of_accounts": "100%", "share_of_equity": "80%", "ratio": 100_000}
    pledge |= {"listing": "c", "source": source, "converts": converts}
    many = {"accounts": 400, "legs_mean": 2.0, "interest_share": "40%", "leverage_median": 8, "collateral": [pledge]}
    fall = [{"kind": "news_move", "at": "30s", "over": "60s", "move": "-2%"}]
    network = build_network(
        spec_of(
            folder, {"a": btc, "b": eth, "c": token},
            {"portfolios": {"one": many}, "assets": {"token": {"beta": 0.0}}}, shocks=fall,
        ), seed,
    )  # fmt: skip
    network.run_until(300.0)
    portfolios = network.couplings.portfolios
    return int((portfolios.all["n_calls"] > 0).sum()), int(portfolios.collateral["sold_lots"][2])


def check_what_the_loop_adds(folder, seeds) -> None:
    """Marked on its book, a coin that is sold calls more accounts than one that nobody sells; at redemption value,
    though as much is sold on the same book, it calls the very number that nobody's sales do.
    """
    more = 0
    for seed in seeds:
        own, sold = called(folder, seed, "own_book", True)
        redeemed, also_sold = called(folder, seed, "redemption", True)
        nobody, none = called(folder, seed, "redemption", False)
        assert redeemed == nobody and min(sold, also_sold) > 0 == none
        print(
            f"seed {seed}: portfolios called {own} on own book, {redeemed} at redemption value, {nobody} without sales"
        )
        more += own - nobody
    assert more >= len(seeds)


def test_at_redemption_value_the_extra_liquidations_of_the_loop_vanish(tmp_path):
    check_what_the_loop_adds(tmp_path, (1,))


@pytest.mark.long
def test_at_redemption_value_the_extra_liquidations_of_the_loop_vanish_in_ten_seeds(tmp_path):
    check_what_the_loop_adds(tmp_path, range(1, 11))
