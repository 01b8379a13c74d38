"""How much a company issues on a trading day, by source: MODEL 4.8, R17.

A week has five trading days; a rate of a week is a fifth of it on each.
"""

import math
from datetime import date

from sim import units
from sim.settings.dat import DatSettings
from sim.treasury.company import OF_WEEK, Company, draws

WEEK = 5  # trading days
DAY_S = 86_400.0


def day_cap(company: Company, settings: DatSettings, market_value: int) -> int:
    """Most common stock that is sold on a day, micro-dollars: a share of the dollars in which the shares trade."""
    return math.floor(settings.common.cap * company.turnover * market_value)


def common_for_coins(company: Company, settings: DatSettings, m_eq: float, m_ev: float, market_value: int) -> int:
    """Common stock sold today to buy coins: by the ladder of m_EV, or without one while m_eq is above 1."""
    rule = settings.common
    if company.kind != "strategy":
        share = rule.opportunistic if m_eq > 1.0 else 0.0
    elif m_ev >= rule.active_from:
        share = 1.0
    elif m_ev >= rule.opportunistic_from:
        share = rule.opportunistic
    else:
        share = rule.for_coins if m_ev >= rule.from_premium else 0.0
    return math.floor(share * day_cap(company, settings, market_value))


def claims(company: Company, settings: DatSettings, m_ev: float, seed: int, day: date, days: float) -> list[int]:
    """Preferred stock sold at the market today, an offering of it, an offering of notes; micro-dollars.

    Offerings come at a rate: the chance of one since the last look ``days`` ago, with a size of its own.
    """
    if company.kind != "strategy":
        return [0, 0, 0]
    rule = settings.claims
    draw = draws(seed, OF_WEEK, company.number, day)
    arrive, size = draw.random(2), draw.standard_normal(2)
    preferred, notes = m_ev >= rule.preferred_from, m_ev >= rule.converts_from
    offered = [
        (preferred, rule.preferred_every, rule.preferred_median, rule.preferred_sigma),
        (notes, rule.converts_every, rule.converts_median, rule.converts_sigma),
    ]
    found = [units.micro(rule.preferred_a_week) // WEEK if preferred else 0]
    for k, (is_open, every, median, sigma) in enumerate(offered):
        comes = is_open and arrive[k] < -math.expm1(-days * DAY_S / every)
        found.append(units.micro(round(median * math.exp(sigma * size[k]))) if comes else 0)
    return found
