"""Books of one company, exact: coins in lots, shares in numbers, money in micro-dollars.

Every change goes through ``post`` and is an entry of the journal, so that the journal alone gives the books (QUALITY
C9). Who is on the other side (investors, lenders, the market) keeps no account here; what they paid or got is in the
entry.
"""

from dataclasses import asdict, dataclass, field
from fractions import Fraction
from typing import Any

from sim.errors import InvariantError
from sim.treasury.premia import Premia, treasury_premia

HELD = ("coins_lots", "shares", "cash_micro", "debt_micro", "preferred_micro")
"""What an entry changes."""

SELL_COMMON, SELL_FOR_DUES = "sell common", "sell common for dues"  # for coins; for what is owed
SELL_PREFERRED, SELL_NOTES = "sell preferred", "sell notes"
BUY_COINS, SELL_COINS, BUY_BACK, RETIRE = "buy coins", "sell coins", "buy back", "retire notes"
DIVIDENDS, COUPONS = "dividends", "coupons"


@dataclass
class Balance:
    """Books of a company.

    Attributes
    ----------
    coins_lots : int
        Coins held, in lots.
    shares : int
        Common shares.
    cash_micro, debt_micro, preferred_micro : int
        Cash; notes at par; preferred stock at its stated value. Micro-dollars.
    cost_micro : int
        What the coins held cost; a sale takes its share of it, rounded down.
    journal : list of list
        Entries: what, then the changes of ``HELD``.
    """

    coins_lots: int
    shares: int
    cash_micro: int
    debt_micro: int = 0
    preferred_micro: int = 0
    cost_micro: int = 0
    journal: list[list[Any]] = field(default_factory=list)

    def post(
        self, what: str, coins: int = 0, shares: int = 0, cash: int = 0, debt: int = 0, preferred: int = 0
    ) -> None:
        """Change the books and write it down.

        Raises
        ------
        InvariantError
            When something would fall below 0.
        """
        changes = (coins, shares, cash, debt, preferred)
        for name, change in zip(HELD, changes, strict=True):
            after = getattr(self, name) + change
            if after < 0:
                raise InvariantError(f"a treasury's {name} would be {after} after '{what}'; please report the scenario")
            setattr(self, name, after)
        self.journal.append([what, *changes])

    # --- what is issued and retired ----------------------------------------------------------------------------------

    def sell_common(self, money: int, market_value: int, what: str = SELL_COMMON) -> tuple[int, int]:
        """Sell new shares at the market for at most ``money``; whole shares, what is received rounded down.

        Parameters
        ----------
        money, market_value : int
            Micro-dollars; the market value is that of all shares there are, above 0.
        what : str
            Name of the entry.

        Returns
        -------
        shares, received : int
            Both 0 when the money is below one share.
        """
        new = money * self.shares // market_value
        received = new * market_value // self.shares
        if new > 0:
            self.post(what, shares=new, cash=received)
        return new, received

    def buy_back(self, money: int, market_value: int) -> tuple[int, int]:
        """Buy shares at the market for at most ``money``; whole shares, what is paid rounded up.

        Returns
        -------
        shares, paid : int
            Never all shares; 0 when the money is below one.
        """
        old = min(money * self.shares // market_value, self.shares - 1)
        paid = -(-old * market_value // self.shares)
        if old > 0:
            self.post(BUY_BACK, shares=-old, cash=-paid)
        return old, paid

    def sell_preferred(self, money: int) -> None:
        """Sell preferred stock at its stated value."""
        if money > 0:
            self.post(SELL_PREFERRED, cash=money, preferred=money)

    def sell_notes(self, money: int) -> None:
        """Sell notes at par."""
        if money > 0:
            self.post(SELL_NOTES, cash=money, debt=money)

    def retire(self, money: int) -> int:
        """Pay notes back at par, as many as there are; returns what was paid."""
        paid = min(money, self.debt_micro)
        if paid > 0:
            self.post(RETIRE, cash=-paid, debt=-paid)
        return paid

    def pay(self, what: str, money: int) -> None:
        """Pay dividends or coupons."""
        if money > 0:
            self.post(what, cash=-money)

    # --- coins -------------------------------------------------------------------------------------------------------

    def bought(self, lots: int, paid: int) -> None:
        """Coins that were bought, and what they cost, fees included."""
        if lots or paid:
            self.cost_micro += paid
            self.post(BUY_COINS, coins=lots, cash=-paid)

    def sold(self, lots: int, received: int) -> None:
        """Coins that were sold, and what came in, fees taken off."""
        if lots or received:
            if self.coins_lots > 0:
                self.cost_micro -= self.cost_micro * lots // self.coins_lots
            self.post(SELL_COINS, coins=-lots, cash=received)

    # --- what they are worth -----------------------------------------------------------------------------------------

    def nav_micro(self, lot_micro: int) -> int:
        """Coins at a price in micro-dollars a lot."""
        return self.coins_lots * lot_micro

    @property
    def claims_micro(self) -> int:
        """Notes and preferred stock less cash."""
        return self.debt_micro + self.preferred_micro - self.cash_micro

    def premia(self, lot_micro: int, market_value: int) -> Premia | None:
        """The three premia, by the calculator; None without coins."""
        if self.coins_lots == 0:
            return None
        return treasury_premia(
            self.coins_lots, lot_micro, market_value, self.debt_micro, self.preferred_micro, self.cash_micro
        )

    @property
    def coins_a_share(self) -> Fraction:
        """Lots of coins for one share, exactly."""
        return Fraction(self.coins_lots, self.shares)

    def state(self) -> dict[str, Any]:
        """All of it, in plain values."""
        return asdict(self)


def replayed(start: Balance, journal: list[list[Any]]) -> Balance:
    """The books that a journal makes of those at its start; the cost is not in it."""
    sums = {
        name: getattr(start, name) + sum(entry[1 + k] for entry in journal) for k, name in enumerate(HELD)
    }  # fmt: skip
    return Balance(**sums)
