"""What every experiment shares: one run, thresholds of the longs, statistics as columns, files."""

import csv
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sim.build import build
from sim.metrics.seeds import Median, Share, median_of_seeds
from sim.report.published import made_with
from sim.scenario.load import load_spec

OUT = Path(__file__).resolve().parents[2] / "results" / "published"
OFF = ("leveraged.enabled=false", "market_maker.withdrawal=false")  # the base run of DECISIONS 20: no leverage, no ADL
SHOCK_S, HORIZON_S = 600, 7200  # time of the shock, and how long its outcome is watched (DECISIONS 20)
SCALES = (1.5, 1.0, 0.65, 0.4)
NEWS = (-1.0, -2.0, -3.0)  # per cent, over a minute (DECISIONS 20b: never in one tick)
SALES = (50, 150, 450)  # millions of dollars in 60 s
Changes = tuple[str, ...]


def run(
    scenario: str, changes: Iterable[str], seed: int, pace: float = 1.0
) -> tuple[dict[str, np.ndarray], dict[str, Any], Any]:
    """Recorded columns, constants, and the market itself, of one run; ``pace`` scales the share of visible depth that
    the engine may sell in a second.
    """
    market = build(load_spec(scenario, list(changes)), seed)
    engine = market.state.engine[0]
    engine["slice_share_ppm"] = min(1_000_000, round(pace * int(engine["slice_share_ppm"])))
    arrays = market.run()
    return {name: arrays.series[name] for name in arrays.series.dtype.names}, arrays.constants, market


def thresholds(scenario: str, changes: Iterable[str], seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Last safe mark in dollars, and coins, of every long at the start."""
    market = build(load_spec(scenario, list(changes)), seed)
    accounts = market.state.accounts
    longs = (accounts["leveraged"] != 0) & (accounts["start_lots"] > 0)
    usd = accounts["liquidation_half_ticks"][longs] * 0.5 * market.tick_usd
    return usd, accounts["start_lots"][longs] * market.lot_coin


def forced_btc(series: dict[str, np.ndarray], lot: float) -> float:
    """Coins of longs and shorts that were liquidated: through the book, taken over and deleveraged."""
    names = ("forced_sell_lots", "forced_buy_lots", "takeover_lots", "adl_lots")
    return float(sum(series[name].sum() for name in names)) * lot


def shares(name: str, s: Share) -> dict[str, float]:
    """A share of seeds and its interval as columns."""
    return {f"{name}_share": s.share, f"{name}_low": s.low, f"{name}_high": s.high}


def medians(name: str, m: Median, factor: float = 1.0) -> dict[str, float]:
    """A median over seeds and its interval as columns."""
    return {name: factor * m.median, f"{name}_low": factor * m.low, f"{name}_high": factor * m.high}


def median(name: str, values: np.ndarray) -> dict[str, float]:
    """Median of all seeds with its order-statistic interval."""
    return medians(name, median_of_seeds(values))


def say(row: dict[str, Any]) -> None:
    """Print one row as it is found."""
    print({k: (round(v, 4) if isinstance(v, float) else v) for k, v in row.items()}, flush=True)


def write(file_name: str, rows: Sequence[dict[str, Any]], experiment: str, n: int, scenario: str = "calm_btc") -> None:
    """Write the rows under a head that says what made them.

    Parameters
    ----------
    file_name : str
        File in ``OUT``.
    rows : sequence of dict
        A column may be missing from some rows.
    experiment : str
        Name on the command line.
    n : int
        Seeds: 1 to n.
    scenario : str
        Shipped scenario that the experiment changes.
    """
    head = {
        "command": f"python -m calibration.experiments {experiment} --seeds {n}",
        "seeds": f"1-{n}",
        **made_with(scenario),
    }
    OUT.mkdir(parents=True, exist_ok=True)
    with (OUT / file_name).open("w", newline="", encoding="utf-8") as file:
        file.write(f"# {json.dumps(head)}; scenario outcomes given this model, not a forecast\n")
        writer = csv.DictWriter(file, list(dict.fromkeys(key for row in rows for key in row)), lineterminator="\n")
        writer.writeheader()
        for row in rows:
            writer.writerow({k: (f"{v:.5g}" if isinstance(v, float) else v) for k, v in row.items()})
