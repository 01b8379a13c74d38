"""Who else has money at time 0: arbitrage firms with their balances in each venue."""

import numpy as np

from sim import units
from sim.layout import ACCOUNTS_PER_ARBITRAGEUR, Layout
from sim.participants import SECONDS_PER_DAY, Contract, first_funded_ticket
from sim.scenario.spec import Spec
from sim.state import Array, State

DRAW_ARBITRAGE = 11  # second word of the generator above the border, after the seed


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
    desk["log_mid"] = np.log(2 * contract.price_ticks)
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
    accounts["cash_micro"][firm["margin"]] = firm["margin_micro"]
    accounts["cash_micro"][firm["wallet"]] = firm["cash_micro"]
    coins[firm["wallet"]] = firm["coin_lots"]
    accounts["cash_micro"][firm["reserve"]] = units.micro((capital_usd - here) * (1.0 - settings.coin_share))
    coins[firm["reserve"]] = contract.lots((capital_usd - here) * settings.coin_share)
    firm["stock_lots"] = coins[firm["wallet"]] + coins[firm["reserve"]]
    per_lot = contract.price_ticks * contract.unit_micro
    on_margin = settings.leverage * int(firm["margin_micro"]) / per_lot
    firm["size_lots"] = min(int(on_margin), int(firm["cash_micro"]) // per_lot, int(firm["coin_lots"]))
