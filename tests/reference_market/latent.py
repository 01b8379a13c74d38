"""The latent layer's rules in plain Python, written from the prose and MODEL 4.2 and R5, not from the kernel."""

import math
from dataclasses import dataclass


@dataclass
class Layer:
    """One side of one layer: density, distances in log units, lots."""

    lots_per_unit2: float
    y_c: float
    width: float
    x_r: float
    memory_s: float


def distance(layer: Layer, k: int) -> float:
    """From the value to the middle of bin k."""
    return layer.width * (k + 0.5)


def full(layer: Layer, k: int) -> float:
    """Lots of bin k when nothing was consumed."""
    return layer.lots_per_unit2 * min(distance(layer, k), layer.y_c) * layer.width


def renewed(layer: Layer, k: int, mass: float, traded: int, seconds: float) -> float:
    """Mass after its order traded and time passed."""
    left = max(0.0, mass - traded)
    return full(layer, k) - (full(layer, k) - left) * math.exp(-seconds / layer.memory_s)


def price_ticks(value_ticks: float, layer: Layer, k: int, is_bid: bool) -> int:
    """Reservation price of bin k on the tick grid."""
    if is_bid:
        return max(1, math.floor(value_ticks * math.exp(-distance(layer, k))))
    return max(1, math.ceil(value_ticks * math.exp(distance(layer, k))))


def is_passed(layer: Layer, k: int, mid_ticks: float, value_ticks: float, is_bid: bool) -> bool:
    """Whether bin k would pay more than the mid (bids), or take less (asks)."""
    away = math.log(mid_ticks / value_ticks)
    return distance(layer, k) < (-away if is_bid else away)


def shown(layer: Layer, k: int, mass: float, mid_ticks: float, value_ticks: float, is_bid: bool, room: int) -> int:
    """Lots that bin k rests with after a look."""
    if is_passed(layer, k, mid_ticks, value_ticks, is_bid):
        return 0
    away = math.log(mid_ticks / value_ticks)
    from_mid = distance(layer, k) + (away if is_bid else -away)
    if from_mid >= 8.0 * layer.x_r:
        return 0
    return min(int(mass * math.exp(-max(from_mid, 0.0) / layer.x_r)), max(room, 0))
