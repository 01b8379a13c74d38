"""What participants see of a market, in dollars."""

from typing import NamedTuple

BOOKS = {"perp": 0, "spot": 1}


class View(NamedTuple):
    """What an agent sees: the state at the end of a past tick. Prices in dollars, ``None`` where a side was empty."""

    time_s: float
    bid: dict[str, float | None]
    ask: dict[str, float | None]
    last: dict[str, float | None]
    mark: float
    index_price: float

    def mid(self, book: str = "perp") -> float | None:
        """Middle of the touch of a book, ``None`` when a side is empty."""
        bid, ask = self.bid[book], self.ask[book]
        return None if bid is None or ask is None else 0.5 * (bid + ask)
