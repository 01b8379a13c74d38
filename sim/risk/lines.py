"""Lines of a book of positions, and the file in which a user writes them."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.errors import DataError
from sim.experiments.cases import listing_spec

if TYPE_CHECKING:
    from sim.scenario.spec import Spec

KINDS = ("spot", "perp", "etf", "dat", "loan", "cash")
OWN = "own"
"""Venue of what lies with no venue: own custody, a bank."""
MOST_LINES = 200
_NEEDED = {
    "spot": ("usd",),
    "perp": ("usd", "side"),
    "etf": ("usd",),
    "dat": ("usd", "beta"),
    "loan": ("usd", "debt", "call_ltv", "liquidation_ltv"),
    "cash": ("usd",),
}


@dataclass(frozen=True)
class Line:
    """One line: what is held, where, and with which money behind it.

    Attributes
    ----------
    name : str
    kind : str
        One of ``KINDS``.
    usd : float
        Value at the start, USD above 0: of a perp its notional, of a loan its collateral.
    listing : str, optional
        Market whose prices it follows; the first, or the scenario's own, when not given.
    venue : str
        Where it lies: exchange, or ``OWN``.
    side : int
        +1 long, -1 short.
    leverage : float
        Of a perp: notional over the money behind it at the start.
    collateral : float
        Of a perp: that money, USD; ``usd / leverage``.
    mode : str
        Of a perp: ``isolated`` (this money alone) or ``cross`` (topped up from cash at the venue and, transfers
        willing, elsewhere).
    hedge : str
        Group of lines that hedge each other; empty for none.
    beta : float
        Of shares: return for a unit of the coin's.
    debt, call_ltv, liquidation_ltv, penalty : float
        Of a loan: USD owed; debt over collateral at which a call comes and at which collateral is sold; share of the
        debt that the sale costs.
    """

    name: str
    kind: str
    usd: float
    listing: str | None = None
    venue: str = OWN
    side: int = 1
    leverage: float = 1.0
    collateral: float = 0.0
    mode: str = "isolated"
    hedge: str = ""
    beta: float = 1.0
    debt: float = 0.0
    call_ltv: float = 0.0
    liquidation_ltv: float = 0.0
    penalty: float = 0.0

    def plain(self) -> dict[str, Any]:
        """As JSON holds it."""
        return asdict(self)


COLUMNS = tuple(field.name for field in fields(Line))


def venue_of(spec: Spec, listing: str | None) -> str:
    """Exchange of a listing; the venue profile of a market of its own."""
    if not spec.listings:
        return str(spec.venue)
    return str(spec.listings[listing or next(iter(spec.listings))].exchange)


def checked(line: Line, spec: Spec, where: str = "") -> Line:
    """A line that the scenario can hold, with venue and money filled in.

    Parameters
    ----------
    line : Line
    spec : Spec
    where : str
        File and line, for the sentence.

    Raises
    ------
    DataError
        With what is wrong and what to write instead.
    """
    from sim.thresholds import tier_table
    from sim.venues.profile import load_profile

    def refuse(why: str) -> DataError:
        return DataError(f"{where}{line.name}: {why}")

    try:
        one = listing_spec(spec, line.listing)
    except Exception as error:
        raise refuse(str(error)) from None
    venue = line.venue
    if line.kind in ("perp", "spot") and not getattr(one.market, line.kind):
        raise refuse(f"{line.listing or spec.name} has no {line.kind} book")
    if line.kind == "perp":
        home = venue_of(spec, line.listing)
        if venue not in (OWN, home):
            raise refuse(f"a perp lies where it is listed, on {home}, not on {venue}: leave venue empty")
        venue, profile = home, load_profile(one.venue)
        if profile.contract != "linear":
            raise refuse("its contract is coin-margined: positions in it are not offered, take a linear listing")
        tiers = tier_table(profile.margin_tiers)
        most = float(tiers.max_leverage[tiers.row(_one(line.usd))][0])
        if not 1.0 <= line.leverage <= most:
            raise refuse(f"leverage {line.leverage:g}: {home} allows 1 to {most:g} for ${line.usd:,.0f}")
    values = {**line.plain(), "venue": venue, "collateral": line.usd / line.leverage if line.kind == "perp" else 0.0}
    return Line(**values)


def _one(value: float) -> Any:
    import numpy as np

    return np.array([value])


def read_book(path: str | Path, spec: Spec) -> list[Line]:
    """Read a book from a CSV file.

    Parameters
    ----------
    path : str or Path
        Columns ``kind`` and ``usd``, and of ``Line`` what a kind needs; empty cells take the default.
    spec : Spec
        Scenario whose listings and venues the lines name.

    Returns
    -------
    list of Line

    Raises
    ------
    DataError
        With file, line and cure.
    """
    try:
        with Path(path).open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            head, rows = list(reader.fieldnames or []), list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path}: cannot be read as a CSV file: {error}") from None
    unknown = [name for name in head if name not in COLUMNS]
    if unknown or not {"kind", "usd"} <= set(head):
        what = f"unknown column {unknown[0]!r}" if unknown else "no column kind and usd"
        raise DataError(f"{path}: line 1: {what}; columns are {', '.join(COLUMNS)}")
    if not 1 <= len(rows) <= MOST_LINES:
        raise DataError(f"{path}: {len(rows)} lines: give 1 to {MOST_LINES}")
    found: dict[str, Line] = {}
    for number, row in enumerate(rows, 2):
        where = f"{path}: line {number}: "
        if None in row or None in row.values():
            raise DataError(f"{where}{len(head)} cells are asked for; check the commas")
        line = checked(_parsed(row, number, where), spec, where)
        if line.name in found:
            raise DataError(f"{where}{line.name!r} is named twice: give each line a name of its own")
        found[line.name] = line
    venues = {OWN, *(venue_of(spec, name) for name in spec.listings or [None])}
    for number, line in enumerate(found.values(), 2):
        if line.venue not in venues:
            known = ", ".join(sorted(venues))
            raise DataError(f"{path}: line {number}: venue {line.venue!r} is not in {spec.name}: {known}")
    return list(found.values())


def _parsed(row: Mapping[str, str], number: int, where: str) -> Line:
    cells = {key: value.strip() for key, value in row.items() if value.strip()}
    kind = cells.get("kind", "").lower()
    if kind not in KINDS:
        raise DataError(f"{where}kind is {kind!r}: one of {', '.join(KINDS)}")
    missing = [name for name in _NEEDED[kind] if name not in cells]
    if missing:
        raise DataError(f"{where}a {kind} needs {' and '.join(missing)}")
    values: dict[str, Any] = {"name": cells.get("name", f"{kind}_{number}"), "kind": kind}
    for name in ("listing", "hedge"):
        if name in cells:
            values[name] = cells[name]
    values["venue"] = cells.get("venue", OWN)
    values["mode"] = cells.get("mode", "isolated").lower()
    if values["mode"] not in ("isolated", "cross"):
        raise DataError(f"{where}mode is {values['mode']!r}: isolated or cross")
    sides = {"long": 1, "short": -1}
    side = cells.get("side", "long").lower()
    if side not in sides or (side == "short" and kind not in ("perp", "spot")):
        raise DataError(f"{where}side is {side!r}: long, or short of a perp or of borrowed coins (spot)")
    values["side"] = sides[side]
    for name in ("usd", "leverage", "collateral", "beta", "debt", "call_ltv", "liquidation_ltv", "penalty"):
        if name in cells:
            values[name] = _number(cells[name], name, where)
    return _sound(values, where)


def _sound(values: dict[str, Any], where: str) -> Line:
    if kinds := [n for n in ("usd", "leverage", "collateral", "debt") if n in values and not values[n] > 0.0]:
        raise DataError(f"{where}{kinds[0]} is {values[kinds[0]]:g}: a number above 0; a short is side short")
    if values["kind"] == "perp":
        if ("leverage" in values) == ("collateral" in values):
            raise DataError(f"{where}a perp needs either leverage or collateral, the money behind it in USD")
        if "collateral" in values:
            values["leverage"] = values["usd"] / values["collateral"]
    if values["kind"] == "loan":
        ltv = values["debt"] / values["usd"]
        if not 0.0 < ltv <= values["call_ltv"] <= values["liquidation_ltv"] <= 1.0:
            raise DataError(
                f"{where}debt is {ltv:.3g} of the collateral: that, call_ltv and liquidation_ltv rise in this order, "
                "none above 1"
            )
        if not 0.0 <= values.get("penalty", 0.0) < 1.0:
            raise DataError(f"{where}penalty is {values['penalty']:g}: a share from 0 to below 1")
    return Line(**values)


def _number(text: str, name: str, where: str) -> float:
    from sim.settings.parsing import parse_money

    try:
        found = float(text)
    except ValueError:
        try:
            found = float(parse_money(text))
        except Exception:
            raise DataError(f"{where}{name} is {text!r}: a number, such as 5000000 or $5m") from None
    if not math.isfinite(found):
        raise DataError(f"{where}{name} is {text!r}: a finite number")
    return found


def lines_of(rows: Sequence[Mapping[str, Any]]) -> list[Line]:
    """Lines from their plain form."""
    return [Line(**row) for row in rows]
