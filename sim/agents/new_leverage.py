"""New leverage: after a wash-out open interest comes back over weeks, by positions of people who were not there before.

MODEL 4.3: open interest goes back toward a target with a half-life. At each opening a new long account buys, and a new
short one sells its share of it, over the time to the next; whoever makes the market or hedges takes the other side.
Their money is a deposit, their leverage is drawn as the population's outside the high-leverage group, the engine
watches them as everybody, and they keep what they have until it closes them.
"""

import math
from typing import TYPE_CHECKING, Any, ClassVar

from sim.agents.execution import Execution
from sim.agents.institution import Institution

if TYPE_CHECKING:
    from sim.market import Market

DRAW_NEW_LEVERAGE = 34  # second word of the generator of an opening, after the seed; the third is its number
LEAST_LEVERAGE = 1.0
ROOM = 1.25  # largest leverage that an account asks for, over what it takes: room for fees and a move meanwhile


class NewLeverageDesk(Institution):
    """Opens positions; each is an account of its own.

    Attributes
    ----------
    start_lots : int
        Open interest at the start.
    n_openings : int
    """

    NAME: ClassVar[str] = "new_leverage"
    NUMBER: ClassVar[int] = 8

    def __init__(self, market: "Market") -> None:
        super().__init__(market)
        self.start_lots = self.n_openings = 0

    @property
    def open_interest_lots(self) -> int:
        """Lots of all longs."""
        self.market.sync()
        return int(self.market.state.clock[0]["open_interest_lots"])

    def begin(self) -> None:
        """Note what is open, and put the first opening into the calendar."""
        self.start_lots = self.open_interest_lots
        self.market.at(max(self.market.time, self.settings.after), self.bring)

    def bring(self) -> None:
        """One opening: what the half-life brings back of what is missing, rounded down."""
        settings = self.settings
        coming = sum(order.coming_lots for order in self.orders.values() if order.side == 0)
        missing = int(settings.target * self.start_lots) - self.open_interest_lots - coming
        share = -math.expm1(-math.log(2.0) * settings.every / settings.half_life)
        longs = int(share * max(0, missing))
        shorts = int(settings.own_shorts * longs)
        leverages = self.leverages(self.n_openings)
        for side, lots, leverage in (("buy", longs, leverages[0]), ("sell", shorts, leverages[1])):
            if lots > 0:
                self.begin_position(side, lots, leverage)
        self.n_openings += 1
        self.market.at(self.market.time + settings.every, self.bring)

    def leverages(self, number: int) -> tuple[float, float]:
        """Of the long and the short of an opening."""
        people = self.market.spec.leveraged
        drawn = self.draws(DRAW_NEW_LEVERAGE, number).standard_normal(2)
        most = self.market.venue.margin_tiers[0].max_leverage / ROOM if self.market.venue else math.inf
        both = [people.leverage_median * math.exp(people.leverage_sigma * z) for z in drawn]
        return tuple(min(max(one, LEAST_LEVERAGE), most) for one in both)  # type: ignore[return-value]

    def begin_position(self, side: str, lots: int, leverage: float) -> None:
        """Open an account with the money that its leverage needs at mark, and begin to trade."""
        market, settings = self.market, self.settings
        mark = 0.5 * int(market.state.price[0]["mark_half_ticks"])
        unit = int(market.state.rules[0]["micro_per_tick_lot"])
        cash = math.ceil(lots * mark * unit / leverage)
        account = self.open(f"{'long' if side == 'buy' else 'short'} {self.n_openings}", cash_micro=cash,
                            leverage=leverage * ROOM, professional=False)  # fmt: skip
        end = max(market.time + settings.every - 2.0 * settings.order_every, market.time + settings.order_every)
        self.execute(
            account, "perp", side, lots, market.time, end,
            every_s=settings.order_every, bound=settings.order_bound, leverage=leverage,
        )  # fmt: skip

    def finished(self, order: Execution) -> None:
        """Write what was opened; money for what was not goes back, as far as it is free."""
        account = self.accounts[order.account]
        self.book_drift(account)
        unused = min(account.cash_micro * order.left_lots // order.lots, self.free_micro(account))
        if order.left_lots and unused > 0:
            self.deposit(account, cash_micro=-unused)
        self.enter(
            account.name, "opened", lots=(1 - 2 * order.side) * order.done_lots, micro=order.value_micro,
            leverage=float(order.purpose["leverage"]), coins_not_opened=order.left_lots * self.market.lot_coin,
        )  # fmt: skip

    def memory(self) -> dict[str, Any]:
        """What was open, and openings so far."""
        return {"start_lots": self.start_lots, "n_openings": self.n_openings}

    def recall(self, memory: dict[str, Any]) -> None:
        """Take up what ``memory`` gave."""
        self.start_lots, self.n_openings = memory["start_lots"], memory["n_openings"]
