"""Who holds what at time 0: the crowd's sizes, the makers' ladders, everybody's cash, coins and positions."""

import math
from dataclasses import dataclass

import numpy as np

from sim import rng, units
from sim.behaviours.background import METAORDER, MOST_RATE
from sim.errors import ScenarioError
from sim.kernels import quotes
from sim.kernels.ledger import FLOW, FUND, HEDGERS, NOISE, TAKERS
from sim.layout import Layout
from sim.scenario.spec import Spec
from sim.settings.background import BackgroundSettings
from sim.settings.market import DepthPoint
from sim.settings.shock import FatFinger, FlowShock
from sim.settings.venue import VenueSettings
from sim.state import Array, State

# Cash and coins of the background accounts, in days of the venue's volume or in times the posted depth of both books,
# whichever is more, and the flow shocks on top [judgement: never binds].
FUNDING_DAYS = 10.0
FUNDING_BOOKS = 100.0
MOST_FUNDING = 1.0e12  # of the books part, USD: 2^62 micro-dollars hold four such accounts
STOCK_LIMITS = 20.0  # coins a maker works with, in inventory limits [judgement: never binds]
SECONDS_PER_DAY = 86_400.0
BASIS_POINT, ONE_PERCENT = 1e-4, 0.01
BURST = 40.0  # mean takers of a long tick, times this, can be drawn; a fifth of it is for fine ticks [judgement]
HAWKES_S = (0.1, 1.0, 10.0, 100.0)  # time scales of the Hawkes kernel, s (MODEL 4.2)
VOLATILITY_S = (60.0, 600.0)  # memories of the makers' two moving variances, s (MODEL 4.1)
# second word of the generators above the border, after the seed
DRAW_CAPITAL, DRAW_PHASES, DRAW_METAORDERS, DRAW_ACTIVITY, DRAW_THRESHOLDS = 1, 2, 3, 4, 5


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


def mean_order_usd(spec: Spec) -> float:
    """Mean size of a background order in dollars."""
    return spec.background.order_size_median * math.exp(0.5 * spec.background.order_size_sigma**2)


def taker_rates(spec: Spec) -> tuple[float, float]:
    """Background market orders a second in the perp and the spot book: daily volume over mean order size."""
    per_s = mean_order_usd(spec) * SECONDS_PER_DAY
    perp, spot = daily_volumes(spec)
    return perp / per_s, spot / per_s


def daily_volumes(spec: Spec) -> tuple[float, float]:
    """Traded value a day of the perp and of the spot book in dollars, 0 for a book that is not listed."""
    market = spec.market
    return market.perp * market.perp_daily_volume, market.spot * market.spot_daily_volume


def latent_bins(spec: Spec) -> int:
    """Bins of each side of each book's latent layer; none when it is switched off."""
    return max(1, math.ceil(spec.latent.deepest / spec.latent.bin_width)) if spec.latent.enabled else 0


def ticket_counts(spec: Spec) -> tuple[int, int, int]:
    """Tickets of makers' rungs, of background limit rows, and of the latent layers (one more a side for re-entry)."""
    settings = spec.market_maker
    return (
        settings.firms * 4 * settings.rungs_per_side,
        4 * spec.background.noise_orders_per_side,
        4 * (latent_bins(spec) + 1),
    )


def first_funded_ticket(spec: Spec) -> int:
    """Ticket after those of makers, background limits and latent layers."""
    return sum(ticket_counts(spec))


def funded_tickets(spec: Spec) -> int:
    """Tickets of arbitrage firms (one for each book), dip buyers and trend followers; as many messages in one tick."""
    return 2 * spec.arbitrage.firms + spec.dip_buyer.buyers * spec.dip_buyer.bids_per_buyer + spec.trend.funds


def room_sizes(spec: Spec) -> tuple[int, int, int]:
    """Declared maxima of one tick: messages, tickets of the behaviours, takers of each book."""
    tickets = first_funded_ticket(spec) + funded_tickets(spec)
    most, slow_tick = rng.poisson_bound(MOST_RATE), spec.clock.slow_tick
    draws = 2 if slow_tick is None else sum(draws_of(rate, slow_tick) for rate in taker_rates(spec))
    for name, rate in zip(("perp", "spot"), taker_rates(spec), strict=True):
        if rate * spec.tick > MOST_RATE:
            raise ScenarioError(
                f"market.{name}_daily_volume asks for {rate * spec.tick:g} background orders a tick, at most "
                f"{MOST_RATE:g} can be drawn: use a shorter tick or larger orders"
            )
    return tickets + draws * most, tickets, most


def draws_of(rate: float, tick: float) -> int:
    """Draws of at most MOST_RATE orders each that a long tick of ``tick`` seconds makes of ``rate`` orders a second."""
    return max(1, math.ceil(BURST * rate * tick / MOST_RATE))


def side_profiles(spec: Spec) -> list[list[list[tuple[float, float]]]]:
    """Cumulative profile of each book and side in dollars, from (0, 0) on, after depth shares and the visible scale."""
    market = spec.market

    def scaled(points: tuple[DepthPoint, ...], share: float) -> list[tuple[float, float]]:
        factor = share * market.depth_scale_visible
        return [(0.0, 0.0), *((p.within, p.notional * factor) for p in points)]

    perp = [
        scaled(market.perp_bid_depth, market.perp * market.bid_depth_share),
        scaled(market.perp_ask_depth, market.perp * market.ask_depth_share),
    ]
    return [perp, [scaled(market.spot_depth, float(market.spot)), scaled(market.spot_depth, float(market.spot))]]


def profile_usd(points: list[tuple[float, float]], within: float) -> float:
    """Dollars of one side of a profile within a distance."""
    return float(np.interp(within, [p[0] for p in points], [p[1] for p in points]))


def shocks_usd(spec: Spec) -> float:
    """Dollars that all flow shocks and fat fingers together buy or sell."""
    return sum(shock.notional for shock in spec.shocks if isinstance(shock, FlowShock | FatFinger))


def background_usd(spec: Spec) -> float:
    """Cash, and worth of coins, of each background account in dollars: more than it can ever trade away.

    What rests counts only as far as somebody could take it: at many times the depth, MOST_FUNDING is still over a
    month of the volume of all takers.
    """
    day = sum(daily_volumes(spec))
    posted = sum(side[-1][1] for book in side_profiles(spec) for side in book)
    return max(FUNDING_DAYS * day, min(FUNDING_BOOKS * posted, MOST_FUNDING)) + shocks_usd(spec)


def fill_background(state: State, spec: Spec, contract: Contract, most_takers: int, seed: int) -> None:
    """Rates and sizes of the crowd, its metaorders at work, and the profile of its limit orders."""
    background, n = spec.background, spec.background.noise_orders_per_side
    profiles = side_profiles(spec)
    most = max(len(side) for book in profiles for side in book)
    state.knots = np.zeros((2, 2, most, 2))
    state.metaorders = np.zeros((2, background.metaorders), METAORDER)
    median_lots = background.order_size_median / (contract.price_usd * contract.lot_coin)
    first = ticket_counts(spec)[0]
    for b, rate in enumerate(taker_rates(spec)):
        row = state.crowd[b]
        row["caused"] = rate * spec.tick * background.branching / len(HAWKES_S)
        row["most_takers"] = most_takers
        row["pareto"], row["longest"] = background.metaorder_exponent, background.metaorder_longest
        row["log_median_lots"] = math.log(median_lots)
        row["sigma"] = background.order_size_sigma
        row["ticket0"], row["rows_per_side"] = first + b * 2 * n, n
        fill_metaorders(state.metaorders[b], background, np.random.default_rng([seed, DRAW_METAORDERS, b]))
        for side in range(2):
            points = profiles[b][side]
            total = points[-1][1]
            row["lots"][side] = contract.lots(background.noise_depth_share * total / n)
            padded = points + [points[-1]] * (most - len(points))
            state.knots[b, side] = [(within, usd / total if total else 0.0) for within, usd in padded]


def fill_metaorders(rows: Array, background: BackgroundSettings, draw: np.random.Generator) -> None:
    """Metaorders as they are met at a random moment: length-biased Pareto, a uniform part of it still to come."""
    exponent, longest = background.metaorder_exponent - 1.0, float(background.metaorder_longest)
    u = draw.random(len(rows))
    length = (1.0 - u * (1.0 - longest**-exponent)) ** (-1.0 / exponent)
    rows["left"] = np.ceil(length * draw.random(len(rows)))
    rows["side"] = draw.integers(0, 2, len(rows))


def fill_activity(state: State, spec: Spec, seed: int) -> None:
    """The factors of activity, each at a level drawn from its long-run law."""
    news = spec.news
    sizes = (news.activity_fast_size, news.activity_slow_size)
    levels = np.random.default_rng([seed, DRAW_ACTIVITY]).standard_normal(len(sizes))
    for mood, level, size in zip(state.moods, levels, sizes, strict=True):
        mood["level"], mood["size"] = level, size
    state.news[0]["activity"] = 1.0


def density_usd(spec: Spec, daily_volume: float) -> float:
    """L: dollars of latent orders for each squared unit of log distance, 2 V / (Y^2 sigma^2) (MODEL 4.2)."""
    latent = spec.latent
    scale = (latent.impact_prefactor * latent.daily_volatility) ** 2
    return 2.0 * daily_volume / scale * spec.market.depth_scale_latent


def fill_latent(state: State, spec: Spec, contract: Contract, layout: Layout) -> None:
    """Each book's latent layer at its full density, with the money of its account."""
    latent, n_bins = spec.latent, latent_bins(spec)
    first = sum(ticket_counts(spec)[:2])
    for b, (volume, cash) in enumerate(zip(daily_volumes(spec), (latent.perp_cash, latent.spot_cash), strict=True)):
        layer, owner = state.layers[b], layout.rows("latent").start + b
        layer["owner"], layer["on"] = owner, int(latent.enabled and volume > 0.0)
        layer["lots_per_unit2"] = density_usd(spec, volume) / (contract.price_usd * contract.lot_coin)
        layer["y_c"], layer["width"], layer["x_r"] = latent.flat_beyond, latent.bin_width, latent.reveal_distance
        layer["renew_per_us"] = 1.0 / (latent.renewal_time * units.MICRO)
        layer["latency_us"] = units.us(latent.news_latency)
        layer["ticket0"] = first + b * 2 * (n_bins + 1)
        layer["deepest"] = -1
        y = (np.arange(n_bins) + 0.5) * latent.bin_width
        height = np.where(y < latent.start_hollow, 0.0, np.minimum(y, latent.flat_beyond))
        state.mass[b, :, :n_bins] = layer["lots_per_unit2"] * height * latent.bin_width
        if layer["on"]:
            state.accounts[owner]["cash_micro"] = units.micro(cash)
            state.books.positions[1, owner] = contract.lots(cash) if b == 1 else 0
    state.stamp_us[:] = -units.us(spec.tick)


def fill_makers(state: State, spec: Spec, contract: Contract, layout: Layout, seed: int) -> None:
    """Firms, and the ladders that together hold the makers' share of the profile."""
    settings = spec.market_maker
    quoting = state.quoting[0]
    quoting["listed"] = spec.market.perp, spec.market.spot
    quoting["response_per_micro"] = settings.flow_response / (settings.flow_response_notional * units.MICRO)
    inner = fill_glft(quoting, spec)
    perp_usd, spot_usd = (sum(profile_usd(side, ONE_PERCENT) for side in book) for book in side_profiles(spec))
    quoting["perp_weight"] = perp_usd / (perp_usd + spot_usd)
    quoting["latency_us"] = units.us(settings.news_latency)
    capital = capitals(spec, seed)
    share = capital / capital.sum()
    limits = settings.inventory_limit * capital / settings.capital_median
    makers = layout.rows("makers")
    firms = state.firms
    firms["owner"] = np.arange(makers.start, makers.stop)
    firms["limit_lots"] = [max(1, contract.lots(float(limit))) for limit in limits]
    firms["stock_lots"] = np.rint(STOCK_LIMITS * firms["limit_lots"]) + contract.lots(shocks_usd(spec))
    firms["capital_micro"] = np.floor(capital * units.MICRO)
    fill_caution(state, spec, contract, seed)
    phases = np.random.default_rng([seed, DRAW_PHASES])
    for b, book in enumerate(side_profiles(spec)):
        for side, points in enumerate(book):
            order = phases.permutation(settings.firms)
            for i in range(settings.firms):
                distance, usd = ladder(spec, points, inner, (order[i] + 0.5) / settings.firms)
                state.distance[i, b, side] = distance
                price = contract.price_usd * (1.0 - distance if side == 0 else 1.0 + distance)
                state.rung_lots[i, b, side] = np.floor(share[i] * usd / (price * contract.lot_coin))


def fill_glft(quoting: Array, spec: Spec) -> float:
    """Parameters of the makers' quotes; returns the half-spread at reference volatility, a fraction of the price.

    Prices are fractions, inventory is counted in mean background orders. The risk aversion gamma is the one at which
    the skew at the inventory limit is ``skew_at_limit`` half-spreads (MODEL 4.1).
    """
    settings = spec.market_maker
    skew_per_lot = getattr(quotes.skew_per_lot, "py_func", quotes.skew_per_lot)  # compiled without a door to Python
    k, fill_rate = settings.fill_decay / BASIS_POINT, settings.fill_rate
    sigma = settings.reference_volatility / math.sqrt(SECONDS_PER_DAY)
    orders = max(1.0, settings.inventory_limit / mean_order_usd(spec))
    low, high = math.log(1e-12 * k), math.log(1e3 * k)
    for _ in range(200):
        middle = 0.5 * (low + high)
        gamma = math.exp(middle)
        growth = quotes.growth_of(gamma, k)
        skew = skew_per_lot(gamma, k, fill_rate, sigma, growth)
        half_spread = quotes.half_spread(gamma, k, skew)
        low, high = (middle, high) if skew * orders < settings.skew_at_limit * half_spread else (low, middle)
    quoting["gamma"], quoting["k"] = gamma, k
    quoting["growth"], quoting["base"] = growth, quotes.half_spread(gamma, k, 0.0)
    quoting["fill_rate"], quoting["limit_orders"] = fill_rate, orders
    return float(half_spread)


def fill_caution(state: State, spec: Spec, contract: Contract, seed: int) -> None:
    """What all firms watch, and the thresholds of each."""
    settings, caution, firms = spec.market_maker, state.caution[0], state.firms
    caution["reference"] = settings.reference_volatility / math.sqrt(SECONDS_PER_DAY)
    caution["fast"] = caution["slow"] = caution["reference"] ** 2
    caution["x"] = 1.0
    caution["fast_s"], caution["slow_s"] = VOLATILITY_S
    caution["log_mid"] = caution["looked_log_mid"] = math.log(2.0 * contract.price_ticks)
    caution["phi"], caution["least"] = settings.volatility_elasticity, settings.least_size
    caution["headline_near"], caution["headline_far"] = settings.headline_near, settings.headline_far
    caution["cool_down_s"], caution["cool_down_sigma"] = settings.cool_down, settings.cool_down_sigma
    caution["ramp_us"] = settings.return_time * units.MICRO
    caution["psi"], caution["var_share"] = settings.capital_exponent, settings.value_at_risk
    caution["omega"], caution["memory_us"] = settings.capital_memory, round(settings.memory_time * units.MICRO)
    caution["on"] = int(settings.withdrawal)
    draw = np.random.default_rng([seed, DRAW_THRESHOLDS])
    medians = (
        ("calm_vol", settings.calm_volatility),
        ("wide_vol", settings.wide_volatility),
        ("pull_vol", settings.pull_volatility),
        ("headline_move", settings.headline_move),
        ("loss_share", settings.pull_loss),
    )
    for name, median in medians:
        firms[name] = median * np.exp(settings.threshold_sigma * draw.standard_normal(len(firms)))
    firms["pulls"] = 1
    firms["pulls"][draw.permutation(len(firms))[: round(settings.never_pull_share * len(firms))]] = 0
    firms["away_us"] = -1
    firms["live"], firms["near"], firms["far"] = 1, 1.0, 1.0
    firms["shock_near"], firms["shock_far"] = 1.0, 1.0
    firms["limit_now_lots"] = firms["limit_lots"]


def capitals(spec: Spec, seed: int) -> Array:
    """Capital of each firm in dollars: lognormal."""
    draws = np.random.default_rng([seed, DRAW_CAPITAL]).standard_normal(spec.market_maker.firms)
    return np.asarray(spec.market_maker.capital_median * np.exp(spec.market_maker.capital_sigma * draws))


def ladder(spec: Spec, points: list[tuple[float, float]], inner: float, phase: float) -> tuple[Array, Array]:
    """Distances of one ladder's rungs and the dollars each holds for all firms together.

    Rung k stands at ``inner * (outer / inner) ** ((k + phase) / rungs)``; it holds the profile between the geometric
    middles to its neighbours (from 0 for the first, to the outer distance for the last), less the share of the noise
    limits.
    """
    settings, n = spec.market_maker, spec.market_maker.rungs_per_side
    ratio = settings.outer_distance / inner
    distance = inner * ratio ** ((np.arange(n) + phase) / n)
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
    accounts[FUND]["cash_micro"] = units.micro(venue.insurance_fund * spec.clearing.fund_scale)
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
        firm["hedge_micro"] = float(short) * contract.price_ticks * contract.unit_micro
        accounts[firm["owner"]]["is_maker"] = accounts[firm["owner"]]["professional"] = 1
        accounts[firm["owner"]]["cash_micro"] += units.micro(float(capital[i]))
        positions[1, firm["owner"]] += firm["stock_lots"]
    open_short(state, contract, int(HEDGERS), int(positions[0].sum()))
    fill_latent(state, spec, contract, layout)
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
