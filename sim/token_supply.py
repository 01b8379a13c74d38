"""A dollar token's supply, exact to a millionth of a token: who holds it, who leaves, what is redeemed (MODEL 3.5).

Without a market: who calls gives yields, prices and the time (``sim.agents.dollar_token``).
"""

import math
from dataclasses import asdict, dataclass, field
from typing import Any

from sim import units

DAY_S, HOUR_US = 86_400.0, 3_600_000_000


@dataclass
class Supply:
    """Tokens by where they are, in millionths. ``minted - burned`` is always what is in the four places together.

    Attributes
    ----------
    free, staked : int
        Held by those who stay.
    cooling : list of [ready_us, micro]
        Staked tokens of those who left, by the hour at which they may be redeemed; oldest first.
    queue : int
        Waiting to be redeemed.
    minted, burned : int
        Since before the start, the supply of the start included.
    """

    free: int
    staked: int
    cooling: list[list[int]] = field(default_factory=list)
    queue: int = 0
    minted: int = 0
    burned: int = 0

    @classmethod
    def of(cls, micro: int, staked_share: float) -> "Supply":
        """So many tokens, a share of them staked, rounded down."""
        staked = math.floor(units.exact(staked_share) * micro)
        return cls(micro - staked, staked, minted=micro)

    @property
    def total(self) -> int:
        """All tokens."""
        return self.minted - self.burned

    @property
    def in_cooldown(self) -> int:
        """Staked tokens of those who left and may not redeem yet."""
        return sum(micro for _, micro in self.cooling)

    def leave(self, rate_per_day: float, over_s: float, now_us: int, cooldown_us: int) -> tuple[int, int]:
        """Let holders leave at a rate, rounded down: free tokens join the queue, staked ones begin to cool.

        Returns
        -------
        free, staked : int
        """
        share = -math.expm1(-rate_per_day * over_s / DAY_S)
        free, staked = int(self.free * share), int(self.staked * share)
        self.free, self.staked, self.queue = self.free - free, self.staked - staked, self.queue + free
        if staked:
            ready = -(-(now_us + cooldown_us) // HOUR_US) * HOUR_US
            if self.cooling and self.cooling[-1][0] >= ready:
                self.cooling[-1][1] += staked
            else:
                self.cooling.append([ready, staked])
        return free, staked

    def thaw(self, now_us: int) -> int:
        """Let those whose cooldown is over join the queue; returns how many."""
        ready = sum(micro for at, micro in self.cooling if at <= now_us)
        self.cooling = [row for row in self.cooling if row[0] > now_us]
        self.queue += ready
        return ready

    def burn(self, micro: int) -> None:
        """Burn tokens of the queue.

        Raises
        ------
        ValueError
            When fewer wait.
        """
        if not 0 <= micro <= self.queue:
            raise ValueError(f"cannot burn {micro} of {self.queue} millionths of a token that wait")
        self.queue -= micro
        self.burned += micro

    def mint_to_staked(self, micro: int) -> None:
        """Pay a yield: new tokens to those who stake."""
        self.staked += micro
        self.minted += micro

    def state(self) -> dict[str, Any]:
        """All of it in plain values."""
        return asdict(self)


def yield_of(
    funding: float, hedged: float, staking: float, stable: float, backing: float, stable_yield: float
) -> float:
    """Yield of the staked token: funding x hedged share + staking + stable yield x stable share.

    Parameters
    ----------
    funding : float
        Mean rate a year that shorts are paid, over all hedged coins.
    hedged, stable, backing : float
        Hedged coins, stables and all backing, in dollars.
    staking : float
        What coins earn beside, dollars a year.
    stable_yield : float
        A year.

    Returns
    -------
    float
        A year, of the backing; 0 without any.

    Notes
    -----
    MODEL 3.5. It is no yield per staked token: what holders do not stake earns for those who do, so theirs is higher.
    """
    return (funding * hedged + staking + stable_yield * stable) / backing if backing > 0.0 else 0.0


def leaving_rate(gap: float, depeg: float, for_yield: float, for_depeg: float) -> float:
    """Rate of leaving a day: a max(0, y_alt - y) + b depeg, with a per 1% a year and b per 1% (MODEL 3.5).

    Parameters
    ----------
    gap : float
        Other yield less the token's, a year.
    depeg : float
        What it trades below a dollar, a fraction.
    """
    return 100.0 * (for_yield * max(0.0, gap) + for_depeg * max(0.0, depeg))


def price_of(nav: float, queue: float, pace: float, patience_s: float, supply: float, discount: float) -> float:
    """Price of a token without a book: net asset value, less a discount for who waits longer than anybody minds.

    Parameters
    ----------
    nav : float
        Dollars that a redeemed token is paid.
    queue, supply : float
        Tokens that wait, and all.
    pace : float
        Tokens a second that can be redeemed at most.
    patience_s : float
    discount : float
        Fall of the log of the price for each of supply beyond what ``patience_s`` redeems.
    """
    beyond = max(0.0, queue - pace * patience_s)
    return nav * math.exp(-discount * beyond / supply) if supply > 0.0 else nav
