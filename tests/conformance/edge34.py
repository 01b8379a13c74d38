"""Report streams of short message lists, compared line by line and by hash, through ``sim.orderflow``.

A case whose messages are a sentence is written out: ``generate: ids 1..3 SELL 1 @100, then id 4 BUY 3 @100 IOC``.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from sim.orderflow import Columns, replay
from tests.conformance.common import Difference, MakeEngine, SkippedCase, expect

COLUMNS = ("type", "side", "ioc", "qty", "order_id", "price")
CLAUSE = re.compile(
    r"ids? (?P<first>\d+)(?:\.\.(?P<last>\d+))? (?:(?P<cancel>CANCEL)"
    r"|(?P<modify>MODIFY )?(?P<side>BUY|SELL) (?P<qty>\d+) ?@ ?(?P<price>\d+)(?P<ioc> IOC)?)"
)


def recognises(case: dict[str, Any]) -> bool:
    """Whether the case has this pack's shape."""
    return "messages" in case and ("expected_reports" in case or isinstance(case["messages"], list | str))


def written_out(messages: str | list[list[Any]]) -> list[list[Any]]:
    """The message list, or the one that a sentence describes."""
    if not isinstance(messages, str):
        return messages
    rows: list[list[Any]] = []
    for clause in messages.removeprefix("generate:").strip().split(", then "):
        found = CLAUSE.fullmatch(clause.strip())
        if found is None:
            raise SkippedCase(f"message sentence not understood: {clause!r}")
        first, last = int(found["first"]), int(found["last"] or found["first"])
        for order_id in range(first, last + 1):
            if found["cancel"]:
                rows.append(["C", "B", 0, 0, order_id, 0])
            else:
                kind = "M" if found["modify"] else "N"
                ioc = int(bool(found["ioc"]))
                rows.append([kind, found["side"][0], ioc, int(found["qty"]), order_id, int(found["price"])])
    return rows


def columns_of(rows: list[list[Any]]) -> Columns:
    """Message rows as the columns of ``sim.orderflow``."""
    n = len(rows)
    columns = {name: np.array([row[i] for row in rows]) for i, name in enumerate(COLUMNS)}
    zeros = np.zeros(n, np.int64)
    return {
        "type": np.array(["NCM".index(code) for code in columns["type"]], np.int64),
        "side": np.array(["BS".index(code) for code in columns["side"]], np.int64),
        "tif": columns["ioc"].astype(np.int64),
        "qty": columns["qty"].astype(np.int64),
        "order_id": columns["order_id"].astype(np.int64),
        "price": columns["price"].astype(np.int64),
        "owner": zeros,
        "book": zeros,
        "reduce_only": zeros,
    }


def run(case: dict[str, Any], header: dict[str, Any], make_engine: MakeEngine) -> None:
    """Run one case; raises ``Difference`` at the first line that differs."""
    lines: list[bytes] = []
    rows = written_out(case["messages"])
    result = replay(columns_of(rows), make_engine(self_trade="off"), sink=lines.append)
    if case.get("expected_reports") is not None:
        got = b"".join(lines).decode().split("\n") if rows else []
        for number, (have, want) in enumerate(zip(got, case["expected_reports"], strict=False)):
            expect(f"report line {number}", have, want)
        expect("number of report lines", len(got), len(case["expected_reports"]))
    if case.get("sha256"):
        expect("sha256", result.sha256, case["sha256"])
    elif case.get("expected_reports") is None:
        raise Difference("the case states neither report lines nor a hash")
