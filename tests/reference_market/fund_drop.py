"""Slow twin of the fund that has dropped, from MODEL 2.7 and docs/odd.md; imports nothing of the simulator. Money in
micro-dollars, time in microseconds.
"""

from dataclasses import dataclass, field

PARTS = 480


@dataclass
class Watch:
    """Every look at one fund: what it had made since the start, and the pool."""

    drop_ppm: int
    window_us: int
    looks: list[tuple[int, int, int]] = field(default_factory=list)  # part of the window, made, pool

    def look(self, now: int, made: int, pool: int) -> bool:
        """Whether the fund has lost the share of the highest pool from its highest; counted in 480ths of the window,
        in whole dollars of the pool.
        """
        part = now // (self.window_us // PARTS)
        self.looks.append((part, made, pool))
        near = [(m, p) for k, m, p in self.looks if part - k <= PARTS]
        lost, most = max(m for m, _ in near) - made, max(0, *(p for _, p in near), pool)
        return lost > 0 and lost >= most // 10**6 * self.drop_ppm
