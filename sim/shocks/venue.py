"""Shocks to the venue: what it lets trade, how fast its engine may close accounts, whether balances move."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sim import units
from sim.agents.arbitrage import ArbitrageDesk
from sim.kernels.ledger import HALT_REJECT, HALT_WAIT
from sim.kernels.liquidation import UNLIMITED
from sim.schema import EVENT_SHOCK, MAX_PRICE_TICKS
from sim.shocks.held import Held, ShockDesk
from sim.view import BOOKS

YEAR_US = 365 * 86_400 * units.MICRO

if TYPE_CHECKING:
    from sim.market import Market
    from sim.settings.shock import EnginePace, FundingBase, Halt, PriceBand, TransferHalt


class TransferStop(ShockDesk):
    """Closes transfers between venues and opens them again."""

    def __init__(self, market: "Market", shock: "TransferHalt") -> None:
        super().__init__(market)
        self.at, self.over = shock.at, shock.over
        self.desk = next(agent for agent in market.agents if isinstance(agent, ArbitrageDesk))

    def schedule(self) -> None:
        """Begin and end."""
        self.market.at(self.at, self.close)
        self.market.at(self.at + self.over, self.open)

    def close(self) -> None:
        """Close them."""
        self.market.write_event(int(EVENT_SHOCK), -1, 0, 0, 0)
        self.desk.set_transfers(False)

    def open(self) -> None:
        """Open them."""
        self.desk.set_transfers(True)


def transfer_halt(market: "Market", shock: "TransferHalt") -> ShockDesk | None:
    """Close transfers between venues from ``at`` for ``over`` seconds; they open again only if they were open."""
    return TransferStop(market, shock) if market.spec.arbitrage.transfers_open else None


class PaceCap(Held):
    """Caps the dollars a second that the liquidation engine trades on each side; the value is the cap in micro-dollars
    a second.
    """

    def __init__(self, market: "Market", shock: "EnginePace") -> None:
        super().__init__(market, shock.at, shock.over, "engine_pace")
        self.usual = int(market.state.engine[0]["pace_cap_micro_per_s"])
        self.cap = min(units.micro(shock.pace or 0.0), int(UNLIMITED))

    def make(self) -> int:
        """Its own cap."""
        return self.cap

    def put(self, held: Sequence[Held]) -> None:
        """The lowest of them and of the venue's."""
        caps = [shock.value for shock in held]
        self.market.state.engine[0]["pace_cap_micro_per_s"] = min([self.usual, *caps])


def engine_pace(market: "Market", shock: "EnginePace") -> ShockDesk | None:
    """Let the liquidation engine trade at most ``pace`` a second on each side, from ``at`` for ``over`` seconds; the
    lowest of the caps in force holds.
    """
    return None if shock.pace is None or shock.over == 0.0 else PaceCap(market, shock)


class Base(Held):
    """Gives the funding rule another base; the value is in 1e-9 of a period."""

    def __init__(self, market: "Market", shock: "FundingBase") -> None:
        super().__init__(market, shock.at, shock.over, "funding_base")
        now = market.state.price[0]
        self.usual = int(now["base_ppb"])
        period_us = int(now["funding_every_us"]) * (1 + int(now["more_payments"]))
        self.base = round((shock.rate or 0.0) * 1e9 * period_us / YEAR_US)

    def make(self) -> int:
        """Its own base."""
        return self.base

    def put(self, held: Sequence[Held]) -> None:
        """That of the last that began, or the venue's."""
        self.market.state.price[0]["base_ppb"] = held[-1].value if held else self.usual


def funding_base(market: "Market", shock: "FundingBase") -> ShockDesk | None:
    """Let ``rate`` a year be the base of the funding rule from ``at`` for ``over`` seconds: with a premium within the
    venue's clamp of it, the periods that end meanwhile settle at it. The last that began holds.
    """
    return None if shock.rate is None or shock.over == 0.0 else Base(market, shock)


class Band(Held):
    """Bounds the prices of a book; the value is the lowest and the highest tick admitted."""

    def __init__(self, market: "Market", shock: "PriceBand") -> None:
        self.book, self.width = BOOKS[shock.book], units.ppm(shock.width or 0.0)
        super().__init__(market, shock.at, shock.over, f"price_band {self.book}")

    def make(self) -> list[int]:
        """Edges around the mark or index of the moment."""
        half = int(self.market.state.price[0]["mark_half_ticks" if self.book == 0 else "index_half_ticks"])
        low = -(-half * (units.PPM - self.width) // (2 * units.PPM))
        return [low, half * (units.PPM + self.width) // (2 * units.PPM)]

    def put(self, held: Sequence[Held]) -> None:
        """The narrowest of them."""
        rules, safeguard = self.market.state.rules[self.book], self.market.state.safeguards[0]
        rules["band_low_ticks"] = max([1, *(shock.value[0] for shock in held)])
        rules["band_high_ticks"] = min([int(MAX_PRICE_TICKS), *(shock.value[1] for shock in held)])
        if self.book == 0:  # the tick puts the venue's own band, if it has one, within these
            safeguard["shock_low_ticks"] = rules["band_low_ticks"] if held else 0
            safeguard["shock_high_ticks"] = rules["band_high_ticks"] if held else 0


def price_band(market: "Market", shock: "PriceBand") -> ShockDesk | None:
    """Admit no order of a book beyond ``width`` of its reference, the mark or index when the shock begins, from ``at``
    for ``over`` seconds; the narrowest of the bands in force holds.
    """
    return None if shock.width is None or shock.over == 0.0 else Band(market, shock)


class Stop(Held):
    """Matches nothing in a book; the value is how orders are treated meanwhile."""

    def __init__(self, market: "Market", shock: "Halt") -> None:
        self.book = BOOKS[shock.book]
        self.manner = int(HALT_WAIT if shock.orders == "wait" else HALT_REJECT)
        super().__init__(market, shock.at, shock.over, f"halt {self.book}")

    def make(self) -> int:
        """Its own manner."""
        return self.manner

    def put(self, held: Sequence[Held]) -> None:
        """The strictest of them."""
        halted, safeguard = max([0, *(shock.value for shock in held)]), self.market.state.safeguards[0]
        if self.book == 0:
            safeguard["shock_halted"] = halted
            halted = max(halted, int(safeguard["manner"]) if safeguard["until_us"] else 0)
        self.market.state.rules[self.book]["halted"] = halted


def halt(market: "Market", shock: "Halt") -> ShockDesk | None:
    """Match nothing in a book from ``at`` for ``over`` seconds: orders wait in the mailbox or are refused."""
    return None if shock.over == 0.0 else Stop(market, shock)
