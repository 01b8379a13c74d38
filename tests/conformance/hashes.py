"""SHA-256 of the whole report stream of an order-flow file.

Files are looked for beside the cases, in ``../data/order_flow`` and under ``$SHOAL_EVIDENCE``.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from sim.orderflow import read_orders, replay
from tests.conformance.common import MakeEngine, SkippedCase, expect


def recognises(case: dict[str, Any]) -> bool:
    """Whether the case has this pack's shape."""
    return {"scenario", "seed", "sha256"} <= case.keys() and isinstance(case.get("messages"), int)


def find_input(name: str, folder: Path | None) -> Path:
    """Path of an order-flow file; raises ``SkippedCase`` when it is nowhere."""
    places = [folder, folder.parent / "data" / "order_flow"] if folder else []
    if "SHOAL_EVIDENCE" in os.environ:
        places.append(Path(os.environ["SHOAL_EVIDENCE"]) / "data" / "order_flow")
    for place in places:
        if place is not None and (place / name).is_file():
            return place / name
    raise SkippedCase(f"order-flow file {name} not found (set SHOAL_EVIDENCE)")


def run(case: dict[str, Any], header: dict[str, Any], make_engine: MakeEngine) -> None:
    """Replay the file of one case and compare the hash."""
    name = case.get("input", "")
    if not name or "/" in name or not name.endswith((".csv", ".xz", ".gz", ".parquet")):
        raise SkippedCase("the order-flow file of this case is not stored")
    columns = read_orders(find_input(name, header.get("folder")))
    expect("messages", len(columns["type"]), case["messages"])
    expect("sha256", replay(columns, make_engine(self_trade="off")).sha256, case["sha256"])
