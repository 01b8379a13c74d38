"""Rates, spread and top of book from raw feeds: Binance, 8 August 2024, 23:54 to 24:00 UTC."""

import gzip
import json
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np


@dataclass
class Feed:
    """What one feed holds, counted while it is read."""

    first_ns: int = 0
    last_ns: int = 0
    level_updates: int = 0
    trades: int = 0
    traded_usd: float = 0.0
    quotes: list[tuple[int, float, float, float]] = field(default_factory=list)  # ns, bid, bid quantity, ask

    @property
    def seconds(self) -> float:
        """Length of the feed."""
        return (self.last_ns - self.first_ns) * 1e-9

    def spread_bp(self) -> float:
        """Mean spread over mid in basis points, weighted by the time each quote stood."""
        spread = np.array([(ask - bid) / (0.5 * (ask + bid)) for _, bid, _, ask in self.quotes]) * 1e4
        stood = np.array([b[0] - a[0] for a, b in pairwise(self.quotes)] + [0.0])
        return float((spread * stood).sum() / stood.sum())

    def best_bid_usd(self) -> float:
        """Median value at the best bid, over updates of the best quote."""
        return float(np.median([bid * quantity for _, bid, quantity, _ in self.quotes]))


def read_feed(data: Path, name: str) -> Feed:
    """Read one raw feed: lines of "local_ns {json}" with depth differences, best quotes and trades.

    Parameters
    ----------
    data : Path
        The evidence's data folder.
    name : str
        Stem of the file, such as "usdm_btcusdt_20240808".

    Returns
    -------
    Feed
        Quantities are in coins (not contracts), so linear and spot feeds only.
    """
    feed = Feed()
    with gzip.open(data / "microstructure" / f"{name}.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            stamp, _, body = line.partition(" ")
            message = json.loads(body)
            feed.last_ns = int(stamp)
            feed.first_ns = feed.first_ns or feed.last_ns
            if "data" in message:
                _count(feed, message["stream"].split("@")[1], message["data"])
    return feed


def _count(feed: Feed, stream: str, event: dict[str, str]) -> None:
    if stream == "depth":
        feed.level_updates += len(event["b"]) + len(event["a"])
    elif stream == "trade":
        feed.trades += 1
        feed.traded_usd += float(event["p"]) * float(event["q"])
    elif stream == "bookTicker":
        feed.quotes.append((feed.last_ns, float(event["b"]), float(event["B"]), float(event["a"])))
