"""Poisson order flow into the compiled matching core: the zero-intelligence and the Cont-Stoikov-Talreja market.

Unit orders. A limit order arrives at each distance ``i`` = 1..W from the opposite best at ``limit_rate[i-1]``, on each
side; a market order at ``market_rate`` a side; each order at distance ``i`` is cancelled at ``cancel_rate[i-1]``
(beyond W at the last rate). The chain is drawn by uniformisation: events come at the rate of all maxima and those
that exceed their own rate do nothing. While a side is empty its last best price is used.
"""

import math

import numpy as np

from sim import rng
from sim.kernels._jit import behaviour, entry, small
from sim.kernels.book import MASK32, NO_KEY, ONE, ZERO, Books, price_of, recentre, slot_of
from sim.kernels.matching import cancel, submit
from sim.kernels.memory import allocate_books
from sim.schema import BUY, GTC, IOC, MAX_PRICE_TICKS, STP_OFF

PURPOSE = np.int64(9001)  # outside the simulator's own purposes
SCALE32 = 1.0 / 4294967296.0
TWO, EVERY = np.int64(2), np.int64(1023)
MASK24 = np.int64((1 << 24) - 1)  # an order's owner is the event in which it was sent, so that a log can name it
FLOW = np.dtype(
    [
        ("event", "i8"),
        ("n_live", "i8"),
        ("bid", "i8"),  # the best, or the last there was
        ("ask", "i8"),
        ("n_trades", "i8"),
        ("time", "f8"),
        ("spread_time", "f8"),  # integral of the spread over expected time, ticks x time
        ("expected_time", "f8"),
        ("squares", "f8"),  # sum of squared changes of the mid, ticks^2
        ("n_samples", "i8"),
        ("log", "i8"),  # whether messages are kept
    ]
)


@small
def read_touch(bk, flow):
    """Take over the best prices that exist."""
    bid, ask = bk.sides[0]["best"], bk.sides[1]["best"]
    if bid != NO_KEY:
        flow["bid"] = -bid
    if ask != NO_KEY:
        flow["ask"] = ask


@small
def add_live(flow, live, place, handle):
    """Remember an order that rests."""
    n = flow["n_live"]
    live[n] = handle
    place[handle & MASK32] = n
    flow["n_live"] = n + ONE


@small
def drop_live(flow, live, place, handle):
    """Forget an order that is gone."""
    n = flow["n_live"] - ONE
    at = place[handle & MASK32]
    live[at] = live[n]
    place[live[n] & MASK32] = at
    flow["n_live"] = n


@behaviour
def send(bk, flow, live, place, sent, side, price, kind):
    """One unit order."""
    if flow["log"] != ZERO:
        row = sent[flow["event"]]
        row[0], row[1], row[2], row[3] = ONE, side, price, kind
    handle, traded, _, _ = submit(bk, ZERO, side, price, ONE, flow["event"] & MASK24, kind, ZERO)
    if handle != ZERO:
        add_live(flow, live, place, handle)
    if traded != ZERO:
        drop_live(flow, live, place, bk.fills[0]["maker"])
        flow["n_trades"] += ONE
        bk.cursor[0]["n_fills"] = ZERO


@behaviour
def take_off(bk, flow, live, place, sent, at):
    """Cancel the order at a place of the list."""
    handle = live[at]
    if flow["log"] != ZERO:
        row = sent[flow["event"]]
        row[0], row[1] = TWO, np.int64(bk.pool[slot_of(bk.pool, handle)]["owner"])
    cancel(bk, handle)
    drop_live(flow, live, place, handle)


@behaviour
def one_event(bk, flow, limit_rate, cancel_rate, market_rate, live, place, sent, key, most):
    """Draw and apply the next event; ``most`` holds the two largest rates. Returns the rate of all events."""
    n_levels = np.int64(limit_rate.shape[0])
    w0, w1, w2, w3 = rng.philox(key, flow["event"], PURPOSE, flow["event"] >> np.int64(32), ZERO)
    limits = 2.0 * n_levels * most[0]
    total = limits + 2.0 * market_rate + flow["n_live"] * most[1]
    x, accept = rng.uniform(w0, w1) * total, (np.float64(np.int64(w2)) + 0.5) * SCALE32
    flow["time"] -= math.log((np.float64(np.int64(w3)) + 0.5) * SCALE32) / total
    flow["spread_time"] += (flow["ask"] - flow["bid"]) / total
    flow["expected_time"] += 1.0 / total
    if x < limits:
        pick = np.int64(x / most[0])
        distance, side = (pick >> ONE) + ONE, pick & ONE
        if accept * most[0] < limit_rate[distance - ONE]:
            price = flow["ask"] - distance if side == BUY else flow["bid"] + distance
            send(bk, flow, live, place, sent, side, price, GTC)
    elif x < limits + 2.0 * market_rate:
        side = np.int64((x - limits) >= market_rate)
        send(bk, flow, live, place, sent, side, MAX_PRICE_TICKS if side == BUY else ONE, IOC)
    else:
        at = min(np.int64((x - limits - 2.0 * market_rate) / most[1]), flow["n_live"] - ONE)
        slot = slot_of(bk.pool, live[at])
        price = price_of(bk, slot)
        distance = max(ONE, max(flow["ask"] - price, ZERO) if price <= flow["bid"] else price - flow["bid"])
        if accept * most[1] < cancel_rate[min(distance, n_levels) - ONE]:
            take_off(bk, flow, live, place, sent, at)
    read_touch(bk, flow)
    flow["event"] += ONE
    return total


@entry
def run_poisson(
    n, key, limit_rate, cancel_rate, market_rate, sample_every, flow_rows, live, place, samples, sent, most,
    sides, book, levels, words, pool, far, positions, fills, cursor,
):  # fmt: skip
    """Apply events until ``n`` are done; the sum of both best prices is sampled each ``sample_every`` of time."""
    bk = Books(sides, book, levels, words, pool, far, positions, fills, cursor)
    flow = flow_rows[0]
    for _ in range(n):
        before = flow["bid"] + flow["ask"]
        one_event(bk, flow, limit_rate, cancel_rate, market_rate, live, place, sent, key, most)
        change = flow["bid"] + flow["ask"] - before
        flow["squares"] += 0.25 * np.float64(change * change)
        while flow["n_samples"] < samples.shape[0] and flow["time"] >= sample_every * (flow["n_samples"] + ONE):
            samples[flow["n_samples"]] = before
            flow["n_samples"] += ONE
        if (flow["event"] & EVERY) == ZERO:
            recentre(bk, ZERO)


@entry
def first_passage(
    n, key, n_bids, n_asks, spread, limit_rate, cancel_rate, market_rate, flow_rows, live, place, sent, most,
    sides, book, levels, words, pool, far, positions, fills, cursor,
):  # fmt: skip
    """Number of ``n`` trials in which the mid's first move is up, from queues of given lengths at a given spread."""
    bk = Books(sides, book, levels, words, pool, far, positions, fills, cursor)
    flow = flow_rows[0]
    ups = ZERO
    for _ in range(n):
        while flow["n_live"] != ZERO:
            take_off(bk, flow, live, place, sent, flow["n_live"] - ONE)
        bid, ask = np.int64(1 << 20), np.int64(1 << 20) + spread
        for _ in range(n_bids):
            send(bk, flow, live, place, sent, BUY, bid, GTC)
        for _ in range(n_asks):
            send(bk, flow, live, place, sent, np.int64(1), ask, GTC)
        flow["bid"], flow["ask"] = bid, ask
        while bk.sides[0]["best"] == -bid and bk.sides[1]["best"] == ask:
            one_event(bk, flow, limit_rate, cancel_rate, market_rate, live, place, sent, key, most)
        moved = bk.sides[1]["best"] > ask or (bk.sides[0]["best"] != NO_KEY and -bk.sides[0]["best"] > bid)
        ups += np.int64(moved)
    return ups


class PoissonMarket:
    """A book and the flow into it.

    Parameters
    ----------
    limit_rate, cancel_rate : sequence of float
        By distance from the opposite best, 1/time (a price; an order).
    market_rate : float
        Orders a side, 1/time.
    seed : int
    sample_every : float
        Time between samples of the mid.
    n_samples : int
        Room for samples.
    n_logged : int
        Events whose messages are kept in ``sent``: (1, side, price, kind) an order, (2, event that sent it) a cancel,
        0 nothing.
    """

    def __init__(
        self, limit_rate, cancel_rate, market_rate, seed, *, sample_every=1.0, n_samples=0, n_logged=0, room=1 << 16
    ):
        self.limit_rate = np.array(limit_rate, np.float64)
        self.cancel_rate = np.array(cancel_rate, np.float64)
        self.market_rate = float(market_rate)
        self.most = np.array([self.limit_rate.max(), self.cancel_rate.max()])
        self.key = rng.seed_key(seed)
        self.sample_every = sample_every
        self.books = allocate_books([1 << 14], room, 4 * room, 0, int(STP_OFF))
        self.flow = np.zeros(1, FLOW)
        self.flow["bid"], self.flow["ask"] = (1 << 22) - 1, 1 << 22
        self.flow["log"] = int(n_logged > 0)
        self.live, self.place = np.zeros(room, np.int64), np.zeros(room + 1, np.int64)
        self.samples = np.zeros(n_samples, np.int64)
        self.sent = np.zeros((max(n_logged, 1), 4), np.int64)

    def run(self, n_events):
        """Apply that many events."""
        run_poisson(
            n_events, self.key, self.limit_rate, self.cancel_rate, self.market_rate, self.sample_every, self.flow,
            self.live, self.place, self.samples, self.sent, self.most, *self.books,
        )  # fmt: skip

    def settle(self, n_events):
        """Apply that many events and forget what was measured."""
        self.run(n_events)
        for field in ("time", "spread_time", "expected_time", "squares", "n_samples", "n_trades"):
            self.flow[field] = 0

    def ups(self, n_trials, n_bids, n_asks, spread=1):
        """Trials in which the mid moved up first."""
        return first_passage(
            n_trials, self.key, n_bids, n_asks, spread, self.limit_rate, self.cancel_rate, self.market_rate, self.flow,
            self.live, self.place, self.sent, self.most, *self.books,
        )  # fmt: skip

    @property
    def spread(self):
        """Time average of the spread, in ticks."""
        return float(self.flow["spread_time"][0] / self.flow["expected_time"][0])

    @property
    def short_diffusion(self):
        """Squared changes of the mid a unit of time, ticks^2: the diffusion at lag 0."""
        return float(self.flow["squares"][0] / self.flow["expected_time"][0])

    def long_diffusion(self, lag):
        """Mean square change of the mid over ``lag`` samples (overlapping), divided by its time, ticks^2."""
        mid = 0.5 * self.samples[: int(self.flow["n_samples"][0])]
        return float(np.mean((mid[lag:] - mid[:-lag]) ** 2) / (lag * self.sample_every))


def zero_intelligence(alpha, mu, delta, seed, *, levels=None, **more):
    """A Smith-Farmer-Gillemot-Krishnamurthy market: ``alpha`` a price and side, ``mu`` a side, ``delta`` an order;
    orders are placed within ``levels`` ticks (default 5 mu/alpha) of the opposite best.
    """
    levels = round(5 * mu / alpha) if levels is None else levels
    return PoissonMarket(np.full(levels, alpha), np.full(levels, delta), mu, seed, **more)
