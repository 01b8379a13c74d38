"""The books of one fund: coins and shares, baskets created and redeemed, settled the day after, the sponsor's fee.

All whole numbers: coins in lots, shares. A share is a claim on coins / shares of a coin. What a basket is owed or owes
is rounded in favour of those who stay, so that nobody's order takes a coin from another holder. Slow twin:
tests/funds/ledger.py.
"""

from dataclasses import asdict, dataclass, field
from fractions import Fraction
from typing import Any

from sim.errors import ShoalError

FEE_YEAR = 365 * 1_000_000  # days of a year x millionths


class BasketRefused(ShoalError):
    """An order of no baskets, or of more than a fund has."""


@dataclass
class Order:
    """Baskets that an authorised participant ordered; below 0 they are redeemed.

    Attributes
    ----------
    day : str
        At whose value it is struck, ISO.
    baskets, shares, lots : int
        Signed: shares and coins that the fund gains when it settles.
    """

    day: str
    baskets: int
    shares: int
    lots: int


@dataclass
class Fund:
    """One issuer's fund.

    Attributes
    ----------
    name : str
    coin_lots, shares : int
        Held for holders, and outstanding; they change when orders settle and when the fee is taken, never else.
    basket_shares : int
    fee_ppm : int
        Sponsor's fee in millionths of the coins a year.
    in_kind : bool
        Whether baskets are paid in coins; else the fund's agent sells or buys them.
    fee_rest : int
        What of the fee is no whole lot yet, in lots / (365 x 10^6).
    orders : list of Order
        Not settled yet.
    """

    name: str
    coin_lots: int
    shares: int
    basket_shares: int
    fee_ppm: int
    in_kind: bool = False
    fee_rest: int = 0
    orders: list[Order] = field(default_factory=list)

    @property
    def lots_to_be(self) -> int:
        """Coins when all orders have settled."""
        return self.coin_lots + sum(order.lots for order in self.orders)

    @property
    def shares_to_be(self) -> int:
        """Shares when all orders have settled."""
        return self.shares + sum(order.shares for order in self.orders)

    @property
    def per_share(self) -> Fraction:
        """Lots that a share is a claim on."""
        return Fraction(self.lots_to_be, self.shares_to_be)

    def lots_of(self, shares: int) -> int:
        """Coins of a number of shares, rounded toward zero."""
        lots = abs(shares) * self.lots_to_be // self.shares_to_be
        return lots if shares > 0 else -lots

    def order(self, baskets: int, day: str) -> Order:
        """Take an order of an authorised participant; above 0 created, below 0 redeemed.

        Raises
        ------
        BasketRefused
            For none, or a redemption of all shares or more.
        """
        shares = baskets * self.basket_shares
        if baskets == 0 or self.shares_to_be + shares < 1:
            raise BasketRefused(
                f"{self.name} cannot take an order of {baskets} baskets with {self.shares_to_be} shares"
            )
        lots = -(-shares * self.lots_to_be // self.shares_to_be)  # what comes in is rounded up, what goes out down
        made = Order(day, baskets, shares, lots)
        self.orders.append(made)
        return made

    def due(self, day: str) -> list[Order]:
        """Orders that settle on a day: those struck on an earlier one."""
        return [order for order in self.orders if order.day < day]

    def settle(self, order: Order) -> None:
        """Settle one order: shares and coins move."""
        self.orders.remove(order)
        self.shares += order.shares
        self.coin_lots += order.lots

    def take_fee(self, days: int) -> int:
        """Coins of the sponsor's fee for some days, in lots; what is no whole lot waits."""
        owed = self.coin_lots * self.fee_ppm * days + self.fee_rest
        lots, self.fee_rest = divmod(owed, FEE_YEAR)
        self.coin_lots -= lots
        return lots

    def state(self) -> dict[str, Any]:
        """All of it in plain values."""
        return asdict(self)

    @classmethod
    def of_state(cls, state: dict[str, Any]) -> "Fund":
        """The fund that ``state`` gave."""
        return cls(**{**state, "orders": [Order(**order) for order in state["orders"]]})
