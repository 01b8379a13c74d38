"""The replay over exchanges and assets: every row of the event over seeds, and the counterfactuals seed by seed."""

import json
import math
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import Any

import numpy as np

from calibration.experiments.common import say, write
from sim.experiments.base_run import base_changes, forced_btc, fuel, lead_marks
from sim.experiments.plan import changed
from sim.metrics.amplification import CUT, log_fall, second_round_share
from sim.metrics.paired import pair
from sim.metrics.score import judge
from sim.metrics.seeds import share_of_seeds
from sim.results import Run
from sim.runner import load
from sim.scenario.load import load_spec
from sim.scenario.spec import Spec
from sim.targets import Target, targets

WHOLE = "flash_10_11"
UNTIL = {"duration": "130min"}  # 22:30 UTC: the crash, the halt of transfers and the time of the depegs
TIMES = {8.0: 1, 1.0: 2}
"""Times of the news path, and by what the seeds are divided: where altcoins and coin-margined books break and BTC
seldom does [judgement, after a look at one seed at each of 1, 5 and 8]; as it was, where nothing is near its edge.
"""
HEADLINE_S = 1740.0  # 20:49 UTC
BETAS_ALONE = {"F7": "btc_cex_us", "F8": "btc_cex_a"}  # rows of altcoins, and whose path their betas multiply
CASES = {
    "headline": WHOLE,
    "redemption-value collateral": f"{WHOLE}_redemption",
    "transfers open": f"{WHOLE}_transfers_open",
    "ADL off": f"{WHOLE}_no_adl",
    "ADL pro rata": f"{WHOLE}_adl_pro_rata",
    "ADL by haircut": f"{WHOLE}_adl_haircut",
    "pace capped at 20 m/s": f"{WHOLE}_pace_cap",
    "morning depth": f"{WHOLE}_morning_depth",
    "depth frozen at 55/75 %": f"{WHOLE}_depth_frozen",
    "half leverage": f"{WHOLE}_half_leverage",
    "fund x5": f"{WHOLE}_fund_x5",
}


def key_of(target: Target) -> str:
    """A row of the table of targets: some facts have several, told apart by their names and scopes."""
    return f"{target.id}|{target.name}|{target.scope}"


def replay_job(seed: int) -> dict[str, float]:
    """Value of every row of the event on one seed; rows that the run cannot answer are missing."""
    from sim.report.recorded import load_recorded
    from sim.report.scorecard import Scorecard

    run = load(WHOLE).run(seed)
    card = Scorecard((run,), load_recorded(run.spec))
    rows = {key_of(s.target): float(s.values[0]) for s in card.scored if s.values.size}
    assets = run.spec.network.assets
    for row, name in BETAS_ALONE.items():
        spot = run.listings[name].series["spot_last_usd"].to_numpy(dtype=float)
        since = run.listings[name].series["elapsed_s"].to_numpy(dtype=float) >= HEADLINE_S
        fall = math.log(float(np.nanmin(spot[since]) / spot[since][0]))
        betas = [assets[alt].beta for alt in ("alt_deep", "alt_thin")]
        rows[f"{row} by betas alone"] = 100.0 * float(np.median([math.expm1(beta * fall) for beta in betas]))
    return rows | {f"{name}.drop_from_start": one.summary["drop_from_start"] for name, one in run.listings.items()}


def network(pool: ProcessPoolExecutor, n: int) -> None:
    """Write ``network_replay.csv``: one row a target."""
    found = list(pool.map(replay_job, range(1, n + 1)))
    rows = []
    for target in targets():
        values = np.array([seed[key_of(target)] for seed in found if key_of(target) in seed])
        if not values.size:
            continue
        scored = judge(target, values)
        low, high = target.band if target.band is not None else (math.nan, math.nan)
        rows.append(
            {
                "id": target.id, "name": target.name, "unit": target.unit, "role": target.role,
                "recorded": target.value,
                "band_low": low, "band_high": high, "median": scored.median, "p10": float(np.quantile(values, 0.1)),
                "p90": float(np.quantile(values, 0.9)), "seeds": values.size, "inside": scored.n_inside,
                "verdict": scored.verdict,
            }
        )  # fmt: skip
        say(rows[-1])
    for name in sorted(
        {key for seed in found for key in seed if "betas alone" in key or key.endswith(".drop_from_start")}
    ):
        values = np.array([seed[name] for seed in found])
        low, middle, high = (float(np.quantile(values, q)) for q in (0.1, 0.5, 0.9))
        rows.append({"id": name, "median": middle, "p10": low, "p90": high, "seeds": values.size})
        say(rows[-1])
    write("network_replay.csv", rows, "network", n, WHOLE)


def numbers(run: Run, base_fall: float) -> dict[str, float]:
    """What a counterfactual is judged by, of one run."""
    adl = deficit = taken = 0.0
    gap = 0.0
    lead = run.series["mark_usd"].to_numpy(dtype=float)
    for name, one in run.listings.items():
        mark = one.series["mark_usd"].to_numpy(dtype=float)
        adl += float((one.series["adl_btc"].to_numpy(dtype=float) * mark).sum())
        taken += float((one.series["takeover_btc"].to_numpy(dtype=float) * mark).sum())
        deficit += float(one.series["deficit_usd"].max())
        if run.spec.listings[name].asset == "btc" and run.spec.listings[name].quote == "usdt":
            gap = max(gap, float(np.nanmax(np.abs(mark / lead - 1.0))))
    usde = run.listings["usde_cex_a"].series["spot_last_usd"].to_numpy(dtype=float)
    interest = float(run.series["open_interest_btc"].iloc[0])
    first = float(fuel(run.spec, run.seed, np.array([-math.expm1(-base_fall)]))[0])
    return {
        "second_round": second_round_share(forced_btc(run), interest, first),
        "trough_pct": 100.0 * run.summary["drop_from_start"],
        "alt_thin_trough_pct": 100.0 * run.listings["alt_thin_cex_a"].summary["drop_from_start"],
        "alt_thin_coin_trough_pct": 100.0 * run.listings["alt_thin_cex_a_coin"].summary["drop_from_start"],
        "forced_musd": 1e-6 * (run.summary["all.forced_sell_usd"] + run.summary["all.forced_buy_usd"]),
        "takeover_musd": 1e-6 * taken, "adl_musd": 1e-6 * adl, "bad_debt_musd": 1e-6 * deficit,
        "btc_gap_pct": 100.0 * gap, "usde_low_usd": float(np.nanmin(usde)),
    }  # fmt: skip


def case_job(job: tuple[float, int], cases: dict[str, str] = CASES) -> dict[str, dict[str, float]]:
    """Every case on one seed; base runs (no liquidation, no withdrawal) are made once for each depth."""
    times, seed = job
    bases: dict[str, float] = {}
    out = {}
    for label, name in cases.items():
        changes = {**UNTIL, "news.scale": times}
        spec = load_spec(name, changes)
        whole = spec.model_dump(mode="json")
        base = Spec.model_validate(changed(whole, base_changes(spec)))
        key = json.dumps([base.market.model_dump(mode="json"), base.network.bridge.model_dump(mode="json")])
        if key not in bases:
            bases[key] = log_fall(lead_marks(base, seed))
        out[label] = numbers(load(name, changes).run(seed), bases[key])
    return out


def counterfactuals(pool: ProcessPoolExecutor, n: int) -> None:
    """Write ``network_counterfactuals.csv``: each case beside the headline, with paired intervals."""
    rows = []
    for times, part in TIMES.items():
        here = max(1, n // part)
        found = list(pool.map(partial(case_job), [(times, seed) for seed in range(1, here + 1)]))
        for label in CASES:
            row: dict[str, Any] = {"news_times": times, "case": label, "seeds": here}
            cascades = np.array([seed[label]["second_round"] > CUT for seed in found])
            share = share_of_seeds(int(cascades.sum()), here)
            row |= {"cascade_share": share.share, "cascade_low": share.low, "cascade_high": share.high}
            for name in found[0][label]:
                a = np.array([seed["headline"][name] for seed in found])
                b = np.array([seed[label][name] for seed in found])
                p = pair(a, b)
                row |= {name: float(np.median(b))}
                if label != "headline":
                    row |= {f"{name}_change": p.mean, f"{name}_low": p.low, f"{name}_high": p.high}
            rows.append(row)
            say(row)
        write("network_counterfactuals.csv", rows, "network_counterfactuals", n, WHOLE)
