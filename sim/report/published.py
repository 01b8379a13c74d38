"""Results of the long experiments, ``results/published``: read with what made them, refused when that has changed."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from sim.kernel_cache import kernel_hash
from sim.metrics.metaorders import Metaorders
from sim.results.manifest import text_hash
from sim.runner import load
from sim.scenario.places import published_dir

IMPACT = "impact.csv"
IMPACT_SCENARIO = "calm_btc"
_CURE = "run 'python -m calibration.experiments impact' in a clone of the repository"


class Published(NamedTuple):
    """One file: what its head says, and its rows as text."""

    head: dict[str, Any]
    rows: list[dict[str, str]]


def made_with(scenario: str) -> dict[str, str]:
    """What a result rests on besides seeds: compiled sources, and the shipped scenario with venue and data files."""
    return {
        "scenario": scenario,
        "scenario_sha256": text_hash(load(scenario).resolved)[:12],
        "kernel_sha256": kernel_hash()[:12],
    }


def read_published(file: Path) -> Published:
    """Read a file that ``calibration.experiments`` wrote; its first line holds the head as JSON before a semicolon.

    Raises
    ------
    ValueError
        When the first line is none.
    OSError
        When it cannot be read.
    """
    first, *rest = file.read_text(encoding="utf-8").splitlines()
    head, _ = json.JSONDecoder().raw_decode(first.removeprefix("# "))
    return Published(head, list(csv.DictReader(rest)))


def metaorders() -> tuple[Metaorders | None, str]:
    """Metaorders of this version, or None with the reason and the cure."""
    file = published_dir() / IMPACT
    if not file.is_file():
        return None, f"needs paired metaorders, not a plain run: {_CURE}"
    try:
        found = read_published(file)
        columns = {
            name: np.array([float(row[name]) for row in found.rows])
            for name in ("hours", "musd", "seeds", "impact_bp", "left_at_2_T")
        }
    except (ValueError, KeyError):
        return None, f"results/published/{IMPACT} is not readable: {_CURE}"
    now = made_with(IMPACT_SCENARIO)
    said = {**now, "kernel_sha256": ""} | found.head  # a head may be silent about the scenario, not about the kernels
    if any(said[key] != value for key, value in now.items()):
        return None, f"results/published/{IMPACT} was made by another version of kernels or scenario: {_CURE}"
    spec = load(IMPACT_SCENARIO).spec
    hours, musd, seeds, impact, left = columns.values()
    return Metaorders(
        hours, musd, seeds, impact, left, spec.market.perp_daily_volume / 1e6, spec.latent.daily_volatility
    ), ""
