"""The matching core on synthetic streams (tests/bench/workload.py) and on the public order flow."""

import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from sim import schema as s
from sim.engine import MatchingEngine
from sim.kernels._jit import entry
from sim.kernels.batch import execute, run_messages
from sim.kernels.book import Books
from sim.kernels.memory import allocate_books, memory_bytes
from tests.bench import workload
from tests.bench.clock import timed

TYPES = np.array([s.NEW, s.NEW, s.NEW, s.NEW, s.NEW, s.CANCEL, s.REPLACE], np.uint8)
KINDS = np.array([s.GTC, s.IOC, s.IOC, s.FOK, s.POST, s.GTC, s.GTC], np.uint8)
GOLDEN, MIX_MAKER, MIX_PRICE = (np.uint64(k) for k in (workload.K1, workload.K2, workload.K3))


@entry
def resolve_handles(sides, book, levels, words, pool, far, positions, fills, cursor, messages, acks, ids, handle_of_id):
    """Untimed pass: run the stream once, writing into each cancel and replace the handle its order has by then."""
    bk = Books(sides, book, levels, words, pool, far, positions, fills, cursor)
    for i in range(messages.shape[0]):
        m = messages[i]
        kind = np.int64(m["type"])
        if kind != s.NEW:
            m["handle"] = handle_of_id[ids[i]]
        cursor[0]["message"] = i
        handle, result = execute(bk, m)
        if kind == s.NEW or (kind == s.REPLACE and result >= 0):
            handle_of_id[ids[i]] = handle
        acks[i]["handle"] = handle
        acks[i]["result"] = result


@entry
def agent_loop(sides, book, levels, words, pool, far, positions, fills, cursor, messages, acks, start):
    """One message per call from a compiled loop, as an agent sends them: each is decided on what the last one
    returned.
    """
    bk = Books(sides, book, levels, words, pool, far, positions, fills, cursor)
    open_orders = np.int64(0)
    for i in range(start, messages.shape[0]):
        m = messages[i]
        cursor[0]["message"] = i
        handle, result = execute(bk, m)
        open_orders += np.int64(1) if handle != 0 else np.int64(0)
        acks[i]["handle"] = handle
        acks[i]["result"] = result
    return open_orders


def stream(**options: Any) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """A workload of tests/bench/workload.py, kept in a temporary folder between runs (it takes 10-30 s to make)."""
    name = "_".join(f"{k}{v}" for k, v in sorted(options.items()))
    path = Path(tempfile.gettempdir()) / f"shoal-bench-{os.getuid()}-{name or 'w1'}.npz"
    if not path.exists():
        columns, expected = workload.generate(**options)
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False, suffix=".npz") as file:
            np.savez(file, expected=np.array([expected], object).astype(str), **columns)
        os.replace(file.name, path)
    import ast

    data = np.load(path)
    return {k: data[k] for k in data.files if k != "expected"}, ast.literal_eval(str(data["expected"][0]))


def messages_of(columns: dict[str, np.ndarray]) -> np.ndarray:
    """MESSAGE rows of a workload, handles still empty."""
    kind = columns["type"]
    rows = np.zeros(len(kind), s.MESSAGE)
    rows["type"], rows["kind"] = TYPES[kind], KINDS[kind]
    rows["lots"] = np.maximum(columns["qty"], 1)
    rows["price_ticks"], rows["side"] = columns["price"], columns["side"]
    rows["owner"], rows["book"] = columns["agent"], columns["book"]
    return rows


def fill_hash(fills: np.ndarray, taker_id: np.ndarray, maker_id: np.ndarray) -> str:
    """Order-sensitive hash of the fills as defined in workload.py."""
    h = 0
    mask = (1 << 64) - 1
    mixed = (
        taker_id.astype(np.uint64) * GOLDEN
        + maker_id.astype(np.uint64) * MIX_MAKER
        + fills["price_ticks"].astype(np.uint64) * MIX_PRICE
        + fills["lots"].astype(np.uint64)
    )
    for value in mixed.tolist():
        h = ((h ^ value) * workload.K0) & mask
    return f"{h:016x}"


class Replay:
    """A stream with its handles resolved, and fresh books to replay it through."""

    def __init__(self, messages: np.ndarray, ids: np.ndarray, windows: list[int], capacity: int, stp: int = 0) -> None:
        self.messages, self.windows, self.capacity, self.stp = messages, windows, capacity, stp
        self.acks = np.zeros(len(messages), s.ACK)
        books = self.fresh()
        handle_of_id = np.zeros(int(ids.max()) + 1, np.int64)
        resolve_handles(*books, messages, self.acks, ids, handle_of_id)
        self.n_fills = int(books.cursor["n_fills"][0])
        self.fills = books.fills[: self.n_fills].copy()
        self.bytes_per_book = memory_bytes(books._replace(fills=books.fills[:0])) / len(windows)

    def fresh(self) -> Books:
        """Empty books with every page touched, so that first-touch faults are not timed."""
        books = allocate_books(self.windows, self.capacity, len(self.messages) + self.capacity, 0, self.stp)
        for array in (books.levels, books.fills, books.pool):
            array.view(np.uint8)[:] = 0
        books.cursor["fresh"] = 1
        return books

    def ns(self, kernel: Any = run_messages, repeats: int = 7) -> tuple[float, float]:
        """Median and minimum ns a message."""
        median, least = timed(self.fresh, lambda b: kernel(*b, self.messages, self.acks, np.int64(0)), repeats)
        return median / len(self.messages) * 1e9, least / len(self.messages) * 1e9


def crash_ratio(replay: Replay, repeats: int = 7) -> float:
    """Time a message in the crash phase (60-75 % of the stream) over that before it."""
    n = len(replay.messages)
    at, end = int(0.60 * n), int(0.75 * n)

    def slice_ns(first: int, last: int) -> float:
        def prepare() -> Books:
            books = replay.fresh()
            run_messages(*books, replay.messages[:first], replay.acks, np.int64(0))
            return books

        messages = replay.messages[first:last]
        return timed(prepare, lambda b: run_messages(*b, messages, replay.acks, np.int64(0)), repeats)[0] / len(
            messages
        )

    return slice_ns(at, end) / slice_ns(int(0.30 * n), at)


def flow_with_handles(columns: dict[str, np.ndarray]) -> Replay:
    """The public order flow as MESSAGE rows: N, C, M become new, cancel, replace; self-trade prevention off."""
    kind = columns["type"]
    rows = np.zeros(len(kind), s.MESSAGE)
    rows["type"] = np.array([s.NEW, s.CANCEL, s.REPLACE], np.uint8)[kind]
    rows["kind"], rows["side"] = columns["tif"], columns["side"]
    rows["lots"], rows["price_ticks"] = np.maximum(columns["qty"], 1), columns["price"]
    return Replay(rows, columns["order_id"], [1 << 17], 1 << 16)


def flow_with_ids(columns: dict[str, np.ndarray], repeats: int = 7) -> float:
    """Median ns a message through ``MatchingEngine`` with client ids looked up; building the request rows is not
    timed.
    """
    kind = columns["type"]
    rows = np.zeros(len(kind), s.REQUEST)
    rows["type"] = np.array([s.NEW, s.CANCEL, s.REPLACE], np.uint8)[kind]
    rows["kind"], rows["side"], rows["lots"] = columns["tif"], columns["side"], columns["qty"]
    rows["price_ticks"], rows["order_id"] = columns["price"], columns["order_id"]

    def prepare() -> MatchingEngine:
        engine = MatchingEngine(self_trade="off", window_ticks=1 << 17, capacity=1 << 16)
        engine.reserve(len(rows), 2 * len(rows))
        return engine

    return timed(prepare, lambda engine: engine.run(rows, copy=False), repeats)[0] / len(rows) * 1e9


def deep_queue_ratio(repeats: int = 3) -> float:
    """CPU time of 1,000,000 orders on one level, cancelled at random, over that of 100,000, in ``MatchingEngine``."""

    def seconds(n: int) -> float:
        draw = np.random.default_rng(1)
        rows = np.zeros(2 * n, s.REQUEST)
        rows["type"][n:], rows["price_ticks"], rows["lots"] = s.CANCEL, 100, 1
        rows["order_id"][:n], rows["order_id"][n:] = np.arange(n), draw.permutation(n)

        def prepare() -> MatchingEngine:
            engine = MatchingEngine(self_trade="off", capacity=n + 1)
            engine.reserve(2 * n, n + 2)
            return engine

        def run(engine: MatchingEngine) -> None:
            assert (engine.run(rows, copy=False).acks["status"] == s.OK).all()

        return timed(prepare, run, repeats)[0]

    return seconds(1_000_000) / seconds(100_000)
