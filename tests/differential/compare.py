"""Runs a flow through the reference engine and the compiled one and compares everything."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from sim.schema import OK, REQUEST
from tests.differential.flow import Flow
from tests.reference.batch import NAMES, Log
from tests.reference.matching import ReferenceEngine

ALWAYS = ("order_id", "filled_lots", "open_lots", "cancelled_lots", "fills_end", "message", "status", "fired")
WHEN_ACCEPTED = ("price_ticks", "side")


def run_flow(
    flow: Flow, engine: Any, n_requests: int, block: int, after_block: Callable[[], None] = lambda: None
) -> None:
    """Send blocks of requests to both; compare answers and trades of each block, then the whole state."""
    for start in range(0, n_requests, block):
        set_positions(flow, engine)
        log = Log(flow.reference)
        requests = []
        for _ in range(min(block, n_requests - start)):
            request = flow.request()
            requests.append(request)
            log.send(request)
        batch = engine.run(as_rows(requests))
        where = f"seed {flow.seed}, block at {start}"
        same_answers(batch, log.batch(), requests, where)
        same_state(engine, flow.reference, flow.n_books, flow.n_owners, where)
        after_block()


def set_positions(flow: Flow, engine: Any) -> None:
    """Give one owner a position in one book, so that reduce-only orders have something to reduce."""
    owner, book = flow.rng.randrange(flow.n_owners), flow.rng.randrange(flow.n_books)
    lots = flow.rng.randint(-400, 400)
    flow.reference.set_position(owner, lots, book)
    engine.set_position(owner, lots, book)


def as_rows(requests: list[tuple[int, ...]]) -> np.ndarray:
    """Request tuples as REQUEST rows."""
    rows = np.zeros(len(requests), REQUEST)
    for name, values in zip(NAMES, zip(*requests, strict=True), strict=True):
        rows[name] = values
    return rows


def same_answers(got: Any, want: Any, requests: list[tuple[int, ...]], where: str) -> None:
    """Every acknowledgement and every trade, field by field; the first that differs is shown with its request."""
    n = min(len(got.trades), len(want.trades))
    for name in want.trades.dtype.names:
        wrong = np.flatnonzero(got.trades[name][:n] != want.trades[name][:n])
        if len(wrong):
            k = wrong[0]
            message = int(min(got.trades["message"][k], want.trades["message"][k]))
            _differ(where, requests, message, f"trade {k} {name}", got.trades[k], want.trades[k])
    n = min(len(got.acks), len(want.acks))
    accepted = want.acks["status"][:n] == OK
    for name in ALWAYS + WHEN_ACCEPTED:
        differs = got.acks[name][:n] != want.acks[name][:n]
        wrong = np.flatnonzero(differs & accepted if name in WHEN_ACCEPTED else differs)
        if len(wrong):
            k = wrong[0]
            _differ(where, requests, int(want.acks["message"][k]), f"ack {k} {name}", got.acks[k], want.acks[k])
    assert len(got.acks) == len(want.acks), where
    assert len(got.trades) == len(want.trades), where


def _differ(where: str, requests: list[tuple[int, ...]], message: int, what: str, got: Any, want: Any) -> None:
    request = dict(zip(NAMES, requests[message], strict=True))
    raise AssertionError(f"{where}: message {message} {request}: {what}\n  got  {got}\n  want {want}")


def same_state(engine: Any, reference: ReferenceEngine, n_books: int, n_owners: int, where: str) -> None:
    """Orders in queue order, depth, best, waiting, last price and positions of every book; the laws of both engines."""
    for book in range(n_books):
        for question in ("orders", "waiting", "best", "last", "depth"):
            got, want = getattr(engine, question)(book), getattr(reference, question)(book)
            assert _plain(got) == _plain(want), f"{where}: {question} of book {book}"
        for owner in range(n_owners):
            assert engine.position(owner, book) == reference.position(owner, book), f"{where}: owner {owner}"
    engine.check()
    reference.check()


def _plain(answer: Any) -> Any:
    """Tuples whatever their class."""
    return [tuple(row) for row in answer] if isinstance(answer, list) else answer
