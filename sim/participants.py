"""Who holds what at time 0: the crowd's sizes, the makers' ladders, everybody's cash, coins and positions."""

import math
from dataclasses import dataclass

import numpy as np

from sim import rng, units
from sim.errors import ScenarioError
from sim.kernels.ledger import FLOW, FUND, HEDGERS, NOISE, TAKERS
from sim.layout import Layout
from sim.scenario.spec import Spec
from sim.settings.market import DepthPoint
from sim.settings.shock import FatFinger, FlowShock
from sim.settings.venue import VenueSettings
from sim.state import Array, State

# Cash and coins of the background accounts, in days of the venue's volume or in times the posted depth of both books,
# whichever is more, and the flow shocks on top [judgement: never binds].
FUNDING_DAYS = 10.0
FUNDING_BOOKS = 100.0
STOCK_LIMITS = 20.0  # coins a maker works with, in inventory limits [judgement: never binds]
SECONDS_PER_DAY = 86_400.0
DRAW_CAPITAL, DRAW_PHASES = 1, 2  # second word of the generators above the border, after the seed


@dataclass(frozen=True, slots=True)
class Contract:
    """Units of the market at the border.

    Attributes
    ----------
    tick_usd, lot_coin, price_usd : float
        Dollars a tick, coins a lot, dollars at the start; the same for both books.
    unit_micro : int
        Micro-dollars a lot gains with one tick.
    price_ticks : int
    """

    tick_usd: float
    lot_coin: float
    price_usd: float
    unit_micro: int
    price_ticks: int

    def lots(self, usd: float) -> int:
        """Lots worth ``usd`` at the start price, rounded down."""
        return units.lots_of_money(usd, self.price_usd, self.lot_coin)


def taker_rates(spec: Spec) -> tuple[float, float]:
    """Background market orders a second in the perp and the spot book: daily volume over mean order size."""
    mean_usd = spec.background.order_size_median * math.exp(0.5 * spec.background.order_size_sigma**2)
    per_s = mean_usd * SECONDS_PER_DAY
    return spec.market.perp_daily_volume / per_s, spec.market.spot_daily_volume / per_s


def room_sizes(spec: Spec) -> tuple[int, int, tuple[int, int]]:
    """Declared maxima of one tick: messages, tickets of the behaviours, takers of each book."""
    rungs = spec.market_maker.firms * 4 * spec.market_maker.rungs_per_side
    limits = 4 * spec.background.noise_orders_per_side
    funded = funded_tickets(spec)
    try:
        most = tuple(rng.poisson_bound(rate * spec.tick) for rate in taker_rates(spec))
    except ValueError as error:
        raise ScenarioError(f"background: {error}") from error
    return rungs + limits + funded + most[0] + most[1], rungs + limits + funded, (most[0], most[1])


def first_funded_ticket(spec: Spec) -> int:
    """Ticket after those of makers and background limits."""
    return 4 * (spec.market_maker.firms * spec.market_maker.rungs_per_side + spec.background.noise_orders_per_side)


def funded_tickets(spec: Spec) -> int:
    """Tickets of arbitrage firms (one for each book), dip buyers and trend followers; as many messages in one tick."""
    return 2 * spec.arbitrage.firms + spec.dip_buyer.buyers * spec.dip_buyer.bids_per_buyer + spec.trend.funds


def side_profiles(spec: Spec) -> list[list[list[tuple[float, float]]]]:
    """Cumulative profile of each book and side in dollars, from (0, 0) on, after depth shares and the visible scale."""
    market = spec.market

    def scaled(points: tuple[DepthPoint, ...], share: float) -> list[tuple[float, float]]:
        factor = share * market.depth_scale_visible
        return [(0.0, 0.0), *((p.within, p.notional * factor) for p in points)]

    perp = [
        scaled(market.perp_bid_depth, market.bid_depth_share),
        scaled(market.perp_ask_depth, market.ask_depth_share),
    ]
    return [perp, [scaled(market.spot_depth, 1.0), scaled(market.spot_depth, 1.0)]]


def shocks_usd(spec: Spec) -> float:
    """Dollars that all flow shocks and fat fingers together buy or sell."""
    return sum(shock.notional for shock in spec.shocks if isinstance(shock, FlowShock | FatFinger))


def background_usd(spec: Spec) -> float:
    """Cash, and worth of coins, of each background account in dollars: more than it can ever trade away."""
    day = spec.market.perp_daily_volume + spec.market.spot_daily_volume
    posted = sum(side[-1][1] for book in side_profiles(spec) for side in book)
    return max(FUNDING_DAYS * day, FUNDING_BOOKS * posted) + shocks_usd(spec)


def fill_background(state: State, spec: Spec, contract: Contract, most_takers: tuple[int, int]) -> None:
    """Rates and sizes of the crowd, and the profile from which its limit orders draw their distance."""
    background, n = spec.background, spec.background.noise_orders_per_side
    profiles = side_profiles(spec)
    most = max(len(side) for book in profiles for side in book)
    state.knots = np.zeros((2, 2, most, 2))
    median_lots = background.order_size_median / (contract.price_usd * contract.lot_coin)
    first = spec.market_maker.firms * 4 * spec.market_maker.rungs_per_side
    for b, rate in enumerate(taker_rates(spec)):
        row = state.crowd[b]
        row["takers_per_tick"] = rate * spec.tick
        row["most_takers"] = most_takers[b]
        row["log_median_lots"] = math.log(median_lots)
        row["sigma"] = background.order_size_sigma
        row["ticket0"], row["rows_per_side"] = first + b * 2 * n, n
        row["renew_16"] = max(1, round(65536 * -math.expm1(-spec.tick / background.noise_lifetime)))
        for side in range(2):
            points = profiles[b][side]
            total = points[-1][1]
            row["lots"][side] = contract.lots(background.noise_depth_share * total / n)
            padded = points + [points[-1]] * (most - len(points))
            state.knots[b, side] = [(within, usd / total) for within, usd in padded]


def fill_makers(state: State, spec: Spec, contract: Contract, layout: Layout, seed: int) -> None:
    """Firms, and the ladders that together hold the makers' share of the profile."""
    settings = spec.market_maker
    quoting = state.quoting[0]
    quoting["add_16"] = round(65536 * -math.expm1(-settings.add_rate * spec.tick))
    quoting["cancel_16"] = round(65536 * -math.expm1(-settings.cancel_rate * spec.tick))
    quoting["response_per_micro"] = settings.flow_response / (settings.flow_response_notional * units.MICRO)
    quoting["belief_kept"] = 0.5 ** (spec.tick / settings.belief_half_life)
    quoting["skew"] = settings.inventory_skew
    quoting["news_lag_ticks"] = settings.news_latency / spec.tick
    quoting["latency_us"] = units.us(settings.news_latency)
    capital = capitals(spec, seed)
    share = capital / capital.sum()
    limit = contract.lots(settings.inventory_limit)
    makers = layout.rows("makers")
    state.firms["owner"] = np.arange(makers.start, makers.stop)
    state.firms["limit_lots"] = max(limit, 1)
    state.firms["stock_lots"] = round(STOCK_LIMITS * limit) + contract.lots(shocks_usd(spec))
    phases = np.random.default_rng([seed, DRAW_PHASES])
    for b, book in enumerate(side_profiles(spec)):
        for side, points in enumerate(book):
            order = phases.permutation(settings.firms)
            for i in range(settings.firms):
                distance, usd = ladder(spec, points, (order[i] + 0.5) / settings.firms)
                state.distance[i, b, side] = distance
                price = contract.price_usd * (1.0 - distance if side == 0 else 1.0 + distance)
                state.rung_lots[i, b, side] = np.floor(share[i] * usd / (price * contract.lot_coin))


def capitals(spec: Spec, seed: int) -> Array:
    """Capital of each firm in dollars: lognormal."""
    draws = np.random.default_rng([seed, DRAW_CAPITAL]).standard_normal(spec.market_maker.firms)
    return np.asarray(spec.market_maker.capital_median * np.exp(spec.market_maker.capital_sigma * draws))


def ladder(spec: Spec, points: list[tuple[float, float]], phase: float) -> tuple[Array, Array]:
    """Distances of one ladder's rungs and the dollars each holds for all firms together.

    Rung k stands at ``inner * (outer / inner) ** ((k + phase) / rungs)``; it holds the profile between the geometric
    middles to its neighbours (from 0 for the first, to the outer distance for the last), less the share of the noise
    limits.
    """
    settings, n = spec.market_maker, spec.market_maker.rungs_per_side
    ratio = settings.outer_distance / settings.inner_distance
    distance = settings.inner_distance * ratio ** ((np.arange(n) + phase) / n)
    edges = np.concatenate([[0.0], np.sqrt(distance[:-1] * distance[1:]), [settings.outer_distance]])
    cumulative = np.interp(edges, [p[0] for p in points], [p[1] for p in points])
    return distance, (1.0 - spec.background.noise_depth_share) * np.diff(cumulative)


def fill_accounts(
    state: State, spec: Spec, venue: VenueSettings, contract: Contract, layout: Layout, crowd: Array, seed: int
) -> None:
    """Cash, coins and positions at time 0. Longs are the population; hedgers hold what shorts remain, matched by
    coins they own.
    """
    accounts, positions = state.accounts, state.books.positions
    accounts["key"] = layout.keys()
    accounts["bucket"], accounts["next"], accounts["prev"], accounts["first_forced_us"] = -1, -1, -1, -1
    funding_usd = background_usd(spec)
    for owner in (TAKERS, NOISE, FLOW):
        accounts[owner]["cash_micro"] = units.micro(funding_usd)
        positions[1, owner] = contract.lots(funding_usd)
    accounts[FUND]["cash_micro"] = units.micro(venue.insurance_fund)
    n_firms = len(state.firms)
    people = layout.rows("people")
    signed = crowd["side"].astype(np.int64) * crowd["lots"]
    entry = np.rint(crowd["entry_ticks"]).astype(np.int64)
    accounts["cash_micro"][people] = crowd["margin_micro"] - signed * entry * contract.unit_micro
    accounts["entry_micro"][people] = signed * entry * contract.unit_micro
    accounts["free_micro"][people], accounts["isolated"][people] = crowd["free_micro"], crowd["isolated"]
    accounts["leveraged"][people] = 1
    positions[0, people] = signed
    oi_lots = int(signed[signed > 0].sum())
    short = int(oi_lots * spec.leveraged.short_shares.makers) // n_firms
    capital = capitals(spec, seed)
    for i, firm in enumerate(state.firms):
        open_short(state, contract, int(firm["owner"]), short)
        accounts[firm["owner"]]["is_maker"] = 1
        accounts[firm["owner"]]["cash_micro"] += units.micro(float(capital[i]))
        positions[1, firm["owner"]] += firm["stock_lots"]
    open_short(state, contract, int(HEDGERS), int(positions[0].sum()))
    accounts["start_lots"] = accounts["held_lots"] = positions[0]
    state.clock[0]["open_interest_lots"] = np.maximum(positions[0], 0).sum()
    state.clock[0]["cash_micro"] = accounts["cash_micro"].sum() + accounts["free_micro"].sum()
    state.clock[0]["coin_lots"] = positions[1].sum()


def open_short(state: State, contract: Contract, owner: int, lots: int) -> None:
    """A short entered at the start price and hedged by as many coins of one's own."""
    state.books.positions[0, owner] -= lots
    state.books.positions[1, owner] += lots
    value = lots * contract.price_ticks * contract.unit_micro
    state.accounts[owner]["cash_micro"] += value
    state.accounts[owner]["entry_micro"] -= value
