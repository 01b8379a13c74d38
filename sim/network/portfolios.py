"""The cross-margin accounts of a network at time 0: who holds what in which listing, with what equity and collateral.

Sizes are lognormal in each listing, tied across a portfolio's legs by the account's own size; the longs of all
portfolios in a listing sum to their share of its open interest, exact. Equity is notional over leverage, at least a
fifth above maintenance. Collateral takes the place of cash.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sim import units
from sim.errors import ScenarioError
from sim.kernels.ledger import ACCOUNT, HEDGERS
from sim.kernels.portfolios import BLOCK, COLLATERAL, LEG, PORTFOLIO, Portfolios
from sim.kernels.price_moves import FLOOR, INDEX, OWN_BOOK, REDEMPTION
from sim.population import sizes
from sim.settings.portfolios import CollateralSettings, PortfolioSettings

if TYPE_CHECKING:
    from sim.market import Market
    from sim.scenario.spec import Spec
    from sim.state import Array, State

PORTFOLIO_KEY = 1 << 24  # random keys of legs: above the people's, below the bridge firms'
DRAW_PORTFOLIOS = 22  # second word of the generator above the border, after the seed
LEAST_COVER = 1.2  # equity over maintenance at the start [judgement: nobody begins at the edge]
SAME_SIZE = 0.7  # correlation of the log sizes of an account's legs [judgement]
IN_BLOCK = 64  # portfolios that are looked at together, by the earliest of their times
NOBODY_OWES = 1 << 61  # where the engine is off nothing is sold either
SOURCES = {"own_book": OWN_BOOK, "index": INDEX, "redemption": REDEMPTION, "floor": FLOOR}


@dataclass
class Holding:
    """One leg while it is drawn: listing, signed lots (0: collateral), coins, cash and entry in micro-dollars."""

    listing: int
    lots: int
    coins: int = 0
    cash_micro: int = 0
    entry_micro: int = 0


def population_spec(spec: "Spec", one: "Spec", exchange: str) -> "Spec":
    """A listing's scenario with the open interest that single-contract accounts hold: what portfolios do not."""
    rules = spec.network.portfolios.get(exchange)
    if rules is None or not one.market.perp:
        return one
    left = one.market.open_interest * (1.0 - rules.interest_share)
    return one.model_copy(update={"market": one.market.model_copy(update={"open_interest": left})})


def fill_portfolios(
    spec: "Spec",
    specs: "dict[str, Spec]",
    listings: "Array",
    markets: "dict[str, Market]",
    exchanges: list[str],
    seed: int,
) -> Portfolios:
    """Draw the portfolios of every exchange that has some, and give each leg an account row in its listing."""
    names = list(specs)
    collateral, owed = collateral_rows(spec, names, exchanges)
    drawn: list[tuple[int, list[Holding]]] = []
    for exchange, rules in spec.network.portfolios.items():
        e = exchanges.index(exchange)
        here = [k for k, name in enumerate(names) if spec.listings[name].exchange == exchange]
        refuse_moneys(spec, specs, rules, exchange, [names[k] for k in here])
        draw = np.random.default_rng([seed, DRAW_PORTFOLIOS, e])
        drawn += [(e, holdings) for holdings in draw_exchange(rules, specs, names, markets, here, draw)]
    return seat(drawn, collateral, owed, list(markets.values()), listings, len(exchanges))


def collateral_rows(spec: "Spec", names: list[str], exchanges: list[str]) -> "tuple[Array, Array]":
    """What coins of each listing count for, and what an account of each exchange may owe."""
    collateral, owed = np.zeros(len(names), COLLATERAL), np.zeros(len(exchanges), np.int64)
    collateral["source"], collateral["redeems"] = -1, -1
    for exchange, rules in spec.network.portfolios.items():
        if exchange not in exchanges:
            raise ScenarioError(f"network.portfolios.{exchange}: no listing is on exchange {exchange}")
        most = units.micro(rules.owed_before_conversion) if spec.leveraged.enabled else NOBODY_OWES
        owed[exchanges.index(exchange)] = most
        for c in rules.collateral:
            fill_collateral(collateral, c, rules, names, exchange, spec)
    return collateral, owed


def refuse_moneys(
    spec: "Spec", specs: "dict[str, Spec]", rules: PortfolioSettings, exchange: str, here: list[str]
) -> None:
    """An account's cash is of one money, or it could not move between its legs."""
    mine = [name for name in here if specs[name].market.perp or name in {c.listing for c in rules.collateral}]
    moneys = sorted({spec.listings[name].quote for name in mine})
    if len(moneys) > 1:
        raise ScenarioError(
            f"network.portfolios.{exchange}: its listings are quoted in {' and '.join(moneys)}: use one"
        )


def fill_collateral(
    rows: "Array", c: CollateralSettings, rules: PortfolioSettings, names: list[str], exchange: str, spec: "Spec"
) -> None:
    """One row of COLLATERAL."""
    for key, name in (("listing", c.listing), ("redeems", c.redeems)):
        if name is not None and name not in names:
            raise ScenarioError(f"network.portfolios.{exchange}.collateral: {key} {name!r} is no listing")
    if spec.listings[c.listing].exchange != exchange:
        raise ScenarioError(
            f"network.portfolios.{exchange}.collateral: {c.listing} is on {spec.listings[c.listing].exchange}; "
            "name a listing of this exchange"
        )
    row = rows[names.index(c.listing)]
    row["source"] = SOURCES[c.source]
    row["redeems"] = -1 if c.redeems is None else names.index(c.redeems)
    row["ratio"], row["weight"], row["floor"] = c.ratio, c.redemption_weight, c.floor
    row["kept_ppm"] = units.PPM - (units.ppm(c.haircut) if c.haircut_on_maintenance else 0)
    row["converts"], row["bound_ppm"] = int(c.converts), units.ppm(rules.order_bound)


def draw_exchange(
    rules: PortfolioSettings, specs: "dict[str, Spec]", names: list[str], markets: "dict[str, Market]", here: list[int],
    draw: np.random.Generator,
) -> list[list[Holding]]:  # fmt: skip
    """The holdings of each account of one exchange; accounts without any are left out."""
    perps = [k for k in here if specs[names[k]].market.perp]
    n = rules.accounts
    kind = draw.random(n)
    always = np.where(kind < rules.short_share, -1, np.where(kind < rules.short_share + rules.long_short_share, 0, 1))
    own = draw.standard_normal(n)
    interest = np.array([specs[names[k]].market.open_interest * specs[names[k]].market.price for k in perps])
    wants = np.minimum(1.0, rules.legs_mean * interest / max(float(interest.sum()), 1.0))
    books: list[list[Holding]] = [[] for _ in range(n)]
    for k, chance in zip(perps, wants, strict=True):
        one, lot = specs[names[k]], markets[names[k]].lot_coin
        member = draw.random(n) < chance
        side = np.where(always == 0, np.where(draw.random(n) < 0.5, 1, -1), always)
        z = SAME_SIZE * own + np.sqrt(1.0 - SAME_SIZE**2) * draw.standard_normal(n)
        cap = max(1, units.lots_of_money(rules.largest, one.market.price, lot))
        longs_share = float(np.mean(side == 1))
        total = units.lots(one.market.open_interest * rules.interest_share, lot)
        for sign, lots in ((1, total), (-1, int(total * (1.0 - longs_share) / max(longs_share, 1e-9)))):
            rows = np.flatnonzero(member & (side == sign))
            if lots == 0 or not len(rows):
                continue
            for i, size in zip(
                rows, sizes(z[rows], rules.size_sigma, lots, max(cap, -(-lots // len(rows)))), strict=True
            ):
                books[int(i)].append(Holding(k, sign * int(size)))
    order = list(markets.values())
    return [fund_account(rules, holdings, order, names, here, draw) for holdings in books if holdings]


def fund_account(
    rules: PortfolioSettings, holdings: list[Holding], markets: "list[Market]", names: list[str], here: list[int],
    draw: np.random.Generator,
) -> list[Holding]:  # fmt: skip
    """Give an account its equity, entries and collateral."""
    worth = [abs(h.lots) * lot_value(markets[h.listing].state) for h in holdings]
    need = sum(maintenance(markets[h.listing].state, value) for h, value in zip(holdings, worth, strict=True))
    leverage = max(1.0, rules.leverage_median * float(np.exp(rules.leverage_sigma * draw.standard_normal())))
    equity = max(int(sum(worth) / leverage), int(LEAST_COVER * need) + 1)
    offset = float(draw.normal(-0.01, 0.04)) if draw.random() < 0.6 else float(draw.normal(-0.08, 0.08))
    pledged = 0
    tail: list[tuple[float, int, Holding]] = []
    for c in rules.collateral:
        k = names.index(c.listing)
        if draw.random() < c.share_of_accounts and (c.holders == "all" or k in {h.listing for h in holdings}):
            state = markets[k].state
            each = int(state.price[0]["spot_half_ticks"]) * int(state.rules[1]["micro_per_tick_lot"])
            coins = int(c.share_of_equity * (equity - pledged) * 2 * (1.0 - c.haircut)) // each
            tail.append((c.haircut, -coins * each, Holding(k, 0, coins)))
            pledged += coins * each // 2
    cash, given = equity - pledged, 0
    for h, value in zip(holdings, worth, strict=True):
        signed = value if h.lots > 0 else -value
        gain = int(
            min(0.5 * equity / len(holdings), max(-0.5 * value, -offset * value))
        )  # no entry makes the wallet owe
        h.entry_micro = signed - gain
        share = cash // len(holdings)
        h.cash_micro = share - signed
        given += share
    holdings[-1].cash_micro += cash - given
    return holdings + [h for *_, h in sorted(tail, key=lambda row: row[:2])]  # smallest haircut, then largest balance


def lot_value(state: "State") -> int:
    """Micro-dollars of a lot at mark, doubled halves rounded down."""
    return int(state.price[0]["mark_half_ticks"]) * int(state.rules[0]["micro_per_tick_lot"]) // 2


def maintenance(state: "State", notional: int) -> int:
    """Maintenance of a notional by a state's tiers, micro-dollars."""
    for tier in state.tiers:
        if notional <= int(tier["up_to_micro"]):
            break
    return -(-notional * int(tier["maintenance_ppm"]) // units.PPM) - int(tier["deduction_micro"])


def seat(
    drawn: list[tuple[int, list[Holding]]], collateral: "Array", owed: "Array", markets: "list[Market]",
    listings: "Array", n_exchanges: int,
) -> Portfolios:  # fmt: skip
    """Account rows and the tables of portfolios and legs."""
    rows: list[list[Holding]] = [[] for _ in markets]
    places: list[list[tuple[int, int]]] = []
    for _, holdings in drawn:
        places.append([])
        for h in holdings:
            places[-1].append((h.listing, len(rows[h.listing])))
            rows[h.listing].append(h)
    first = [open_rows(market, k, held) for k, (market, held) in enumerate(zip(markets, rows, strict=True))]
    every, legs = np.zeros(len(drawn), PORTFOLIO), np.zeros(sum(len(p) for p in places), LEG)
    at = 0
    for p, ((e, _), where) in enumerate(zip(drawn, places, strict=True)):
        every[p]["first_leg"], every[p]["n_legs"], every[p]["exchange"], every[p]["due"] = at, len(where), e, -1.0
        for listing, row in where:
            legs[at] = listing, first[listing] + row, p
            at += 1
    tier0 = np.concatenate([[0], np.cumsum([len(market.state.tiers) for market in markets])]).astype(np.int64)
    tiers = np.concatenate([market.state.tiers for market in markets])
    return Portfolios(
        every, blocks_of(every), legs, collateral, tiers, tier0, np.zeros((n_exchanges, 2)),
        np.zeros((len(markets), 2), np.int64), owed, np.zeros(0, np.int64),
    )  # fmt: skip


def blocks_of(every: "Array") -> "Array":
    """Blocks of portfolios that lie together, of one exchange each; every portfolio gets the number of its block."""
    rows: list[tuple[int, int, int, float]] = []
    for exchange in np.unique(every["exchange"]):
        mine = np.flatnonzero(every["exchange"] == exchange)
        for first in range(int(mine[0]), int(mine[-1]) + 1, IN_BLOCK):
            end = min(first + IN_BLOCK, int(mine[-1]) + 1)
            every["block"][first:end] = len(rows)
            rows.append((first, end, int(exchange), -1.0))
    return np.array(rows, BLOCK)


def open_rows(market: "Market", k: int, held: list[Holding]) -> int:
    """Append the account rows of a listing's legs; hedgers take the other side. Returns the first row."""
    state = market.state
    accounts = np.zeros(len(held), ACCOUNT)
    accounts["key"] = PORTFOLIO_KEY + np.arange(len(held))
    accounts["bucket"], accounts["next"], accounts["prev"], accounts["first_forced_us"] = -1, -1, -1, -1
    accounts["joint"], accounts["leveraged"] = 1, 1
    lots = np.array([h.lots for h in held], np.int64)
    accounts["cash_micro"] = [h.cash_micro for h in held]
    accounts["entry_micro"] = [h.entry_micro for h in held]
    accounts["held_lots"] = accounts["start_lots"] = lots
    first = state.add_owners(accounts)
    coins = np.array([h.coins for h in held], np.int64)
    positions, clock = state.books.positions, state.clock[0]
    positions[0, first : first + len(held)] = lots
    positions[1, first : first + len(held)] = coins
    net = int(lots.sum())
    value = net * int(state.price[0]["mark_half_ticks"]) * int(state.rules[0]["micro_per_tick_lot"]) // 2
    hedgers = state.accounts[HEDGERS]
    positions[0, HEDGERS] -= net
    positions[1, HEDGERS] += max(net, -int(positions[1, HEDGERS]))
    clock["coin_lots"] = positions[1].sum()
    hedgers["cash_micro"] += value
    hedgers["entry_micro"] -= value
    hedgers["held_lots"] = hedgers["start_lots"] = positions[0, HEDGERS]
    clock["cash_micro"] = int(state.accounts["cash_micro"].sum() + state.accounts["free_micro"].sum())
    clock["open_interest_lots"] = int(np.maximum(positions[0], 0).sum())
    state.rows["open_interest_lots"][: int(clock["n_rows"])] = clock["open_interest_lots"]
    clock["first_joint"], clock["end_joint"] = first, first + len(held)
    return first
