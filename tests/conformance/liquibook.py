"""Liquibook's unit cases: named orders, steps, checks of book, fills and states.

Semantics mapped. Self-trade prevention is off. A replace by a size alone that shrinks is our ``reduce`` (keeps
priority), every other one is our ``replace``. "accepted" = taken and not finished, "complete" = filled whole,
"cancelled" = gone with something unfilled (a FOK that cannot fill is "cancelled" there and rejected here). An order's
quantity there is filled + open. A depth row [0, 0, 0] says: no level here.

Not offered: all-or-none orders, and market orders that rest. Liquibook lets the remainder of a market order rest
where ours is cancelled; such a remainder is a *ghost*. A case is skipped at the first step whose outcome depends on a
ghost: a check of its side of the book or of itself, or a trade expected of a later order on the other side. A case
that never asks is run to its end.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from tests.conformance.common import Difference, Engine, MakeEngine, SkippedCase, depth_of, expect, resting, trades_of

TIFS = ("GTC", "IOC", "FOK", "POST")
SIDE_OF = {"bids": "buy", "asks": "sell"}


def recognises(case: dict[str, Any]) -> bool:
    """Whether the case has this pack's shape."""
    return isinstance(case.get("orders"), dict) and isinstance(case.get("steps"), list)


def run(case: dict[str, Any], header: dict[str, Any], make_engine: MakeEngine) -> None:
    """Run one case; raises ``Difference`` where the engine differs."""
    if any(step.get("tif") == "AON" for step in _flat(case["steps"])) or "aon" in case.get("features", []):
        raise SkippedCase("all-or-none orders are not offered")
    player = Player(make_engine(self_trade="off"), case["orders"])
    for step in case["steps"]:
        player.play(step)
    player.check_until_end()


def _flat(steps: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [inner for step in steps for inner in (step, *step.get("ops", []))]


class Player:
    """Plays the steps of one case and keeps what the engine does not: names, totals filled, ghosts."""

    def __init__(self, engine: Engine, orders: dict[str, dict[str, Any]]) -> None:
        self.engine = engine
        self.orders = orders
        self.ids = {name: i for i, name in enumerate(orders)}
        self.names = list(orders)
        self.price = {name: order["price"] for name, order in orders.items()}
        self.lots: Counter[str] = Counter()
        self.cost: Counter[str] = Counter()
        self.ghosts: set[str] = set()
        self.until_end: list[dict[str, Any]] = []

    # ---- steps --------------------------------------------------------------------------------------------------

    def play(self, step: dict[str, Any]) -> None:
        """One step or check."""
        if "check" in step:
            self.check(step)
            return
        handler = getattr(self, f"do_{step['op']}", None)
        if handler is None:
            raise SkippedCase(f"step {step['op']!r} is not known")
        handler(step)

    def do_block(self, step: dict[str, Any]) -> None:
        """Steps whose fills are stated together."""
        lots, cost = self.lots.copy(), self.cost.copy()
        for inner in step["ops"]:
            self.play(inner)
        for name, want in step["fills"].items():
            if want[0]:
                self.no_ghost(name)
            expect(f"fills of {name}", [self.lots[name] - lots[name], self.cost[name] - cost[name]], want)

    def do_set_market_price(self, step: dict[str, Any]) -> None:
        """Set the last price."""
        self.note_fills(self.engine.set_last_price(0, step["price"]))

    def do_add(self, step: dict[str, Any]) -> None:
        """A new order: limit, market (price 0) or stop."""
        name, tif = step["order"], step.get("tif", "GTC")
        if tif not in TIFS:
            raise SkippedCase(f"{tif} orders are not offered")
        order = self.orders[name]
        side, price, lots = order["side"], order["price"], order["qty"]
        if step.get("matched"):
            self.no_ghost_on("sell" if side == "buy" else "buy")
        if "stop_price" in order:
            ack = self.engine.stop(side, order["stop_price"], lots, limit=price or None, order_id=self.ids[name])
        elif price == 0 and tif != "FOK":
            ack = self.engine.market(side, lots, order_id=self.ids[name])
        else:
            bound = price or (2**31 - 1 if side == "buy" else 1)
            ack = self.engine.limit(side, bound, lots, tif=tif, order_id=self.ids[name])
        self.note_fills(ack)
        fired = [a for a in (ack, *ack.triggered) if a.order_id == self.ids[name]][-1]
        if price == 0 and tif == "GTC" and fired.cancelled_lots:
            self.ghosts.add(name)
        if "matched" in step:
            expect(f"{name} matched", bool(trades_of(ack)), step["matched"])
        if ack.status != "ok" and not (tif == "FOK" and ack.reason == "fok"):
            raise Difference(f"{name} was rejected: {ack.reason}")
        self.check_state(step)

    def do_cancel(self, step: dict[str, Any]) -> None:
        """Take an order off; one that is gone stays as it is."""
        self.no_ghost(step["order"])
        alive = self.is_live(step["order"])
        ack = self.engine.cancel(self.ids[step["order"]])
        expect(f"cancel of {step['order']}", ack.status, "ok" if alive else "rejected")
        self.note_fills(ack)
        self.check_state(step)

    def do_replace(self, step: dict[str, Any]) -> None:
        """Change size, price or both."""
        name, delta = step["order"], step["size_delta"]
        self.no_ghost(name)
        order_id, wanted = self.ids[name], self.open_lots(name) + delta
        if step.get("match_qty"):
            self.no_ghost_on("sell" if self.orders[name]["side"] == "buy" else "buy")
        if delta < 0 and "new_price" not in step:
            ack = self.engine.reduce(order_id, -delta)
        elif wanted <= 0:
            ack = self.engine.cancel(order_id)
        else:
            price = step.get("new_price", self.price[name])
            ack = self.engine.replace(order_id, price, wanted)
            if ack.status == "ok":
                self.price[name] = price
        self.note_fills(ack)
        if step.get("expect_rejected_or_no_match"):
            expect(f"trades of the replace of {name}", trades_of(ack), [])
        if "match_qty" in step:
            expect(f"lots traded by the replace of {name}", ack.filled_lots, step["match_qty"])
        self.check_state(step)

    def note_fills(self, ack: Any) -> None:
        """Add the trades of a message to both orders' totals."""
        for fill in trades_of(ack):
            for order_id in (fill.maker_id, fill.taker_id):
                self.lots[self.names[order_id]] += fill.lots
                self.cost[self.names[order_id]] += fill.lots * fill.price

    # ---- checks -------------------------------------------------------------------------------------------------

    def check(self, step: dict[str, Any]) -> None:
        """One check."""
        kind, want = step["check"], step.get("value")
        name = step.get("order", "")
        if kind == "depth":
            self.check_depth(step)
        elif kind in ("n_bids", "n_asks"):
            side = SIDE_OF[kind[2:]]
            self.no_ghost_on(side)
            expect(kind, len(resting(self.engine, side)), want)
        elif kind == "top_order":
            side = SIDE_OF[step["side"]]
            self.no_ghost_on(side)
            queue = resting(self.engine, side)
            expect(f"top of {step['side']}", self.names[queue[0].order_id] if queue else None, name)
        elif kind == "market_price":
            expect("last price", self.engine.last(0) or 0, want)
        elif kind == "state":
            self.check_state({"order": name, "state": want})
        elif kind in ("open_qty", "order_qty"):
            self.no_ghost(name)
            filled = self.lots[name] if kind == "order_qty" else 0
            expect(f"{kind} of {name}", filled + self.open_lots(name), want)
        elif kind == "price":
            live = [order.price for order in self.engine.orders(0) if order.order_id == self.ids[name]]
            expect(f"price of {name}", live[0] if live else self.price[name], want)
        elif kind == "fills_until_end":
            self.until_end.append({**step, "before": (self.lots[name], self.cost[name])})
        else:
            raise SkippedCase(f"check {kind!r} is not known")

    def check_depth(self, step: dict[str, Any]) -> None:
        """The first levels of both sides: rows of price, number of orders, lots."""
        for side in ("bids", "asks"):
            if side not in step:
                continue
            self.no_ghost_on(SIDE_OF[side])
            have = [[price, n, lots] for price, lots, n in depth_of(self.engine, side)]
            have += [[0, 0, 0]] * (len(step[side]) - len(have))
            expect(f"depth of {side}", have[: len(step[side])], [list(row) for row in step[side]])

    def check_state(self, step: dict[str, Any]) -> None:
        """State of an order, if the step states one."""
        name = step["order"]
        if "state" not in step or name in self.ghosts:
            return  # a ghost is accepted by both; whether it rests is asked by other checks, which skip
        if self.is_live(name):
            state = "accepted"
        else:
            state = "complete" if self.lots[name] >= self.orders[name]["qty"] else "cancelled"
        expect(f"state of {name}", state, step["state"])

    def check_until_end(self) -> None:
        """Fills stated over the rest of the case."""
        for step in self.until_end:
            name, before = step["order"], step["before"]
            if step["qty"]:
                self.no_ghost(name)
            got = (self.lots[name] - before[0], self.cost[name] - before[1])
            expect(f"fills of {name} until the end", got, (step["qty"], step["cost"]))

    # ---- questions ----------------------------------------------------------------------------------------------

    def is_live(self, name: str) -> bool:
        """Whether the order rests or waits."""
        order_id = self.ids[name]
        return any(order.order_id == order_id for order in (*self.engine.orders(0), *self.engine.waiting(0)))

    def open_lots(self, name: str) -> int:
        """Open quantity of an order, 0 when it is gone."""
        return sum(order.lots for order in self.engine.orders(0) if order.order_id == self.ids[name])

    def no_ghost(self, name: str) -> None:
        """Skip the case if this order is a ghost."""
        if name in self.ghosts:
            raise SkippedCase("the remainder of a market order rests there and is cancelled here")

    def no_ghost_on(self, side: str) -> None:
        """Skip the case if a ghost would rest on this side."""
        for name in self.ghosts:
            if self.orders[name]["side"] == side:
                self.no_ghost(name)
