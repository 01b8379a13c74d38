"""The measure ``book``: a firm's lines in a run, and what the run shows of some books.

Arguments, plain JSON: ``lines`` (``Line.plain``), ``books`` (``key``, ``listing``, ``book``, ``horizon_s``),
``buffer``, ``transfer_s``, ``halts`` (``sim.risk.firm.halts_of``), ``begin_s`` (when positions are in place and looking
begins), ``until_s`` and ``every_s``. One run a seed; without a perp among the lines no price moves.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.experiments.measures import Arguments, Measure
from sim.metrics.position import Held, liquidation_usd
from sim.risk.books import Book, book_columns
from sim.risk.firm import ENTRY_SLICES, Firm
from sim.risk.lines import OWN, Line, lines_of

if TYPE_CHECKING:
    from sim.results.run import Run
    from sim.runner import Scenario

NEVER = float("nan")
_OF_LINE = {
    "loss": ("USD", "loss of the line, money given to it counted as its own"),
    "entered": ("fraction", "coins in place when it is measured, over those asked"),
    "called_s": ("s", "time of the first call; empty: none"),
    "asked": ("USD", "most cash that it lacked to be at its call level, earlier calls met"),
    "forced_s": ("s", "time of the first forced order; empty: not liquidated"),
    "forced_share": ("fraction", "coins closed by force or taken over, over those in place"),
    "fee": ("USD", "clearance fees of forced orders"),
    "slippage": ("USD", "mark at forced orders against their prices"),
    "lost_margin": ("USD", "money lost with a takeover, or by the sale of a loan's collateral"),
    "adl_share": ("fraction", "coins closed by deleveraging over those in place"),
    "adl": ("USD", "coins closed by deleveraging, at the mark of the next look"),
    "worst_room": ("fraction", "least room of the mark to the liquidation price at the start; below 0: touched"),
}


def hours_of(arguments: Arguments) -> int:
    """Hours that are begun between the first look and the last."""
    return max(1, math.ceil((float(arguments["until_s"]) - float(arguments["begin_s"])) / 3600.0 - 1e-9))


def columns(arguments: Arguments) -> dict[str, tuple[str, str]]:
    """Name to unit and meaning of the numbers."""
    lines = lines_of(arguments["lines"])
    found: dict[str, tuple[str, str]] = {}
    for asked in arguments["books"]:
        found |= book_columns(asked["key"], asked["horizon_s"])
    if not lines:
        return found
    found["loss"] = ("USD", "worth of the book at the start less at the end")
    found["worst_loss"] = ("USD", "largest loss against the start at any look")
    found["start"] = ("USD", "worth of the book when it is in place")
    found["called"] = ("USD", "cash called for over all lines")
    found["trapped"] = ("USD", "most cash missing at a venue that lies elsewhere and cannot come")
    for k in range(hours_of(arguments)):
        found[f"called_h{k:03d}"] = ("USD", f"cash called for in hour {k + 1}")
    for venue in venues_of(lines):
        found[f"venue.{venue}.needed"] = ("USD", f"most cash missing on {venue}, beyond what lies there")
        found[f"venue.{venue}.alone"] = ("USD", f"cash that calls on {venue} ask beyond what lay there, nothing sent")
        found[f"venue.{venue}.held_end"] = ("USD", f"worth held on {venue} at the end")
        found[f"venue.{venue}.held_start"] = ("USD", f"worth held on {venue} at the start")
        found[f"venue.{venue}.held_most"] = ("USD", f"largest worth held on {venue}")
    for group in groups_of(lines):
        found[f"hedge.{group}.adl"] = ("USD", "coins of the group closed by deleveraging")
        found[f"hedge.{group}.gap"] = ("USD", "largest change of the group's net coins at their price")
    for line in lines:
        found |= {f"line.{line.name}.{name}": said for name, said in _OF_LINE.items()}
    return found


def venues_of(lines: Sequence[Line]) -> list[str]:
    """Venues of a book, own custody among them."""
    return sorted({line.venue for line in lines} | {OWN})


def groups_of(lines: Sequence[Line]) -> list[str]:
    """Hedge groups of a book."""
    return sorted({line.hedge for line in lines if line.hedge})


def make(scenario: Scenario, seed: int, arguments: Arguments) -> tuple[Run, dict[str, float]]:
    """Run a scenario once with the book in it.

    Parameters
    ----------
    scenario : Scenario
    seed : int
    arguments : mapping
        As the module says.

    Returns
    -------
    Run, dict
        The run, and a number for each of ``columns``; NaN where it has none.
    """
    from sim.results.manifest import now_utc
    from sim.results.run import Origin
    from sim.results.summary import Timing
    from sim.runner import finished

    started, wall, cpu = now_utc(), time.perf_counter(), time.process_time()
    live, spec = scenario.live(seed), scenario.spec
    lines = lines_of(arguments["lines"])
    firm = Firm(live, spec, lines, arguments) if lines else None
    books = [Book(live, asked) for asked in arguments["books"]]
    begin_s, until_s = float(arguments["begin_s"]), float(arguments["until_s"])
    if firm is not None and firm.holders:
        for k in range(ENTRY_SLICES):
            live.run_until(begin_s * k / ENTRY_SLICES)
            for holder in firm.holders.values():
                holder.enter(ENTRY_SLICES - k)
    live.run_until(begin_s)
    if firm is not None:
        firm.begin()
    rooms = _rooms(firm)
    for now_s in looks_of(arguments):
        live.run_until(now_s)
        if firm is not None:
            firm.look(now_s)
            _narrow(firm, rooms)
        for book in books:
            book.look(now_s)
    live.run_until(spec.duration if not spec.listings else until_s)
    found: dict[str, float] = dict.fromkeys(columns(arguments), NEVER)
    for book in books:
        found |= book.numbers()
    if firm is not None:
        found |= _firm_numbers(firm, arguments, rooms)
    timing = Timing(time.process_time() - cpu, time.perf_counter() - wall, started, now_utc())
    run = finished(live, timing, Origin(scenario.resolved, scenario.overrides))
    if firm is not None:
        for line in lines:
            if line.kind == "perp":
                whose = run.listings[line.listing] if line.listing and run.listings else run
                found |= _forced(line, firm.holders[line.name].owner, whose)
    return run, found


def looks_of(arguments: Arguments) -> list[float]:
    """Times of the looks, seconds from the start; the first is ``begin_s``, the last ``until_s``."""
    begin_s, until_s, every_s = (float(arguments[name]) for name in ("begin_s", "until_s", "every_s"))
    n = math.ceil((until_s - begin_s) / every_s - 1e-9)
    return [begin_s + k * every_s for k in range(n)] + [until_s]


def _rooms(firm: Firm | None) -> dict[str, list[float]]:
    """Of each perp: its side, liquidation price at the start, and least room so far."""
    if firm is None:
        return {}
    found = {}
    for name, h in firm.holders.items():
        mark, side = firm.price(h.line), h.line.side
        held = Held(side, max(h.entered, h.market.lot_coin) * mark, h.entered * mark / h.line.collateral or 1.0)
        found[name] = [side, liquidation_usd(held, mark, firm.tiers[name]), math.inf]
    return found


def _narrow(firm: Firm, rooms: dict[str, list[float]]) -> None:
    for line in firm.lines:
        if line.kind == "perp":
            room = rooms[line.name]
            here = room[0] * (1.0 - room[1] / firm.price(line))
            room[2] = min(room[2], here) if math.isfinite(here) else room[2]


def _firm_numbers(firm: Firm, arguments: Arguments, rooms: dict[str, list[float]]) -> dict[str, float]:
    seen, lines = firm.seen, firm.lines
    value, called, time_s = np.array(seen.value), np.array(seen.called), np.array(seen.time_s)
    found: dict[str, float] = {"start": float(value[0]), "loss": float(value[0] - value[-1])}
    found |= {"worst_loss": float(value[0] - value.min()), "called": float(called.sum())}
    found["trapped"] = float(max(seen.trapped))
    hour = np.minimum((time_s - time_s[0]) // 3600.0, hours_of(arguments) - 1).astype(np.int64)
    for k in range(hours_of(arguments)):
        found[f"called_h{k:03d}"] = float(called[hour == k].sum())
    for venue in firm.venues:
        held = np.array(seen.held[venue])
        found[f"venue.{venue}.needed"] = float(max(seen.need[venue]))
        found |= {f"venue.{venue}.held_start": float(held[0]), f"venue.{venue}.held_most": float(held.max())}
        found[f"venue.{venue}.held_end"] = float(held[-1])
        there = [x for x in lines if x.venue == venue]
        asked = sum(firm.asked[x.name] for x in there if x.mode == "cross" or x.kind == "loan")
        found[f"venue.{venue}.alone"] = max(0.0, asked - sum(x.usd for x in there if x.kind == "cash"))
    for group, net in seen.gap.items():
        mine = [x for x in lines if x.hedge == group]
        found[f"hedge.{group}.adl"] = sum(firm.broken[x.name] for x in mine)
        found[f"hedge.{group}.gap"] = float(np.abs(np.array(net) - net[0]).max())
    for line in lines:
        found |= {f"line.{line.name}.{k}": v for k, v in _line_numbers(firm, line, rooms).items()}
    return found


def _line_numbers(firm: Firm, line: Line, rooms: dict[str, list[float]]) -> dict[str, float]:
    name, given = line.name, firm.given[line.name]
    start = line.usd - line.debt if line.kind == "loan" else line.side * line.usd
    if line.kind == "perp":
        start = line.collateral
    found = {"loss": 0.0 if line.kind == "cash" else start + given - firm.worth(line), "asked": firm.asked[name]}
    found |= {"called_s": firm.called_s[name], "lost_margin": firm.lost[name]}
    if line.kind == "perp":
        holder = firm.holders[name]
        entered = holder.entered
        found["entered"] = entered / abs(holder.wanted)
        found["adl"] = firm.broken[name]
        found["worst_room"] = rooms[name][2]
        if entered:
            found |= {"adl_share": holder.adl_coins / entered, "forced_share": holder.forced_coins / entered}
    return found


def _forced(line: Line, owner: int, run: Run) -> dict[str, float]:
    """Costs of a liquidation, from the events of the account."""
    events = run.events[run.events["account"] == owner]
    series = run.series
    row = np.searchsorted(series["elapsed_s"], events["elapsed_s"].to_numpy(), "left") - 1  # the last row before it
    marks = series["mark_usd"].to_numpy()[np.maximum(row, 0)]
    coins, price, cash = (events[c].to_numpy(dtype=np.float64) for c in ("quantity_btc", "price_usd", "cash_usd"))
    kind = events["kind"].to_numpy()
    forced, taken = kind == "forced_order", kind == "takeover"
    key = f"line.{line.name}"
    found = {f"{key}.fee": float(cash[forced].sum())}
    found[f"{key}.slippage"] = float((coins * (price - marks))[forced].sum())
    found[f"{key}.lost_margin"] = float(np.maximum(0.0, cash + coins * marks)[taken].sum())
    when = events["elapsed_s"].to_numpy()[forced | taken]
    found[f"{key}.forced_s"] = float(when.min()) if when.size else NEVER
    return found


MEASURE = Measure(columns, make)


def arguments_of(spec: Any, lines: Sequence[Line], books: Sequence[dict[str, Any]] = (), **more: Any) -> dict[str, Any]:
    """Arguments of the measure for a scenario.

    Parameters
    ----------
    spec : Spec
    lines : sequence of Line
        Checked.
    books : sequence of dict
    **more
        ``buffer`` (2), ``transfer_s`` (of the scenario's bridge firms), ``halts`` (of the scenario), ``begin_s``
        (a minute), ``until_s`` (the end), ``every_s`` (10 s, or what makes 2,000 looks).
    """
    from sim.risk.firm import halts_of, transfer_time

    begin_s = float(more.get("begin_s", 60.0))
    until_s = float(more.get("until_s", spec.duration))
    every_s = max(10.0, math.ceil((until_s - begin_s) / 2000.0), spec.tick)
    found = {"buffer": 2.0, "transfer_s": transfer_time(spec), "halts": halts_of(spec), "every_s": every_s}
    found |= {"begin_s": begin_s, "until_s": until_s}
    found |= {key: value for key, value in more.items() if value is not None}
    return {"kind": "book", "lines": [line.plain() for line in lines], "books": [dict(b) for b in books], **found}
