"""Arbitrage between exchanges: buy where an asset is cheap, sell where it is dear, as far as balances on both reach
(MODEL 4.4).

Of each asset's spot books, and of its perps, the lowest ask and the highest bid are compared after each tick. Where the
bid stands above the ask by more than

    both taker fees + risk_multiple * sigma * sqrt(2 * latency) + shadow_price * depletion^2

a firm sends both legs as immediate-or-cancel orders of one size: what both books show at prices that still pay, and
both balances allow. (Half-spreads are in it.) Depletion is the share of the target balance that is gone, of the leg
of which more is. A firm whose balances at the two best places do not reach looks once more, among the places where they
do. What one leg fills beyond the other, and a leg that auto-deleveraging took, is inventory: it is worked from the next
tick on in the book of the asset, among the best perp and the best spot, that pays better after fees and where a balance
reaches. Prices in another money are converted. Slow twin: tests/reference_market/bridge.py.
"""

import math
from typing import Any, NamedTuple

import numpy as np

from sim.behaviours.background import SERIAL_ROOM
from sim.behaviours.slices import SECOND_US
from sim.kernels._jit import behaviour, inlined, small
from sim.kernels.book import next_key
from sim.kernels.ledger import NO_TICKET, ONE, PERP, SPOT, TWO, ZERO, lots_paid_for
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
        ("first", "i8"),  # 1 + its first listing, 0 where it has none
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
    """A side of a book: its listing, book and row of the shared sides; 0 < ``nano`` is the price of its best order
    after fees, in the money of the asset's first listing.
    """

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


@small
def perp_money(s, w, at, f):
    """Money and position of a firm in a perp, and twice the value of a lot at mark, micro-dollars."""
    account = s.accounts[account_at(s.listings, w.rows, at, f)]
    mark, unit = s.price[at]["mark_half_ticks"], s.rules[TWO * at]["micro_per_tick_lot"]
    money = equity_micro(account["cash_micro"], account["held_lots"], mark, unit)
    return money, account["held_lots"], np.float64(mark * unit)


@behaviour
def room(s, w, leverage, leg, f, side, price):
    """Lots that a firm's balance allows: to buy (``side``) or sell in a book, at ``price`` ticks at worst."""
    if leg.book == PERP:
        money, held, twice_value = perp_money(s, w, leg.at, f)
        most = np.int64(2.0 * leverage * np.float64(max(ZERO, money)) / twice_value)
        return max(ZERO, most - held if side == BUY else most + held)
    if side == SELL:
        return s.positions[coins_at(s.listings, w.rows, leg.at, f)]
    rules = s.rules[TWO * leg.at + SPOT]
    return lots_paid_for(
        balance(s, w, leg.at, f, CASH), price, rules["micro_per_tick_lot"], rules["professional_taker_ppm"]
    )


@small
def target_lots(s, w, leverage, leg, f, side):
    """Lots that the same balance would allow if it were at its target."""
    if leg.book == SPOT and side == SELL:
        return w.seats[f, leg.at, COINS]["target"]
    half_ticks = s.price[leg.at]["mark_half_ticks"] if leg.book == PERP else s.price[leg.at]["spot_half_ticks"]
    twice_value = np.float64(half_ticks * s.rules[TWO * leg.at + leg.book]["micro_per_tick_lot"])
    times = leverage if leg.book == PERP else 1.0
    return np.int64(2.0 * times * np.float64(w.seats[f, leg.at, CASH]["target"]) / twice_value)


@small
def leg_at(s, refs, first, at, book, side):
    """The best order of one side of a book, fees counted; ``at`` is -1 when the book shows none or stands still."""
    listing, row = s.listings[at], np.int64(4) * at + TWO * book + side
    key = np.int64(s.sides[row]["best"])
    is_listed = listing["has_perp"] if book == PERP else listing["has_spot"]
    if is_listed == ZERO or s.rules[TWO * at + book]["halted"] != ZERO or key == NO_KEY:
        return Leg(-ONE, book, ZERO, 0.0)
    nano = np.float64(abs(key) * TWO * listing["half_tick_nano"])
    worth = converted(s.listings, s.price, refs.rates, first, at, nano)
    return Leg(at, book, row, worth * (1.0 - fee_of(s, at, book) if side == BUY else 1.0 + fee_of(s, at, book)))


@behaviour
def best_leg(s, refs, w, leverage, first, book, side, f, least):
    """The best order of one side (of the book: BUY for its bids) over the books of one kind of the asset whose first
    listing is ``first``, fees counted, in the money of that; of equals the first listed, and ``at`` is -1 when there is
    none. With ``f`` not below 0, only among the books where that firm's balance allows ``least`` lots.
    """
    best, at = Leg(-ONE, book, ZERO, 0.0), first
    while at >= ZERO:
        leg = leg_at(s, refs, first, at, book, side)
        is_best = best.at < ZERO or not (leg.nano <= best.nano if side == BUY else leg.nano >= best.nano)
        if leg.at >= ZERO and is_best:
            price = abs(np.int64(s.sides[leg.row]["best"]))
            if f < ZERO or room(s, w, leverage, leg, f, ONE - side, price) >= least:
                best = leg
        at = s.listings[at]["next_same"] - ONE
    return best


@inlined
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
    w.firms[f]["legs"][side] = TWO * leg.at + leg.book + ONE
    b.desk[0]["sent"] = b.desk[0]["sent"] + ONE


@inlined
def work_inventory(s, w, b, legs, asset, f, net, risk, tick, now_us):
    """Trade inventory away in the first of two books where a balance reaches; a loss of a fee, the risk and the shadow
    price is borne.
    """
    desk, side = b.desk[0], SELL if net > ZERO else BUY
    for j in range(2):
        leg = legs[j]
        if leg.at < ZERO:
            continue
        give = risk + fee_of(s, leg.at, leg.book) + desk["shadow_price"]
        price = np.float64(abs(np.int64(s.sides[leg.row]["best"])))
        if side == BUY:
            limit = min(MAX_PRICE_TICKS, np.int64(math.floor(price * (1.0 + give))))
        else:
            limit = max(ONE, np.int64(math.ceil(price * (1.0 - give))))
        lots = min(abs(net), room(s, w, desk["leverage"], leg, f, side, limit))
        if lots < ONE:
            continue
        send(s, w, b, leg, f, side, limit, lots, tick, now_us)
        return


@small
def gone_of(s, w, leverage, leg, f, side, lots):
    """Share of a firm's target balance for a leg that is gone when ``lots`` are left."""
    wanted = max(ONE, target_lots(s, w, leverage, leg, f, side))
    return min(1.0, max(0.0, 1.0 - np.float64(lots) / np.float64(wanted)))


@inlined
def trade_gap(s, refs, w, b, cheap, dear, smallest, f, risk, tick, now_us):
    """Trade one gap if it pays for this firm. Returns whether it would and a balance does not reach."""
    desk, leverage = b.desk[0], b.desk[0]["leverage"]
    ask_nano = np.float64(TWO * s.listings[cheap.at]["half_tick_nano"])
    bid_nano = np.float64(TWO * s.listings[dear.at]["half_tick_nano"] * abs(np.int64(s.sides[dear.row]["best"])))
    worst = np.int64(math.ceil(converted(s.listings, s.price, refs.rates, cheap.at, dear.at, bid_nano) / ask_nano))
    buys, sells = room(s, w, leverage, cheap, f, BUY, worst), room(s, w, leverage, dear, f, SELL, ONE)
    gone = max(gone_of(s, w, leverage, cheap, f, BUY, buys), gone_of(s, w, leverage, dear, f, SELL, sells))
    cost = fee_of(s, cheap.at, cheap.book) + fee_of(s, dear.at, dear.book) + risk + desk["shadow_price"] * gone * gone
    most = min(buys, sells)
    lots, buy, sell = crossing(s, refs, cheap, dear, cost, max(most, smallest))
    if lots < smallest:
        return False
    if most < smallest:
        return True
    send(s, w, b, cheap, f, BUY, buy, lots, tick, now_us)
    send(s, w, b, dear, f, SELL, sell, lots, tick, now_us)
    return False


@inlined
def look_at_gap(s, refs, w, b, cheap, dear, first, smallest, f, risk, tick, now_us):
    """Trade the gap between the best ask and the best bid of an asset; where a balance does not reach, that between the
    best of the places where it does.
    """
    desk = b.desk[0]
    for k in range(2):
        if not trade_gap(s, refs, w, b, cheap, dear, smallest, f, risk, tick, now_us) or k == 1:
            break
        desk["stopped"] = desk["stopped"] + ONE
        cheap = best_leg(s, refs, w, desk["leverage"], first, cheap.book, SELL, f, smallest)
        dear = best_leg(s, refs, w, desk["leverage"], first, dear.book, BUY, f, smallest)
        if cheap.at < ZERO or dear.at < ZERO or dear.nano <= cheap.nano:
            break


@behaviour
def bridge(s, refs, w, b, tick, now_us):
    """After a tick: every firm without orders on their way looks at every asset."""
    desk = b.desk[0]
    if desk["enabled"] == ZERO:
        return
    for i in range(b.assets.shape[0]):
        asset, row = np.int64(i), b.assets[np.int64(i)]
        first = row["first"] - ONE
        watch(s, row, now_us)
        spot_bid = best_leg(s, refs, w, 0.0, first, SPOT, BUY, -ONE, ZERO)
        spot_ask = best_leg(s, refs, w, 0.0, first, SPOT, SELL, -ONE, ZERO)
        perp_bid = best_leg(s, refs, w, 0.0, first, PERP, BUY, -ONE, ZERO)
        perp_ask = best_leg(s, refs, w, 0.0, first, PERP, SELL, -ONE, ZERO)
        asks, bids = (spot_ask, perp_ask), (spot_bid, perp_bid)
        sells = (perp_bid, spot_bid) if perp_bid.nano >= spot_bid.nano else (spot_bid, perp_bid)
        buys = (spot_ask, perp_ask) if spot_ask.nano < perp_ask.nano else (perp_ask, spot_ask)
        smallest = row["smallest_lots"]
        for j in range(w.firms.shape[0]):
            f = np.int64(j)
            if now_us <= w.firms[f]["busy_us"]:
                continue
            both_s = TWO * w.firms[f]["latency_us"]
            risk = desk["risk_multiple"] * math.sqrt(row["variance_per_s"] * np.float64(both_s) * PER_MILLION)
            net = w.net[f, asset] - b.stock[f, asset]  # as surveyed: transfers since then do not change it
            if abs(net) >= smallest:
                work_inventory(s, w, b, sells if net > ZERO else buys, asset, f, net, risk, tick, now_us)
                continue
            for k in range(2):
                ask, bid = asks[k], bids[k]
                pays = bid.at >= ZERO and ask.at >= ZERO and bid.nano > ask.nano
                if pays and now_us > w.firms[f]["busy_us"]:
                    look_at_gap(s, refs, w, b, ask, bid, first, smallest, f, risk, tick, now_us)
