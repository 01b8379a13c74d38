"""Impulse responses of the calm market with common random numbers, as one published table: ``shoal impulse``."""

from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from calibration.experiments.common import say, write
from sim.experiments.impulse import SHOWN_S
from sim.experiments.impulse import impulse as respond

PLACE = Path("results")
SCENARIO = "calm_btc"


def impulse_response(_pool: ProcessPoolExecutor, n: int) -> None:
    """Response by size and time with interval and ratio of variances, and its shape; runs are kept in ``results``."""
    found = respond(SCENARIO, seeds=n, out=PLACE)
    table = found.table[found.table["after_s"].isin(SHOWN_S)]
    rows = []
    for row in table.to_dict("records"):
        d = found.decays[row["size"]]
        shape = {"peak_bp": 1e4 * d.peak.value,
                 "peak_after_s": d.peak_after_s.value, "half_life_s": d.half_life_s.value,
                 "left": d.left.value, "traded": found.filled(row["size"])}  # fmt: skip
        rows.append({str(k): v for k, v in row.items()} | shape)
        say(rows[-1])
    write("impulse_response.csv", rows, "impulse_response", n, SCENARIO)
