"""Spot-perp arbitrage: buy in the cheaper book, sell in the dearer one, as far as balances reach (MODEL 4.4, R5).

A firm has three accounts: margin in the perp's venue, coins and cash in the spot venues, and a reserve elsewhere that
is reached by transfer alone. Each tick it looks at the touch of both books. Where the dear bid stands above the cheap
ask by more than

    both taker fees + risk_multiple * sigma * sqrt(both latencies) + shadow_price * depletion^2

it sends both legs as immediate-or-cancel orders of one size: what the visible depth of both books pays for and both
balances allow. (Half-spreads are in it, since it compares bid with ask.) Depletion is the share of the starting room
of that direction that is gone. What one leg fills beyond the other is inventory: it is worked from the next tick on in
whichever book pays better, at a loss of at most a taker fee, the risk and the shadow price of the inventory. A firm
whose balances allow less than the smallest order stops. A perp position beyond twice the leverage is cut. Transfers
move each balance toward its start at a rate of the firm's, out of the reserve and into it, while they are open; money
that a perp position needs as margin is added to the start, so that an open transfer gives the firm room again.
Slow twin: tests/reference_market/arbitrage.py.
"""

import math
from typing import Any, NamedTuple

import numpy as np

from sim.behaviours.background import SERIAL_ROOM
from sim.behaviours.slices import SECOND_US
from sim.kernels._jit import behaviour, inlined, small
from sim.kernels.book import best_ask, best_bid, next_key
from sim.kernels.ledger import ONE, TWO, ZERO, Order, lots_paid_for, taker_fee_ppm
from sim.kernels.mailbox import NEW, post
from sim.kernels.margin import equity_micro
from sim.kernels.marks import PERP, SPOT
from sim.schema import BUY, IOC, MAX_PRICE_TICKS, SELL

PER_MILLION = 1e-6

ARBITRAGEUR = np.dtype(
    [
        ("margin", "i8"),  # account in the perp's venue
        ("wallet", "i8"),  # account in the spot venues
        ("reserve", "i8"),  # account elsewhere
        ("ticket0", "i8"),  # of the perp leg; the spot leg's follows
        ("latency_us", "i8", (2,)),  # to each book
        ("size_lots", "i8"),  # room for either direction at the start
        ("stock_lots", "i8"),  # coins at the start, wallet and reserve: what it wants to hold net
        ("margin_micro", "i8"),  # balances that transfers restore: money in the perp account that no position needs
        ("cash_micro", "i8"),
        ("coin_lots", "i8"),
        ("transfer_share", "f8"),  # of the distance to those, in one tick
        ("fine_share", "f8"),  # the same of a fine tick, while ticks are long; 0 while they are fine
        ("is_stopped", "i8"),  # 1: in the last tick a gap paid and the balances did not reach
    ]
)
ARBITRAGE = np.dtype(
    [
        ("enabled", "i8"),
        ("transfers_open", "i8"),
        ("leverage", "f8"),
        ("risk_multiple", "f8"),
        ("shadow_price", "f8"),
        ("smallest_lots", "i8"),
        ("half_life_s", "f8"),
        ("variance_per_s", "f8"),  # of the log mid of the perp
        ("log_mid", "f8"),  # at the last look
        ("looked_us", "i8"),
    ]
)


class Arbitrage(NamedTuple):
    """``firms`` ARBITRAGEUR[n], ``desk`` ARBITRAGE[1]."""

    firms: Any
    desk: Any


class Chance(NamedTuple):
    """One direction for one firm: book to buy in, lots that balances allow, share of the price that must be earned."""

    cheap: Any
    room: Any
    cost: Any


@small
def watch_volatility(desk, px, now_us):
    """Once a second (or tick, where that is longer): update the variance of the perp's log mid."""
    elapsed = now_us - desk["looked_us"]
    if elapsed >= SECOND_US:
        seconds = np.float64(elapsed) * PER_MILLION
        log_mid = math.log(np.float64(px.now[0]["mid_half_ticks"]))
        move = log_mid - desk["log_mid"]
        kept = 0.5 ** (seconds / desk["half_life_s"])
        desk["variance_per_s"] = kept * desk["variance_per_s"] + (1.0 - kept) * (move * move / seconds)
        desk["log_mid"] = log_mid
        desk["looked_us"] = now_us


@small
def most_perp_lots(bk, ld, px, firm, leverage):
    """Largest perp position, in lots either way, for the money in the perp account at mark."""
    unit, mark = ld.rules[PERP]["micro_per_tick_lot"], px.now[0]["mark_half_ticks"]
    cash, position = ld.accounts[firm["margin"]]["cash_micro"], bk.positions[PERP, firm["margin"]]
    money = equity_micro(cash, position, mark, unit)
    return np.int64(2.0 * leverage * np.float64(max(ZERO, money)) / np.float64(mark * unit))


@inlined
def perp_room(bk, ld, px, firm, leverage, side):
    """Lots that the perp account may buy or sell at its leverage; what closes its position it always may."""
    position, most = bk.positions[PERP, firm["margin"]], most_perp_lots(bk, ld, px, firm, leverage)
    return max(ZERO, most - position if side == BUY else most + position)


@small
def room_of(bk, ld, px, firm, leverage, b, side, price):
    """Lots that a firm's balance allows in a book; ``price`` is the worst it would pay."""
    if b == PERP:
        return perp_room(bk, ld, px, firm, leverage, side)
    if side == SELL:
        return bk.positions[SPOT, firm["wallet"]]
    unit, fee = ld.rules[SPOT]["micro_per_tick_lot"], taker_fee_ppm(ld, SPOT, firm["wallet"])
    return lots_paid_for(ld.accounts[firm["wallet"]]["cash_micro"], price, unit, fee)


@small
def risk_of(firm, desk):
    """Share of the price by which it may move before both legs have arrived."""
    both_us = firm["latency_us"][0] + firm["latency_us"][1]
    return desk["risk_multiple"] * math.sqrt(desk["variance_per_s"] * (np.float64(both_us) * PER_MILLION))


@small
def shadow_of(desk, share):
    """Price of balances of which ``share`` is gone."""
    gone = min(1.0, max(0.0, share))
    return desk["shadow_price"] * gone * gone


@behaviour
def crossing_lots(bk, cheap, cost, most):
    """Walk the asks of book ``cheap`` and the bids of the other while each pair still earns ``cost``.

    Returns
    -------
    lots : int64
        At most ``most``; levels outside a ladder's window are not looked at.
    buy_ticks, sell_ticks : int64
        Prices of the last pair: the limits within which both legs together earn ``cost``.
    """
    ask_side, bid_side = bk.sides[TWO * cheap + ONE], bk.sides[TWO * (ONE - cheap)]
    ask_end = np.int64(ask_side["lo"]) + np.int64(ask_side["mask"])
    bid_end = np.int64(bid_side["lo"]) + np.int64(bid_side["mask"])
    ask, bid = np.int64(ask_side["best"]), np.int64(bid_side["best"])
    offered, wanted, lots, buy, sell = ZERO, ZERO, ZERO, ZERO, ZERO
    while lots < most and ask <= ask_end and bid <= bid_end and np.float64(-bid) >= np.float64(ask) * (1.0 + cost):
        if offered == ZERO:
            offered = bk.levels[np.int64(ask_side["level0"]) + (ask & np.int64(ask_side["mask"]))]["total_lots"]
        if wanted == ZERO:
            wanted = bk.levels[np.int64(bid_side["level0"]) + (bid & np.int64(bid_side["mask"]))]["total_lots"]
        step = min(offered, wanted, most - lots)
        lots, offered, wanted = lots + step, offered - step, wanted - step
        buy, sell = ask, -bid
        if offered == ZERO:
            ask = next_key(bk.words, ask_side, ask)
        if wanted == ZERO:
            bid = next_key(bk.words, bid_side, bid)
    return lots, buy, sell


@small
def send_leg(ld, mail, firm, b, side, price, lots, tick):
    """One immediate-or-cancel order, decided at the start of the tick."""
    owner = firm["margin"] if b == PERP else firm["wallet"]
    arrival = tick * ld.clock[0]["tick_us"] + firm["latency_us"][b]
    post(ld, mail, arrival, tick * SERIAL_ROOM, NEW, Order(b, side, price, lots, owner, IOC, firm["ticket0"] + b))


@inlined
def chance_of(bk, ld, px, firm, desk, cheap):
    """Room and cost of buying in ``cheap`` and selling in the other book; the purchase costs less than the dear
    bid.
    """
    dear = ONE - cheap
    buys = room_of(bk, ld, px, firm, desk["leverage"], cheap, BUY, best_bid(bk, dear))
    room = min(buys, room_of(bk, ld, px, firm, desk["leverage"], dear, SELL, ONE))
    fees = np.float64(taker_fee_ppm(ld, PERP, firm["margin"]) + taker_fee_ppm(ld, SPOT, firm["wallet"])) * PER_MILLION
    gone = 1.0 - np.float64(room) / np.float64(firm["size_lots"])
    return Chance(cheap, room, fees + risk_of(firm, desk) + shadow_of(desk, gone))


@small
def is_crossed(bk, cheap):
    """Whether somebody bids more in the other book than is asked in book ``cheap``."""
    ask = best_ask(bk, cheap)
    return ask != ZERO and best_bid(bk, ONE - cheap) > ask


@inlined
def take_gap(bk, ld, mail, px, firm, desk, cheap, tick):
    """Trade one direction if it pays; notes a firm whose balances do not reach."""
    dear = ONE - cheap
    chance = chance_of(bk, ld, px, firm, desk, cheap)
    smallest = desk["smallest_lots"]
    lots, buy, sell = crossing_lots(bk, cheap, chance.cost, max(chance.room, smallest))
    if lots < smallest:
        return
    if chance.room < smallest:
        firm["is_stopped"] = ONE
        return
    send_leg(ld, mail, firm, cheap, BUY, buy, lots, tick)
    send_leg(ld, mail, firm, dear, SELL, sell, lots, tick)


@small
def price_given(bk, b, side, give):
    """Touch of a book that an order of ``side`` meets, worsened by ``give``; 0 when nobody stands there."""
    if side == BUY:
        ask = best_ask(bk, b)
        return min(MAX_PRICE_TICKS, np.int64(math.floor(np.float64(ask) * (1.0 + give))))
    bid = best_bid(bk, b)
    return ZERO if bid == ZERO else max(ONE, np.int64(math.ceil(np.float64(bid) * (1.0 - give))))


@inlined
def work_leftover(bk, ld, mail, px, firm, desk, net, tick):
    """Trade inventory away in the book with the better price, at a loss of at most its shadow price and a fee."""
    side = SELL if net > ZERO else BUY
    beyond = risk_of(firm, desk) + shadow_of(desk, np.float64(abs(net)) / np.float64(firm["size_lots"]))
    best, best_price, best_lots = PERP, ZERO, ZERO
    for k in range(2):
        b = np.int64(k)
        fee = taker_fee_ppm(ld, b, firm["margin"] if b == PERP else firm["wallet"])
        price = price_given(bk, b, side, beyond + np.float64(fee) * PER_MILLION)
        if price == ZERO:
            continue
        lots = min(abs(net), room_of(bk, ld, px, firm, desk["leverage"], b, side, price))
        is_better = price > best_price if side == SELL else price < best_price
        if lots > ZERO and (best_price == ZERO or is_better):
            best, best_price, best_lots = b, price, lots
    if best_lots > ZERO:
        send_leg(ld, mail, firm, best, side, best_price, best_lots, tick)


@inlined
def excess_lots(bk, ld, px, firm, leverage):
    """Signed lots of the perp position beyond twice the leverage that its account's money allows."""
    position, most = bk.positions[PERP, firm["margin"]], most_perp_lots(bk, ld, px, firm, 2.0 * leverage)
    return min(ZERO, position + most) if position < ZERO else max(ZERO, position - most)


@small
def net_lots(bk, firm):
    """Inventory of a firm beyond the coins it started with."""
    coins = bk.positions[SPOT, firm["wallet"]] + bk.positions[SPOT, firm["reserve"]]
    return bk.positions[PERP, firm["margin"]] + coins - firm["stock_lots"]


@small
def transfer_cash(ld, reserve, account, missing, share):
    """Move a share of what an account misses out of the reserve, or of what it has too much into it."""
    amount = min(np.int64(share * np.float64(missing)), max(ZERO, ld.accounts[reserve]["cash_micro"]))
    ld.accounts[account]["cash_micro"] = ld.accounts[account]["cash_micro"] + amount
    ld.accounts[reserve]["cash_micro"] = ld.accounts[reserve]["cash_micro"] - amount


@inlined
def restore_balances(bk, ld, px, firm, leverage):
    """Move the three balances of a firm toward their start; the perp account is to hold its position's margin as
    well.
    """
    share, margin, wallet, reserve = firm["transfer_share"], firm["margin"], firm["wallet"], firm["reserve"]
    unit, mark = ld.rules[PERP]["micro_per_tick_lot"], px.now[0]["mark_half_ticks"]
    position = bk.positions[PERP, margin]
    money = equity_micro(ld.accounts[margin]["cash_micro"], position, mark, unit)
    used = np.int64(0.5 * np.float64(abs(position) * mark * unit) / leverage)
    transfer_cash(ld, reserve, margin, firm["margin_micro"] + used - money, share)
    transfer_cash(ld, reserve, wallet, firm["cash_micro"] - ld.accounts[wallet]["cash_micro"], share)
    missing = firm["coin_lots"] - bk.positions[SPOT, wallet]
    lots = min(np.int64(share * np.float64(missing)), bk.positions[SPOT, reserve])
    bk.positions[SPOT, wallet] += lots
    bk.positions[SPOT, reserve] -= lots


@behaviour
def look_for_gaps(bk, arb, ld, mail, px, tick, start_us):
    """Every firm without orders on their way moves balances and looks for a gap."""
    desk = arb.desk[0]
    watch_volatility(desk, px, start_us)
    for k in range(arb.firms.shape[0]):
        firm = arb.firms[np.int64(k)]
        first = ld.tickets[firm["ticket0"]]
        second = ld.tickets[firm["ticket0"] + ONE]
        if np.int64(first["pending"]) != ZERO or np.int64(second["pending"]) != ZERO or firm["size_lots"] == ZERO:
            continue
        firm["is_stopped"] = ZERO
        if desk["transfers_open"] != ZERO:
            restore_balances(bk, ld, px, firm, desk["leverage"])
        excess, net = excess_lots(bk, ld, px, firm, desk["leverage"]), net_lots(bk, firm)
        if excess != ZERO:
            side = SELL if excess > ZERO else BUY
            price = price_given(bk, PERP, side, np.float64(ld.rules[PERP]["order_bound_ppm"]) * PER_MILLION)
            if price != ZERO:
                send_leg(ld, mail, firm, PERP, side, price, abs(excess), tick)
        elif net != ZERO:
            work_leftover(bk, ld, mail, px, firm, desk, net, tick)
        else:
            for cheap in (SPOT, PERP):
                if is_crossed(bk, cheap):
                    take_gap(bk, ld, mail, px, firm, desk, cheap, tick)


@inlined
def arbitrage(bk, arb, ld, mail, px, tick, start_us):
    """Step 5a of the tick: the firms of a market of its own; those of a network are ``sim.behaviours.bridge``."""
    if arb.desk[0]["enabled"] != ZERO:
        look_for_gaps(bk, arb, ld, mail, px, tick, start_us)


@inlined
def write_arbitrage(bk, arb, row):
    """Fill the firms' columns of a recorded row: perp position, unhedged inventory, firms stopped."""
    perp, net, stopped = ZERO, ZERO, ZERO
    for k in range(arb.firms.shape[0]):
        firm = arb.firms[np.int64(k)]
        perp += bk.positions[PERP, firm["margin"]]
        net += net_lots(bk, firm)
        stopped += firm["is_stopped"]
    row["arb_perp_lots"], row["arb_net_lots"], row["arb_stopped"] = perp, net, stopped
