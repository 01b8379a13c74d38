"""A scenario's news path as ramps of the news value: a list of points, or a recorded index path times beta."""

import math

import numpy as np

from sim import evidence, units
from sim.behaviours.news import RAMP
from sim.settings.news import NewsSettings
from sim.state import Array


def path_ramps(news: NewsSettings) -> Array:
    """RAMP rows, linear in log value between points, scaled; empty without a path.

    A named path is multiplied by ``beta`` and counted from the scenario's start; an explicit list is taken as it is.
    A stretch without a move gives no ramp, so that a path of size zero changes nothing, bit for bit.

    Raises
    ------
    DataError
        When a named path is not there or not readable.
    """
    points = [(0, 0.0), *_points(news)]
    ramps = []
    for (t0, y0), (t1, y1) in zip(points, points[1:], strict=False):
        log_move = news.scale * (y1 - y0)
        if log_move != 0.0:
            ramps.append((min(t0, t1 - 1), t1, log_move))
    return np.array(ramps, RAMP)


def _points(news: NewsSettings) -> list[tuple[int, float]]:
    """Time in microseconds and cumulative log move of each point; a point at time 0 is a step before the first tick."""
    if news.path is None:
        return []
    if isinstance(news.path, str):
        times, moves = evidence.news_path(news.path)
        return [(int(t), news.beta * float(y)) for t, y in zip(times, moves, strict=True)]
    return [(units.nearest_us(p.at), math.log1p(p.move)) for p in news.path]
