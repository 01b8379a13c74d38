"""The model's order of events inside one tick: the list of calls in ``advance`` is MODEL 1.4, thin version.

Fixed and pinned by a test. Behaviours read the state at the end of the last tick and write messages; nothing trades
before step 5b. Marks used by the engine are those of step 2: a fill of this tick cannot liquidate anyone before the
next mark.
"""

import math
from typing import Any, NamedTuple

import numpy as np

from sim.behaviours.arbitrage import Arbitrage, arbitrage, write_arbitrage
from sim.behaviours.background import Background, send_limits, send_takers
from sim.behaviours.dip_buyer import DipBuyers, buy_dips, rest_bids, write_dip_buyers
from sim.behaviours.latent import Latent, tend_layers, write_layers
from sim.behaviours.leveraged import People, decide_people, note_closes, open_people, send_closes, write_people
from sim.behaviours.market_maker import Makers, all_net_lots, make_markets
from sim.behaviours.news import News, update_news
from sim.behaviours.pace import is_other_clock_due
from sim.behaviours.trend import Trend, follow_trend, write_trend
from sim.kernels._jit import behaviour, entry, inlined, room
from sim.kernels.book import Books, recentre
from sim.kernels.clock import DONE, FAULT, GROW, OVERFLOW, SWITCH
from sim.kernels.fund import unload_fund
from sim.kernels.fund_drop import FundDrop, watch_fund
from sim.kernels.funding import settle_funding
from sim.kernels.guests import settle_guests
from sim.kernels.invariants import broken_law
from sim.kernels.ledger import ONE, TWO, ZERO, Ledger
from sim.kernels.liquidation import Risk, hang, run_engine, scan_rank
from sim.kernels.mailbox import Mail, match_mail, take_inbox
from sim.kernels.marks import Prices, read_mids, update_prices
from sim.kernels.recording import Tape, write_bands, write_quote, write_row
from sim.kernels.safeguards import Safeguards, guard


class Desk(NamedTuple):
    """What belongs to no behaviour: the seeds of draws, orders from Python and the network, pairs of draws kept for
    another participant, and the pace (``sim.behaviours.pace``).
    """

    key: Any
    inbox: Any
    draws: Any
    pace: Any


@inlined
def most_guest_fills(bk, clock):
    """Rows that fills and refusals of Python agents may need in one tick: two for each order that can end or is
    refused, and one for each message and each order of the engine that leaves a part of an agent's order behind.
    """
    messages = clock["n_mail"] + clock["most_messages"] + clock["n_closing"]
    return TWO * (np.int64(bk.pool.shape[0]) + messages) + clock["most_events"]


@inlined
def is_short_of_room(bk, ld, mail, rk, tape):
    """Whether some room has less space than the declared maximum of one tick (DECISIONS 8)."""
    c = ld.clock[0]
    most = c["most_messages"] + c["n_closing"]
    unused = bk.pool.shape[0] - np.int64(bk.cursor[0]["fresh"])  # slots beyond the most that were ever live at once
    return (
        unused < c["n_mail"] + most
        or mail.messages.shape[0] - c["n_mail"] < most
        or rk.events.shape[0] - c["n_events"] < c["most_events"]
        or tape.rows.shape[0] <= c["n_rows"]
        or tape.bands.shape[0] <= c["n_bands"]
        or (c["n_guests"] != ZERO and ld.guest_fills.shape[0] - c["n_guest_fills"] < most_guest_fills(bk, c))
    )


@behaviour
def hang_all(bk, ld, rk, pp, key):
    """End of the warm-up tick: rank and hang every account that the engine watches."""
    for a in range(ld.accounts.shape[0]):
        account = ld.accounts[a]
        if np.int64(account["leveraged"]) != ZERO:
            account["rank"] = scan_rank(key, account["key"])
            hang(bk, ld, rk, np.int64(a))
    open_people(pp)


@inlined
def start_tick(bk, ld):
    """Step 0: re-base books whose touch wandered; what takers did in the last tick becomes public."""
    for b in range(2):
        recentre(bk, np.int64(b))
        ld.flows[b]["last_net_micro"] = ld.flows[b]["tick_net_micro"]
        ld.flows[b]["tick_net_micro"] = ZERO
        ld.flows[b]["last_quoted_micro"] = ld.flows[b]["tick_quoted_micro"]
        ld.flows[b]["tick_quoted_micro"] = ZERO


@inlined
def force_orders(bk, ld, rk, px, fd, now_us):
    """Steps 6 and 7: the liquidation engine, then the fund."""
    watch_fund(fd, bk, ld, rk, px, now_us)
    run_engine(bk, ld, rk, px, now_us)
    unload_fund(bk, ld, rk, px, now_us)
    settle_guests(bk, ld, rk, px)


@inlined
def is_due(clock, every_us, end_us):
    """Whether a full ``every_us`` falls into the tick that ends now."""
    return end_us // every_us != (end_us - clock["tick_us"]) // every_us


@behaviour
def write_record(bk, ld, rk, px, tape, mk, arb, dip, trend, lt, pp, news, has_bands, end_us):
    """A row of everything; ``has_bands`` when the last depth profile is of this moment."""
    now = news.now[0]
    value_usd = now["start_usd"] * math.exp(now["log_value"])
    write_row(bk, ld, rk, px, tape, value_usd, all_net_lots(bk, mk), has_bands, end_us)
    row = tape.rows[ld.clock[0]["n_rows"] - ONE]
    write_arbitrage(bk, arb, row)
    write_dip_buyers(bk, dip, row)
    write_trend(bk, trend, row)
    write_layers(bk, lt, row)
    write_people(pp, row)


@inlined
def record(bk, ld, rk, px, tape, mk, arb, dip, trend, lt, pp, news, tick, end_us):
    """Step 11: the touch each tick, a row and a depth profile when they fall due."""
    clock = ld.clock[0]
    read_mids(bk, px.now[0], end_us)
    write_quote(bk, tape, px, tick, end_us)
    has_bands = is_due(clock, clock["band_every_us"], end_us)
    if has_bands:
        write_bands(bk, tape, px, ld.clock, end_us)
    if is_due(clock, clock["record_every_us"], end_us):
        write_record(bk, ld, rk, px, tape, mk, arb, dip, trend, lt, pp, news, has_bands, end_us)


@inlined
def verdict(bk, ld):
    """After the tick: DONE, or why the run must stop."""
    clock = ld.clock[0]
    if clock["overflow"] != ZERO:
        return OVERFLOW
    if clock["audit"] != ZERO:
        clock["fault"] = broken_law(bk, ld)
        if clock["fault"] != ZERO:
            return FAULT
    return DONE


@entry
def advance(n, rooms):
    """Run up to ``n`` whole ticks; returns DONE, GROW (room short, this tick not begun), FAULT, OVERFLOW or SWITCH
    (after a tick).

    ``rooms`` are those of ``sim.state.State``.
    """
    bk, ld, mail, rk = room(rooms, Books), room(rooms, Ledger), room(rooms, Mail), room(rooms, Risk)
    px, tape, news, bg = room(rooms, Prices), room(rooms, Tape), room(rooms, News), room(rooms, Background)
    lt, mk, arb, dip = room(rooms, Latent), room(rooms, Makers), room(rooms, Arbitrage), room(rooms, DipBuyers)
    trend, pp, sg, fd = room(rooms, Trend), room(rooms, People), room(rooms, Safeguards), room(rooms, FundDrop)
    desk = room(rooms, Desk)
    key, inbox, draws, pace, clock = desk.key, desk.inbox, desk.draws, desk.pace, ld.clock
    status = DONE
    for _ in range(n):
        if is_short_of_room(bk, ld, mail, rk, tape):
            return GROW
        t = clock[0]["tick"]
        start_us = t * clock[0]["tick_us"]
        end_us = start_us + clock[0]["tick_us"]
        start_tick(bk, ld)  # 0
        take_inbox(ld, mail, inbox)  # 0
        update_news(news, draws, t, start_us)  # 1
        update_prices(bk, px, ld, start_us)  # 2
        if t >= ZERO:
            guard(sg, ld, rk, px, start_us)  # 2
        settle_funding(bk, ld, rk, px, start_us)  # 3
        is_engine_on = t >= ZERO and clock[0]["engine_on"] != ZERO
        if is_engine_on and clock[0]["engine_first"] != ZERO:
            force_orders(bk, ld, rk, px, fd, start_us)  # 6, 7 in a study of the order of steps
        make_markets(bk, mk, ld, mail, px, news, key, draws, t)  # 4a
        send_limits(bk, bg, ld, mail, px, key, draws, t)  # 4b
        tend_layers(bk, ld, mail, px, news, lt, key, draws, t)  # 4c
        if t >= ZERO:
            send_takers(bg, ld, mail, px, news, key, draws, t, start_us)  # 5a
            arbitrage(bk, arb, ld, mail, px, t, start_us)  # 5a
            buy_dips(dip, ld, mail, px, key, t, start_us)  # 5a
            follow_trend(bk, trend, ld, mail, px, key, t, start_us)  # 5a
            send_closes(bk, ld, mail, px, pp, t, start_us)  # 5a
        else:
            rest_bids(dip, ld, mail, t)  # 4b
        match_mail(bk, ld, mail, rk, px, key, start_us, end_us)  # 5b
        note_closes(bk, ld, rk, pp)  # 5b
        settle_guests(bk, ld, rk, px)  # 5b
        if t < ZERO:
            hang_all(bk, ld, rk, pp, key)
        if is_engine_on and clock[0]["engine_first"] == ZERO:
            force_orders(bk, ld, rk, px, fd, end_us)  # 6, 7, 8
        if t >= ZERO:
            decide_people(bk, ld, rk, px, pp, key, draws, t, end_us)  # 10
        record(bk, ld, rk, px, tape, mk, arb, dip, trend, lt, pp, news, t, end_us)  # 11
        status = verdict(bk, ld)
        clock[0]["tick"] = t + ONE
        if status != DONE:
            return status
        if is_other_clock_due(pace, bk, ld, rk, px, mk, bg, news, end_us):
            return SWITCH
    return status
