"""What leveraged accounts do of their own accord (MODEL 4.3): stops, take-profits, panic closes, top-ups.

Closes. A trigger fires on the mark of the tick's price step or on the last trade at the tick's end; a panic close is
decided when a clock rings. From then on the account is closing: it sends reduce-only market orders through the mailbox,
one each ``interval_us``, of ``slice_micro`` at most, until nothing is left or the engine takes it into liquidation,
which cancels its orders; in a halt it waits. The first order of a trigger leaves at the end of the tick that fired it.

Top-ups. An isolated account with free cash hangs at the mark at which its equity is the stated multiple of maintenance
(kernels/ladder.py); each tick, every account beyond its mark draws whether its owner looks.

Panic closes have a constant hazard while a condition holds. While the mark moves wildly, one Poisson clock for all
accounts rings at the hazard times the number of accounts, each ring names one account evenly, and a ring where the
loss is small does nothing: the same law, and no account is visited without a ring.
Slow twin: tests/reference_market/leveraged.py.
"""

import math
from typing import Any, NamedTuple

import numpy as np

from sim import rng
from sim.behaviours.background import SERIAL_ROOM
from sim.kernels._jit import behaviour, inlined
from sim.kernels.account_triggers import ON_MARK, hang_triggers, take_crossed
from sim.kernels.fund import write_event
from sim.kernels.ladder import bucket_of, rehang
from sim.kernels.ledger import MILLION, NO_TICKET, ONE, TWO, ZERO, Order, rate_up
from sim.kernels.mailbox import NEW, post_flagged
from sim.kernels.margin import equity_micro
from sim.kernels.marks import PERP, bound_price
from sim.schema import BUY, EVENT_PANIC, EVENT_STOP, EVENT_TAKE_PROFIT, IOC, REDUCE_ONLY, SELL

STOP, TAKE_PROFIT, PANIC = (np.int64(i) for i in range(1, 4))  # why an account closes; 0: it does not

CONDUCT = np.dtype(
    [
        ("enabled", "i8"),
        ("first", "i8"),  # account rows first .. first + n - 1
        ("n", "i8"),
        ("n_closing", "i8"),
        ("bucket_shift", "i8"),
        ("reach", "i8", (4,)),  # bucket beyond which a ladder of triggers is empty
        ("top_up_chance", "f8"),  # of an alert owner in one tick
        ("panic_gap_us", "f8"),  # mean time between two rings; 0 when the clock does not run
        ("top_up_share_ppm", "i8"),
        ("panic_loss_ppm", "i8"),
        ("panic_move_ppm", "i8"),
        ("slice_micro", "i8"),  # of one order
        ("latency_us", "i8"),
        ("interval_us", "i8"),  # between two orders of one account: whole ticks, longer than the latency
        ("row_closed_lots", "i8", (4,)),  # since the last recorded row, by cause
        ("row_top_up_micro", "i8"),
    ]
)
PERSON = np.dtype(
    [
        ("cause", "i8"),
        ("next_send_us", "i8"),
        ("seen_lots", "i8"),  # position before this tick's matching, without sign
        ("closed_lots", "i8"),  # of its own accord, over the run
        ("topped_up_micro", "i8"),
    ]
)


class People(NamedTuple):
    """``conduct`` CONDUCT[1], ``persons`` PERSON[n], ``closing`` int64[n] (account rows), ``triggers``
    ACCOUNT_TRIGGER[m], ``heads`` int32[4, n_buckets] (1 + the first trigger's row, 0 where the bucket is empty),
    ``past_marks`` int64[ticks of the panic window] (ring).
    """

    conduct: Any
    persons: Any
    closing: Any
    triggers: Any
    heads: Any
    past_marks: Any


@inlined
def open_people(pp):
    """End of the warm-up tick: hang every stop and take-profit."""
    conduct = pp.conduct[0]
    hang_triggers(pp.triggers, pp.heads, conduct["reach"], conduct["bucket_shift"])


@behaviour
def begin_close(bk, ld, rk, pp, a, cause, price_half_ticks, now_us):
    """Put account ``a`` among those that close; nothing when it has no position, closes already or is in
    liquidation.
    """
    conduct = pp.conduct[0]
    person = pp.persons[a - conduct["first"]]
    position = bk.positions[PERP, a]
    if position == ZERO or person["cause"] != ZERO or np.int64(ld.accounts[a]["bucket"]) < ZERO:
        return
    person["cause"] = cause
    person["next_send_us"] = now_us
    pp.closing[conduct["n_closing"]] = a
    conduct["n_closing"] = conduct["n_closing"] + ONE
    kind = EVENT_STOP if cause == STOP else (EVENT_TAKE_PROFIT if cause == TAKE_PROFIT else EVENT_PANIC)
    write_event(ld, rk, kind, a, -position, price_half_ticks >> ONE, ZERO, now_us)


@inlined
def top_up(bk, ld, rk, pp, a):
    """Add margin to an isolated position out of the account's free cash."""
    conduct, account = pp.conduct[0], ld.accounts[a]
    margin = max(ZERO, account["cash_micro"] + account["entry_micro"])
    amount = min(account["free_micro"], rate_up(margin, conduct["top_up_share_ppm"]))
    if amount > ZERO:
        account["cash_micro"] = account["cash_micro"] + amount
        account["free_micro"] = account["free_micro"] - amount
        person = pp.persons[a - conduct["first"]]
        person["topped_up_micro"] = person["topped_up_micro"] + amount
        conduct["row_top_up_micro"] = conduct["row_top_up_micro"] + amount
        rehang(bk, ld, rk, a)


@behaviour
def look_after_margin(bk, ld, rk, pp, key, draws, tick, mark, chance):
    """Every alert owner may add margin, with one ``chance``. Buckets are walked away from the mark, so that nobody is
    met twice: added margin moves an account towards it. Eight at a time draw together; ``draws`` holds who they are as
    well.
    """
    engine = rk.engine[0]
    here, n = bucket_of(rk, mark), ZERO
    for s in range(2):
        side = np.int64(s)
        step = ONE if side == ZERO else -ONE
        bucket, last, farthest = here, engine["alert_top"] if side == ZERO else engine["alert_bottom"], here
        while (last - bucket) * step >= ZERO:
            a = np.int64(rk.heads[TWO + side, bucket]) - ONE
            if a >= ZERO:
                farthest = bucket
            while a >= ZERO:
                account = ld.accounts[a]
                after, at = np.int64(account["alert_next"]), account["alert_half_ticks"]
                if (side == ZERO and mark < at) or (side == ONE and mark > at):
                    draws[rng.KEYS + n], draws[rng.ROWS + n] = np.uint64(account["key"]), np.uint64(a)
                    n += ONE
                    if n == rng.BLOCKS:
                        ask_owners(bk, ld, rk, pp, key, draws, n, tick, chance)
                        n = ZERO
                a = after
            bucket += step
        if n != ZERO:
            ask_owners(bk, ld, rk, pp, key, draws, n, tick, chance)
            n = ZERO
        if side == ZERO:
            engine["alert_top"] = farthest
        else:
            engine["alert_bottom"] = farthest


@behaviour
def ask_owners(bk, ld, rk, pp, key, draws, n, tick, chance):
    """Whether each of up to eight alert owners, the first ``n`` of those in ``draws``, adds margin."""
    rng.draw_participants(key, tick, rng.TOP_UP, draws[rng.KEYS : rng.ROWS], ZERO, draws)
    for i in range(n):
        w0, w1, w2, w3 = rng.block_words(draws, i)
        if rng.uniform(w0, w1) < chance:
            top_up(bk, ld, rk, pp, np.int64(draws[rng.ROWS + i]))


@inlined
def is_frightened(bk, ld, conduct, a, mark):
    """Whether the loss since entry exceeds the stated share of the position's margin at cost."""
    account, position = ld.accounts[a], bk.positions[PERP, a]
    loss = account["entry_micro"] - equity_micro(ZERO, position, mark, ld.rules[PERP]["micro_per_tick_lot"])
    margin = max(ZERO, account["cash_micro"] + account["entry_micro"])
    return loss > rate_up(margin, conduct["panic_loss_ppm"])


@behaviour
def flee(bk, ld, rk, pp, key, tick, mark, now_us):
    """Panic closes of this tick."""
    conduct = pp.conduct[0]
    first, left_us, ring = conduct["first"], np.float64(ld.clock[0]["tick_us"]), ZERO
    while True:
        w0, w1, w2, w3 = rng.philox(key, tick, rng.PANIC, ld.accounts[first]["key"], ring)
        left_us += math.log(rng.uniform(w0, w1)) * conduct["panic_gap_us"]
        if left_us < 0.0:
            return
        a = first + np.int64(rng.uniform(w2, w3) * np.float64(conduct["n"]))
        if is_frightened(bk, ld, conduct, a, mark):
            begin_close(bk, ld, rk, pp, a, PANIC, mark, now_us)
        ring += ONE


@inlined
def panic(bk, ld, rk, pp, key, tick, mark, now_us):
    """Remember the mark; accounts close in panic while it moves wildly."""
    conduct = pp.conduct[0]
    slot = tick % np.int64(pp.past_marks.shape[0])
    before = pp.past_marks[slot]
    pp.past_marks[slot] = mark
    if conduct["panic_gap_us"] != 0.0 and abs(mark - before) * MILLION > before * conduct["panic_move_ppm"]:
        flee(bk, ld, rk, pp, key, tick, mark, now_us)


@behaviour
def send_each_close(bk, ld, mail, px, pp, tick, start_us):
    """An order of each closing account whose last one has arrived; who is done leaves the list."""
    conduct, mark = pp.conduct[0], px.now[0]["mark_half_ticks"]
    most = max(ONE, TWO * conduct["slice_micro"] // (mark * ld.rules[PERP]["micro_per_tick_lot"]))
    is_halted, kept = ld.rules[PERP]["halted"] != ZERO, ZERO
    for i in range(conduct["n_closing"]):
        a = pp.closing[i]
        person, position = pp.persons[a - conduct["first"]], bk.positions[PERP, a]
        if position == ZERO or np.int64(ld.accounts[a]["bucket"]) < ZERO:
            person["cause"] = ZERO
            continue
        pp.closing[kept] = a
        kept += ONE
        if person["next_send_us"] <= start_us and not is_halted:
            side = SELL if position > ZERO else BUY
            price = bound_price(mark, side, ld.rules[PERP]["order_bound_ppm"])
            order = Order(PERP, side, price, min(most, abs(position)), a, IOC, NO_TICKET)
            post_flagged(ld, mail, start_us + conduct["latency_us"], tick * SERIAL_ROOM, NEW, order, REDUCE_ONLY)
            person["next_send_us"] = start_us + conduct["interval_us"]
        person["seen_lots"] = abs(position)
    conduct["n_closing"] = kept


@inlined
def send_closes(bk, ld, mail, px, pp, tick, start_us):
    """Step 5a of the tick: orders of those who close, where anybody does."""
    if pp.conduct[0]["n_closing"] != ZERO:
        send_each_close(bk, ld, mail, px, pp, tick, start_us)


@inlined
def note_closes(bk, ld, rk, pp):
    """After the mail is matched: book what was closed by its cause, and hang those accounts anew."""
    conduct = pp.conduct[0]
    for i in range(conduct["n_closing"]):
        a = pp.closing[i]
        person = pp.persons[a - conduct["first"]]
        closed = person["seen_lots"] - abs(bk.positions[PERP, a])
        if closed > ZERO:
            person["closed_lots"] = person["closed_lots"] + closed
            conduct["row_closed_lots"][person["cause"]] += closed
            rehang(bk, ld, rk, a)


@inlined
def fire_triggers(bk, ld, rk, px, pp, now_us):
    """Stops and take-profits on this tick's mark, then on the last trade."""
    conduct, last = pp.conduct[0], TWO * bk.book[PERP]["last_ticks"]
    for k in range(4):
        ladder = np.int64(k)
        price = px.now[0]["mark_half_ticks"] if ladder >> ONE == ON_MARK else last
        if price == ZERO:
            continue
        i = take_crossed(pp.triggers, pp.heads, conduct["reach"], conduct["bucket_shift"], ladder, price)
        while i >= ZERO:
            node = pp.triggers[i]
            begin_close(bk, ld, rk, pp, np.int64(node["account"]), np.int64(node["cause"]), price, now_us)
            i = np.int64(node["next"])


@inlined
def decide_people(bk, ld, rk, px, pp, key, draws, tick, now_us):
    """Step 10 of the tick: what fired, who adds margin, who panics. Orders leave when the next tick starts."""
    if pp.conduct[0]["enabled"] != ZERO:
        fire_triggers(bk, ld, rk, px, pp, now_us)
        mark = px.now[0]["mark_half_ticks"]
        chance = pp.conduct[0]["top_up_chance"]
        if chance != 0.0:
            look_after_margin(bk, ld, rk, pp, key, draws, tick, mark, chance)
        panic(bk, ld, rk, pp, key, tick, mark, now_us)
        ld.clock[0]["n_closing"] = pp.conduct[0]["n_closing"]


@inlined
def write_people(pp, row):
    """Fill the population's columns of a recorded row and start new sums."""
    conduct = pp.conduct[0]
    closed = conduct["row_closed_lots"]
    row["stop_lots"], row["take_profit_lots"], row["panic_lots"] = closed[STOP], closed[TAKE_PROFIT], closed[PANIC]
    row["top_up_micro"], row["n_closing"] = conduct["row_top_up_micro"], conduct["n_closing"]
    closed[STOP], closed[TAKE_PROFIT], closed[PANIC] = ZERO, ZERO, ZERO
    conduct["row_top_up_micro"] = ZERO
