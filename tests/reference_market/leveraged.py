"""Slow twin of the leveraged population's conduct, from MODEL 4.3, account by account; imports nothing of the
simulator.

Prices in half ticks, money in micro-dollars, rates in millionths. A trigger is (account, cause, ladder, price); ladder
= 2 x (0 mark, 1 last) + (0 fires when the price falls to it, 1 when it rises to it).
"""

import math
from dataclasses import dataclass
from fractions import Fraction

Trigger = tuple[int, int, int, int]


def first_to_fire(triggers: list[Trigger], marks: list[int], lasts: list[int]) -> dict[int, tuple[int, int]]:
    """Account to (tick, cause) of its first trigger that fires; marks are looked at before lasts."""
    out: dict[int, tuple[int, int, int]] = {}
    for account, cause, ladder, price in triggers:
        path = lasts if ladder >= 2 else marks
        crossed = (p <= price if ladder % 2 == 0 else p >= price for p in path)
        tick = next((t for t, is_crossed in enumerate(crossed) if is_crossed and path[t] > 0), None)
        if tick is not None:
            out[account] = min(out.get(account, (tick, ladder, cause)), (tick, ladder, cause))
    return {account: (tick, cause) for account, (tick, _, cause) in out.items()}


@dataclass
class Holder:
    """One account."""

    position: int
    cash: int
    free: int
    cost: int  # signed
    isolated: bool


def value(holder: Holder, mark: int, unit: int) -> int:
    """Position at mark, rounded down."""
    return math.floor(Fraction(holder.position * mark * unit, 2))


def added_margin(holder: Holder, mark: int, unit: int, maintenance: int, below_ppm: int, share_ppm: int) -> int:
    """What an owner who looks now moves from free cash to the position."""
    if holder.position == 0 or not holder.isolated:
        return 0
    if holder.cash + value(holder, mark, unit) >= math.ceil(Fraction(maintenance * below_ppm, 10**6)):
        return 0
    return min(holder.free, math.ceil(Fraction(max(0, holder.cash + holder.cost) * share_ppm, 10**6)))


def is_frightened(holder: Holder, mark: int, unit: int, loss_ppm: int) -> bool:
    """Loss since entry beyond its share of the margin at cost."""
    loss = holder.cost - value(holder, mark, unit)
    return loss > math.ceil(Fraction(max(0, holder.cash + holder.cost) * loss_ppm, 10**6))


def is_wild(mark: int, before: int, move_ppm: int) -> bool:
    """Move of the mark over the window beyond its threshold, either way."""
    return abs(Fraction(mark - before, before)) > Fraction(move_ppm, 10**6)


def rings(draws: list[tuple[float, float]], gap_us: float, n: int, tick_us: int) -> list[int]:
    """Accounts named by the rings of one tick: exponential gaps from its start, accounts evenly."""
    out, now = [], 0.0
    for u, v in draws:
        now += -math.log(u) * gap_us
        if now > tick_us:
            break
        out.append(int(v * n))
    return out
