"""Arbitrage between exchanges: buy where an asset is cheap, sell where it is dear, as far as balances on both reach
(MODEL 4.4).

Of each asset's spot books, and of its perps, the lowest ask and the highest bid are compared after each tick. Where the
bid stands above the ask by more than

    both taker fees + risk_multiple * sigma * sqrt(2 * latency) + shadow_price * depletion^2

a firm sends both legs as immediate-or-cancel orders of one size: what both books show at prices that still pay, and
both balances allow. (Half-spreads are in it.) Depletion is the share of the target balance that is gone, of the leg
that is shorter of it. What one leg fills beyond the other, and a leg that auto-deleveraging took, is inventory: it is
worked from the next tick on in the best book of the asset where a balance reaches. Prices in another money are
converted. Slow twin: tests/reference_market/bridge.py.
"""

import math
from typing import Any, NamedTuple

import numpy as np

from sim.behaviours.background import SERIAL_ROOM
from sim.behaviours.slices import SECOND_US
from sim.kernels._jit import behaviour, small
from sim.kernels.book import next_key
from sim.kernels.ledger import NO_TICKET, ONE, PERP, SPOT, TWO, ZERO
from sim.kernels.mailbox import NEW
from sim.kernels.margin import equity_micro
from sim.kernels.references import converted
from sim.kernels.transit import CASH, COINS, account_at, balance, coins_at
from sim.schema import BUY, IOC, MAX_PRICE_TICKS, NO_KEY, SELL

PER_MILLION = 1e-6

BRIDGE = np.dtype(
    [
        ("enabled", "i8"),
        ("transfers", "i8"),
        ("leverage", "f8"),
        ("risk_multiple", "f8"),
        ("shadow_price", "f8"),
        ("sent", "i8"),  # legs sent so far
        ("stopped", "i8"),  # firm-ticks in which a gap paid and a balance did not reach
    ]
)
ASSET = np.dtype(
    [
        ("variance_per_s", "f8"),  # of the log mid of the watched listing
        ("log_mid", "f8"),
        ("looked_us", "i8"),
        ("watched", "i8"),  # listing whose mid is watched
        ("smallest_lots", "i8"),
    ]
)


class Bridge(NamedTuple):
    """``desk`` BRIDGE[1], ``assets`` ASSET[n], ``stock`` int64[firms, assets] (coins wanted net over all listings)."""

    desk: Any
    assets: Any
    stock: Any


class Leg(NamedTuple):
    """A side of a book: its listing, book and row of the shared sides; 0 < ``nano`` is the price of its best order."""

    at: Any
    book: Any
    row: Any
    nano: Any


@small
def watch(s, asset, now_us):
    """Once a second: update the variance of the asset's log mid."""
    elapsed = now_us - asset["looked_us"]
    if elapsed >= SECOND_US:
        seconds = np.float64(elapsed) * PER_MILLION
        log_mid = math.log(np.float64(s.price[asset["watched"]]["mid_half_ticks"]))
        move = log_mid - asset["log_mid"]
        kept = 0.5 ** (seconds / 60.0)
        asset["variance_per_s"] = kept * asset["variance_per_s"] + (1.0 - kept) * (move * move / seconds)
        asset["log_mid"], asset["looked_us"] = log_mid, now_us


@small
def fee_of(s, at, book):
    """What a firm pays for taking, as a fraction."""
    return np.float64(s.rules[TWO * at + book]["professional_taker_ppm"]) * PER_MILLION


@behaviour
def best_leg(s, refs, asset, book, side):
    """The best order of one side over the asset's books of one kind, fees counted, in the money of listing 0 of the
    asset; ``at`` is -1 when there is none.
    """
    best = Leg(-ONE, book, ZERO, 0.0)
    score, first = 0.0, -ONE
    for k in range(s.listings.shape[0]):
        at = np.int64(k)
        listing = s.listings[at]
        is_listed = listing["has_perp"] if book == PERP else listing["has_spot"]
        if listing["asset"] != asset or is_listed == ZERO or s.rules[TWO * at + book]["halted"] != ZERO:
            continue
        if first < ZERO:
            first = at
        row = np.int64(4) * at + TWO * book + side
        key = np.int64(s.sides[row]["best"])
        if key == NO_KEY:
            continue
        nano = np.float64(abs(key) * TWO * listing["half_tick_nano"])
        worth = converted(s.listings, s.price, refs.rates, first, at, nano)
        worth = worth * (1.0 - fee_of(s, at, book) if side == BUY else 1.0 + fee_of(s, at, book))
        if best.at < ZERO or (worth > score if side == BUY else worth < score):
            best, score = Leg(at, book, row, worth), worth
    return best


@small
def perp_money(s, w, at, f):
    """Money and position of a firm in a perp, and the value of a lot at mark, micro-dollars."""
    account = s.accounts[account_at(s.listings, w.rows, at, f)]
    mark, unit = s.price[at]["mark_half_ticks"], s.rules[TWO * at]["micro_per_tick_lot"]
    money = equity_micro(account["cash_micro"], account["held_lots"], mark, unit)
    return money, account["held_lots"], (mark * unit + ONE) >> ONE


@behaviour
def room(s, w, leverage, leg, f, side):
    """Lots that a firm's balance allows on a side of a book."""
    if leg.book == PERP:
        money, held, value = perp_money(s, w, leg.at, f)
        most = np.int64(leverage * np.float64(max(ZERO, money))) // max(ONE, value)
        return max(ZERO, most - held if side == BUY else most + held)
    if side == SELL:
        return s.positions[coins_at(s.listings, w.rows, leg.at, f)]
    price = abs(np.int64(s.sides[leg.row]["best"]))
    value = price * s.rules[TWO * leg.at + SPOT]["micro_per_tick_lot"]
    return max(ZERO, balance(s, w, leg.at, f, CASH)) * np.int64(99) // (np.int64(100) * max(ONE, value))


@small
def target_lots(s, w, leverage, leg, f, side):
    """Lots that the same balance would allow if it were at its target."""
    if leg.book == SPOT and side == SELL:
        return w.seats[f, leg.at, COINS]["target"]
    value = (s.price[leg.at]["mark_half_ticks"] if leg.book == PERP else s.price[leg.at]["spot_half_ticks"]) >> ONE
    value = max(ONE, value * s.rules[TWO * leg.at + leg.book]["micro_per_tick_lot"])
    times = leverage if leg.book == PERP else 1.0
    return np.int64(times * np.float64(w.seats[f, leg.at, CASH]["target"])) // value


@behaviour
def crossing(s, refs, cheap, dear, cost, most):
    """Walk the asks of ``cheap`` and the bids of ``dear`` while each pair still earns ``cost``. Returns lots, and the
    prices of the last pair in ticks of their own books.
    """
    ask_side, bid_side = s.sides[cheap.row], s.sides[dear.row]
    ask_end = np.int64(ask_side["lo"]) + np.int64(ask_side["mask"])
    bid_end = np.int64(bid_side["lo"]) + np.int64(bid_side["mask"])
    ask, bid = np.int64(ask_side["best"]), np.int64(bid_side["best"])
    ask_nano = np.float64(TWO * s.listings[cheap.at]["half_tick_nano"])
    bid_nano = converted(
        s.listings, s.price, refs.rates, cheap.at, dear.at, np.float64(TWO * s.listings[dear.at]["half_tick_nano"])
    )
    offered, wanted, lots, buy, sell = ZERO, ZERO, ZERO, ZERO, ZERO
    while lots < most and ask <= ask_end and bid <= bid_end:
        if bid_nano * np.float64(-bid) < ask_nano * np.float64(ask) * (1.0 + cost):
            break
        if offered == ZERO:
            offered = s.levels[np.int64(ask_side["level0"]) + (ask & np.int64(ask_side["mask"]))]["total_lots"]
        if wanted == ZERO:
            wanted = s.levels[np.int64(bid_side["level0"]) + (bid & np.int64(bid_side["mask"]))]["total_lots"]
        step = min(offered, wanted, most - lots)
        lots, offered, wanted = lots + step, offered - step, wanted - step
        buy, sell = ask, -bid
        if offered == ZERO:
            ask = next_key(s.words, ask_side, ask)
        if wanted == ZERO:
            bid = next_key(s.words, bid_side, bid)
    return lots, buy, sell


@small
def send(s, w, b, leg, f, side, price, lots, tick, now_us):
    """Put one immediate-or-cancel order into the listing's inbox; a full inbox waits for the next tick."""
    listing = s.listings[leg.at]
    at = listing["inbox0"] + s.clock[leg.at]["n_inbox"]
    if at >= listing["inbox_end"]:
        return
    m = s.inbox[at]
    m["arrival_us"] = now_us + w.firms[f]["latency_us"]
    m["serial"] = tick * SERIAL_ROOM + s.clock[leg.at]["n_inbox"]
    m["ticket"], m["price_ticks"], m["lots"] = NO_TICKET, price, lots
    m["owner"], m["action"], m["kind"] = w.rows[leg.at] + f, NEW, IOC
    m["book"], m["side"], m["flags"] = leg.book, side, ZERO
    s.clock[leg.at]["n_inbox"] = s.clock[leg.at]["n_inbox"] + ONE
    w.firms[f]["busy_us"] = now_us + w.firms[f]["latency_us"]
    b.desk[0]["sent"] = b.desk[0]["sent"] + ONE


@small
def net_lots(s, w, b, asset, f):
    """Inventory of a firm in an asset: coins, what is on its way and perps over all listings, less what it wants."""
    net = -b.stock[f, asset]
    for k in range(s.listings.shape[0]):
        at = np.int64(k)
        if s.listings[at]["asset"] == asset:
            net += s.positions[coins_at(s.listings, w.rows, at, f)] + w.seats[f, at, COINS]["on_way"]
            net += s.accounts[account_at(s.listings, w.rows, at, f)]["held_lots"]
    return net


@behaviour
def work_inventory(s, w, b, legs, asset, f, net, risk, tick, now_us):
    """Trade inventory away where it costs least and a balance reaches; a loss of a fee, the risk and the shadow price
    is borne.
    """
    desk, side = b.desk[0], SELL if net > ZERO else BUY
    for j in range(2):
        leg = legs[j]
        if leg.at < ZERO:
            continue
        lots = min(abs(net), room(s, w, desk["leverage"], leg, f, side))
        if lots < ONE:
            continue
        give = risk + fee_of(s, leg.at, leg.book) + desk["shadow_price"]
        price = np.float64(abs(np.int64(s.sides[leg.row]["best"])))
        if side == BUY:
            limit = min(MAX_PRICE_TICKS, np.int64(math.floor(price * (1.0 + give))))
        else:
            limit = max(ONE, np.int64(math.ceil(price * (1.0 - give))))
        send(s, w, b, leg, f, side, limit, lots, tick, now_us)
        return


@behaviour
def take_gap(s, refs, w, b, cheap, dear, smallest, f, risk, tick, now_us):
    """Trade one gap if it pays for this firm."""
    desk = b.desk[0]
    buys, sells = room(s, w, desk["leverage"], cheap, f, BUY), room(s, w, desk["leverage"], dear, f, SELL)
    most = min(buys, sells)
    wanted = max(
        ONE, min(target_lots(s, w, desk["leverage"], cheap, f, BUY), target_lots(s, w, desk["leverage"], dear, f, SELL))
    )
    gone = min(1.0, max(0.0, 1.0 - np.float64(most) / np.float64(wanted)))
    fees = fee_of(s, cheap.at, cheap.book) + fee_of(s, dear.at, dear.book)
    cost = fees + risk + desk["shadow_price"] * gone * gone
    lots, buy, sell = crossing(s, refs, cheap, dear, cost, max(most, smallest))
    if lots < smallest:
        return
    if most < smallest:
        desk["stopped"] = desk["stopped"] + ONE
        return
    send(s, w, b, cheap, f, BUY, buy, lots, tick, now_us)
    send(s, w, b, dear, f, SELL, sell, lots, tick, now_us)


@behaviour
def bridge(s, refs, w, b, tick, now_us):
    """After a tick: every firm without orders on their way looks at every asset."""
    desk = b.desk[0]
    if desk["enabled"] == ZERO:
        return
    for i in range(b.assets.shape[0]):
        asset, row = np.int64(i), b.assets[np.int64(i)]
        watch(s, row, now_us)
        spot_bid, spot_ask = best_leg(s, refs, asset, SPOT, BUY), best_leg(s, refs, asset, SPOT, SELL)
        perp_bid, perp_ask = best_leg(s, refs, asset, PERP, BUY), best_leg(s, refs, asset, PERP, SELL)
        spot_pays = spot_bid.at >= ZERO and spot_ask.at >= ZERO and spot_bid.nano > spot_ask.nano
        perp_pays = perp_bid.at >= ZERO and perp_ask.at >= ZERO and perp_bid.nano > perp_ask.nano
        for j in range(w.firms.shape[0]):
            f = np.int64(j)
            if now_us < w.firms[f]["busy_us"]:
                continue
            both_s = TWO * w.firms[f]["latency_us"]
            risk = desk["risk_multiple"] * math.sqrt(row["variance_per_s"] * np.float64(both_s) * PER_MILLION)
            net = net_lots(s, w, b, asset, f)
            if abs(net) >= row["smallest_lots"]:
                legs = (perp_bid, spot_bid) if net > ZERO else (perp_ask, spot_ask)
                work_inventory(s, w, b, legs, asset, f, net, risk, tick, now_us)
                continue
            if spot_pays:
                take_gap(s, refs, w, b, spot_ask, spot_bid, row["smallest_lots"], f, risk, tick, now_us)
            if perp_pays and now_us >= w.firms[f]["busy_us"]:
                take_gap(s, refs, w, b, perp_ask, perp_bid, row["smallest_lots"], f, risk, tick, now_us)
