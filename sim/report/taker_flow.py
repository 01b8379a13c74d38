"""Who took, minute by minute, as stacked bars over the mark."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from sim.attribution.flow import CLASSES, Flow
from sim.report import style
from sim.scenario.spec import Spec

COLORS = {
    "background": "#BBBBBB", "liquidations": "#D55E00", "leveraged": "#E69F00", "makers": "#0072B2",
    "arbitrage": "#56B4E9", "bridge": "#56B4E9", "dip_buyers": "#009E73", "latent": "#66CC99", "trend": "#CC79A7",
    "hedgers": "#777777", "fund": "#000000", "etf": "#F0E442", "dat": "#999933", "holders": "#882255",
    "lending": "#44AA99", "other_desks": "#332288", "agents": "#AA4499",
}  # fmt: skip
_LEAST = 0.002  # of all that was traded: classes below it are drawn with the rest
_REST = "#DDDDDD"


def flow_figure(spec: Spec, flow: Flow, run_id: str, seed: int, from_s: float, to_s: float) -> Figure:
    """Net coins that each class bought as taker of the perp book, a bar a minute; above 0 bought, below sold.

    Parameters
    ----------
    spec : Spec
    flow : Flow
    run_id : str
    seed : int
    from_s, to_s : float
        Seconds from the start: every interval that has a part in between is shown whole.
    """
    starts = np.r_[0.0, flow.end_s[:-1]]
    shown = (starts < to_s) & (flow.end_s > from_s)
    net, minutes = flow.net_coins()[shown], (flow.end_s - starts)[shown] / 60.0
    rate = net / minutes[:, None]
    gross = np.abs(net).sum(axis=0)
    large = [k for k in np.argsort(-gross) if gross[k] > max(_LEAST * gross.sum(), 0.0)]
    layers = [(CLASSES[k].replace("_", " "), COLORS[CLASSES[k]], rate[:, k]) for k in large]
    rest = rate.sum(axis=1) - rate[:, large].sum(axis=1)
    if len(large) < np.count_nonzero(gross):
        layers.append(("all others", _REST, rest))
    with style.rc():
        figure = style.new_figure(6.4)
        bars, price = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
        above, below = np.zeros(len(rate)), np.zeros(len(rate))
        divisor, word = style.scale(np.maximum(rate, 0.0).sum(axis=1), np.minimum(rate, 0.0).sum(axis=1))
        for label, color, values in layers:
            values = values / divisor
            bottom = np.where(values >= 0.0, above, below)
            bars.bar(
                starts[shown], values, 60.0 * minutes, bottom, align="edge", color=color, label=label, linewidth=0.0
            )
            above += np.maximum(values, 0.0)
            below += np.minimum(values, 0.0)
        edges = np.r_[starts[shown], flow.end_s[shown][-1:]]
        bars.stairs(rate.sum(axis=1) / divisor, edges, color="#000000", linewidth=1.0, label="tape: all takers")
        bars.axhline(0.0, color="#444444", linewidth=0.8)
        bars.set_title(
            "Perp coins bought less coins sold by takers, by class: the classes add up to the tape in whole lots"
        )
        bars.set_ylabel(f"{word}coins a minute")
        bars.legend(loc="best", ncols=2)
        price.plot(flow.end_s[shown], flow.mark_usd[shown] / 1e3, color=style.SIMULATED)
        price.set_ylabel("mark, thousand USD")
        style.utc_axis(price, spec, float(edges[0]), float(edges[-1]))
        price.set_xlabel("UTC, minute by minute")
        style.footnote(figure, run_id, (seed,), f"{spec.name}, everything on; the seed whose fall is the median one")
    return figure
