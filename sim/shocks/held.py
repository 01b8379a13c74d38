"""Shocks under way: what they call are methods of their own; those that hold for a while and then end know what is in
force beside them.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sim.errors import ForkError
from sim.schema import EVENT_SHOCK

if TYPE_CHECKING:
    from sim.market import Market


class ShockDesk(ABC):
    """A shock of a scenario at work in one market.

    Its events are methods of its own with plain arguments, and ``state`` is all it remembers, so that a saved run can
    name both (sim/snapshot.py).
    """

    def __init__(self, market: "Market") -> None:
        self.market = market

    @abstractmethod
    def schedule(self) -> None:
        """Put its events into the market's calendar; called once, when the shock is new."""

    def state(self) -> dict[str, Any]:
        """What it remembers, in plain values."""
        return {}

    def restore(self, state: dict[str, Any]) -> None:
        """Take up what ``state`` gave; one that gives something must say how."""
        if state:
            raise ForkError(f"{type(self).__name__} remembers something and has no restore()")


class Held(ShockDesk):
    """Keeps a value in force from ``at`` for ``over`` seconds, beside others of the same ``name``.

    Parameters
    ----------
    market : Market
    at, over : float
        Model time in seconds; the change takes hold at the first tick that starts then or later.
    name : str
        What is changed; values of one name that overlap are handed over together.
    """

    def __init__(self, market: "Market", at: float, over: float, name: str) -> None:
        super().__init__(market)
        self.at, self.over, self.name = at, over, name
        self.value: Any = None  # while it is in force

    @abstractmethod
    def make(self) -> Any:
        """Value it brings, asked for when the change takes hold; numbers, texts and lists of them."""

    @abstractmethod
    def put(self, held: Sequence[Any]) -> None:
        """Write what the shocks of this name in force make together, in order of their start; none when the last one
        ended.
        """

    def schedule(self) -> None:
        """Begin and end."""
        self.market.at(self.at, self.begin)
        self.market.at(self.at + self.over, self.end)

    def begin(self) -> None:
        """Write the event and queue the change."""
        self.market.write_event(int(EVENT_SHOCK), -1, 0, 0, 0)
        self.market.change(self.enter)

    def enter(self) -> None:
        """From here on it is in force."""
        self.value = self.make()
        self.market.in_force.setdefault(self.name, []).append(self)
        self.renew()

    def end(self) -> None:
        """Queue the change back."""
        self.market.change(self.leave)

    def leave(self) -> None:
        """From here on it is in force no more."""
        self.market.in_force[self.name].remove(self)
        self.renew()

    def renew(self) -> None:
        """Write anew what is in force."""
        self.put(tuple(self.market.in_force.get(self.name, ())))

    def state(self) -> dict[str, Any]:
        """The value it brought."""
        return {"value": self.value}

    def restore(self, state: dict[str, Any]) -> None:
        """Take up the value."""
        self.value = state["value"]
