"""The headline of ``shoal amplify`` on the replay, and what stands beside it; the runs are kept in ``results``."""

import shutil
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path

import pandas as pd

from calibration.experiments.common import OUT, say, write
from sim.experiments.amplify import Answer, amplify
from sim.experiments.depth_grid import ANSWER, Question
from sim.experiments.outcomes import FILE
from sim.experiments.store import write_whole
from sim.report.amplification import figures
from sim.report.style import svg_bytes
from sim.runner import load

PLACE = Path("results")
NEWS = (-0.05, -0.07, -0.09, -0.11, -0.13)
REPLAY = Question("flash_10_11_btc", sizes=NEWS, most_seeds=256)
MOST_SEEDS = 8192
"""Near the threshold of a depth, of the headline: more than its half-width of 0.1 points takes."""
KNOWN = OUT / "amplify_outcomes.csv.gz"
LAYERS = ("visible", "latent", "refill", "all+answer")


def headline(_pool: ProcessPoolExecutor, n: int) -> None:
    """Critical shock at eight depths, seeds added near the threshold: ``shoal amplify flash_10_11_btc --news ...``.

    Outcomes of the committed table are not run again; the table is written anew with what was found.
    """
    wanted = replace(REPLAY, seeds=n, most_seeds=MOST_SEEDS)
    answer = _asked(wanted, KNOWN if KNOWN.exists() else None)
    shutil.copyfile(answer.folder / ANSWER / FILE, KNOWN)
    drawn = figures(answer, answer.fuel)
    for name in ("critical", "phase"):
        write_whole(OUT / f"amplify_{name}.svg", svg_bytes(drawn[name], f"{answer.folder.name[-12:]}-{name}"))
    if answer.taken is not None:
        say(answer.taken._asdict())
    rows = _rows(answer.settings)
    write("amplify_settings.csv", rows, "amplify", n, REPLAY.scenario)
    slopes = {layer: found._asdict() for layer, found in answer.elasticity.items()}
    write("amplify_critical.csv", _rows(answer.critical_shocks), "amplify", n, REPLAY.scenario)
    say({"elasticity": slopes})


def layers(_pool: ProcessPoolExecutor, n: int) -> None:
    """Each layer scaled alone, and the makers' answer scaled with all three, at three depths."""
    wanted = replace(REPLAY, sizes=NEWS[1:4], depths=(1.5, 0.5, 0.2), layers=LAYERS, seeds=n, half_width=0.0)
    answer = _asked(wanted)
    write("amplify_layers.csv", _rows(answer.critical_shocks), "amplify_layers", n, REPLAY.scenario)


def cash(_pool: ProcessPoolExecutor, n: int) -> None:
    """Swing of the critical shock with the judgement it rests on most: all cash that waits to buy, halved, doubled."""
    spec = load(REPLAY.scenario).spec
    now = {"dip_buyer.cash": spec.dip_buyer.cash, "latent.perp_cash": spec.latent.perp_cash,
           "latent.spot_cash": spec.latent.spot_cash}  # fmt: skip
    rows = []
    for factor in (0.5, 1.0, 2.0):
        changes = tuple(f"{name}=${factor * usd:.0f}" for name, usd in now.items()) if factor != 1.0 else ()
        answer = _asked(replace(REPLAY, changes=changes, depths=(1.0,), seeds=n, half_width=0.0))
        rows += [{"cash": factor, **row} for row in _rows(answer.critical_shocks)]
        say(rows[-1])
    write("amplify_cash.csv", rows, "amplify_cash", n, REPLAY.scenario)


def sale(_pool: ProcessPoolExecutor, n: int) -> None:
    """A_flow: cost of a sale in a minute on the calm market, as all depth falls, makers' answer kept and scaled."""
    wanted = Question(
        "calm_btc", shock="flow", sizes=(5e7, 1.5e8, 4.5e8), layers=("all", "all+answer"), seeds=n, horizon_s=1800.0
    )
    write("amplify_flow.csv", _rows(_asked(wanted).settings), "amplify_flow", n, "calm_btc")


def _asked(question: Question, known: Path | None = None) -> Answer:
    return amplify(question, PLACE, lambda line: print(line, flush=True), known)


def _rows(frame: pd.DataFrame) -> list[dict[str, object]]:
    """Rows without what does not apply."""
    return [{str(k): v for k, v in row.items() if not pd.isna(v)} for row in frame.to_dict("records")]
