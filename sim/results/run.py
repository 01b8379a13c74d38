"""A finished run: tables in human units, a summary, hashes; it plots, reports and saves itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from sim.results import coupled, frames, manifest, markets, storage
from sim.results import folder as folders
from sim.results.summary import Timing, over_listings, summarise
from sim.scenario.spec import Spec
from sim.scenario.write import spec_to_dict

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from sim.network.ended import Ended
    from sim.recorder import RunArrays

    Part = pd.DataFrame | Callable[[], pd.DataFrame]

TABLES = ("series", "bands", "events", "accounts")
Ledgers = Mapping[str, list[dict[str, Any]]]
"""Rows of each institution's ledger, in human units."""
LISTINGS = "listings"  # folder of the tables of all listings
LEDGERS = "ledgers"  # folder of the institutions' books
BETWEEN = ("transit", "stakes")
"""Tables of what lies between the listings of a network."""


class Tables:
    """The four tables of a run, in human units: a named tuple whose members are made when they are first looked at.

    Until then the raw rows are kept, which a network has in a file and not in memory; afterwards the table alone.
    """

    def __init__(self, series: Part, bands: Part, events: Part, accounts: Part) -> None:
        """Each a table, or what makes it."""
        self._parts = dict(zip(TABLES, (series, bands, events, accounts), strict=True))

    def _made(self, name: str) -> pd.DataFrame:
        part = self._parts[name]
        if callable(part):
            part = self._parts[name] = part()
        return part

    @property
    def series(self) -> pd.DataFrame:
        """One row each recorded interval."""
        return self._made("series")

    @property
    def bands(self) -> pd.DataFrame:
        """Book profile: coins in bands by distance from mid."""
        return self._made("bands")

    @property
    def events(self) -> pd.DataFrame:
        """Forced orders, takeovers, fund sales, shocks."""
        return self._made("events")

    @property
    def accounts(self) -> pd.DataFrame:
        """Accounts that were touched."""
        return self._made("accounts")

    def __iter__(self) -> Iterator[pd.DataFrame]:
        """The tables in the order of ``TABLES``."""
        return map(self._made, TABLES)

    def __reduce__(self) -> tuple[Any, ...]:
        """A pickle holds the tables."""
        return Tables, tuple(self)

    def _asdict(self) -> dict[str, pd.DataFrame]:
        return dict(zip(TABLES, self, strict=True))

    def _replace(self, **changes: pd.DataFrame) -> Tables:
        return Tables(**{**self._parts, **changes})


@dataclass(frozen=True)
class Origin:
    """Where a run comes from: the resolved scenario, venue profile and data hashes, and what was changed by hand."""

    resolved: Mapping[str, Any]
    overrides: tuple[str, ...] = ()
    audited: bool = False
    code: Mapping[str, Any] = field(default_factory=manifest.code)

    def run_id(self, seeds: tuple[int, ...]) -> str:
        """Twelve hex digits: hash of (resolved scenario, seeds, kernel hash at the time of the run)."""
        return manifest.run_id(self.resolved, seeds, self.code["kernel_sha256"])

    def manifest(self, seeds: tuple[int, ...]) -> dict[str, Any]:
        """Part of the manifest that is known before the run; no user name, no path of this machine, no environment."""
        return {
            "schema": folders.SCHEMA,
            **self.code,
            "run_id": self.run_id(seeds),
            "resolved": storage.plain(self.resolved),
            "resolved_sha256": manifest.text_hash(self.resolved),
            "overrides": list(self.overrides),
            "seeds": list(seeds),
            "audited": self.audited,
        }


@dataclass(frozen=True)
class Run:
    """One scenario, one seed, finished.

    Attributes
    ----------
    spec : Spec
        The scenario as it was run.
    seed : int
        Key of all random draws.
    tables : Tables
        ``series``, ``bands``, ``events`` and ``accounts`` in human units; also reachable as attributes of the run.
    constants : dict
        ``tick_usd``, ``lot_coin`` and what else the market reports.
    hashes : dict
        SHA-256 of the raw arrays and of the final state: equal hashes are equal runs, bit for bit.
    timing : Timing
        Cost in seconds.
    origin : Origin
        What went in.
    listings : mapping
        Of a scenario with listings: name to the run of each listing, the first one's tables being this run's own.
    between : mapping
        Of such a scenario: ``transit`` (what bridge firms had on its way each minute) and ``stakes`` (what owners who
        were liquidated had at the start and at the end).
    ledgers : mapping
        Books of the scenario's institutions: name ("etf") to one row for everything that it did; empty without them.
    """

    spec: Spec
    seed: int
    tables: Tables
    constants: dict[str, Any]
    hashes: dict[str, str]
    timing: Timing
    origin: Origin
    listings: Mapping[str, Run] = field(default_factory=dict)
    between: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    ledgers: Mapping[str, pd.DataFrame] = field(default_factory=dict)

    @classmethod
    def of_network(cls, ended: Ended, timing: Timing, origin: Origin) -> Run:
        """Make a run of what a network leaves: that of the first listing, with the run of every listing in
        ``listings``. The rows of each listing are given up when its tables are made.
        """
        spec, hashes_of = ended.spec, ended.state_hashes
        runs = {}
        for name, one in ended.specs.items():
            arrays, ledgers = ended.arrays.pop(name), ended.ledgers.get(name)
            make = partial(coupled.table_of, ended.spool, ended.watched, name)
            runs[name] = cls.from_arrays(one, ended.seed, arrays, hashes_of[name], timing, origin, ledgers, make)
            ended.spool.release()
        books = {name: table for run in runs.values() for name, table in run.ledgers.items()}
        first = next(iter(runs.values()))
        hashes = first.hashes | {"listings": manifest.text_hash([runs[name].hashes for name in runs])}
        hashes["state"] = manifest.text_hash(dict(hashes_of))
        exchanges = list(dict.fromkeys(listing.exchange for listing in spec.listings.values()))
        between = {
            "transit": coupled.transit_frame(ended.watched, exchanges, spec.start_utc),
            "stakes": coupled.stakes_frame(ended.watched, list(runs)),
        }
        return cls(spec, ended.seed, first.tables, first.constants, hashes, timing, origin, runs, between, books)

    @classmethod
    def from_arrays(
        cls, spec: Spec, seed: int, arrays: RunArrays, state_hash: str, timing: Timing, origin: Origin,
        ledgers: Ledgers | None = None, make: Callable[..., pd.DataFrame] = frames.table_of,
    ) -> Run:  # fmt: skip
        """Make a run of what ``Market.collect``, ``state_hash`` and ``ledgers`` give; ``make`` makes a table as
        ``frames.table_of`` does.
        """
        start, constants = spec.start_utc, dict(arrays.constants)
        tables = Tables(*(partial(make, name, getattr(arrays, name), constants, start) for name in TABLES))
        hashes = {name: manifest.array_hash(getattr(arrays, name)) for name in TABLES}
        hashes["state"] = state_hash
        if ledgers:
            hashes["ledgers"] = manifest.text_hash(ledgers)
        books = {name: frames.ledger_frame(rows, start) for name, rows in (ledgers or {}).items()}
        return cls(spec, seed, tables, constants, hashes, timing, origin, ledgers=books)

    @property
    def series(self) -> pd.DataFrame:
        """One row each recorded interval."""
        return self.tables.series

    @property
    def bands(self) -> pd.DataFrame:
        """Book profile: coins in bands by distance from mid."""
        return self.tables.bands

    @property
    def events(self) -> pd.DataFrame:
        """Forced orders, takeovers, fund sales, shocks."""
        return self.tables.events

    @property
    def accounts(self) -> pd.DataFrame:
        """Accounts that were touched."""
        return self.tables.accounts

    @cached_property
    def summary(self) -> dict[str, Any]:
        """The run in a handful of numbers; names end in their unit, shares and drops are fractions."""
        own = summarise(self.series, self.spec, self.timing)
        if not self.listings:
            return own
        each = own | over_listings({name: run.summary for name, run in self.listings.items()})
        return each | markets.numbers(self) if self.between else each

    @cached_property
    def run_id(self) -> str:
        """Twelve hex digits: hash of (resolved scenario, seed, kernel hash)."""
        return self.origin.run_id((self.seed,))

    def plot(self) -> Figure:
        """Price figure: mark, news value and, where the scenario names one, the recorded path."""
        from sim.report import figures, recorded

        return figures.price_figure((self,), self.run_id, recorded.load_recorded(self.spec))

    def report(self, path: str | Path) -> Path:
        """Write the one-page HTML report and return its path."""
        from sim.report import page

        return page.write_page((self,), self.run_id, path)

    def save(self, folder: str | Path, *, force: bool = False, report: bool = True) -> Path:
        """Write the run folder, whole or not at all.

        Parameters
        ----------
        folder : path
            The folder itself; ``sim.results.run_folder`` makes the usual name.
        force : bool
            Replace a run folder that is there.
        report : bool
            Also write ``report.html`` and ``figures/``.
        """
        files = self.files()
        files["scenario.resolved.yaml"] = storage.yaml_bytes(spec_to_dict(self.spec))
        if report:
            from sim.report import page

            files |= page.page_files((self,), self.run_id)
        return folders.write_folder(Path(folder), files, self.manifest(), force)

    def files(self, run_id: str = "") -> dict[str, bytes]:
        """Make the data files of the run folder: its tables, those of listings and ledgers, and ``summary.json``."""
        tables = zip(TABLES, self.tables, strict=True)
        files = {f"{name}.parquet": storage.parquet_bytes(table, run_id or self.run_id) for name, table in tables}
        for name in TABLES if self.listings else ():
            files[f"{LISTINGS}/{name}.parquet"] = storage.parquet_bytes(self.of_listings(name), run_id or self.run_id)
        for name, table in self.between.items():
            files[f"{LISTINGS}/{name}.parquet"] = storage.parquet_bytes(table, run_id or self.run_id)
        for name, table in self.ledgers.items():
            files[f"{LEDGERS}/{name}.parquet"] = storage.parquet_bytes(table, run_id or self.run_id)
        return files | {"summary.json": storage.json_bytes(self.summary)}

    def of_listings(self, table: str) -> pd.DataFrame:
        """One table of every listing, one under the other, with the listing's name in the first column.

        Parameters
        ----------
        table : {"series", "bands", "events", "accounts"}
        """
        parts = {name: getattr(run, table) for name, run in self.listings.items()}
        whole: pd.DataFrame = pd.concat([part.assign(listing=name) for name, part in parts.items()], ignore_index=True)
        whole.insert(0, "listing", whole.pop("listing"))
        return whole

    def manifest(self) -> dict[str, Any]:
        """Content of ``manifest.json`` but for the file hashes."""
        origin = self.origin
        return {
            "kind": "run",
            **origin.manifest((self.seed,)),
            "sources": self.spec.sources.model_dump(mode="json"),
            "runs": {str(self.seed): self.record()},
            "status": "complete",
        }

    def record(self) -> dict[str, Any]:
        """Entry of this seed in a manifest; of each listing its hashes and constants."""
        own = {"result_sha256": self.hashes, "constants": storage.plain(self.constants)}
        each = {
            name: {"result_sha256": run.hashes, "constants": storage.plain(run.constants)}
            for name, run in self.listings.items()
        }
        books = {"ledgers": list(self.ledgers)} if self.ledgers else {}
        return {**own, **self.timing._asdict(), **({"listings": each} if each else {}), **books}

    def to_csv(self, folder: str | Path) -> Path:
        """Write the four tables, and ledgers as ``ledger_<name>``, as CSV files with all digits, ``units.csv`` beside
        them; returns the folder.
        """
        place = Path(folder)
        place.mkdir(parents=True, exist_ok=True)
        tables = self.tables._asdict() | {f"ledger_{name}": table for name, table in self.ledgers.items()}
        for name, table in tables.items():
            (place / f"{name}.csv").write_bytes(storage.csv_bytes(table))
        (place / "units.csv").write_bytes(storage.units_csv_bytes(tables))
        return place

    def _repr_html_(self) -> str:
        from sim.report import tables

        return tables.notebook_table((self,), self.run_id)
