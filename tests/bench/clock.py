"""CPU time, and the fixed loop that every figure is a ratio to."""

import resource
import subprocess
import sys
from collections.abc import Callable
from typing import Any


def cpu_seconds() -> float:
    """User plus system time of this process so far."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


# Run as a script of its own, at module level: as a function body the same loop is a quarter faster.
REFERENCE_LOOP = """
import heapq, random, resource
r = random.Random(1); h = []; s = 0; a = resource.getrusage(resource.RUSAGE_SELF)
for i in range(1_000_000):
    heapq.heappush(h, (r.random(), i))
    if len(h) > 1000: s += heapq.heappop(h)[1]
b = resource.getrusage(resource.RUSAGE_SELF); print(b.ru_utime + b.ru_stime - a.ru_utime - a.ru_stime)
"""


def reference_loop() -> float:
    """CPU seconds of a fixed heap loop in pure Python: 0.94-1.02 s on the machines the bars were set on."""
    return float(subprocess.run([sys.executable, "-c", REFERENCE_LOOP], check=True, capture_output=True).stdout)


def timed(prepare: Callable[[], Any], run: Callable[[Any], Any], repeats: int = 7) -> tuple[float, float]:
    """Median and minimum CPU seconds of ``run(prepare())``; only ``run`` is timed."""
    seconds = []
    for _ in range(repeats):
        state = prepare()
        begin = cpu_seconds()
        run(state)
        seconds.append(cpu_seconds() - begin)
    seconds.sort()
    return seconds[len(seconds) // 2], seconds[0]
