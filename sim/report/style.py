"""Colours, sizes and the one way a figure becomes bytes. Colours are Okabe and Ito's, safe for the colour-blind."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from sim.scenario.spec import Spec

SIMULATED, RECORDED, NEWS = "#0072B2", "#000000", "#E69F00"
SEED = "#56B4E9"
CHOSEN = "#CC79A7"
BID, ASK, FORCED_SELL, FORCED_BUY = "#0072B2", "#D55E00", "#D55E00", "#009E73"
WIDTH_IN = 10.0

_RC: Any = {
    "font.size": 10.0,
    "axes.grid": True,
    "grid.color": "#dddddd",
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 10.0,
    "axes.titlelocation": "left",
    "legend.framealpha": 0.8,  # a legend over lines stays legible
    "legend.edgecolor": "none",
    "legend.fontsize": 9.0,
    "figure.dpi": 110.0,
    "svg.fonttype": "path",
    "text.parse_math": False,
}
_NO_NAME = {"Date": None, "Creator": None, "Format": None, "Type": None}


def rc() -> Any:
    """Context in which figures of the report are drawn, whatever the user's own style is."""
    return matplotlib.rc_context({**matplotlib.rcParamsDefault, **_RC, "backend": matplotlib.get_backend()})


def new_figure(height_in: float) -> Figure:
    """Empty figure that needs no display and no pyplot state."""
    figure = Figure(figsize=(WIDTH_IN, height_in), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def svg_bytes(figure: Figure, salt: str) -> bytes:
    """Figure as SVG with the same bytes each time: no date, no creator, ids salted with the figure's own name."""
    buffer = io.BytesIO()
    with rc(), matplotlib.rc_context({"svg.hashsalt": salt}):
        figure.savefig(buffer, format="svg", metadata=_NO_NAME, bbox_inches=None)
    text = re.sub(r"<metadata>.*?</metadata>", "", buffer.getvalue().decode(), flags=re.DOTALL)
    return re.sub(r"<!DOCTYPE[^>]*>\s*", "", text).encode()


def scale(*values: Any) -> tuple[float, str]:
    """Divisor and its word ("million ", "thousand " or none) with which the largest of the values reads well."""
    known = [np.abs(v[np.isfinite(v)]).max(initial=0.0) for v in map(np.asarray, values)]
    largest = max(known, default=0.0)
    return next(((s, word) for s, word in ((1e6, "million "), (1e3, "thousand ")) if largest >= s), (1.0, ""))


def utc_axis(axes: Axes, spec: Spec, from_s: float, to_s: float) -> None:
    """Label the time axis in UTC; data are in seconds from the start of the scenario."""
    span = to_s - from_s
    steps = (1, 5, 10, 30, 60, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400, 604800)
    step = next((s for s in steps if span / s <= 9), steps[-1])
    start = spec.start_utc
    first = -((start.hour * 3600 + start.minute * 60 + start.second) % step) if step <= 86400 else 0
    at = [first + k * step for k in range(int((to_s - first) // step) + 1) if from_s <= first + k * step <= to_s]
    form = "%H:%M:%S" if step < 60 else "%H:%M" if span <= 86400 else "%m-%d %H:%M"
    axes.set_xticks(at, [(start + timedelta(seconds=float(t))).strftime(form) for t in at])
    axes.set_xlim(from_s, to_s)


def plain_log(axes: Axes) -> None:
    """Label a logarithmic y axis with plain numbers at 1, 2 and 5 of each decade, or at 1 alone over many."""
    low, high = axes.get_ylim()
    subs = (1.0, 2.0, 5.0) if high / max(low, 1e-300) < 200.0 else (1.0,)
    axes.yaxis.set_major_locator(LogLocator(subs=subs))
    axes.yaxis.set_major_formatter(lambda v, _: f"{v:g}")
    axes.yaxis.set_minor_formatter(NullFormatter())


def footnote(figure: Figure, run_id: str, seeds: Sequence[int], what: str, alone: int | None = None) -> None:
    """Line under every figure: run id, seeds, what is drawn, and what it is not; ``alone`` is the only seed drawn."""
    n = len(seeds)
    if alone is not None and n > 1:
        count = f"one seed of {n} (seed {alone})"
    else:
        count = f"{n} seeds" if n > 1 else f"one seed (seed {seeds[0]}) of any number"
    many = n > 1 and alone is None
    note = (
        "share of simulated seeds given scenario, depth and model; not a forecast"
        if many
        else "scenario outcome; not a forecast"
    )
    figure.supxlabel(f"run {run_id} · {count} · {what}\n{note}", fontsize=8, color="#444444", x=0.01, ha="left")
