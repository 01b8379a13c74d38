"""Synthetic order books and the files a collector would write of them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

START_S = 1_760_054_400  # 2025-10-10T00:00:00Z
BANDS = np.array([1.0, 2.0, 3.0, 4.0, 5.0])


@dataclass
class Levels:
    """Prices and sizes of one side, best first."""

    price: np.ndarray
    size: np.ndarray


def path(n: int, start: float, seed: int, volatility: float = 2e-4, drift: float = 0.0) -> np.ndarray:
    """A random walk of prices, one a snapshot."""
    rng = np.random.default_rng(seed)
    return start * np.exp(np.cumsum(rng.normal(drift, volatility, n)))


def book(
    mid: float, rng: np.random.Generator, coins: float, levels: int = 200, widest: float = 0.08
) -> tuple[Levels, Levels]:
    """Bids and asks around a mid, a few basis points apart, thicker farther away."""
    sides = []
    for sign in (-1.0, 1.0):
        distance = 1e-6 + widest * np.arange(1, levels + 1) / levels
        sides.append(
            Levels(mid * (1.0 + sign * distance), np.round(coins * rng.lognormal(0.0, 0.3, levels), 3) + 0.001)
        )
    return sides[0], sides[1]


def with_order(side: Levels, price: float, size: float, is_bid: bool) -> Levels:
    """A side with one more order, best first."""
    prices, sizes = np.append(side.price, price), np.append(side.size, size)
    order = np.argsort(-prices if is_bid else prices)
    return Levels(prices[order], sizes[order])


def within(side: Levels, reference: float, fraction: float) -> tuple[float, float]:
    """Coins and dollars not farther than a fraction from the reference on this side (or beyond it)."""
    sign = 1.0 if side.price[0] < side.price[-1] else -1.0
    inside = sign * (side.price / reference - 1.0) <= fraction
    return float(side.size[inside].sum()), float((side.price * side.size)[inside].sum())


@dataclass
class Recording:
    """What a collector saw: the market's mids, and the books it held."""

    mids: np.ndarray
    books: list[tuple[Levels, Levels]]
    sound: list[tuple[Levels, Levels]]
    step_s: int = 30


def record(mids: np.ndarray, seed: int, coins: float, order: tuple[str, float, float] | None = None) -> Recording:
    """Books along a path; ``order`` (side, price, size) stays in the collector's book once the price has passed it."""
    rng = np.random.default_rng(seed)
    sound = [book(mid, rng, coins) for mid in mids]
    held = []
    for (bids, asks), mid in zip(sound, mids, strict=True):
        if order is not None:
            side, price, size = order
            if side == "bid" and price > mid:
                bids = with_order(bids, price, size, True)
            elif side == "ask" and price < mid:
                asks = with_order(asks, price, size, False)
        held.append((bids, asks))
    return Recording(mids, held, sound)


def band_file(recording: Recording, file: Path, header: str = "timestamp,percentage,depth,notional") -> Path:
    """A file in the manner of Binance's bookDepth: bands around the middle of the collector's best bid and ask."""
    lines = [header]
    for i, (bids, asks) in enumerate(recording.books):
        stamp = np.datetime64(START_S + i * recording.step_s, "s").item().strftime("%Y-%m-%d %H:%M:%S")
        reference = (bids.price[0] + asks.price[0]) / 2.0
        for band in (*-BANDS[::-1], *BANDS):
            coins, usd = within(bids if band < 0 else asks, reference, abs(band) / 100.0)
            lines.append(f"{stamp},{band:g},{coins:.3f},{usd:.4f}")
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


def level_rows(recording: Recording, depth: int = 200) -> list[tuple[int, str, float, float]]:
    """Second, side, price, size of every level, a snapshot after the other."""
    return [
        (START_S + i * recording.step_s, side, float(p), float(s))
        for i, pair in enumerate(recording.books)
        for side, levels in zip(("bid", "ask"), pair, strict=True)
        for p, s in zip(levels.price[:depth], levels.size[:depth], strict=True)
    ]


def long_file(recording: Recording, file: Path, depth: int = 200) -> Path:
    """One row a level, times in milliseconds."""
    lines = [
        "timestamp,side,price,size",
        *(f"{t * 1000},{side},{p:.4f},{s:.3f}" for t, side, p, s in level_rows(recording, depth)),
    ]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


def wide_file(recording: Recording, file: Path, depth: int = 200) -> Path:
    """One row a snapshot."""
    names = [f"{side}_{what}_{k}" for k in range(1, depth + 1) for side in ("bid", "ask") for what in ("price", "size")]
    lines = [",".join(["timestamp", *names])]
    for i, (bids, asks) in enumerate(recording.books):
        cells = [f"{x:.{d}f}" for k in range(depth) for s in (bids, asks) for x, d in ((s.price[k], 4), (s.size[k], 3))]
        lines.append(",".join([str(START_S + i * recording.step_s), *cells]))
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


def mark_file(recording: Recording, file: Path) -> Path:
    """The market's mid at each snapshot."""
    rows = [f"{START_S + i * recording.step_s},{mid:.4f}" for i, mid in enumerate(recording.mids)]
    file.write_text("\n".join(["timestamp,price", *rows]) + "\n", encoding="utf-8")
    return file
