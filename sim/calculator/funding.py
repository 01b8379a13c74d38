"""Funding by an index that positions are settled against, and the plain payment on a mark notional.

An index is in millionths of a quote quantum per base quantum. Its change is rounded towards zero; what an account is
paid is rounded down, what it pays up. Source: dydxprotocol/v4-chain, the rules alone (perpetuals module); the plain
payment is the simulator's own (kernels/funding.py).
"""

from fractions import Fraction
from math import isnan

from sim.calculator.doors import clamped_rate, payment_up
from sim.calculator.margin import maintenance_ppm
from sim.errors import RuleError
from sim.settings.rules import RuleSettings
from sim.units import PPM, ppm, us

Exact = int | Fraction


def funding_cap_ppm(rules: RuleSettings) -> int:
    """Largest rate of a period, either sign: ``funding_clamp`` times initial less maintenance margin, rounded down.

    Returns
    -------
    int
        Millionths of the notional.
    """
    return ppm(rules.funding_clamp) * (ppm(rules.initial_margin) - maintenance_ppm(rules)) // PPM


def funding_rate_ppm(rules: RuleSettings, premium_ppm: int) -> int:
    """Rate of a period with a mean premium, cut to the cap either way.

    Returns
    -------
    int
        Millionths of the notional a period.
    """
    return clamped_rate(premium_ppm, 0, 0, funding_cap_ppm(rules))


def index_change(rules: RuleSettings, rate_ppm: int, seconds: float, quote_per_base: Fraction) -> int:
    """Change of the funding index over a time at one rate and oracle price, rounded towards zero.

    Parameters
    ----------
    rules : RuleSettings
        Whose ``funding_period`` the rate is for.
    rate_ppm : int
        Millionths of the notional a period.
    seconds : float
        Time that has passed.
    quote_per_base : Fraction
        Quote quanta that a base quantum is worth at the oracle price.

    Returns
    -------
    int
        Millionths of a quote quantum per base quantum; longs pay when it is above 0.
    """
    return int(rate_ppm * Fraction(us(seconds), us(rules.funding_period)) * quote_per_base)


def funding_settlement_ppm(position: int, index_now: int, index_last: int) -> int:
    """What a position is paid (below 0: pays) for the move of the index since it was last settled, exact.

    Returns
    -------
    int
        Millionths of a quote quantum.
    """
    return -position * (index_now - index_last)


def settled_quote(quote: int, settlement_ppm: int) -> int:
    """Money of an account after its settlements, added up before they are rounded; rounded down.

    Returns
    -------
    int
        Quote quanta.
    """
    return quote + settlement_ppm // PPM


def payment_due(size: Exact, mark: Exact | float, rate: Exact, quantum: Fraction = Fraction(1, 10**6)) -> int:
    """What a position pays for one period on its mark notional, rounded up.

    Parameters
    ----------
    size : int or Fraction
        Coins, below 0 for a short.
    mark : int, Fraction or float
        US dollars. A mark that is no number pays nothing here; a simulation stops instead.
    rate : int or Fraction
        Of the notional a period, in whole 1e-9.
    quantum : Fraction
        Step of the result, in US dollars.

    Returns
    -------
    int
        Quanta, below 0 for what it receives.

    Raises
    ------
    RuleError
        When the rate is finer than 1e-9, or size times mark is no whole number of quanta on any grid of both.
    """
    if isinstance(mark, float) and isnan(mark):
        return 0
    coins, dollars, rate_ppb = Fraction(size), Fraction(mark), Fraction(rate) * 10**9
    unit = 1 / (coins.denominator * dollars.denominator * quantum)
    if rate_ppb.denominator != 1 or unit.denominator != 1:
        finer = f"a rate of {float(rate):g}" if rate_ppb.denominator != 1 else f"a quantum of {float(quantum):g} USD"
        raise RuleError(f"{finer} does not fit the grid: rates are in 1e-9, and size x mark is in whole quanta")
    return payment_up(coins.numerator, 2 * dollars.numerator, int(unit), int(rate_ppb))
