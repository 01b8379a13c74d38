"""A firm in a run: its perps are accounts of the market, its cash lies at venues, and it meets calls while it can.

Each look, every few seconds of the scenario: money that was on its way arrives; accounts under cross margin that have
less than ``buffer`` times their maintenance margin are brought there from cash at the venue, at once; what is missing
is sent for from where cash is left, unless transfers of either end stand still. Looking sends no order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from sim import units
from sim.agents.base import TradingAgent
from sim.experiments.cases import live_market
from sim.risk.lines import OWN, Line
from sim.thresholds import TierTable, tier_table

if TYPE_CHECKING:
    from sim.market import Market
    from sim.network import Network
    from sim.scenario.spec import Spec

ENTRY_SLICES = 60
"""Orders by which a position is built up, one a second, before anything is measured."""
_SPARE = 0.05  # of the notional: pays fees and spread of the way in, taken out again when it is over
Halt = tuple[str | None, float, float]


class Holder(TradingAgent):
    """One perp line: an account that builds up its position and then trades no more."""

    def __init__(self, market: Market, line: Line, coins: float) -> None:
        super().__init__(market, cash_usd=line.collateral + _SPARE * line.usd, leverage=None)
        self.line, self.wanted, self.entered = line, line.side * coins, 0.0

    def enter(self, slices_left: int) -> None:
        """Send the order of this second."""
        coins = abs(self.wanted) - abs(self.position_coins)
        if coins / slices_left >= self.market.lot_coin:
            self.market_order("perp", "buy" if self.wanted > 0.0 else "sell", coins / slices_left)

    def begin(self) -> None:
        """The way in is over: leave the money behind the position that the line states."""
        self.entered = abs(self.position_coins)
        self.add(self.line.collateral - self.equity_usd)

    def add(self, usd: float) -> None:
        """Bring money into the account, below 0 out of it."""
        self.market.deposit(self.owner, units.micro(usd), 0)

    @property
    def row(self) -> Any:
        """Its row of the account table."""
        self.market.sync()
        return self.market.state.accounts[self.owner]

    @property
    def adl_coins(self) -> float:
        """Coins of its position that deleveraging has closed."""
        return float(self.row["adl_lots"]) * self.market.lot_coin

    @property
    def forced_coins(self) -> float:
        """Coins that the liquidation engine has closed or taken over."""
        row = self.row
        return float(int(row["forced_lots"]) + int(row["taken_lots"])) * self.market.lot_coin


@dataclass
class Seen:
    """What was seen of the firm over time; rows are looks.

    Attributes
    ----------
    time_s : list of float
    value, called, trapped, gap : list of float
        USD: worth of everything; cash asked for in this interval; cash missing at some venue that lies elsewhere and
        cannot come; net coins of hedge groups at their price.
    held : dict
        Venue to what the firm has there, USD.
    need : dict
        Venue to what cash the accounts there lack beyond what lies at the venue, USD.
    """

    time_s: list[float] = field(default_factory=list)
    value: list[float] = field(default_factory=list)
    called: list[float] = field(default_factory=list)
    trapped: list[float] = field(default_factory=list)
    held: dict[str, list[float]] = field(default_factory=dict)
    need: dict[str, list[float]] = field(default_factory=dict)
    gap: dict[str, list[float]] = field(default_factory=dict)


class Firm:
    """All lines of a book in one live market or network.

    Parameters
    ----------
    live : Market or Network
        At time 0.
    spec : Spec
    lines : sequence of Line
    arguments : mapping
        ``buffer``, ``transfer_s``, ``halts`` of the measure.
    """

    def __init__(self, live: Market | Network, spec: Spec, lines: Sequence[Line], arguments: Mapping[str, Any]) -> None:
        self.lines = lines
        self.markets = {line.name: live_market(live, line.listing) for line in lines}
        self.venues = sorted({line.venue for line in lines} | {OWN})
        self.buffer, self.transfer_s = float(arguments["buffer"]), float(arguments["transfer_s"])
        self.halts: list[Halt] = [(h[0], float(h[1]), float(h[2])) for h in arguments["halts"]]
        self.cash = {v: sum(x.usd for x in lines if x.kind == "cash" and x.venue == v) for v in self.venues}
        self.on_way: list[tuple[float, str, float]] = []  # due, where to, USD
        self.coins = {x.name: x.side * x.usd / self.price(x) for x in lines if x.kind != "cash"}
        self.first = {x.name: self.price(x) for x in lines if x.kind != "cash"}
        self.debt = {x.name: x.debt for x in lines if x.kind == "loan"}
        self.sold: dict[str, float] = {}  # what is left of a loan whose collateral was sold, USD
        self.called_s = {x.name: float("nan") for x in lines}
        perps = [x for x in lines if x.kind == "perp"]
        self.holders = {x.name: Holder(self.markets[x.name], x, abs(self.coins[x.name])) for x in perps}
        self.tiers: dict[str, TierTable] = {
            x.name: tier_table(self.markets[x.name].venue.margin_tiers)  # type: ignore[union-attr]
            for x in perps
        }
        self.most_need = dict.fromkeys(self.venues, 0.0)
        self.asked = {x.name: 0.0 for x in lines}  # most cash an account lacked so far, with what it was given put back
        self.given = {x.name: 0.0 for x in lines}
        self.lost = {x.name: 0.0 for x in lines}  # by forced closes
        self.broken = {x.name: 0.0 for x in lines}  # coins closed by deleveraging, at their marks, USD
        self._adl = {x.name: 0.0 for x in lines}
        self.seen = Seen()

    def price(self, line: Line) -> float:
        """Price that a line follows now, USD: mark of a perp, index of all else."""
        market = self.markets[line.name]
        view = market.view()
        return float(view.mark if line.kind == "perp" else view.index_price)

    def begin(self) -> None:
        """Positions are built up: from here on it is measured."""
        for holder in self.holders.values():
            holder.begin()
        for line in self.lines:
            if line.kind in ("etf", "dat", "spot", "loan"):
                self.first[line.name] = self.price(line)
                self.coins[line.name] = line.side * line.usd / self.first[line.name]

    # --- worth
    # -----------------------------------------------------------------------------------------------------------------

    def worth(self, line: Line) -> float:
        """Worth of one line now, USD."""
        if line.kind == "cash":
            return 0.0  # in ``cash``
        if line.kind == "perp":
            return self.holders[line.name].equity_usd
        price = self.price(line)
        if line.kind == "spot":
            return self.coins[line.name] * price
        if line.kind == "loan":
            if line.name in self.sold:
                return self.sold[line.name]
            return max(0.0, self.coins[line.name] * price - self.debt[line.name])
        return line.usd * max(0.0, 1.0 + line.beta * (price / self.first[line.name] - 1.0))

    def worth_at(self, venue: str) -> float:
        """What the firm has at a venue, USD."""
        return self.cash[venue] + sum(self.worth(x) for x in self.lines if x.venue == venue)

    def value(self) -> float:
        """Worth of everything, money on its way included, USD."""
        return sum(self.worth_at(v) for v in self.venues) + sum(usd for _, _, usd in self.on_way)

    def exposure(self, line: Line) -> float:
        """Net coins of a line at its price, USD; short below 0."""
        if line.kind == "cash" or line.name in self.sold:
            return 0.0
        price = self.price(line)
        if line.kind == "perp":
            return self.holders[line.name].position_coins * price
        if line.kind in ("etf", "dat"):
            return line.beta * line.usd / self.first[line.name] * price
        return self.coins[line.name] * price

    # --- calls
    # -----------------------------------------------------------------------------------------------------------------

    def lacks(self, line: Line) -> float:
        """Cash that a line lacks to be at ``buffer`` times its maintenance margin, or a loan at its call level, USD."""
        if line.kind == "loan" and line.name not in self.sold:
            return max(0.0, self.debt[line.name] - line.call_ltv * self.coins[line.name] * self.price(line))
        if line.kind != "perp":
            return 0.0
        holder = self.holders[line.name]
        notional = abs(holder.position_coins) * self.price(line)
        if not notional or holder.forced_coins:
            return 0.0
        required = float(self.tiers[line.name].required_usd(np.array([notional]))[0])
        return max(0.0, self.buffer * required - holder.equity_usd)

    def is_open(self, venue: str, now_s: float) -> bool:
        """Whether money can leave and reach a venue."""
        return not any(who in (None, venue) and start <= now_s < end for who, start, end in self.halts)

    def give(self, line: Line, usd: float) -> None:
        """Bring cash of the line's venue into it."""
        self.cash[line.venue] -= usd
        self.given[line.name] += usd
        if line.kind == "loan":
            self.debt[line.name] -= usd
        else:
            self.holders[line.name].add(usd)

    def look(self, now_s: float) -> None:
        """One look: arrivals, calls, transfers, and what is to be seen."""
        arrived = [t for t in self.on_way if t[0] <= now_s and self.is_open(t[1], now_s)]
        self.on_way = [t for t in self.on_way if t not in arrived]
        for _, venue, usd in arrived:
            self.cash[venue] += usd
        called, missing = 0.0, dict.fromkeys(self.venues, 0.0)
        for line in self.lines:
            self._notice(line, now_s)
            lack = self.lacks(line)
            total = lack + self.given[line.name]
            called += max(0.0, total - self.asked[line.name])
            if lack and np.isnan(self.called_s[line.name]):
                self.called_s[line.name] = now_s
            self.asked[line.name] = max(self.asked[line.name], total)
            if lack and (line.mode == "cross" or line.kind == "loan"):
                paid = min(lack, max(0.0, self.cash[line.venue]))
                if paid:
                    self.give(line, paid)
                lack -= paid
            missing[line.venue] += lack if line.mode == "cross" or line.kind == "loan" else 0.0
        trapped = self._send(missing, now_s)
        self._note(now_s, called, missing, trapped)

    def _notice(self, line: Line, now_s: float) -> None:
        """Forced sales and deleveraging since the last look."""
        if line.kind == "loan" and line.name not in self.sold:
            worth, debt = self.coins[line.name] * self.price(line), self.debt[line.name]
            if debt > line.liquidation_ltv * worth:
                self.sold[line.name] = max(0.0, worth - (1.0 + line.penalty) * debt)
                self.lost[line.name] = max(0.0, worth - debt) - self.sold[line.name]
        if line.kind == "perp":
            closed = self.holders[line.name].adl_coins
            self.broken[line.name] += (closed - self._adl[line.name]) * self.price(line)
            self._adl[line.name] = closed

    def _send(self, missing: Mapping[str, float], now_s: float) -> float:
        """Send for what is missing; returns what lies elsewhere and cannot come, USD."""
        trapped = 0.0
        for venue, usd in missing.items():
            left = usd - sum(t[2] for t in self.on_way if t[1] == venue)
            for other in sorted(self.venues, key=lambda v: -self.cash[v]):
                there = min(left, max(0.0, self.cash[other]))
                if other == venue or there <= 0.0:
                    continue
                if self.is_open(venue, now_s) and self.is_open(other, now_s):
                    self.cash[other] -= there
                    self.on_way.append((now_s + self.transfer_s, venue, there))
                else:
                    trapped += there
                left -= there
        return trapped

    def _note(self, now_s: float, called: float, missing: Mapping[str, float], trapped: float) -> None:
        seen = self.seen
        seen.time_s.append(now_s)
        seen.value.append(self.value())
        seen.called.append(called)
        seen.trapped.append(trapped)
        for venue in self.venues:
            seen.held.setdefault(venue, []).append(self.worth_at(venue))
            seen.need.setdefault(venue, []).append(missing[venue])
        for group in sorted({x.hedge for x in self.lines if x.hedge}):
            net = sum(self.exposure(x) for x in self.lines if x.hedge == group)
            seen.gap.setdefault(group, []).append(net)


def halts_of(spec: Spec) -> list[list[Any]]:
    """When transfers stand still in a scenario: venue (none: everybody's), start and end in seconds."""
    forever = [[None, 0.0, float(spec.duration)]]
    if spec.listings and not spec.network.bridge.transfers:
        return forever
    bridge = spec.network.bridge.halts if spec.listings else ()
    found: list[list[Any]] = [[s.exchange, s.at, s.at + s.over] for s in bridge]
    found += [[None, s.at, s.at + s.over] for s in spec.shocks if s.kind == "transfer_halt"]
    return found


def transfer_time(spec: Spec) -> float:
    """Seconds that money of the firm is on its way: middle of the bridge firms' range (MODEL 2.9: 10 to 30 min)."""
    bridge = spec.network.bridge
    return float(0.5 * (bridge.transfer_low + bridge.transfer_high))
