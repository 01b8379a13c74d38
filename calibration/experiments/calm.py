"""Experiments on calm markets: stylised facts and depth over days, impact of metaorders."""

import math
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import numpy as np

from calibration.experiments.common import run, say, write
from sim.metrics.depth import inside
from sim.metrics.stylised import impact_exponent
from sim.runner import load


def impact_job(job: tuple[int, float, int]) -> tuple[float, float, float]:
    """Log mid at the end of a sale, and one and a half and two durations after its start."""
    seconds, musd, seed = job
    start = 1800
    changes = [f"duration={start + 2 * seconds}s", "leveraged.enabled=false"]
    if musd:
        changes.append(f"shocks=[{{kind: flow, at: {start}s, over: {seconds}s, side: sell, notional: ${musd}m}}]")
    series, _, _ = run("calm_btc", changes, seed)
    mid = np.log(series["perp_bid_ticks"] + series["perp_ask_ticks"])
    return float(mid[start + seconds]), float(mid[start + 3 * seconds // 2]), float(mid[start + 2 * seconds])


def impact(pool: ProcessPoolExecutor, n: int) -> None:
    """Impact of metaorders of 1 h and 4 h, paired with the run without: size, exponent, decay (facts 10 and 11)."""
    sizes = (60.0, 120.0, 240.0, 480.0, 960.0, 1920.0)
    rows = []
    for seconds in (3600, 14400):
        plain = np.array(list(pool.map(impact_job, [(seconds, 0.0, seed) for seed in range(1, n + 1)])))
        means = []
        for musd in sizes:
            sold = np.array(list(pool.map(impact_job, [(seconds, musd, seed) for seed in range(1, n + 1)])))
            moved = -1e4 * (sold - plain)
            means.append(float(moved[:, 0].mean()))
            theory = 1e4 * 0.9 * 0.0188 * math.sqrt(musd / 20_000)
            rows.append(
                {"hours": seconds / 3600, "musd": musd, "seeds": n, "impact_bp": means[-1],
                 "standard_error_bp": float(moved[:, 0].std(ddof=1) / math.sqrt(n)),
                 "left_at_1.5_T": float(moved[:, 1].mean() / means[-1]),
                 "left_at_2_T": float(moved[:, 2].mean() / means[-1]),
                 "square_root_bp": theory}
            )  # fmt: skip
            say(rows[-1])
        say({"hours": seconds / 3600, "exponent": impact_exponent(np.array(sizes), np.array(means))})
    write("impact.csv", rows, "impact", n)


def calm_job(seed: int) -> dict[str, Any]:
    """Five calm days of one seed: every stylised fact, depth by distance, volatility."""
    from sim.metrics.facts import FACTS
    from sim.report.stylised import series_of

    ran = load("calm_btc", set=["duration=5d", "leveraged.accounts=20000"]).run(seed=seed)
    series = series_of(ran)
    out: dict[str, Any] = {f"fact {k}": fact.measure(series) for k, fact in enumerate(FACTS)}
    bands = ran.bands
    time_s = bands["elapsed_s"].to_numpy()
    mid = bands["mid_usd"].to_numpy()
    for within in (0.01, 0.02, 0.05):
        for name, is_ask in (("bid", False), ("ask", True)):  # median over looks, as P5 and P6 are measured
            held = inside(series.bands_btc, within, is_ask) * mid
            out[f"{name}_{within:g}"] = float(np.median(held[time_s > 0.0])) / 1e6
    moves = series.of(300.0)
    out["daily_volatility_pct"] = 100.0 * float(moves.std() * math.sqrt(288.0))
    mark = ran.series["mark_usd"].to_numpy()
    out["deepest_fall_pct"] = 100.0 * (float((mark / np.maximum.accumulate(mark)).min()) - 1.0)
    out["forced_btc"] = float(ran.series["forced_sell_btc"].sum() + ran.series["forced_buy_btc"].sum())
    return out


def calm(pool: ProcessPoolExecutor, n: int) -> None:
    """Five calm days: stylised facts with the share of seeds inside their band, depth against P5 and P6, volatility."""
    from sim.metrics.facts import FACTS, judge

    found = list(pool.map(calm_job, range(1, n + 1)))
    rows = []
    for k, fact in enumerate(FACTS):
        j = judge(fact, np.array([f[f"fact {k}"] for f in found]))
        middle = float(np.median(j.values)) if j.values.size else math.nan
        rows.append({"row": fact.number, "what": fact.name, "low": fact.low, "high": fact.high, "median": middle,
                     "inside": j.n_inside, "measured": j.values.size, "verdict": j.verdict})  # fmt: skip
        say(rows[-1])
    wanted = {"bid_0.01": 305, "bid_0.02": 698, "bid_0.05": 1197, "ask_0.01": 241, "ask_0.02": 392, "ask_0.05": 722}
    for name, target in {**wanted, "daily_volatility_pct": 1.88}.items():
        values = np.array([f[name] for f in found])
        share = 0.15 if name == "daily_volatility_pct" else 0.10
        low, high = target * (1 - share), target * (1 + share)
        middle = float(np.median(values))
        rows.append({"row": "P5/P6/P16", "what": name, "low": low, "high": high, "median": middle,
                     "inside": int(((values >= low) & (values <= high)).sum()), "measured": n,
                     "verdict": "pass" if low <= middle <= high else "miss"})  # fmt: skip
        say(rows[-1])
    for name in ("deepest_fall_pct", "forced_btc"):
        values = np.array([f[name] for f in found])
        rows.append({"row": "-", "what": name, "low": math.nan, "high": math.nan, "median": float(np.median(values)),
                     "inside": n, "measured": n, "verdict": "no band"})  # fmt: skip
        say(rows[-1])
    write("calm.csv", rows, "calm", n)
