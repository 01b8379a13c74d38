"""When a market of two clocks is under way: MODEL 7, written from its words, over plain values."""

import math
from dataclasses import dataclass


@dataclass
class Account:
    """Signed lots, and the last mark at which it is safe, in half ticks."""

    lots: int
    safe_half_ticks: int


@dataclass
class Scene:
    """What a look sees: prices in half ticks, books as price (ticks) to lots."""

    mark: int
    mark_before: float
    perp_mid: int
    index: int
    bids: dict[int, int]
    asks: dict[int, int]
    hung: list[Account]
    n_in_liquidation: int
    n_pulled: int
    n_adl_since: int
    orders_next: tuple[float, float]  # background orders of each book that a long tick would draw, in mean


@dataclass
class Rule:
    """Standard deviation of a long tick, and the bounds."""

    sigma: float
    move: float
    fuel: float
    reach: float
    gap: float
    most_orders: tuple[float, float]


def reasons(scene: Scene, rule: Rule) -> set[str]:
    """Everything that calls for fine ticks."""
    out = set()
    far = int(rule.reach * rule.sigma * scene.mark)
    if scene.n_in_liquidation:
        longs = sum(a.lots for a in scene.hung if a.lots > 0 and scene.mark - far <= a.safe_half_ticks <= scene.mark)
        shorts = -sum(a.lots for a in scene.hung if a.lots < 0 and scene.mark <= a.safe_half_ticks <= scene.mark + far)
        bids = sum(lots for price, lots in scene.bids.items() if price >= max(scene.bids) - far // 2)
        asks = sum(lots for price, lots in scene.asks.items() if price <= min(scene.asks) + far // 2)
        if longs > rule.fuel * bids or shorts > rule.fuel * asks:
            out.add("fuel")
    if abs(math.log(scene.mark) - scene.mark_before) > rule.move * rule.sigma:
        out.add("move")
    if scene.n_pulled:
        out.add("pull")
    if scene.n_adl_since:
        out.add("adl")
    if abs(scene.perp_mid - scene.index) > rule.gap * scene.index:
        out.add("gap")
    if any(mean > most for mean, most in zip(scene.orders_next, rule.most_orders, strict=True)):
        out.add("busy")
    return out
