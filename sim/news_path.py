"""A scenario's news path as ramps of the news value: a list of points, or a recorded index path times beta; and the
moves of its macro factors.
"""

import math

import numpy as np

from sim import evidence, units
from sim.behaviours.news import RAMP
from sim.calendar_ny import session, why_closed
from sim.errors import ScenarioError
from sim.scenario.spec import Spec
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


def macro_ramps(spec: Spec, asset: str | None = None, loading: float = 1.0) -> Array:
    """RAMP rows of the macro factors: each day's moves times betas, linear in log value over the session of that day;
    what lies before the start is left out. Empty while they are off.

    Parameters
    ----------
    spec : Spec
    asset : str, optional
        Asset of a network.
    loading : float
        Its beta to what the first listing's asset follows.

    Raises
    ------
    ScenarioError
        For a day on which shares do not trade in New York.
    """
    macro, ramps = spec.macro, []
    for day, moves in macro.moves() if macro.enabled else ():
        if why := why_closed(day):
            raise ScenarioError(f"macro.path: {why}: leave the day out")
        hours = session(day)
        assert hours is not None
        betas = macro.betas_on(day, asset, loading)
        log_move = macro.scale * math.fsum(betas.get(name, 0.0) * move for name, move in moves.items())
        start, end = (units.nearest_us((moment - spec.start_utc).total_seconds()) for moment in hours)
        if log_move != 0.0 and end > 0:
            begin = max(start, 0)
            ramps.append((begin, end, log_move * ((end - begin) / (end - start))))
    return np.array(ramps, RAMP)


def own_noise(spec: Spec) -> float:
    """Standard deviation a day of the news value's noise: all of it, or what the macro factors leave."""
    left = spec.macro.own_variance if spec.macro.enabled else 1.0
    return spec.news.noise_per_day * math.sqrt(left)
