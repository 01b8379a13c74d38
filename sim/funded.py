"""Who else has money at time 0: arbitrage firms, dip buyers and trend followers."""

import math

import numpy as np

from sim import units
from sim.layout import ACCOUNTS_PER_ARBITRAGEUR, Layout
from sim.participants import SECONDS_PER_DAY, Contract, first_funded_ticket, funded_tickets
from sim.scenario.spec import Spec
from sim.state import Array, State

DRAW_ARBITRAGE, DRAW_DIP, DRAW_TREND = 11, 12, 13  # second word of the generators above the border, after the seed
NEVER_US = 1 << 60
DAYS_PER_YEAR = 365.0  # the coin trades every day


def fill_funded(state: State, spec: Spec, contract: Contract, layout: Layout, seed: int) -> None:
    """Fill the rooms and accounts of all three."""
    fill_arbitrage(state, spec, contract, layout, seed)
    fill_dip_buyers(state, spec, contract, layout, seed)
    fill_trend(state, spec, contract, layout, seed)


def lognormal_shares(draws: np.random.Generator, n: int, sigma: float) -> Array:
    """Shares of ``n`` owners in a whole: lognormal, summing to 1."""
    weights = np.exp(sigma * draws.standard_normal(n))
    return np.asarray(weights / weights.sum())


def fill_arbitrage(state: State, spec: Spec, contract: Contract, layout: Layout, seed: int) -> None:
    """Firms, latencies, and the balances that they start with and return to.

    Half of the capital is coins. Cash here is split ``1 : leverage`` between the perp's venue and the spot venues.
    """
    settings, desk, firms = spec.arbitrage, state.arbitrage[0], state.arbitrageurs
    desk["enabled"], desk["transfers_open"] = settings.enabled, settings.transfers_open
    desk["leverage"], desk["risk_multiple"] = settings.leverage, settings.risk_multiple
    desk["shadow_price"] = settings.shadow_price
    desk["smallest_lots"] = max(1, contract.lots(settings.smallest_order))
    desk["half_life_s"] = settings.volatility_half_life
    desk["variance_per_s"] = spec.news.noise_per_day**2 / SECONDS_PER_DAY
    desk["log_mid"] = math.log(2 * contract.price_ticks)
    draws = np.random.default_rng([seed, DRAW_ARBITRAGE])
    n = settings.firms
    capital = lognormal_shares(draws, n, settings.capital_sigma) * (settings.capital if settings.enabled else 0.0)
    latency = draws.uniform(settings.latency_low, settings.latency_high, (n, 2))
    mean_time = draws.uniform(settings.transfer_low, settings.transfer_high, n)
    first = layout.rows("arbitrage").start
    for k, firm in enumerate(firms):
        firm["margin"], firm["wallet"], firm["reserve"] = first + ACCOUNTS_PER_ARBITRAGEUR * k + np.arange(3)
        firm["ticket0"] = first_funded_ticket(spec) + 2 * k
        firm["latency_us"] = np.rint(latency[k] * units.MICRO)
        firm["transfer_share"] = -np.expm1(-spec.tick / mean_time[k])
        fund_arbitrageur(state, spec, contract, firm, float(capital[k]))


def fund_arbitrageur(state: State, spec: Spec, contract: Contract, firm: Array, capital_usd: float) -> None:
    """Put one firm's money and coins into its three accounts."""
    settings, accounts, coins = spec.arbitrage, state.accounts, state.books.positions[1]
    here = capital_usd * settings.share_here
    cash = here * (1.0 - settings.coin_share)
    firm["margin_micro"] = units.micro(cash / (1.0 + settings.leverage))
    firm["cash_micro"] = units.micro(cash) - firm["margin_micro"]
    firm["coin_lots"] = contract.lots(here * settings.coin_share)
    for owner in ("margin", "wallet", "reserve"):
        accounts["professional"][firm[owner]] = 1
    accounts["cash_micro"][firm["margin"]] = firm["margin_micro"]
    accounts["cash_micro"][firm["wallet"]] = firm["cash_micro"]
    coins[firm["wallet"]] = firm["coin_lots"]
    accounts["cash_micro"][firm["reserve"]] = units.micro((capital_usd - here) * (1.0 - settings.coin_share))
    coins[firm["reserve"]] = contract.lots((capital_usd - here) * settings.coin_share)
    firm["stock_lots"] = coins[firm["wallet"]] + coins[firm["reserve"]]
    per_lot = contract.price_ticks * contract.unit_micro
    on_margin = settings.leverage * int(firm["margin_micro"]) / per_lot
    firm["size_lots"] = min(int(on_margin), int(firm["cash_micro"]) // per_lot, int(firm["coin_lots"]))


def fill_dip_buyers(state: State, spec: Spec, contract: Contract, layout: Layout, seed: int) -> None:
    """Buyers, their cash, the thresholds of those who wait and the bids of those who rest."""
    settings, buyers = spec.dip_buyer, state.dip_buyers
    draws = np.random.default_rng([seed, DRAW_DIP])
    n = settings.buyers
    cash = lognormal_shares(draws, n, settings.budget_sigma) * (settings.cash if settings.enabled else 0.0)
    n_resting = round(settings.resting_share * n)
    in_perp = draws.random(n) < settings.perp_share
    fall = draws.uniform(settings.nearest, settings.farthest, n)
    delay = settings.delay_median * np.exp(settings.delay_sigma * draws.standard_normal(n))
    phase = draws.random(n)
    distance = draws.uniform(settings.rest_from, settings.rest_to, (n, settings.bids_per_buyer))
    ticket = first_funded_ticket(spec) + 2 * spec.arbitrage.firms
    first = layout.rows("dip_buyers").start
    for k, buyer in enumerate(buyers):
        buyer["owner"], buyer["book"] = first + k, 0 if in_perp[k] else 1
        buyer["ticket0"] = ticket + k * settings.bids_per_buyer
        buyer["threshold_ticks"] = max(1, math.floor(contract.price_ticks * (1.0 - fall[k])))
        buyer["delay_us"] = min(round(delay[k] * units.MICRO), NEVER_US)
        buyer["passed_us"] = -1
        buyer["phase_us"] = int(phase[k] * max(1.0, spec.tick) * units.MICRO)
        buyer["pace_micro"] = units.micro(settings.pace)
        state.accounts["cash_micro"][buyer["owner"]] = units.micro(float(cash[k]))
        if k < n_resting:
            buyer["n_bids"] = settings.bids_per_buyer
            rest_cash(state, contract, k, distance[k])


def rest_cash(state: State, contract: Contract, k: int, distance: Array) -> None:
    """Spread one buyer's cash over bids at ``distance`` below the start, fees covered."""
    buyer = state.dip_buyers[k]
    each = int(state.accounts["cash_micro"][buyer["owner"]]) // len(distance)
    fee = max(0, int(state.rules[buyer["book"]]["taker_fee_ppm"]), int(state.rules[buyer["book"]]["maker_fee_ppm"]))
    for j, below in enumerate(distance):
        price = max(1, math.floor(contract.price_ticks * (1.0 - below)))
        value = price * contract.unit_micro
        state.dip_bids[k, j] = price, each // (value - (-value * fee) // units.PPM + 1)


def fill_trend(state: State, spec: Spec, contract: Contract, layout: Layout, seed: int) -> None:
    """Funds, their money and dates; both averages start at the start price."""
    settings, signal, funds = spec.trend, state.trend[0], state.trend_funds
    signal["enabled"] = settings.enabled
    signal["fast_us"], signal["slow_us"] = settings.fast * units.MICRO, settings.slow * units.MICRO
    signal["half_life_us"] = settings.volatility_half_life * units.MICRO
    signal["sample_every_us"] = round(settings.sample_every * units.MICRO)
    signal["trade_over_us"] = round(settings.trade_over * units.MICRO)
    signal["target_per_day"] = settings.target_volatility / math.sqrt(DAYS_PER_YEAR)
    signal["most_leverage"] = settings.most_leverage
    for name in ("log_mark", "fast", "slow"):
        signal[name] = math.log(2 * contract.price_ticks)
    signal["variance_per_day"] = settings.start_volatility**2
    draws = np.random.default_rng([seed, DRAW_TREND])
    n = settings.funds
    capital = settings.capital * settings.share_here if settings.enabled else 0.0
    money = lognormal_shares(draws, n, settings.capital_sigma) * capital
    period = np.exp(draws.uniform(math.log(settings.rebalance_low), math.log(settings.rebalance_high), n))
    phase, slice_phase = draws.random(n), draws.random(n)
    ticket = first_funded_ticket(spec) + funded_tickets(spec) - n
    first = layout.rows("trend").start
    for k, fund in enumerate(funds):
        fund["owner"], fund["ticket"] = first + k, ticket + k
        fund["period_us"] = max(1, round(period[k] * units.MICRO))
        fund["phase_us"] = int(phase[k] * fund["period_us"])
        fund["slice_phase_us"] = int(slice_phase[k] * max(1.0, spec.tick) * units.MICRO)
        state.accounts["cash_micro"][fund["owner"]] = units.micro(float(money[k]))
