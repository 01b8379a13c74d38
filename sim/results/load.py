"""Run folders read back, after every file was checked against its hash."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from pydantic import ValidationError

from sim.errors import ResultError
from sim.results import storage
from sim.results.ensemble import Ensemble
from sim.results.folder import read_manifest
from sim.results.manifest import CODE
from sim.results.run import BETWEEN, LEDGERS, LISTINGS, TABLES, Origin, Run, Tables
from sim.results.summary import Timing
from sim.scenario.listings import listing_specs
from sim.scenario.spec import Spec


def load_run(folder: str | Path) -> Run | Ensemble:
    """Read a run folder.

    Parameters
    ----------
    folder : path
        As written by ``Run.save``, ``Ensemble.save`` or ``shoal run``.

    Returns
    -------
    Run or Ensemble
        As it was saved, its listings included; nothing is computed again but the summary.

    Raises
    ------
    ResultError
        When a file is missing, altered or written by another layout version.
    """
    place = Path(folder)
    saved = read_manifest(place)
    try:
        spec = Spec.model_validate({**saved["resolved"]["scenario"], "sources": saved.get("sources", {})})
        origin = Origin(
            saved["resolved"], tuple(saved["overrides"]), bool(saved["audited"]), {k: saved[k] for k in CODE}
        )
        seeds = [int(seed) for seed in saved["seeds"]]
        if saved["kind"] == "run":
            return _one(place, spec, seeds[0], saved, origin)
        return Ensemble(tuple(_one(place / "seeds" / str(seed), spec, seed, saved, origin) for seed in seeds))
    except (KeyError, TypeError, IndexError, ValidationError) as error:
        raise ResultError(
            f"{place}: its manifest does not describe a run this version can read ({_brief(error)})"
        ) from error


def _one(place: Path, spec: Spec, seed: int, saved: Mapping[str, Any], origin: Origin) -> Run:
    record = saved["runs"][str(seed)]
    tables = Tables(*(storage.read_parquet((place / f"{name}.parquet").read_bytes()) for name in TABLES))
    timing = Timing(record["cpu_s"], record["wall_s"], record["started_utc"], record["ended_utc"])
    own = spec, seed, tables, dict(record["constants"]), dict(record["result_sha256"]), timing, origin
    books = {
        name: storage.read_parquet((place / LEDGERS / f"{name}.parquet").read_bytes())
        for name in record.get("ledgers", ())
    }
    if not spec.listings:
        return Run(*own, ledgers=books)
    return Run(*own, *_listings(place, spec, seed, record, timing, origin), ledgers=books)


def _listings(
    place: Path, spec: Spec, seed: int, record: Mapping[str, Any], timing: Timing, origin: Origin
) -> tuple[dict[str, Run], dict[str, pd.DataFrame]]:
    """Run of each listing, and the tables of what lies between them."""

    def table(name: str) -> pd.DataFrame:
        return storage.read_parquet((place / LISTINGS / f"{name}.parquet").read_bytes())

    wholes = {name: table(name) for name in TABLES}
    runs = {}
    for name, one in listing_specs(spec).items():
        rows = (whole[whole["listing"] == name].drop(columns="listing") for whole in wholes.values())
        tables = Tables(*(part.reset_index(drop=True) for part in rows))
        kept = record["listings"][name]
        runs[name] = Run(one, seed, tables, dict(kept["constants"]), dict(kept["result_sha256"]), timing, origin)
    return runs, {name: table(name) for name in BETWEEN if (place / LISTINGS / f"{name}.parquet").is_file()}


def _brief(error: Exception) -> str:
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0] if text else ''}"[:160]
