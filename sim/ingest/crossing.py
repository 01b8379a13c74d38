"""Crossed books: a bid at or above an ask. Which side is stale is told by what did not change, or by the mark."""

import numpy as np

from sim.ingest.book import Floats, Integers, Truths
from sim.ingest.findings import Log, Side
from sim.ingest.prices import Prices

_FARTHER = 2.0
"""A side is stale by the mark when its best price lies so many times as far from the mark as the other's."""

Levels = dict[float, float]


class Judge:
    """Looks at crossed snapshots one by one, in order.

    Parameters
    ----------
    mark : Prices or None
    repair : bool
        Take stale levels out instead of refusing the snapshot.
    log : Log
        Written by ``tell``.
    """

    def __init__(self, mark: Prices | None, repair: bool, log: Log) -> None:
        self.mark, self.repair, self.log = mark, repair, log
        self.before: tuple[Levels, Levels] = ({}, {})
        self.stale: tuple[Levels, Levels] = ({}, {})  # levels once found stale, by side: bids, asks
        self.times: dict[str, list[int]] = {"bid": [], "ask": [], "both": []}

    def resolve(
        self, times: Integers, snap: Integers, is_bid: Truths, price: Floats, size: Floats, best: tuple[Floats, ...]
    ) -> tuple[Truths, Truths]:
        """Say which levels are kept and which snapshots may be used.

        Parameters
        ----------
        times : int64[n]
        snap, is_bid, price, size : arrays[r]
            Levels, sorted by snapshot, side and price.
        best : two of float64[n]
            Best bid and ask, NaN where a side is empty.

        Returns
        -------
        keep : bool[r]
        ok : bool[n]
        """
        keep, ok = np.ones(len(snap), np.bool_), np.ones(len(times), np.bool_)
        edges = np.searchsorted(snap, np.arange(len(times) + 1))

        def levels(i: int) -> tuple[Levels, Levels]:
            rows = slice(edges[i], edges[i + 1])
            pairs = zip(price[rows].tolist(), size[rows].tolist(), is_bid[rows].tolist(), strict=True)
            both: tuple[Levels, Levels] = ({}, {})
            for p, s, bid in pairs:
                both[0 if bid else 1][p] = s
            return both

        for i in np.flatnonzero(best[0] >= best[1]).tolist():
            now = levels(i)
            before = levels(i - 1) if i else self.before
            bid, ask = float(best[0][i]), float(best[1][i])
            over = ({p: s for p, s in now[0].items() if p >= ask}, {p: s for p, s in now[1].items() if p <= bid})
            side = self._stale_side(int(times[i]), over, before, bid, ask)
            self.times["both" if side is None else ("bid", "ask")[side]].append(int(times[i]))
            if side is not None:
                self.stale[side].update(over[side])
            if side is not None and self.repair:
                rows = np.arange(edges[i], edges[i + 1])
                crossing = (price[rows] >= ask) if side == 0 else (price[rows] <= bid)
                keep[rows[(is_bid[rows] == (side == 0)) & crossing]] = False
            else:
                ok[i] = False
        if len(times):
            self.before = levels(len(times) - 1)
        return keep, ok

    def _stale_side(
        self, time_us: int, over: tuple[Levels, Levels], before: tuple[Levels, Levels], bid: float, ask: float
    ) -> int | None:
        known = [all(self.stale[s].get(p) == size for p, size in over[s].items()) for s in (0, 1)]
        if known[0] != known[1]:
            return 0 if known[0] else 1
        unchanged = [all(before[s].get(p) == size for p, size in over[s].items()) for s in (0, 1)]
        if unchanged[0] != unchanged[1]:
            return 0 if unchanged[0] else 1
        if self.mark is not None:
            (market,) = self.mark.at(np.array([time_us]))
            off = abs(bid - market), abs(ask - market)
            if max(off) > _FARTHER * min(off):
                return 0 if off[0] > off[1] else 1
        return None

    def tell(self) -> None:
        """Note what was found."""
        for s, name in enumerate(("bid", "ask")):
            if not self.times[name]:
                continue
            prices = sorted(self.stale[s])
            where = f"{prices[0]:,.8g}" if len(prices) == 1 else f"{prices[0]:,.8g} to {prices[-1]:,.8g}"
            other = ("asks", "bids")[s]
            side: Side = "bid" if s == 0 else "ask"
            done = (
                "taken out"
                if self.repair
                else "the snapshots are not used, since their mid is unknown; --repair takes the levels out"
            )
            self.log.add(
                "phantom",
                "repaired" if self.repair else "refused",
                f"crossed book: {len(prices)} {name} levels at {where} stay as they were while the {other} trade "
                f"through them; {done}",
                side=side,
                times_us=self.times[name],
            )
        if self.times["both"]:
            cure = "" if self.mark is not None else "; --mark FILE may tell"
            why = f"crossed book (best bid at or above best ask), and nothing says which side is stale; not used{cure}"
            self.log.add("crossed", "refused", why, side="both", times_us=self.times["both"])
