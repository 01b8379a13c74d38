"""The long experiments of docs/validation.md: ``python -m calibration.experiments NAME [--seeds N] [--jobs 2]``.

Each writes one CSV with its settings in the header to ``results/published`` and prints its table. Names: ``calm``
(stylised facts and depth over days), ``impact`` (metaorders), ``depth`` (depth grid by news), ``flow`` (cost of a sale
as depth falls), ``replay`` (counterfactuals of 10 October), ``step`` (tick halved twice). Seeds are 1 to N; nothing is
fitted here.
"""

import argparse
import csv
import json
import math
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from sim.build import build
from sim.metrics.amplification import cascades, log_fall, second_round_share
from sim.metrics.depth import inside
from sim.metrics.seeds import Median, Share, median_of_seeds, share_of_seeds
from sim.metrics.stylised import impact_exponent
from sim.runner import load, warm
from sim.scenario.load import load_spec

OUT = Path(__file__).resolve().parent.parent / "results" / "published"
OFF = ("leveraged.enabled=false", "market_maker.withdrawal=false")  # the base run of DECISIONS 20: no leverage, no ADL
SHOCK_S, HORIZON_S = 600, 7200  # time of the shock, and how long its outcome is watched (DECISIONS 20)
SCALES = (1.5, 1.0, 0.65, 0.4)
NEWS = (-1.0, -1.5, -2.0, -2.5, -3.0)  # per cent, over a minute (DECISIONS 20b: never in one tick)
SALES = (50, 150, 450)  # millions of dollars in 60 s
Changes = tuple[str, ...]


def run(scenario: str, changes: Iterable[str], seed: int) -> tuple[dict[str, np.ndarray], dict[str, Any], Any]:
    """Recorded columns, constants, and the market itself, of one run."""
    market = build(load_spec(scenario, list(changes)), seed)
    arrays = market.run()
    return {name: arrays.series[name] for name in arrays.series.dtype.names}, arrays.constants, market


def thresholds(scenario: str, changes: Iterable[str], seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Last safe mark in dollars, and coins, of every long at the start."""
    market = build(load_spec(scenario, list(changes)), seed)
    accounts = market.state.accounts
    longs = (accounts["leveraged"] != 0) & (accounts["start_lots"] > 0)
    usd = accounts["liquidation_half_ticks"][longs] * 0.5 * market.tick_usd
    return usd, accounts["start_lots"][longs] * market.lot_coin


def forced_btc(series: dict[str, np.ndarray], lot: float) -> float:
    """Coins of longs and shorts that were liquidated: through the book and taken over."""
    return float(sum(series[name].sum() for name in ("forced_sell_lots", "forced_buy_lots", "takeover_lots"))) * lot


def depth_job(job: tuple[Changes, int]) -> list[dict[str, float]]:
    """All news moves at one depth and seed: fall, base fall, second-round share, each beside the quiet base run."""
    changes, seed = job
    span = (f"duration={SHOCK_S + HORIZON_S}s",)
    quiet = run("calm_btc", (*span, *changes, *OFF), seed)[0]["mark_usd"][SHOCK_S:]
    usd, coins = thresholds("calm_btc", (*span, *changes), seed)
    out = []
    for move in NEWS:
        shock = (f"shocks=[{{kind: news_move, at: {SHOCK_S}s, over: 60s, move: {move}%}}]",)
        base = run("calm_btc", (*span, *changes, *shock, *OFF), seed)[0]["mark_usd"][SHOCK_S:]
        no_leverage = run("calm_btc", (*span, *changes, *shock, OFF[0]), seed)[0]["mark_usd"][SHOCK_S:]
        series, constants, _ = run("calm_btc", (*span, *changes, *shock), seed)
        mark, lot = series["mark_usd"][SHOCK_S:], constants["lot_coin"]
        base_fall = log_fall(base, quiet)
        first = float(coins[usd > base.min()].sum() / coins.sum())
        forced = forced_btc(series, lot)
        out.append(
            {
                "news_pct": move,
                "fall": log_fall(mark, quiet),
                "base_fall": base_fall,
                "withdrawal_fall": log_fall(no_leverage, quiet),
                "second_round": second_round_share(forced, float(coins.sum()), first),
                "forced_btc": forced,
                "same_path": float(bool((no_leverage == base).all())),
            }
        )
    return out


def depth_settings() -> dict[str, Changes]:
    """Every depth of the grid by name."""
    out: dict[str, Changes] = {"x1": ()}
    for scale in SCALES:
        if scale != 1.0:
            out[f"visible x{scale}"] = (f"market.depth_scale_visible={scale}",)
            out[f"latent x{scale}"] = (f"market.depth_scale_latent={scale}",)
            out[f"both x{scale}"] = (f"market.depth_scale_visible={scale}", f"market.depth_scale_latent={scale}")
    return out


def depth(pool: ProcessPoolExecutor, n: int) -> None:
    """Depth grid: share of seeds that cascade and fall over base fall, by depth and news."""
    rows = []
    for name, changes in depth_settings().items():
        found = list(pool.map(depth_job, [(changes, seed) for seed in range(1, n + 1)]))
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
                    "withdrawal_amplification": float(np.median(column["withdrawal_fall"]) / np.median(c.base_fall)),
                    "forced_btc": float(np.median(column["forced_btc"])),
                }
            )  # fmt: skip
            say(rows[-1])
    write("depth_grid.csv", rows)
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
    """Cost in basis points of a sale in a minute as visible depth falls, leverage on and off."""
    rows = []
    for leverage in (True, False):
        for scale in SCALES:
            changes = (f"market.depth_scale_visible={scale}", f"leveraged.enabled={str(leverage).lower()}")
            found = np.array(list(pool.map(flow_job, [(changes, seed) for seed in range(1, n + 1)])))
            for k, sale in enumerate(SALES):
                cell = {"leverage": leverage, "visible": scale, "sale_musd": sale, "seeds": n}
                rows.append({**cell, **median("fall_bp", found[:, k])})
                say(rows[-1])
    write("flow_shock.csv", rows)


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
    write("impact.csv", rows)


REPLAY: dict[str, Changes] = {
    "headline": (),
    "morning depth": ("market.bid_depth_share=1", "market.ask_depth_share=1"),
    "makers never withdraw": ("market_maker.withdrawal=false",),
    "leverage off": ("leveraged.enabled=false",),
    "no leverage, no withdrawal (base)": OFF,
    "ADL off": ("adl=off",),
    "insurance fund x5": ("insurance_fund=$6.15bn",),
    "beta 2.4 (after the event)": ("news.beta=2.4",),
    "beta 2.4, no leverage, no withdrawal": ("news.beta=2.4", *OFF),
    "beta 2.4, morning depth": ("news.beta=2.4", "market.bid_depth_share=1", "market.ask_depth_share=1"),
    "news x3": ("news.scale=3",),
    "news x3, no leverage, no withdrawal": ("news.scale=3", *OFF),
}


def replay_job(job: tuple[str, int]) -> dict[str, float]:
    """One seed of one line of the counterfactuals: low, its time, forced coins, open interest."""
    name, seed = job
    changes, venue = [], {}
    for change in REPLAY[name]:
        (venue.__setitem__(*change.split("=", 1)) if change.split("=")[0] in VENUE else changes.append(change))
    series, constants, market = run_with_venue("flash_10_11_btc", changes, venue, seed)
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


VENUE = ("adl", "insurance_fund")


def run_with_venue(
    scenario: str, changes: Iterable[str], venue: dict[str, str], seed: int
) -> tuple[dict[str, np.ndarray], dict[str, Any], Any]:
    """As ``run``, with rules of the venue's profile changed."""
    from sim.venues.profile import load_profile

    spec = load_spec(scenario, list(changes))
    rules = load_profile(spec.venue)
    if "insurance_fund" in venue:
        rules = rules.model_copy(update={"insurance_fund": 5.0 * rules.insurance_fund})
    if "adl" in venue:
        rules = rules.model_copy(update={"adl": rules.adl.model_copy(update={"enabled": False})})
    market = build(spec, seed, rules)
    arrays = market.run()
    return {name: arrays.series[name] for name in arrays.series.dtype.names}, arrays.constants, market


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
    write("replay.csv", rows)


def step_job(job: tuple[float, float, int]) -> float:
    """Second-round share of one seed at one tick and news move, watched for 30 minutes."""
    tick, move, seed = job
    span = (f"duration={SHOCK_S + 1800}s", f"tick={tick}s", "record_every=1s")
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
    write("tick_halved.csv", rows)


STEP_NEWS = -2.0


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
    write("calm.csv", rows)


def shares(name: str, s: Share) -> dict[str, float]:
    """A share of seeds and its interval as columns."""
    return {f"{name}_share": s.share, f"{name}_low": s.low, f"{name}_high": s.high}


def medians(name: str, m: Median, factor: float = 1.0) -> dict[str, float]:
    """A median over seeds and its interval as columns."""
    return {name: factor * m.median, f"{name}_low": factor * m.low, f"{name}_high": factor * m.high}


def median(name: str, values: np.ndarray) -> dict[str, float]:
    """Median of all seeds with its order-statistic interval."""
    return medians(name, median_of_seeds(values))


def say(row: dict[str, Any]) -> None:
    """Print one row as it is found."""
    print({k: (round(v, 4) if isinstance(v, float) else v) for k, v in row.items()}, flush=True)


def write(name: str, rows: Sequence[dict[str, Any]]) -> None:
    """Write the rows with what made them."""
    from sim.results.manifest import code

    OUT.mkdir(parents=True, exist_ok=True)
    made = code()
    head = {"command": "python -m calibration.experiments", "kernel_sha256": made["kernel_sha256"][:12]}
    with (OUT / name).open("w", newline="", encoding="utf-8") as file:
        file.write(f"# {json.dumps(head)}; scenario outcomes given this model, not a forecast\n")
        writer = csv.DictWriter(file, list(dict.fromkeys(key for row in rows for key in row)), lineterminator="\n")
        writer.writeheader()
        for row in rows:
            writer.writerow({k: (f"{v:.5g}" if isinstance(v, float) else v) for k, v in row.items()})


EXPERIMENTS: dict[str, tuple[Callable[[ProcessPoolExecutor, int], None], int]] = {
    "calm": (calm, 20),
    "impact": (impact, 30),
    "depth": (depth, 64),
    "flow": (flow, 64),
    "replay": (replay, 64),
    "step": (step, 1024),
}


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("name", choices=sorted(EXPERIMENTS))
    parser.add_argument("--seeds", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2)
    args = parser.parse_args()
    experiment, n = EXPERIMENTS[args.name]
    warm()
    with ProcessPoolExecutor(args.jobs, get_context("spawn")) as pool:
        experiment(pool, args.seeds or n)


if __name__ == "__main__":
    main()
