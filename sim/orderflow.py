"""Replay of order flow through the matching engine, and the report stream it leaves.

Reading of files is in ``sim.orderfile``; rules and report format are in docs/rulebook.md, clause 10.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from sim.errors import DataError
from sim.kernels.reports import MAX_LINE_BYTES, write_reports
from sim.orderfile import Columns, read_orders
from sim.schema import CANCEL, NEW, OK, REDUCE_ONLY, REPLACE

__all__ = ["Columns", "Replay", "read_orders", "replay"]

CHUNK_MESSAGES = 1 << 16  # between two chances to be interrupted; any size gives the same stream


@dataclass(frozen=True)
class Replay:
    """What a replay came to.

    Attributes
    ----------
    messages, trades, rejects : int
        Messages read, trades printed, messages rejected.
    volume_lots : int
        Lots traded, each trade counted once.
    report_lines : int
        Lines of the report stream.
    sha256 : str
        Of the report stream, lines joined by one line feed.
    engine : MatchingEngine
        As the last message left it.
    """

    messages: int
    trades: int
    rejects: int
    volume_lots: int
    report_lines: int
    sha256: str
    engine: Any


def replay(
    columns: Columns, engine: Any = None, *, self_trade: str = "off", sink: Callable[[bytes], object] | None = None
) -> Replay:
    """Send order flow through an engine.

    Parameters
    ----------
    columns : dict of str to int64 array
        As ``read_orders`` returns them.
    engine : MatchingEngine, optional
        An engine to send to; by default a new one with room for the books and owners of the flow.
    self_trade : str
        Self-trade prevention of the new engine. The flow must name owners for anything but ``off``; without them every
        order has owner 0.
    sink : callable, optional
        Called with consecutive pieces of the report stream, which join to the whole.

    Returns
    -------
    Replay

    Notes
    -----
    The report stream does not say which resting orders self-trade prevention cancelled; the final book shows what is
    left.
    """
    if engine is None:
        engine = _engine_for(columns, self_trade)
    n = len(columns["type"])
    requests = _requests(columns)
    digest = hashlib.sha256()
    trades = volume = rejects = n_lines = 0
    for start in range(0, n, CHUNK_MESSAGES):
        part = slice(start, start + CHUNK_MESSAGES)
        batch = engine.run({name: values[part] for name, values in requests.items()})
        text = _reports(columns["type"][part], columns["qty"][part], batch, start)
        piece = text if start else text[1:]  # every line begins with its line feed
        digest.update(piece)
        if sink is not None:
            sink(piece)
        trades += len(batch.trades)
        volume += int(batch.trades["lots"].sum())
        rejects += int(np.count_nonzero(batch.acks["status"] != OK))
        n_lines += text.count(b"\n")
    return Replay(n, trades, rejects, volume, n_lines, digest.hexdigest(), engine)


def _engine_for(columns: Columns, self_trade: str) -> Any:
    from sim.engine import MatchingEngine

    n = len(columns["type"])
    n_books = int(columns["book"].max()) + 1 if n else 1
    n_owners = int(columns["owner"].max()) + 1 if n else 1
    return MatchingEngine(n_books, self_trade=self_trade, n_owners=n_owners)


def _requests(columns: Columns) -> dict[str, npt.NDArray[np.int64]]:
    """The columns which ``MatchingEngine.run`` takes."""
    kinds = np.array([NEW, CANCEL, REPLACE], np.int64)
    return {
        "type": kinds[columns["type"]],
        "side": columns["side"],
        "kind": columns["tif"],
        "price_ticks": columns["price"],
        "lots": columns["qty"],
        "order_id": columns["order_id"],
        "owner": columns["owner"],
        "book": columns["book"],
        "flags": columns["reduce_only"] * REDUCE_ONLY,
    }


def _reports(types: npt.NDArray[np.int64], lots: npt.NDArray[np.int64], batch: Any, first_seq: int) -> bytes:
    if len(batch.acks) != len(types):
        raise DataError(f"{len(types)} messages got {len(batch.acks)} answers; trigger orders have no report lines")
    out = np.empty(MAX_LINE_BYTES * (2 * len(types) + len(batch.trades)), np.uint8)
    written = write_reports(types, lots, batch.acks, batch.trades, np.int64(first_seq), out)
    return out[:written].tobytes()
