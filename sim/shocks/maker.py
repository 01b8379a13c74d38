"""Shocks to market makers, and to the time that orders take."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from sim.kernels.mailbox import CANCEL
from sim.recorder import live_lots
from sim.schema import GTC
from sim.shocks.held import Held, ShockDesk

if TYPE_CHECKING:
    from sim.market import Market
    from sim.settings.shock import DepthWithdrawal, Latency, MakerOutage

RAMP_STEP_S = 1.0  # what was withdrawn comes back in steps of a second; of a 600th of the ramp when that is longer
SIDES_OF = {"bids": (0,), "asks": (1,), "both": (0, 1)}
COLUMNS_OF = {"near": ("shock_near",), "far": ("shock_far",), "all": ("shock_near", "shock_far")}
MAKERS, OTHERS = ("quoting",), ("layers", "arbitrageurs")  # rooms with latencies of their own
CANCEL_SERIALS = 1 << 15  # a firm's own messages of a tick have serials below


class Withdrawal(Held):
    """Scales what makers post; the value is the share that is left, which rises again over ``ramp`` at the end."""

    def __init__(self, market: "Market", shock: "DepthWithdrawal") -> None:
        super().__init__(market, shock.at, shock.over + shock.ramp, "depth")
        self.shock = shock
        self.places = {(column, side) for column in COLUMNS_OF[shock.distances] for side in SIDES_OF[shock.sides]}
        self.n_steps = math.ceil(shock.ramp / max(RAMP_STEP_S, shock.ramp / 600.0))

    def schedule(self) -> None:
        """Begin, end, and the steps back."""
        super().schedule()
        shock = self.shock
        for k in range(1, self.n_steps):
            self.market.at(shock.at + shock.over + k * shock.ramp / self.n_steps, self.step, k)

    def make(self) -> float:
        """Share left at first."""
        return self.shock.left

    def put(self, held: Sequence[Held]) -> None:
        """Product of the shares at each distance and side."""
        firms = self.market.state.firms
        for column in ("shock_near", "shock_far"):
            for side in (0, 1):
                shares = (
                    shock.value for shock in held if isinstance(shock, Withdrawal) and (column, side) in shock.places
                )
                firms[column][:, side] = math.prod(shares)

    def step(self, k: int) -> None:
        """Queue step ``k`` of the way back."""
        self.market.change(self.raise_share, k)

    def raise_share(self, k: int) -> None:
        """Post more from here on."""
        self.value = self.shock.left + (1.0 - self.shock.left) * k / self.n_steps
        self.renew()


def depth_withdrawal(market: "Market", shock: "DepthWithdrawal") -> ShockDesk | None:
    """Scale what makers post to ``left`` of its size from ``at`` for ``over`` seconds, then back to all of it over
    ``ramp``; shares in force at once multiply.
    """
    return None if shock.left == 1.0 or shock.over + shock.ramp == 0.0 else Withdrawal(market, shock)


class Outage(Held):
    """Silences the first firms; the value is how many."""

    def __init__(self, market: "Market", shock: "MakerOutage", n_firms: int) -> None:
        super().__init__(market, shock.at, shock.over, "outage")
        self.n_firms, self.cancels = n_firms, shock.orders == "cancel"

    def schedule(self) -> None:
        """Begin, end, and the cancels where there are any."""
        super().schedule()
        if self.cancels:
            self.market.at(self.at, self.cancel)

    def make(self) -> int:
        """Firms it silences."""
        return self.n_firms

    def put(self, held: Sequence[Held]) -> None:
        """The longest of the lists of firms."""
        firms = self.market.state.firms
        firms["live"] = np.arange(len(firms)) >= max([0, *(shock.value for shock in held)])

    def cancel(self) -> None:
        """Cancel the orders of its firms."""
        cancel_all(self.market, self.n_firms)


def maker_outage(market: "Market", shock: "MakerOutage") -> ShockDesk | None:
    """Silence the first firms from ``at`` for ``over`` seconds; their orders stay, or are cancelled at the start."""
    n = max(shock.firms, round(shock.share * len(market.state.firms)))
    return None if n == 0 or shock.over == 0.0 else Outage(market, shock, n)


def cancel_all(market: "Market", n: int) -> None:
    """Cancel every resting order of the first ``n`` firms, as a venue does on a lost connection."""
    state, (_, _, _, rungs) = market.state, market.state.rung_lots.shape
    first = int(state.quoting[0]["ticket0"])
    tickets = np.arange(first, first + 4 * rungs * n)
    tickets = tickets[live_lots(state.books, state.tickets["handle"][tickets]) > 0]
    base = int(state.clock[0]["tick"]) * (1 << 16) + CANCEL_SERIALS
    for ticket in tickets:
        firm, place = divmod(int(ticket) - first, 4 * rungs)
        owner, ladder = int(state.firms[firm]["owner"]), place // rungs
        row = (
            market.time_us,
            base + place,
            int(ticket),
            0,
            0,
            owner,
            int(CANCEL),
            int(GTC),
            ladder // 2,
            ladder % 2,
            0,
        )
        market.post(row)


class Delay(Held):
    """Multiplies the time that orders take to arrive; the value is the factor."""

    def __init__(self, market: "Market", shock: "Latency") -> None:
        super().__init__(market, shock.at, shock.over, "latency")
        self.factor, self.whose = shock.factor, shock.whose
        self.usual = {room: getattr(market.state, room)["latency_us"].copy() for room in (*MAKERS, *OTHERS)}

    def make(self) -> float:
        """Its own factor."""
        return self.factor

    def put(self, held: Sequence[Held]) -> None:
        """Product of the factors of each group."""
        for group, rooms in (("makers", MAKERS), ("others", OTHERS)):
            mine = (shock.value for shock in held if isinstance(shock, Delay) and shock.whose in (group, "all"))
            product = math.prod(mine)
            for room in rooms:
                getattr(self.market.state, room)["latency_us"] = np.rint(self.usual[room] * product)
            if group == "others":
                self.market.agent_latency_factor = product


def latency(market: "Market", shock: "Latency") -> ShockDesk | None:
    """Multiply the time that orders take to arrive by ``factor``, from ``at`` for ``over`` seconds; factors in force at
    once multiply.
    """
    return None if shock.factor == 1.0 or shock.over == 0.0 else Delay(market, shock)
