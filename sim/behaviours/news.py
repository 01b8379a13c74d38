"""The news value: what the coin would be worth to somebody who read everything. It moves quotes, never prices directly.

log v = sum of ramps (headlines, index path, linear in time) + a random walk whose variance is proportional to the
market's activity. Activity is the exponential of a sum of Ornstein-Uhlenbeck factors with mean one: news and trading
come in bursts on several time scales (mixture of distributions, Clark 1973), which is where the clustering and the
heavy tails of calm returns come from. Participants see v with a latency, between ticks by linear interpolation.
Source: MODEL 2.2 (index is never v), 6.3 R8; DECISIONS 17, 21.
"""

import math
from typing import Any, NamedTuple

import numpy as np

from sim import rng
from sim.kernels._jit import behaviour, inlined, small
from sim.kernels.ledger import ONE, TWO, ZERO

NEWS = np.dtype(
    [
        ("start_usd", "f8"),
        ("tick_usd", "f8"),
        ("start_log", "f8"),  # of the start price in half ticks
        ("noise_per_tick", "f8"),  # sd of the log increment of one tick at activity one, of this asset's own news
        ("common_per_tick", "f8"),  # the same of the news that all assets of a network share; 0 in a market of its own
        ("alt_per_tick", "f8"),  # the same of the news that altcoins share beyond it
        ("activity", "f8"),  # mean one
        ("log_noise", "f8"),
        ("log_value", "f8"),  # log(v / start) at the start of this tick
    ]
)
RAMP = np.dtype([("start_us", "i8"), ("end_us", "i8"), ("log_move", "f8")])

OF_ALTS, OF_MOODS = np.int64(4), np.int64(6)  # first word of the altcoins' key; behind the keys

MOOD = np.dtype(
    [
        ("level", "f8"),  # standard normal in the long run
        ("kept", "f8"),  # share of the level left after one tick
        ("shock", "f8"),  # sqrt(1 - kept^2)
        ("size", "f8"),  # sd of this factor's part of log activity
    ]
)


class News(NamedTuple):
    """``now`` NEWS[1], ``ramps`` RAMP[n], ``seen`` float64[ring] (log v at the start of recent ticks), ``moods``
    MOOD[n_factors], ``keys`` uint64[6]: random key of the common news and activity, that of the asset's own news, that
    of the news which altcoins share.
    """

    now: Any
    ramps: Any
    seen: Any
    moods: Any
    keys: Any


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


@inlined
def update_activity(news, key, draws, tick):
    """Move every factor by one tick and set the activity they add up to."""
    log_activity = 0.0
    for k in range(news.moods.shape[0]):
        mood = news.moods[k]
        normal = rng.shared_normal(key, tick, rng.ACTIVITY, np.int64(k), OF_MOODS + (np.int64(k) & ONE), draws)
        mood["level"] = mood["kept"] * mood["level"] + mood["shock"] * normal
        log_activity += mood["size"] * mood["level"] - 0.5 * mood["size"] * mood["size"]
    news.now[0]["activity"] = math.exp(log_activity)


@small
def noise(keys, draws, tick, place, sd):
    """One tick's draw of news with standard deviation ``sd`` under the key at ``place`` of ``keys``."""
    return sd * rng.shared_normal(keys[place:], tick, rng.NEWS, ZERO, place, draws)


@inlined
def update_news(news, draws, tick, now_us):
    """Step 1 of the tick: draw the noise of one tick, add the path, remember the value for slower eyes."""
    now = news.now[0]
    if tick > ZERO:
        update_activity(news, news.keys, draws, tick)
        pace = math.sqrt(now["activity"])
        if now["common_per_tick"] != 0.0:
            now["log_noise"] = now["log_noise"] + noise(news.keys, draws, tick, ZERO, now["common_per_tick"] * pace)
        if now["noise_per_tick"] != 0.0:
            now["log_noise"] = now["log_noise"] + noise(news.keys, draws, tick, TWO, now["noise_per_tick"] * pace)
        if now["alt_per_tick"] != 0.0:
            now["log_noise"] = now["log_noise"] + noise(news.keys, draws, tick, OF_ALTS, now["alt_per_tick"] * pace)
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
