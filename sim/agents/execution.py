"""A parent order and its children: how much should be done by when, what is on its way, what it was filled."""

from dataclasses import asdict, dataclass, field
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from sim import units
from sim.schema import MAX_PRICE_TICKS

if TYPE_CHECKING:
    from sim.market import Market


def bounded_price(market: "Market", book: int, side: int, bound_ppm: int) -> int:
    """Worst price in ticks within a bound of the mark (perp) or index (spot)."""
    reference = int(market.state.price[0]["mark_half_ticks" if book == 0 else "index_half_ticks"])
    price = reference * (units.PPM + (bound_ppm if side == 0 else -bound_ppm)) // (2 * units.PPM)
    return min(max(1, price), int(MAX_PRICE_TICKS))


@dataclass
class Execution:
    """An order of an institution that is worked in children: immediate or cancel, one each ``every_us``.

    A child asks for what should be done by its turn's end, less what is done and what is on its way; so what one could
    not fill goes to the next, and what is left at the end goes back to the institution.

    Attributes
    ----------
    number : int
        Its name at the institution.
    account : str
        Account that trades.
    book, side, lots : int
        0 perp, 1 spot; 0 buy, 1 sell; lots of the whole.
    start_us, end_us, every_us : int
        First child, end of the last one's turn, time between two.
    bound_ppm : int
        Furthest price from mark or index.
    weights : list of float
        Share of the whole in each of as many equal parts of the time, not normed.
    purpose : dict
        The institution's own note: plain values.
    turn : int
        Children so far.
    done_lots, value_micro, fee_micro : int
        Filled; what that traded for; fees paid.
    refused : int
        Children that the venue refused.
    waiting : list of [ticket, lots]
        Children on their way.
    """

    number: int
    account: str
    book: int
    side: int
    lots: int
    start_us: int
    end_us: int
    every_us: int
    bound_ppm: int
    weights: list[float]
    purpose: dict[str, Any] = field(default_factory=dict)
    turn: int = 0
    done_lots: int = 0
    value_micro: int = 0
    fee_micro: int = 0
    refused: int = 0
    waiting: list[list[int]] = field(default_factory=list)

    @property
    def turns(self) -> int:
        """Children in all."""
        return max(1, -(-(self.end_us - self.start_us) // self.every_us))

    @property
    def left_lots(self) -> int:
        """Lots not done."""
        return self.lots - self.done_lots

    @property
    def coming_lots(self) -> int:
        """Lots that may still be done: all that are left, after the last turn those on their way."""
        return self.left_lots if self.turn < self.turns else sum(lots for _, lots in self.waiting)

    def due_lots(self, turn: int) -> int:
        """Lots that should be done when turn ``turn`` is over, counted from 1: all at the last."""
        if turn >= self.turns:
            return self.lots
        sums = [0.0, *accumulate(self.weights)]
        at = turn / self.turns * len(self.weights)
        part = int(at)
        return int(self.lots * ((sums[part] + (at - part) * self.weights[part]) / sums[-1]))

    def turn_us(self, turn: int) -> int:
        """Time of a turn, counted from 0; that after the last is the end."""
        return min(self.start_us + turn * self.every_us, self.end_us)

    def state(self) -> dict[str, Any]:
        """All of it in plain values."""
        return asdict(self)
