"""The enterprise premium of a company and what it makes its shares worth: MODEL 4.8.

d ln m_EV = -kappa (ln m_EV - ln m*) dt + beta d ln P - chi (issue / market value) + sigma dW. The step is exact for the
first term and the noise of an Ornstein-Uhlenbeck process; the move of the price enters whole at its end.
"""

import math
from dataclasses import dataclass

from sim.settings.dat import PremiumSettings
from sim.treasury.balance import Balance

DAY_S = 86_400.0


@dataclass(frozen=True)
class PremiumRule:
    """The rule with its rates per day.

    Attributes
    ----------
    kappa, sigma : float
        1/day, 1/sqrt(day).
    beta, chi : float
    least_equity : float
        Least market value over coins at their price.
    """

    kappa: float
    sigma: float
    beta: float
    chi: float
    least_equity: float

    @classmethod
    def of(cls, settings: PremiumSettings) -> "PremiumRule":
        """The rule of a scenario."""
        return cls(
            DAY_S / settings.return_time, settings.noise, settings.price_beta, settings.issue_effect,
            settings.least_equity,
        )  # fmt: skip

    def step(self, log_premium: float, usual: float, days: float, price_move: float, normal: float) -> float:
        """The log premium after a time.

        Parameters
        ----------
        log_premium : float
        usual : float
            Log of m*.
        days : float
            Time since the last step, at least 0.
        price_move : float
            Log move of the coin since then.
        normal : float
            A standard normal draw.
        """
        kept = math.exp(-self.kappa * days)
        spread = self.sigma * math.sqrt((1.0 - kept * kept) / (2.0 * self.kappa))
        return usual + kept * (log_premium - usual) + self.beta * price_move + spread * normal

    def market_value(self, log_premium: float, balance: Balance, lot_micro: int) -> int:
        """Micro-dollars that all shares are worth: m_EV x coins at their price, less claims; at least the least."""
        nav = balance.nav_micro(lot_micro)
        least = max(1, math.floor(self.least_equity * nav))
        return max(least, math.floor(math.exp(log_premium) * nav) - balance.claims_micro)
