"""Twin of the news value of a network's assets, written from the rules: shared news, a factor of altcoins, own news.

Each tick of an asset adds three independent draws to the logarithm of its value: the shared news times the asset's
beta, its own news, and the news that altcoins share times its loading. All have standard deviations a day, scaled
by the root of the activity, which is one for all assets. A draw depends on the run's seed, the factor's name
and the tick alone. Philox4x32-10 is written here again, on Python's integers.
"""

import hashlib
import math

MASK = 0xFFFFFFFF
OF_NEWS, OF_ACTIVITY = 1, 9  # purposes, sim/rng.py


def key(seed: int, name: str | None = None) -> tuple[int, int]:
    """Random key of a factor: the seed itself for the shared news, else a hash of seed and name."""
    number = seed if name is None else int.from_bytes(hashlib.sha256(f"{seed}:{name}".encode()).digest()[:8], "big")
    return number & MASK, number >> 32


def philox(of: tuple[int, int], *counter: int) -> list[int]:
    """Four words of 32 bits (Salmon et al. 2011)."""
    x, k = [c & MASK for c in counter], list(of)
    for _ in range(10):
        a, b = 0xD2511F53 * x[0], 0xCD9E8D57 * x[2]
        x = [(b >> 32) ^ x[1] ^ k[0], b & MASK, (a >> 32) ^ x[3] ^ k[1], a & MASK]
        k = [(k[0] + 0x9E3779B9) & MASK, (k[1] + 0xBB67AE85) & MASK]
    return x


def normal(words: list[int]) -> float:
    """A standard normal number by Box and Muller, of two uniform ones with 53 bits."""
    u, v = (((((a >> 5) << 26) | (b >> 6)) + 0.5) / 2.0**53 for a, b in (words[:2], words[2:]))
    return math.sqrt(-2.0 * math.log(u)) * math.cos(2.0 * math.pi * v)


def log_values(
    seed: int, asset: str, sds: tuple[float, float, float], factors, levels: list[float], tick_s: float, n: int
) -> list[float]:
    """Log of the asset's value at the start of ticks 0 .. n - 1, with no path.

    ``sds``: of shared (with its beta), altcoins' and own news, a day; ``factors``: (half-life s, size) of activity,
    whose ``levels`` at tick 0 are the first listing's.
    """
    common, alts, own = key(seed), key(seed, "alts"), key(seed, f"asset:{asset}")
    per_tick = math.sqrt(tick_s / 86400.0)
    levels, value, out = list(levels), 0.0, [0.0]
    for tick in range(1, n):
        log_activity = 0.0
        for k, (half_life, size) in enumerate(factors):
            kept = 0.5 ** (tick_s / half_life)
            shock = math.sqrt(1.0 - kept * kept)
            levels[k] = kept * levels[k] + shock * normal(philox(common, tick, OF_ACTIVITY, 0, k))
            log_activity += size * levels[k] - 0.5 * size * size
        pace = math.sqrt(math.exp(log_activity))
        for of, sd in ((common, sds[0]), (own, sds[2]), (alts, sds[1])):
            if sd != 0.0:
                value = value + sd * per_tick * pace * normal(philox(of, tick, OF_NEWS, 0, 0))
        out.append(value)
    return out
