"""Which companies there are: the large one with its balance sheet, the small ones drawn, each by its own number."""

import math
from dataclasses import dataclass
from datetime import date

import numpy as np

from sim import units
from sim.settings.dat import DatSettings
from sim.treasury.balance import Balance

DRAW_DAT = 26  # second word of the generators above the border, after the seed
OF_COMPANY, AT_OPEN, AT_CLOSE, OF_WEEK, OF_SALE = range(5)  # third word: what is drawn
STRATEGY, ETH_TREASURY, FIRST_SMALL = 0, 1, 2  # numbers of companies, fourth word
DAYS_A_YEAR = 365


def draws(seed: int, purpose: int, company: int, day: date | None = None) -> np.random.Generator:
    """The generator of one company's draws for one purpose, on one day: one draw more shifts nobody else's (R11)."""
    words = [seed, DRAW_DAT, purpose, company]
    return np.random.default_rng(words if day is None else [*words, day.toordinal()])


@dataclass(frozen=True)
class Company:
    """What does not change about a company.

    Attributes
    ----------
    number : int
        Names its draws.
    name : str
    kind : str
        "strategy", "eth_treasury" or "small".
    premium, usual : float
        Enterprise premium at the start; the one it comes back to.
    turnover : float
        Shares traded on a trading day over shares there are.
    coupon : float
        Interest on its notes, a year.
    dividends_micro : int
        On the preferred stock of the start, a year.
    start_preferred_micro : int
        That stock; what is sold later pays the rate of the settings.
    passive_share : float
        Shares held by index funds at the start.
    """

    number: int
    name: str
    kind: str
    premium: float
    usual: float
    turnover: float
    coupon: float = 0.0
    dividends_micro: int = 0
    start_preferred_micro: int = 0
    passive_share: float = 0.0


def companies(settings: DatSettings, seed: int, price_usd: float, lot_coin: float) -> list[tuple[Company, Balance]]:
    """All companies that hold the coin of the market, with their books at the start.

    Parameters
    ----------
    settings : DatSettings
    seed : int
    price_usd : float
        Of a coin at the start.
    lot_coin : float
        Coins in a lot.
    """
    if settings.coin == "ETH":
        return [_eth_treasury(settings, lot_coin)] if settings.eth_treasury.enabled else []
    found = [_strategy(settings, lot_coin)] if settings.strategy.enabled else []
    return found + [_small(settings, k, seed, price_usd, lot_coin) for k in range(settings.small.companies)]


def _strategy(settings: DatSettings, lot_coin: float) -> tuple[Company, Balance]:
    one = settings.strategy
    company = Company(
        STRATEGY, "strategy", "strategy", one.premium, one.usual_premium, one.turnover, one.coupon,
        units.micro(one.dividends), units.micro(one.preferred), one.passive_share,
    )  # fmt: skip
    lots = units.lots(one.coins, lot_coin)
    balance = Balance(
        lots, one.shares, units.micro(one.cash), units.micro(one.debt), units.micro(one.preferred),
        _cost(lots, one.mean_cost, lot_coin),
    )  # fmt: skip
    return company, balance


def _eth_treasury(settings: DatSettings, lot_coin: float) -> tuple[Company, Balance]:
    one = settings.eth_treasury
    company = Company(ETH_TREASURY, "eth_treasury", "eth_treasury", one.premium, one.usual_premium, one.turnover)
    lots = units.lots(one.coins, lot_coin)
    return company, Balance(lots, one.shares, 0, cost_micro=_cost(lots, one.mean_cost, lot_coin))


def _small(settings: DatSettings, k: int, seed: int, price_usd: float, lot_coin: float) -> tuple[Company, Balance]:
    one = settings.small
    number = FIRST_SMALL + k
    draw = draws(seed, OF_COMPANY, number)
    size, premium = draw.standard_normal(2)
    debt, cost = draw.random(2)
    m_ev = one.premium_median * math.exp(one.premium_sigma * premium)
    lots = max(1, units.lots_of_money(one.median * math.exp(one.sigma * size), price_usd, lot_coin))
    nav = lots * price_usd * lot_coin
    debt_micro = units.micro(round(one.most_debt * debt * nav, 6))
    cash_micro = int(debt_micro * one.coupon * one.cash_for / (DAYS_A_YEAR * 86_400.0))
    company = Company(number, f"small_{1 + k}", "small", m_ev, m_ev, one.turnover, one.coupon)
    worth = max(m_ev * nav * units.MICRO - debt_micro + cash_micro, settings.premium.least_equity * nav * units.MICRO)
    shares = max(2, round(worth / (10 * units.MICRO)))  # of $10 each: their number means nothing, their share does
    mean_cost = price_usd * (one.cost_low + (one.cost_high - one.cost_low) * cost)
    return company, Balance(lots, shares, cash_micro, debt_micro, 0, _cost(lots, mean_cost, lot_coin))


def _cost(lots: int, mean_cost: float, lot_coin: float) -> int:
    return math.floor(lots * units.exact(lot_coin) * units.exact(mean_cost) * units.MICRO)
