"""Compiled doors to inner kernels, which have no Python wrapper of their own."""

import numpy as np

from sim import rng
from sim.behaviours.arbitrage import Arbitrage, arbitrage
from sim.behaviours.dip_buyer import DipBuyers, buy_dips
from sim.behaviours.trend import Trend, follow_trend
from sim.kernels._jit import entry
from sim.kernels.account_triggers import hang_triggers, take_crossed
from sim.kernels.adl import deleverage, index_score, leverage_pnl, pnl_leverage
from sim.kernels.book import Books
from sim.kernels.fund_drop import FundDrop, watch_fund
from sim.kernels.funding import settle_funding
from sim.kernels.guests import status_of_account
from sim.kernels.inverse import inverse_bankruptcy, inverse_equity, inverse_is_liquidatable, inverse_last_safe
from sim.kernels.ledger import Ledger, Order, move_position
from sim.kernels.liquidation import Risk, hang, run_engine
from sim.kernels.loss_shares import split, split_capped, use_layers
from sim.kernels.mailbox import Mail, sort_due
from sim.kernels.margin import (
    alert_half_ticks,
    bankruptcy_half_ticks,
    equity_micro,
    is_liquidatable,
    last_safe_half_ticks,
    lots_to_close,
    maintenance_micro,
)
from sim.kernels.marks import (
    Prices,
    funding_base_half_ticks,
    median_of_three,
    read_mids,
    rounded_ratio,
    update_oracle_mark,
)
from sim.kernels.matching import submit
from sim.kernels.premium import premium_ppb
from sim.kernels.safeguards import Safeguards, has_moved


@entry
def philox_words(key, c0, c1, c2, c3):
    return rng.philox(key, c0, c1, c2, c3)


@entry
def sixteenths(key, c0, c1, c2, draws, out):
    """The first 16 bits of a row, in turn; the other of the pair is not asked."""
    rng.draw_pair(key, c0, c1, c2 + np.int64(7), c2, np.int64(0), np.int64(0), np.int64(1), rng.BLOCKS, draws)
    for k in range(out.shape[0]):
        four = rng.four_of_row(key, c0, c1, c2, np.int64(1), np.int64(k) >> 2, draws)
        out[k] = rng.sixteen_bits(four, np.int64(k) & 3)


@entry
def words_of_pair(key, c0, c1, a, b, first_a, first_b, step, draws, out):
    """The words of ``draw_pair``, a row for each block."""
    rng.draw_pair(key, c0, c1, a, b, first_a, first_b, step, rng.BLOCKS, draws)
    for i in range(8):
        w0, w1, w2, w3 = rng.block_words(draws, i)
        out[i, 0], out[i, 1], out[i, 2], out[i, 3] = w0, w1, w2, w3


@entry
def below_of(four, most):
    return rng.below(four, most)


@entry
def shared_normals(keys, places, asked, draws, out):
    """Normals asked for in turn: rows of which key, tick, purpose, row and place."""
    for i in range(asked.shape[0]):
        key = keys[asked[i, 0]]
        out[i] = rng.shared_normal(key, asked[i, 1], asked[i, 2], asked[i, 3], places[i], draws)


@entry
def normal_of(key, c0, c1, c3):
    w0, w1, w2, w3 = rng.philox(key, c0, c1, np.int64(0), c3)
    return rng.normal(w0, w1, w2, w3)


@entry
def words_of_participants(key, c0, c1, participants, c3, draws, out):
    """The words of ``draw_participants``, a row for each block."""
    rng.draw_participants(key, c0, c1, participants, c3, draws)
    for i in range(participants.shape[0]):
        w0, w1, w2, w3 = rng.block_words(draws, i)
        out[i, 0], out[i, 1], out[i, 2], out[i, 3] = w0, w1, w2, w3


@entry
def drawn_words(key, c0, c1, c2, first, step, draws, out):
    """Eight blocks drawn together, a row of four words each."""
    rng.draw_blocks(key, c0, c1, c2, first, step, rng.BLOCKS, draws)
    for i in range(8):
        w0, w1, w2, w3 = rng.block_words(draws, i)
        out[i, 0], out[i, 1], out[i, 2], out[i, 3] = w0, w1, w2, w3


@entry
def many_normals(key, out):
    for i in range(out.shape[0]):
        w0, w1, w2, w3 = rng.philox(key, np.int64(i), rng.NEWS, np.int64(0), np.int64(0))
        out[i] = rng.normal(w0, w1, w2, w3)


@entry
def many_poisson(key, rate, bound, out):
    for i in range(out.shape[0]):
        w0, w1, w2, w3 = rng.philox(key, np.int64(i), rng.TAKER_COUNT, np.int64(0), np.int64(0))
        out[i] = rng.poisson(rate, rng.uniform(w0, w1), bound)


@entry
def margin_of(cash, position, mark, unit, tiers, ceiling, fee_ppm):
    """Equity, requirement, liquidatable, last safe mark, lots to close, bankruptcy price."""
    return (
        equity_micro(cash, position, mark, unit),
        maintenance_micro((abs(position) * mark * unit + np.int64(1)) >> np.int64(1), tiers),
        is_liquidatable(cash, position, mark, unit, tiers),
        last_safe_half_ticks(cash, position, unit, tiers, ceiling),
        lots_to_close(cash, position, mark, unit, tiers, fee_ppm),
        bankruptcy_half_ticks(cash, position, unit),
    )


@entry
def nearest_marks(cash, position, unit, tiers, ceiling, multiple_ppm):
    """Last safe mark, and the last at which equity is a multiple of maintenance."""
    return (
        last_safe_half_ticks(cash, position, unit, tiers, ceiling),
        alert_half_ticks(cash, position, unit, tiers, ceiling, multiple_ppm),
    )


@entry
def settle_many(changes, accounts, clock):
    """Settle rows (account, lots, value) of position changes in order."""
    ld = Ledger(accounts, accounts, accounts, accounts, accounts, accounts, clock)
    for i in range(changes.shape[0]):
        move_position(ld, changes[i, 0], changes[i, 1], changes[i, 2])


@entry
def mark_of(index, sample_sum, n, last, rate_ppb, left_us, every_us):
    p1 = funding_base_half_ticks(index, rate_ppb, left_us, every_us)
    return median_of_three(p1, index + rounded_ratio(sample_sum, n), last)


@entry
def premium_of(index, unit, impact_micro, sides, book, levels, words, pool, far, positions, fills, cursor):
    bk = Books(sides, book, levels, words, pool, far, positions, fills, cursor)
    return premium_ppb(bk, index, unit, impact_micro)


@entry
def scores_of(pnl, collateral, maintenance, cost, notional, equity, mark, entry_price, side):
    return (
        leverage_pnl(pnl, collateral, maintenance),
        pnl_leverage(pnl, cost, notional, equity),
        index_score(mark, entry_price, side, notional, equity),
    )


@entry
def admit(order, but, mark, bk, ld, rk):
    """Whether an agent's account covers an order (book, side, price, lots, owner, kind), or a replace of a ticket."""
    it = Order(order[0], order[1], order[2], order[3], order[4], order[5], but)
    return status_of_account(bk, ld, rk, it, but, mark)


@entry
def submit_many(orders, sides, book, levels, words, pool, far, positions, fills, cursor):
    """Send rows (book, side, price, lots, owner, kind) in order; fills stay in the room."""
    bk = Books(sides, book, levels, words, pool, far, positions, fills, cursor)
    for i in range(orders.shape[0]):
        submit(bk, orders[i, 0], orders[i, 1], orders[i, 2], orders[i, 3], orders[i, 4], orders[i, 5], np.int64(0))


@entry
def scan(
    hang_first, hang_end, now_us,
    clock, sides, book, levels, words, pool, far, positions, fills, cursor,
    accounts, rules, flows, tickets, slot_ticket, guest_fills,
    tiers, engine, heads, queue, events, ranked, score, shares,
    price, samples,
):  # fmt: skip
    """Hang the accounts from ``hang_first`` to before ``hang_end``, then run the liquidation engine once."""
    bk = Books(sides, book, levels, words, pool, far, positions, fills, cursor)
    ld = Ledger(accounts, rules, flows, tickets, slot_ticket, guest_fills, clock)
    rk = Risk(tiers, engine, heads, queue, events, ranked, score, shares)
    for a in range(hang_first, hang_end):
        hang(bk, ld, rk, np.int64(a))
    run_engine(bk, ld, rk, Prices(price, samples), now_us)


@entry
def deleverage_one(
    a, mark,
    clock, sides, book, levels, words, pool, far, positions, fills, cursor,
    accounts, rules, flows, tickets, slot_ticket, guest_fills,
    tiers, engine, heads, queue, events, ranked, score, shares,
):  # fmt: skip
    """Close one account against ranked counterparties."""
    bk = Books(sides, book, levels, words, pool, far, positions, fills, cursor)
    ld = Ledger(accounts, rules, flows, tickets, slot_ticket, guest_fills, clock)
    deleverage(
        bk, ld, Risk(tiers, engine, heads, queue, events, ranked, score, shares), a, mark, np.int64(0), np.int64(0)
    )


@entry
def pay_funding(
    clock, sides, book, levels, words, pool, far, positions, fills, cursor,
    accounts, rules, flows, tickets, slot_ticket, guest_fills,
    tiers, engine, heads, queue, events, ranked, score, shares,
    price, samples,
):  # fmt: skip
    """One funding payment, when it is due."""
    bk = Books(sides, book, levels, words, pool, far, positions, fills, cursor)
    ld = Ledger(accounts, rules, flows, tickets, slot_ticket, guest_fills, clock)
    rk = Risk(tiers, engine, heads, queue, events, ranked, score, shares)
    settle_funding(bk, ld, rk, Prices(price, samples), np.int64(0))


@entry
def split_of(amount, weights, out):
    return split(amount, weights, out)


@entry
def oracle_step(now_us, price, sides, book, levels, words, pool, far, positions, fills, cursor):
    """Mids, then the mark of the oracle formula."""
    bk = Books(sides, book, levels, words, pool, far, positions, fills, cursor)
    read_mids(bk, price[0], now_us)
    update_oracle_mark(bk, price[0], now_us)


@entry
def split_capped_of(amount, weights, caps, out):
    return split_capped(amount, weights, caps, out)


@entry
def layers_of(loss, layers, used):
    return use_layers(loss, layers, used)


@entry
def inverse_of(cash, position, mark, scale, tiers, ceiling):
    """Equity, liquidatable, last safe mark, bankruptcy price."""
    return (
        inverse_equity(cash, position, mark, scale),
        inverse_is_liquidatable(cash, position, mark, scale, tiers),
        inverse_last_safe(cash, position, scale, tiers, ceiling),
        inverse_bankruptcy(cash, position, scale),
    )


@entry
def sorted_mail(
    accounts, rules, flows, tickets, slot_ticket, guest_fills, clock, messages, order, keys, starts, key,
    start_us, end_us,
):  # fmt: skip
    """Rows of the messages that arrive before ``end_us`` into ``order``; their number."""
    ld = Ledger(accounts, rules, flows, tickets, slot_ticket, guest_fills, clock)
    mail = Mail(messages, order, keys, starts)
    return sort_due(ld.accounts, mail, clock[0]["n_mail"], key, start_us, end_us - start_us)


@entry
def look_for_gaps(
    tick, start_us, clock, sides, book, levels, words, pool, far, positions, fills, cursor,
    accounts, rules, flows, tickets, slot_ticket, guest_fills, messages, order, keys, starts,
    price, samples, firms, desk,
):  # fmt: skip
    """One tick of the arbitrage firms: transfers and messages, nothing matched."""
    bk = Books(sides, book, levels, words, pool, far, positions, fills, cursor)
    ld = Ledger(accounts, rules, flows, tickets, slot_ticket, guest_fills, clock)
    mail = Mail(messages, order, keys, starts)
    arbitrage(bk, Arbitrage(firms, desk), ld, mail, Prices(price, samples), tick, start_us)


@entry
def wait_for_dips(
    tick, start_us, key, clock, accounts, rules, flows, tickets, slot_ticket, guest_fills,
    messages, order, keys, starts, price, samples, buyers, bids,
):  # fmt: skip
    """One tick of the dip buyers: messages, nothing matched."""
    ld = Ledger(accounts, rules, flows, tickets, slot_ticket, guest_fills, clock)
    mail = Mail(messages, order, keys, starts)
    buy_dips(DipBuyers(buyers, bids), ld, mail, Prices(price, samples), key, tick, start_us)


@entry
def look_at_trend(
    tick, start_us, key, clock, sides, book, levels, words, pool, far, positions, fills, cursor,
    accounts, rules, flows, tickets, slot_ticket, guest_fills, messages, order, keys, starts,
    price, samples, funds, signal,
):  # fmt: skip
    """One tick of the trend followers: signal and messages, nothing matched."""
    bk = Books(sides, book, levels, words, pool, far, positions, fills, cursor)
    ld = Ledger(accounts, rules, flows, tickets, slot_ticket, guest_fills, clock)
    mail = Mail(messages, order, keys, starts)
    follow_trend(bk, Trend(funds, signal), ld, mail, Prices(price, samples), key, tick, start_us)


@entry
def crossed_on_the_way(triggers, heads, path, shift, reach, out):
    """Hang triggers, then walk a path of prices on all four ladders; ``out`` gets the step that fired each."""
    hang_triggers(triggers, heads, reach, shift)
    for t in range(path.shape[0]):
        for k in range(4):
            i = take_crossed(triggers, heads, reach, shift, np.int64(k), path[t])
            while i >= 0:
                out[i] = t
                i = np.int64(triggers[i]["next"])


@entry
def uniforms(key, tick, purpose, words, row0, out):
    """Two uniforms for each participant word; rows count from ``row0`` when it is not negative, else all are 0."""
    for i in range(out.shape[0]):
        row = np.int64(0) if row0 < 0 else row0 + np.int64(i)
        w0, w1, w2, w3 = rng.philox(key, tick, purpose, words[i], row)
        out[i, 0], out[i, 1] = rng.uniform(w0, w1), rng.uniform(w2, w3)


@entry
def look_of_breaker(safeguards, looks, mark):
    return has_moved(Safeguards(safeguards, looks), np.int64(mark))


@entry
def look_at_fund(
    drop, peaks, now_us,
    clock, sides, book, levels, words, pool, far, positions, fills, cursor,
    accounts, rules, flows, tickets, slot_ticket, guest_fills,
    tiers, engine, heads, queue, events, ranked, score, shares,
    price, samples,
):  # fmt: skip
    bk = Books(sides, book, levels, words, pool, far, positions, fills, cursor)
    ld = Ledger(accounts, rules, flows, tickets, slot_ticket, guest_fills, clock)
    rk = Risk(tiers, engine, heads, queue, events, ranked, score, shares)
    watch_fund(FundDrop(drop, peaks), bk, ld, rk, Prices(price, samples), now_us)
