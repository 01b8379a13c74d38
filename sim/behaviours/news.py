"""The news value: what the coin would be worth to somebody who read everything. It moves quotes, never prices directly.

log v = sum of ramps (headlines, index path, linear in time) + a random walk. Makers see it with a latency, between
ticks by linear interpolation. Source: MODEL 2.2 (index is never v), 6.3 R8; DECISIONS 17, 21.
"""

from typing import Any, NamedTuple

import numpy as np

from sim import rng
from sim.kernels._jit import behaviour, small
from sim.kernels.ledger import ONE, ZERO

NEWS = np.dtype(
    [
        ("start_usd", "f8"),
        ("tick_usd", "f8"),
        ("noise_per_tick", "f8"),  # sd of the log increment of one tick
        ("log_noise", "f8"),
        ("log_value", "f8"),  # log(v / start) at the start of this tick
    ]
)
RAMP = np.dtype([("start_us", "i8"), ("end_us", "i8"), ("log_move", "f8")])


class News(NamedTuple):
    """``now`` NEWS[1], ``ramps`` RAMP[n], ``seen`` float64[ring] (log v at the start of recent ticks)."""

    now: Any
    ramps: Any
    seen: Any


@behaviour
def path_log_move(ramps, now_us):
    """Log move of all ramps up to ``now_us``."""
    total = 0.0
    for i in range(ramps.shape[0]):
        ramp = ramps[i]
        start, end = ramp["start_us"], ramp["end_us"]
        if now_us >= end:
            total += ramp["log_move"]
        elif now_us > start:
            total += ramp["log_move"] * (np.float64(now_us - start) / np.float64(end - start))
    return total


@behaviour
def update_news(news, key, tick, now_us):
    """Step 1 of the tick: draw the noise of one tick, add the path, remember the value for slower eyes."""
    now = news.now[0]
    if tick > ZERO:
        w0, w1, w2, w3 = rng.philox(key, tick, rng.NEWS, ZERO, ZERO)
        now["log_noise"] = now["log_noise"] + now["noise_per_tick"] * rng.normal(w0, w1, w2, w3)
    now["log_value"] = now["log_noise"] + path_log_move(news.ramps, now_us)
    news.seen[(tick + ONE) % np.int64(news.seen.shape[0])] = now["log_value"]


@small
def log_value_seen(news, tick, lag_ticks):
    """log(v / start) as it was ``lag_ticks`` (a float, at least 0) before the start of ``tick``."""
    n = np.int64(news.seen.shape[0])
    whole = np.int64(lag_ticks)
    part = lag_ticks - np.float64(whole)
    later = news.seen[(tick + ONE - whole + n) % n]
    earlier = news.seen[(tick - whole + n) % n]
    return later * (1.0 - part) + earlier * part
