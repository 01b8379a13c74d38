"""exchange-core: trades and full depth after commands on a fixed book, and its feature cases.

Semantics mapped: uid = owner, and a command on another user's order finds nothing; ``move`` = replace with the open
quantity; ``reduce`` keeps priority; self-trade prevention off. A FOK with a money budget is not offered.

The two spot cases speak of cash that is held and given back. The engine keeps no cash, so the cash is worked out here
in whole numbers from what the engine answers: held = reserve price x open lots x unit, paid = sum of trade price x
lots x unit. What they test of the engine is the open quantity after add, cancel and trade, and the price of the
trade.
"""

from __future__ import annotations

import re
from typing import Any

from tests.conformance.common import Difference, Engine, MakeEngine, SkippedCase, depth_of, expect, resting, trades_of

TIFS = ("GTC", "IOC", "FOK", "POST")
REASONS = {"rejected": None, "unknown_order": "stale", "wrong_size": "lots"}
BID = re.compile(r"bids (\d+)(?: lots)? (?:at|@) ?(\d+)(?: with)? reserve (\d+)")
MOVED = re.compile(r"sell moved to (\d+)")


def recognises(case: dict[str, Any]) -> bool:
    """Whether the case has this pack's shape."""
    ops = {step.get("op") for step in case.get("steps", [])}
    plain = "steps" in case and {"asks", "bids"} <= case.keys() and ops <= {"add", "cancel", "reduce", "move"}
    return plain or "expect_after" in case or ("numbers" in case and "note" in case)


def run(case: dict[str, Any], header: dict[str, Any], make_engine: MakeEngine) -> None:
    """Run one case; raises ``Difference`` where the engine differs."""
    engine = make_engine(self_trade="off")
    if "numbers" in case:
        run_cash(case, engine)
    elif "expect_after" in case:
        run_feature(case, engine)
    else:
        run_depth(case, header, engine)


class Player:
    """Sends steps to an engine, with uids as small owner numbers."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.owners: dict[int, int] = {}

    def play(self, step: dict[str, Any]) -> Any:
        """The acknowledgement of one step."""
        owner = self.owners.setdefault(step["uid"], len(self.owners))
        order_id = step["id"]
        match step["op"]:
            case "add":
                if step["tif"] not in TIFS:
                    raise SkippedCase(f"{step['tif'].replace('_', ' ')} orders are not offered")
                return self.engine.limit(
                    step["side"], step["price"], step["qty"], owner=owner, tif=step["tif"], order_id=order_id
                )
            case "cancel":
                return self.engine.cancel(order_id, owner=owner)
            case "reduce":
                return self.engine.reduce(order_id, step["by"], owner=owner)
            case "move":
                open_lots = next((o.lots for o in self.engine.orders(0) if o.order_id == order_id), 1)
                return self.engine.replace(order_id, step["price"], step.get("qty", open_lots), owner=owner)
        raise SkippedCase(f"step {step['op']!r} is not known")


def run_depth(case: dict[str, Any], header: dict[str, Any], engine: Engine) -> None:
    """The fixed book, the steps, then trades and full depth."""
    player = Player(engine)
    for step in case.get("base_book", header.get("base_book", [])):
        expect(f"base order {step['id']}", player.play(step).status, "ok")
    acks, trades, prices = [], [], {}
    for step in case["steps"]:
        prices |= {order.order_id: order.price for order in engine.orders(0)}
        ack = player.play(step)
        acks.append(ack)
        trades += [{"maker": f.maker_id, "price": f.price, "qty": f.lots} for f in trades_of(ack)]
    expect("trades", trades, case.get("trades", []))
    for side in ("asks", "bids"):
        expect(side, [list(row) for row in depth_of(engine, side)], case[side])
    check_answers(case, acks, prices)


def check_answers(case: dict[str, Any], acks: list[Any], prices: dict[int, int]) -> None:
    """What the case says about the answers: rejections, rejected quantity, reduction."""
    rejected = [ack for ack in acks if ack.status != "ok"]
    if "expect" in case:
        if case["expect"] not in REASONS:
            raise SkippedCase(f"answer {case['expect']!r} is not known")
        expect("last answer", acks[-1].status, "rejected")
        reason = REASONS[case["expect"]]
        for ack in rejected:
            if reason is not None:
                expect("reason", ack.reason, reason)
    elif "rejected_qty" not in case:
        expect("rejections", [ack.reason for ack in rejected], [])
    if "rejected_qty" in case:
        last, asked = acks[-1], case["steps"][-1]["qty"]
        expect("rejected quantity", asked if last.status != "ok" else last.cancelled_lots, case["rejected_qty"])
    if "reduced" in case:
        order_id = case["steps"][-1]["id"]
        got = {"qty": acks[-1].cancelled_lots, "price": prices[order_id]}
        expect("reduction", got, case["reduced"])


def run_feature(case: dict[str, Any], engine: Engine) -> None:
    """Steps from an empty book, with the book after each."""
    player = Player(engine)
    for number, (step, want) in enumerate(zip(case["steps"], case["expect_after"], strict=True)):
        ack = player.play(step)
        expect(f"answer to step {number}", ack.status, "ok")
        trades = [[f.maker_id, f.price, f.lots] for f in trades_of(ack)]
        expect(f"trades of step {number}", trades, want.get("trades", []))
        for side in ("asks", "bids"):
            if side in want:
                width = len(want[side][0]) if want[side] else 2
                expect(f"{side} after step {number}", [list(r[:width]) for r in depth_of(engine, side)], want[side])


def run_cash(case: dict[str, Any], engine: Engine) -> None:
    """A spot bid with a reserve price; what is held, paid and given back."""
    numbers, note = case["numbers"], case["note"]
    bid = BID.search(note)
    if bid is None:
        raise SkippedCase("cash case whose order is not stated")
    lots, price, reserve = (int(text) for text in bid.groups())
    hold = numbers.get("hold") or int(re.sub(r"\D", "", re.search(r"hold ([\d,]+)", note)[1]))  # type: ignore[index]
    unit, rest = divmod(hold, reserve * lots)
    expect("hold is a whole multiple of reserve price and lots", rest, 0)

    def held() -> int:
        return sum(reserve * order.lots * unit for order in resting(engine, "buy"))

    moved = MOVED.search(note)
    if moved is not None:
        expect("sell order", engine.limit("sell", price + 1, lots, owner=1, order_id=1).status, "ok")
    expect("bid", engine.limit("buy", price, lots, owner=0, order_id=2).open_lots, lots)
    expect("cash after the hold", numbers["start"] - held(), numbers.get("after_hold", numbers["start"] - hold))
    if moved is None:
        expect("cancelled", engine.cancel(2, owner=0).cancelled_lots, lots)
        expect("cash after the cancel", numbers["start"] - held(), numbers["after_cancel"])
        return
    paid = sum(f.price * f.lots * unit for f in trades_of(engine.replace(1, int(moved[1]), lots, owner=1)))
    expect("value of the trade", paid, numbers["trade_value"])
    expect("buyer's cash", numbers["start"] - paid - held(), numbers["buyer_after"])
    expect("seller's cash", paid, numbers["seller_after"])
    if held():
        raise Difference("cash is still held after the whole order traded")
