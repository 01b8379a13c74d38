"""``ingest tiers``: a table of margin tiers becomes a venue profile."""

import csv
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

from sim.errors import DataError
from sim.ingest.findings import Finding, Log
from sim.ingest.fragment import Fragment, comments, entry, place
from sim.ingest.source import open_table, text_of
from sim.scenario.write import yaml_text
from sim.settings.parsing import parse_fraction
from sim.settings.problems import did_you_mean, shown
from sim.venues.profile import load_profile, read_profile

_FLOOR = ("min_notional_usd", "minnotional", "notionalfloor", "min_notional", "notional_floor", "from_usd")
_CAP = ("max_notional_usd", "maxnotional", "notionalcap", "max_notional", "notional_cap", "up_to", "up_to_usd")
_RATE = (
    "mmr",
    "maintenancemarginrate",
    "maintmarginratio",
    "maintenance",
    "maintenance_margin_rate",
    "maint_margin_ratio",
)
_LEVERAGE = ("max_leverage", "maxleverage", "initialleverage", "initial_leverage")
_CUM = ("cum", "maintamt", "maintenance_amount", "maint_amount", "deduction_usd")
_SYMBOL = ("symbol", "instrument", "pair")
_CUM_SLACK_USD = 0.01
"""Maintenance amounts are printed to a cent."""


@dataclass(frozen=True)
class TiersResult:
    """What became of a table of tiers.

    Attributes
    ----------
    profile : dict
        A venue profile as plain data.
    head : tuple of str
        Comment lines for its file.
    findings : tuple of Finding
    remarks : tuple of str
    source : dict
        Entry for ``sources.tiers``.
    """

    profile: dict[str, Any]
    head: tuple[str, ...]
    findings: tuple[Finding, ...]
    remarks: tuple[str, ...]
    source: dict[str, Any]

    def text(self) -> str:
        """The profile's file."""
        return comments(self.head) + yaml_text(self.profile)

    def write(self, path: str | Path, *, force: bool = False) -> Path:
        """Write the profile, once it has been read back without an error.

        Parameters
        ----------
        path : str or Path
            NAME.yaml in the folder that the environment variable SHOAL_VENUES names.
        force : bool
            Replace a file that is there.

        Returns
        -------
        Path

        Raises
        ------
        ScenarioError
            When it is no valid profile: nothing is written then.
        DataError
            When the name is no name of a profile, or the file cannot be written.
        """
        file = Path(path)
        if not re.fullmatch(r"[a-z0-9][a-z0-9_]{0,63}", file.stem):
            raise DataError(f"{path}: the file's name becomes the venue's: use lower-case letters, digits and _")
        return place(file, self.text(), read_profile, force)

    def fragment(self, venue: str, extends: str) -> Fragment:
        """A scenario that uses the profile.

        Parameters
        ----------
        venue : str
            Name of the profile's file without .yaml.
        extends : str
            Scenario that the fragment changes.

        Returns
        -------
        Fragment
        """
        title = f"Margin tiers of {self.source['as_of']}, venue {venue}"
        head = (*self.head, f"SHOAL_VENUES must name the folder of {venue}.yaml.")
        return Fragment(extends, title, head, (f"venue: {venue}",), {"tiers": self.source})

    def plain(self) -> dict[str, Any]:
        """The result as plain data, for JSON."""
        return {"margin_tiers": self.profile["margin_tiers"], "sources": {"tiers": dict(self.source)}}


def tiers(
    path: str | Path,
    *,
    as_of: str,
    symbol: str | None = None,
    base: str = "cex_a",
    tick_usd: float | None = None,
    lot_coin: float | None = None,
) -> TiersResult:
    """Read margin tiers and make a venue profile of them; everything else is that of another profile.

    Parameters
    ----------
    path : str or Path
        CSV (upper edge, maintenance rate, largest leverage; docs/ingest.md), or JSON as Binance or ccxt give it.
    as_of : str
        Day of the table, such as "2024-10-24"; the file does not say it.
    symbol : str, optional
        Which instrument, where the file holds several.
    base : str
        Profile from which books, fees, mark, funding and engine are taken.
    tick_usd, lot_coin : float, optional
        Grid of both books, where it differs from that profile's.

    Returns
    -------
    TiersResult

    Raises
    ------
    DataError
        For what cannot be read, and for tiers with a hole or an overlap.
    """
    log, file = Log(), Path(path)
    rows, sha256 = _rows(file, str(path), symbol)
    table = [_tier(row, where) for row, where in rows]
    table.sort(key=lambda tier: tier["floor"])
    _check(table, str(path), log)
    profile = load_profile(base).model_dump(mode="json")
    profile["title"] = f"{base} with the margin tiers of {file.name}"[:120]
    profile["statement"] = (
        f"A rule set, and no finding about any firm. Margin tiers as of {as_of} from a file of the user's own; "
        "everything else is that of "
        f"the profile {base}."
    )
    profile["margin_tiers"] = [
        {
            "up_to": None if tier["cap"] is None else f"${_plain(tier['cap'])}",
            "maintenance": float(tier["rate"]),
            "max_leverage": float(tier["leverage"]),
        }
        for tier in table
    ]
    for book in ("perp", "spot"):
        profile[book] |= {
            key: value for key, value in (("tick_usd", tick_usd), ("lot_coin", lot_coin)) if value is not None
        }
    named = f" ({symbol})" if symbol else ""
    head = [
        f"Margin tiers from {file.name}{named}, as of {as_of}; books, fees, mark, funding and engine are those of "
        f"{base}.",
        f"SHA-256 of the file: {sha256}",
        *(f"Assumed: {text}" for text in log.remarks),
        *(f"Found: {finding.text()}" for finding in log.findings),
    ]
    source = entry(as_of, f"{file.name}{named}", "", [f"{f.kind} {f.severity}" for f in log.findings], sha256)
    return TiersResult(profile, tuple(head), tuple(log.findings), tuple(log.remarks), source)


def _plain(number: Decimal) -> str:
    return f"{number.normalize():f}"


def _rows(file: Path, name: str, symbol: str | None) -> tuple[list[tuple[Mapping[str, Any], str]], str]:
    """Rows of one instrument as mappings with lower-case keys, each with where it stands; and the file's hash."""
    if file.suffix.lower() == ".json":
        try:
            raw = file.read_bytes()
            data = json.loads(raw.decode("utf-8-sig"), parse_float=Decimal, parse_int=Decimal)
        except OSError as error:
            raise DataError(f"{name}: cannot be read ({error.strerror})") from None
        except (UnicodeDecodeError, json.JSONDecodeError) as error:
            raise DataError(f"{name}: is not JSON in UTF-8 ({error})") from None
        return _of_symbol(_json_tables(data, name), symbol, name), hashlib.sha256(raw).hexdigest()
    table = open_table(file)
    lines = csv.reader(text_of(table).splitlines(), delimiter=table.delimiter)
    by_symbol: dict[str, list[tuple[Mapping[str, Any], str]]] = {}
    for number, cells in enumerate(lines, start=1):
        if number <= table.header_line or not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(table.columns):
            raise table.at(number, f"has {len(cells)} cells, the header has {len(table.columns)}: correct the row")
        row = dict(zip(table.columns, cells, strict=True))
        key = next((row[column].strip() for column in _SYMBOL if column in row), "")
        by_symbol.setdefault(key, []).append((row, f"{name}:{number}"))
    return _of_symbol(by_symbol, symbol, name), table.sha256


def _json_tables(data: Any, name: str) -> dict[str, list[tuple[Mapping[str, Any], str]]]:
    """Binance's list of {symbol, brackets}, ccxt's mapping of symbol to list, or a bare list of tiers."""
    if isinstance(data, list) and data and all(isinstance(item, dict) and "brackets" in item for item in data):
        groups = {str(item.get("symbol", "")): item["brackets"] for item in data}
    elif isinstance(data, dict) and "brackets" in data:
        groups = {str(data.get("symbol", "")): data["brackets"]}
    elif isinstance(data, dict) and data and all(isinstance(item, list) for item in data.values()):
        groups = data
    elif isinstance(data, list) and data:
        groups = {"": data}
    else:
        raise DataError(
            f"{name}: no tiers are found: give [{{symbol, brackets: [...]}}], {{symbol: [...]}} or a list of tiers"
        )
    out: dict[str, list[tuple[Mapping[str, Any], str]]] = {}
    for symbol, brackets in groups.items():
        if not isinstance(brackets, list) or not all(isinstance(row, dict) for row in brackets):
            raise DataError(f"{name}: {symbol or 'the table'}: expected a list of tiers")
        out[symbol] = [
            ({str(key).lower(): value for key, value in row.items()}, f"{name}: {symbol} tier {n}")
            for n, row in enumerate(brackets, start=1)
        ]
    return out


def _of_symbol(
    tables: dict[str, list[tuple[Mapping[str, Any], str]]], symbol: str | None, name: str
) -> list[tuple[Mapping[str, Any], str]]:
    some = ", ".join(sorted(tables)[:8])
    if symbol is not None:
        if symbol not in tables:
            raise DataError(f"{name}: holds no {symbol!r} (there is: {some}){did_you_mean(symbol, tables)}")
        return tables[symbol]
    if len(tables) > 1:
        raise DataError(f"{name}: holds several instruments ({some}): name one with --symbol")
    rows = next(iter(tables.values()), [])
    if not rows:
        raise DataError(f"{name}: holds no tiers")
    return rows


def _tier(row: Mapping[str, Any], where: str) -> dict[str, Any]:
    """One tier in decimals: floor, cap (None: no end), rate, leverage, cum (None: not given)."""
    cap = _number(row, _CAP, where, "upper edge", empty=True)
    return {
        "where": where,
        "floor": _number(row, _FLOOR, where, "lower edge", empty=True) or Decimal(0),
        "has_floor": any(key in row for key in _FLOOR),
        "cap": cap,
        "rate": _rate(row, where),
        "leverage": _number(row, _LEVERAGE, where, "largest leverage"),
        "cum": _number(row, _CUM, where, "maintenance amount", empty=True),
    }


def _number(row: Mapping[str, Any], names: Sequence[str], where: str, what: str, *, empty: bool = False) -> Any:
    key = next((name for name in names if name in row), None)
    value = None if key is None else row[key]
    text = "" if value is None else str(value).strip()
    if not text or text.lower() in ("nan", "null", "none", "inf", "infinity"):
        if empty:
            return None
        raise DataError(f"{where}: no {what}: name it {' or '.join(names[:3])}")
    if not re.fullmatch(r"[+-]?\d+(\.\d*)?([eE][+-]?\d{1,3})?", text):
        raise DataError(f"{where}: {key}: expected a number, got {shown(text)}")
    return Decimal(text)


def _rate(row: Mapping[str, Any], where: str) -> Decimal:
    key = next((name for name in _RATE if name in row), None)
    if key is None:
        raise DataError(f"{where}: no maintenance rate: name it {' or '.join(_RATE[:3])}")
    try:
        rate = Decimal(repr(parse_fraction(str(row[key]).strip())))
    except ValueError as error:
        raise DataError(f"{where}: {key}: {error}") from None
    if not 0 < rate <= 1:
        raise DataError(
            f"{where}: {key}: a rate lies between 0 and 1, got {rate}: write per cent with its sign, 0.4% or 0.004"
        )
    return rate


def _check(table: list[dict[str, Any]], name: str, log: Log) -> None:
    """Refuse holes and overlaps; compare the maintenance amounts given with those that leave no step."""
    if not any(tier["has_floor"] for tier in table):
        table.sort(key=lambda tier: Decimal("Infinity") if tier["cap"] is None else tier["cap"])
    first = table[0]["floor"]
    if first != 0:
        raise DataError(f"{table[0]['where']}: the first tier begins at ${_plain(first)}, not at $0")
    amount = Decimal(0)
    for n, (lower, upper) in enumerate(pairwise(table), start=2):
        if lower["cap"] is None:
            raise DataError(f"{lower['where']}: has no upper edge and is not the last tier")
        if upper["has_floor"] and upper["floor"] != lower["cap"]:
            what = "overlaps" if upper["floor"] < lower["cap"] else "leaves a hole after"
            raise DataError(
                f"{upper['where']}: tier {n} begins at ${_plain(upper['floor'])} and {what} the tier that ends at "
                f"${_plain(lower['cap'])}"
            )
        amount += lower["cap"] * (upper["rate"] - lower["rate"])
        if upper["cum"] is not None and abs(upper["cum"] - amount) > Decimal(repr(_CUM_SLACK_USD)):
            log.add(
                "maintenance_amount",
                "repaired",
                f"{upper['where']}: the table gives a maintenance amount of ${_plain(upper['cum'])}, without a "
                f"step at ${_plain(lower['cap'])} "
                f"it is ${_plain(amount)}; the latter is used",
            )
    if table[-1]["cap"] is not None:
        log.remark(f"positions above ${_plain(table[-1]['cap'])}, the last tier's end, are refused")
    amounts = " ".join(_plain(value) for value in _amounts(table))
    log.remark(f"{len(table)} tiers; maintenance amounts without a step at any edge, USD: {amounts}")


def _amounts(table: list[dict[str, Any]]) -> list[Decimal]:
    out = [Decimal(0)]
    for lower, upper in pairwise(table):
        out.append(out[-1] + lower["cap"] * (upper["rate"] - lower["rate"]))
    return out
