"""Experiments on falls: depth grid, channels, cost of a sale, the replay's counterfactuals, the tick halved."""

import math
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import numpy as np

from calibration.experiments.common import (
    HORIZON_S,
    NEWS,
    OFF,
    SALES,
    SCALES,
    SHOCK_S,
    Changes,
    forced_btc,
    median,
    medians,
    run,
    say,
    shares,
    thresholds,
    write,
)
from sim.metrics.amplification import cascades, log_fall, second_round_share
from sim.metrics.seeds import share_of_seeds

UNTIL = "duration=100min"  # 22:00: the crash and its recovery; what falls later is the noise of the news
STEP_NEWS = -2.0  # per cent: near one half of the seeds cascade

REPLAY: dict[str, Changes] = {
    "headline": (),
    "morning depth": ("market.bid_depth_share=1", "market.ask_depth_share=1"),
    "makers never withdraw": ("market_maker.withdrawal=false",),
    "leverage off": ("leveraged.enabled=false",),
    "no leverage, no withdrawal (base)": OFF,
    "ADL off": ("clearing.adl=false",),
    "insurance fund x5": ("clearing.fund_scale=5",),
    "beta 2.4 (after the event)": ("news.beta=2.4",),
    "beta 2.4, no leverage, no withdrawal": ("news.beta=2.4", *OFF),
}


def depth_job(job: tuple[Changes, float, int]) -> list[dict[str, float]]:
    """All news moves at one depth, engine's pace and seed: fall, base fall, second-round share, each beside the quiet
    base run.
    """
    changes, pace, seed = job
    span = (f"duration={SHOCK_S + HORIZON_S}s",)
    quiet = run("calm_btc", (*span, *changes, *OFF), seed)[0]["mark_usd"][SHOCK_S:]
    usd, coins = thresholds("calm_btc", (*span, *changes), seed)
    out = []
    for move in NEWS:
        shock = (f"shocks=[{{kind: news_move, at: {SHOCK_S}s, over: 60s, move: {move}%}}]",)
        base = run("calm_btc", (*span, *changes, *shock, *OFF), seed)[0]["mark_usd"][SHOCK_S:]
        series, constants, _ = run("calm_btc", (*span, *changes, *shock), seed, pace)
        mark, lot = series["mark_usd"][SHOCK_S:], constants["lot_coin"]
        base_fall = log_fall(base, quiet)
        first = float(coins[usd > base.min()].sum() / coins.sum())
        forced = forced_btc(series, lot)
        out.append(
            {
                "news_pct": move,
                "fall": log_fall(mark, quiet),
                "base_fall": base_fall,
                "second_round": second_round_share(forced, float(coins.sum()), first),
                "forced_btc": forced,
            }
        )
    return out


def channels_job(job: tuple[float, int]) -> dict[str, float]:
    """Falls of one seed and news move with leverage and withdrawal switched off one at a time, beside both off."""
    move, seed = job
    span = (f"duration={SHOCK_S + HORIZON_S}s",)
    shock = (f"shocks=[{{kind: news_move, at: {SHOCK_S}s, over: 60s, move: {move}%}}]",)
    cases = {"neither": OFF, "again": OFF, "withdrawal": OFF[:1], "leverage": OFF[1:], "both": ()}
    quiet = run("calm_btc", (*span, *OFF), seed)[0]["mark_usd"][SHOCK_S:]
    marks = {name: run("calm_btc", (*span, *shock, *off), seed)[0]["mark_usd"][SHOCK_S:] for name, off in cases.items()}
    out = {name: log_fall(mark, quiet) for name, mark in marks.items()}
    return out | {"identical": float(bool((marks["neither"] == marks["again"]).all()))}


def channels(pool: ProcessPoolExecutor, n: int) -> None:
    """Which of leverage and withdrawal makes the fall: A with each alone, with both, and 1 with neither."""
    rows = []
    for move in NEWS:
        found = list(pool.map(channels_job, [(move, seed) for seed in range(1, n + 1)]))
        column = {key: np.array([f[key] for f in found]) for key in found[0]}
        base = float(np.median(column["neither"]))
        rows.append({"news_pct": move, "seeds": n, "paths_identical": float(column["identical"].mean()),
                     **{f"A_{name}": float(np.median(column[name])) / base
                        for name in ("neither", "withdrawal", "leverage", "both")}})  # fmt: skip
        say(rows[-1])
    write("channels.csv", rows, "channels", n)


def depth_settings() -> dict[str, tuple[Changes, float]]:
    """Every depth of the grid by name: its settings, and the scale of the engine's pace. Two variants stand beside the
    thinnest visible depth: makers' answer to a dollar in inverse proportion to depth, and an engine that sells as many
    coins a second as at full depth.
    """
    out: dict[str, tuple[Changes, float]] = {"x1": ((), 1.0)}
    for scale in SCALES:
        if scale != 1.0:
            visible, latent = (f"market.depth_scale_{layer}={scale}" for layer in ("visible", "latent"))
            out[f"visible x{scale}"] = (visible,), 1.0
            out[f"latent x{scale}"] = (latent,), 1.0
            out[f"both x{scale}"] = (visible, latent), 1.0
    thinnest = f"market.depth_scale_visible={SCALES[-1]}"
    out[f"visible x{SCALES[-1]}, answer scaled"] = (thinnest, answer_at(SCALES[-1])), 1.0
    out[f"visible x{SCALES[-1]}, pace kept"] = (thinnest,), 1.0 / SCALES[-1]
    return out


def answer_at(scale: float) -> str:
    """The makers' answer to a dollar of flow in inverse proportion to visible depth (DECISIONS 20: shown beside)."""
    return f"market_maker.flow_response={1.0 / scale:.6g}%"


def depth(pool: ProcessPoolExecutor, n: int) -> None:
    """Depth grid: share of seeds that cascade and fall over base fall, by depth and news."""
    rows = []
    for name, (changes, pace) in depth_settings().items():
        found = list(pool.map(depth_job, [(changes, pace, seed) for seed in range(1, n + 1)]))
        for k, move in enumerate(NEWS):
            column = {key: np.array([f[k][key] for f in found]) for key in found[0][k]}
            c = cascades(column["second_round"], column["fall"], column["base_fall"])
            rows.append(
                {
                    "depth": name, "news_pct": move, "seeds": n,
                    **shares("cascade", c.share[1]), "share_at_half_cut": c.share[0].share,
                    "share_at_double_cut": c.share[2].share,
                    **median("fall_pct", 100.0 * column["fall"]),
                    "base_fall_pct": 100.0 * float(np.median(c.base_fall)), "amplification": c.amplification,
                    **medians("fall_pct_if_cascade", c.fall_if, 100.0),
                    **medians("fall_pct_if_not", c.fall_if_not, 100.0),
                    "forced_btc": float(np.median(column["forced_btc"])),
                }
            )  # fmt: skip
            say(rows[-1])
    write("depth_grid.csv", rows, "depth", n)
    violations(rows)


def violations(rows: Sequence[dict[str, Any]]) -> None:
    """Pairs of neighbouring depths at which thinner does not cascade more or fall more (DECISIONS 24)."""
    by = {(row["depth"], row["news_pct"]): row for row in rows}
    for kind in ("visible", "latent", "both"):
        for move in NEWS:
            line = [by[("x1" if scale == 1.0 else f"{kind} x{scale}", move)] for scale in SCALES]
            for scale, thick, thin in zip(SCALES[1:], line, line[1:], strict=False):
                if max(thick["cascade_share"], thin["cascade_share"]) < 0.05:
                    continue
                if thin["cascade_high"] < thick["cascade_share"]:
                    say({"violation": "share", "kind": kind, "to": scale, "news": move,
                         "from_to": (thick["cascade_share"], thin["cascade_share"])})  # fmt: skip
                if thick["fall_pct"] - thin["fall_pct"] > 0.1:
                    say({"violation": "fall", "kind": kind, "to": scale, "news": move,
                         "from_to": (thick["fall_pct"], thin["fall_pct"])})  # fmt: skip


def flow_job(job: tuple[Changes, int]) -> list[float]:
    """Deepest fall in basis points, against the run without it, of each sale."""
    changes, seed = job
    span = ("duration=2400s",)
    quiet = run("calm_btc", (*span, *changes), seed)[0]["mark_usd"][SHOCK_S:]
    out = []
    for sale in SALES:
        shock = f"shocks=[{{kind: flow, at: {SHOCK_S}s, over: 60s, side: sell, notional: ${sale}m}}]"
        mark = run("calm_btc", (*span, *changes, shock), seed)[0]["mark_usd"][SHOCK_S:]
        out.append(1e4 * log_fall(mark, quiet))
    return out


def flow(pool: ProcessPoolExecutor, n: int) -> None:
    """Cost in basis points of a sale in a minute as visible depth falls, leverage on and off, makers' answer kept and
    scaled.
    """
    rows = []
    for leverage, answer in ((True, "kept"), (False, "kept"), (True, "scaled")):
        for scale in SCALES:
            changes: Changes = (f"market.depth_scale_visible={scale}", f"leveraged.enabled={str(leverage).lower()}")
            changes += (answer_at(scale),) if answer == "scaled" else ()
            found = np.array(list(pool.map(flow_job, [(changes, seed) for seed in range(1, n + 1)])))
            for k, sale in enumerate(SALES):
                cell = {"leverage": leverage, "answer": answer, "visible": scale, "sale_musd": sale, "seeds": n}
                rows.append({**cell, **median("fall_bp", found[:, k])})
                say(rows[-1])
    write("flow_shock.csv", rows, "flow", n)


def replay_job(job: tuple[str, int]) -> dict[str, float]:
    """One seed of one line of the counterfactuals: low, its time, forced coins, open interest."""
    name, seed = job
    series, constants, _ = run("flash_10_11_btc", (UNTIL, *REPLAY[name]), seed)
    mark, at = series["mark_usd"], 1800  # 20:50 is half an hour after the start
    low = int(np.argmin(mark[at:]))
    passed = np.flatnonzero(mark[at:] <= 0.96 * mark[at])
    return {
        "low_pct": 100.0 * (float(mark[at:].min()) / float(mark[at]) - 1.0),
        "low_min": low / 60.0,
        "first_4pct_min": float(passed[0]) / 60.0 if passed.size else math.inf,
        "forced_btc": forced_btc(series, constants["lot_coin"]),
        "oi_pct": 100.0 * (float(series["open_interest_lots"][-1]) / float(series["open_interest_lots"][0]) - 1.0),
        "news_low_pct": 100.0 * (float(series["value_usd"][at:].min()) / float(series["value_usd"][at]) - 1.0),
        "depth_bid_21h": float(series["bid_3pct_lots"][at + 900] / max(1, series["bid_3pct_lots"][at - 60])),
    }


def replay(pool: ProcessPoolExecutor, n: int) -> None:
    """The replay of 10 October and its counterfactuals, one line each."""
    rows = []
    for name in REPLAY:
        found = list(pool.map(replay_job, [(name, seed) for seed in range(1, n + 1)]))
        column = {key: np.array([f[key] for f in found]) for key in found[0]}
        rows.append(
            {"case": name, "seeds": n, **median("low_pct", column["low_pct"]), **median("low_min", column["low_min"]),
             **shares("reached_-4pct", share_of_seeds(int(np.isfinite(column["first_4pct_min"]).sum()), n)),
             **median("forced_btc", column["forced_btc"]), **median("oi_pct", column["oi_pct"]),
             "news_low_pct": float(np.median(column["news_low_pct"])),
             "bid_3pct_at_21:05_over_20:49": float(np.median(column["depth_bid_21h"]))}
        )  # fmt: skip
        say(rows[-1])
    write("replay.csv", rows, "replay", n, "flash_10_11_btc")


def step_job(job: tuple[float, float, int]) -> float:
    """Second-round share of one seed at one tick and news move, watched for six minutes: 99.8% of the coins forced
    within a quarter of an hour are forced by then (160 seeds at a tick of a second).
    """
    tick, move, seed = job
    span = (f"duration={SHOCK_S + 360}s", f"tick={tick}s", "record_every=1s")
    shock = f"shocks=[{{kind: news_move, at: {SHOCK_S}s, over: 60s, move: {move}%}}]"
    base = run("calm_btc", (*span, shock, *OFF), seed)[0]["mark_usd"][SHOCK_S:]
    usd, coins = thresholds("calm_btc", span, seed)
    series, constants, _ = run("calm_btc", (*span, shock), seed)
    first = float(coins[usd > base.min()].sum() / coins.sum())
    return second_round_share(forced_btc(series, constants["lot_coin"]), float(coins.sum()), first)


def step(pool: ProcessPoolExecutor, n: int) -> None:
    """The tick halved twice at a shock near one half: change of the share of seeds that cascade, with its interval."""
    rows, before = [], None
    for tick in (1.0, 0.5, 0.25):
        second = np.array(list(pool.map(step_job, [(tick, STEP_NEWS, seed) for seed in range(1, n + 1)])))
        hit = int((second > 0.02).sum())
        row: dict[str, Any] = {"tick_s": tick, "news_pct": STEP_NEWS, **shares("cascade", share_of_seeds(hit, n))}
        if before is not None:
            p, q = before / n, hit / n
            half = 1.96 * math.sqrt((p * (1 - p) + q * (1 - q)) / n)
            row |= {"change": q - p, "change_low": q - p - half, "change_high": q - p + half}
        before = hit
        rows.append(row)
        say(row)
    write("tick_halved.csv", rows, "step", n)
