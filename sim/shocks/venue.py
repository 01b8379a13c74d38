"""Shocks to the venue: what it lets trade, how fast its engine may close accounts, whether balances move."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sim import units
from sim.agents.arbitrage import ArbitrageDesk
from sim.kernels.ledger import HALT_REJECT, HALT_WAIT
from sim.kernels.liquidation import UNLIMITED
from sim.schema import EVENT_SHOCK, MAX_PRICE_TICKS
from sim.shocks.held import hold
from sim.view import BOOKS

if TYPE_CHECKING:
    from sim.market import Market
    from sim.settings.shock import EnginePace, Halt, PriceBand, TransferHalt


def transfer_halt(market: "Market", shock: "TransferHalt") -> None:
    """Close transfers between venues from ``at`` for ``over`` seconds; they open again only if they were open."""
    desk = next(agent for agent in market.agents if isinstance(agent, ArbitrageDesk))
    if not market.spec.arbitrage.transfers_open:
        return

    def close() -> None:
        market.write_event(int(EVENT_SHOCK), -1, 0, 0, 0)
        desk.set_transfers(False)

    market.at(shock.at, close)
    market.at(shock.at + shock.over, lambda: desk.set_transfers(True))


def engine_pace(market: "Market", shock: "EnginePace") -> None:
    """Let the liquidation engine trade at most ``pace`` a second on each side, from ``at`` for ``over`` seconds; the
    lowest of the caps in force holds.
    """
    if shock.pace is None or shock.over == 0.0:
        return
    usual = int(market.state.engine[0]["pace_cap_micro_per_s"])
    cap = min(units.micro(shock.pace), int(UNLIMITED))

    def put(caps: Sequence[int]) -> None:
        market.state.engine[0]["pace_cap_micro_per_s"] = min([usual, *caps])

    hold(market, shock.at, shock.over, "engine_pace", lambda: cap, put)


def price_band(market: "Market", shock: "PriceBand") -> None:
    """Admit no order of a book beyond ``width`` of its reference, the mark or index when the shock begins, from ``at``
    for ``over`` seconds; the narrowest of the bands in force holds.
    """
    if shock.width is None or shock.over == 0.0:
        return
    b, width = BOOKS[shock.book], units.ppm(shock.width)

    def edges() -> tuple[int, int]:
        half = int(market.state.price[0]["mark_half_ticks" if b == 0 else "index_half_ticks"])
        return -(-half * (units.PPM - width) // (2 * units.PPM)), half * (units.PPM + width) // (2 * units.PPM)

    def put(bands: Sequence[tuple[int, int]]) -> None:
        rules = market.state.rules[b]
        rules["band_low_ticks"] = max([1, *(low for low, _ in bands)])
        rules["band_high_ticks"] = min([int(MAX_PRICE_TICKS), *(high for _, high in bands)])

    hold(market, shock.at, shock.over, f"price_band {b}", edges, put)


def halt(market: "Market", shock: "Halt") -> None:
    """Match nothing in a book from ``at`` for ``over`` seconds: orders wait in the mailbox or are refused."""
    if shock.over == 0.0:
        return
    b = BOOKS[shock.book]
    manner = int(HALT_WAIT if shock.orders == "wait" else HALT_REJECT)

    def put(manners: Sequence[int]) -> None:
        market.state.rules[b]["halted"] = max([0, *manners])

    hold(market, shock.at, shock.over, f"halt {b}", lambda: manner, put)
