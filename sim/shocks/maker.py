"""Shocks to market makers, and to the time that orders take."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from sim.kernels.mailbox import CANCEL
from sim.recorder import live_lots
from sim.schema import GTC
from sim.shocks.held import hold

if TYPE_CHECKING:
    from sim.market import Market
    from sim.settings.shock import DepthWithdrawal, Latency, MakerOutage

RAMP_STEP_S = 1.0  # what was withdrawn comes back in steps of a second; of a 600th of the ramp when that is longer
SIDES_OF = {"bids": (0,), "asks": (1,), "both": (0, 1)}
COLUMNS_OF = {"near": ("shock_near",), "far": ("shock_far",), "all": ("shock_near", "shock_far")}
CANCEL_SERIALS = 1 << 15  # a firm's own messages of a tick have serials below


def depth_withdrawal(market: "Market", shock: "DepthWithdrawal") -> None:
    """Scale what makers post to ``left`` of its size from ``at`` for ``over`` seconds, then back to all of it over
    ``ramp``; shares in force at once multiply.
    """
    if shock.left == 1.0 or shock.over + shock.ramp == 0.0:
        return
    where = {(column, side) for column in COLUMNS_OF[shock.distances] for side in SIDES_OF[shock.sides]}
    share = [shock.left]

    def put(withdrawals: Sequence[tuple[set[tuple[str, int]], list[float]]]) -> None:
        firms = market.state.firms
        for column in ("shock_near", "shock_far"):
            for side in (0, 1):
                firms[column][:, side] = math.prod(left[0] for places, left in withdrawals if (column, side) in places)

    hold(market, shock.at, shock.over + shock.ramp, "depth", lambda: (where, share), put)
    n = math.ceil(shock.ramp / max(RAMP_STEP_S, shock.ramp / 600.0))

    def step(k: int) -> None:
        def raise_share() -> None:
            share[0] = shock.left + (1.0 - shock.left) * k / n
            put(tuple(market.in_force["depth"].values()))

        market.at(shock.at + shock.over + k * shock.ramp / n, lambda: market.change(raise_share))

    for k in range(1, n):
        step(k)


def maker_outage(market: "Market", shock: "MakerOutage") -> None:
    """Silence the first firms from ``at`` for ``over`` seconds; their orders stay, or are cancelled at the start."""
    firms = market.state.firms
    n = max(shock.firms, round(shock.share * len(firms)))
    if n == 0 or shock.over == 0.0:
        return

    def put(numbers: Sequence[int]) -> None:
        firms["live"] = np.arange(len(firms)) >= max([0, *numbers])

    hold(market, shock.at, shock.over, "outage", lambda: n, put)
    if shock.orders == "cancel":
        market.at(shock.at, lambda: cancel_all(market, n))


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


def latency(market: "Market", shock: "Latency") -> None:
    """Multiply the time that orders take to arrive by ``factor``, from ``at`` for ``over`` seconds; factors in force at
    once multiply.
    """
    if shock.factor == 1.0 or shock.over == 0.0:
        return
    state = market.state
    columns = {
        "makers": [state.quoting["latency_us"]],
        "others": [state.layers["latency_us"], state.arbitrageurs["latency_us"]],
    }
    usual = {group: [column.copy() for column in found] for group, found in columns.items()}

    def put(factors: Sequence[tuple[str, float]]) -> None:
        for group, found in columns.items():
            product = math.prod(factor for whose, factor in factors if whose in (group, "all"))
            for column, base in zip(found, usual[group], strict=True):
                column[...] = np.rint(base * product)
            if group == "others":
                market.agent_latency_factor = product

    hold(market, shock.at, shock.over, "latency", lambda: (shock.whose, shock.factor), put)
