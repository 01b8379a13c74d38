"""The measure ``assumptions``: what liquidity assumptions ask of a run, by what they measure and never by their limits.

Arguments: ``looks``, for each distinct measure its ``kind`` and settings in memory units (seconds, dollars, fractions),
``key``, which names its columns, and ``listing`` where it is not the first of a network. A sale is a scenario of its
own, with the sale as its last shock; the columns of a sale are filled where a run has it, those of the market without
it in every other run, and both meet by seed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sim.experiments.cases import live_market
from sim.experiments.live_looks import LIVE, NEVER, Floats, Live, Look, Numbers, Sale, end_of, spell
from sim.experiments.measures import Arguments, Measure
from sim.metrics.position import LONG, SHORT, Held, largest_call, least_room, liquidation_usd
from sim.metrics.price import NO_FLOOR, time_left_behind
from sim.results.manifest import now_utc, text_hash
from sim.results.run import Origin
from sim.results.summary import Timing
from sim.thresholds import tier_table
from sim.venues.profile import load_profile

if TYPE_CHECKING:
    from sim.results.run import Run
    from sim.runner import Scenario
    from sim.scenario.spec import Spec

WORST = frozenset({"depth", "liquidation", "margin_call", "fund", "bad_debt"})
"""Kinds that give the worst of a window: read up to the end of what is a result, a breach by then is a breach."""
CLEARING = frozenset({"fund", "bad_debt", "adl"})
"""Kinds that ask what becomes of losses."""
LIMITS: dict[str, tuple[str, str]] = {
    "news_left_s": ("s", "time from which on the price is too far behind the news to be a result; empty: never"),
    "no_floor_s": ("s", "time from which on the mark is more than 40 % below its start; empty: never"),
    "fund_gone_s": ("s", "time from which on the insurance fund is used up; empty: never"),
}
_COLUMNS: dict[str, dict[str, tuple[str, str]]] = {
    "exit_cost": {
        "_twin_usd": ("USD", "mean mid over the time of the sale, without it"),
        "_arrival_usd": ("USD", "mid when the sale begins"),
        "_sale_usd": ("USD", "average price of the sale, fees left out; runs with it alone"),
        "_filled": ("fraction", "coins of the sale that were traded; runs with it alone"),
    },
    "depth": {"": ("USD", "least depth of the looks at one side within a distance from mid")},
    "recovery": {"": ("s", "longest spell below the share of the minute before; empty: not back at the end")},
    "liquidation": {
        "": ("fraction", "least room between mark and liquidation price, of the mark; below 0: liquidated")
    },
    "margin_call": {"": ("USD", "most cash that the positions need at one time to be at their margin")},
    "fund": {"": ("fraction", "least equity of the insurance fund over that at the start; empty: it had none")},
    "bad_debt": {"": ("USD", "largest deficit of the insurance fund that nobody covers")},
    "adl": {"": ("fraction", "coins closed by deleveraging over those held at the start; empty: nobody held any")},
}


def key_of(look: Look) -> str:
    """Name of a look's columns: its kind and eight hex digits of what it asks."""
    return f"{look['kind']}_{text_hash({k: v for k, v in look.items() if k != 'key'})[:8]}"


def columns(arguments: Arguments) -> dict[str, tuple[str, str]]:
    """Name to unit and meaning of the numbers."""
    found = dict(LIMITS)
    for look in arguments["looks"]:
        found |= {name_in(look.get("listing"), name): said for name, said in LIMITS.items()}
        found |= {f"{look['key']}{suffix}": said for suffix, said in _COLUMNS[look["kind"]].items()}
    return found


def name_in(listing: str | None, name: str) -> str:
    """Column of a number of one listing; of the first, and of a market of its own, the name itself."""
    return f"{listing}.{name}" if listing else name


def sale_shock(look: Look) -> dict[str, Any]:
    """The shock that a sale is, as a resolved scenario writes it."""
    from sim.settings.shock import FlowShock

    shock = FlowShock(
        kind="flow",
        at=f"{look['at']!r}s",
        over=f"{look['over']!r}s",
        side=look["side"],
        notional=f"${look['notional']!r}",
        book=look["book"],
    )
    return shock.model_dump(mode="json")


def make(scenario: Scenario, seed: int, arguments: Arguments) -> tuple[Run, Numbers]:
    """Run a scenario once and look at it.

    Parameters
    ----------
    scenario : Scenario
        With or without a sale as its last shock.
    seed : int
    arguments : mapping
        As the module says.

    Returns
    -------
    Run, dict
        The run, and a number for each of ``columns``; NaN where this run cannot answer.
    """
    looks = [look for look in arguments["looks"] if look["kind"] == "exit_cost" and is_last_shock(look, scenario.spec)]
    is_sale = bool(looks)
    live: list[Live] = [Sale(look) for look in looks]
    if not is_sale:
        live = [LIVE[look["kind"]](look) for look in arguments["looks"] if look["kind"] in LIVE]
    run = _run(scenario, seed, live)
    found = dict.fromkeys(columns(arguments), NEVER)
    for listing in dict.fromkeys([None, *(look.get("listing") for look in arguments["looks"])]):
        whose = run.listings[listing] if listing else run
        series = {name: whose.series[name].to_numpy() for name in whose.series.columns}
        ends = _limits(series)
        found |= {name_in(listing, name): end for name, end in ends.items()}
        for one in live:
            if one.look.get("listing") == listing:
                found |= one.numbers(valid_until(one.look["kind"], ends))
        for look in () if is_sale else arguments["looks"]:
            if look.get("listing") == listing:
                valid = series["elapsed_s"] <= valid_until(look["kind"], ends)
                told = {name: column[valid] for name, column in series.items()} if look["kind"] in WORST else series
                found |= _RECORDED.get(look["kind"], _nothing)(look, told, whose.spec)
    return run, found


def is_last_shock(look: Look, spec: Spec) -> bool:
    """Whether a scenario, or the listing that a look is about, ends with the look's sale."""
    if listing := look.get("listing"):
        own = spec.listings[listing].shocks
        return bool(own) and own[-1] == sale_shock(look)
    return bool(spec.shocks) and spec.shocks[-1].model_dump(mode="json") == sale_shock(look)


def valid_until(kind: str, ends: Mapping[str, float]) -> float:
    """Second until which a run is a result for one kind of look; infinite when it is throughout.

    A price too far behind the news ends it, and a fall that no buyer waits for; so does a fund that is used up, but for
    what asks about just that.
    """
    names = ("news_left_s", "no_floor_s") if kind in CLEARING else ("news_left_s", "no_floor_s", "fund_gone_s")
    return min((ends[name] for name in names if np.isfinite(ends[name])), default=float("inf"))


def _run(scenario: Scenario, seed: int, live: Sequence[Live]) -> Run:
    """Run to the end, stopping at the times of each look; how time is cut changes no result (DECISIONS 4, 5)."""
    spec = scenario.spec
    from sim.runner import finished

    market = scenario.live(seed)
    started, wall, cpu = now_utc(), time.perf_counter(), time.process_time()
    stops: dict[float, list[Live]] = {}
    for one in live:
        for at in one.times(spec.duration):
            stops.setdefault(float(at), []).append(one)
    for at in sorted(stops):
        market.run_until(at)
        for one in stops[at]:
            one.see(at, live_market(market, one.look.get("listing")))
    market.run_until(spec.duration)
    timing = Timing(time.process_time() - cpu, time.perf_counter() - wall, started, now_utc())
    return finished(market, timing, Origin(scenario.resolved, scenario.overrides))


def _limits(series: Mapping[str, Floats]) -> Numbers:
    """Until when the run is a result: before the news is lost, before the fund is used up."""
    time_s = series["elapsed_s"]
    left = time_left_behind(time_s, series["mark_usd"], series["value_usd"])
    deep = np.flatnonzero(series["mark_usd"] < (1.0 - NO_FLOOR) * series["mark_usd"][0])
    gone = np.flatnonzero(series["fund_usd"] < 0.0)
    return {
        "news_left_s": left if np.isfinite(left) else NEVER,
        "no_floor_s": float(time_s[deep[0]]) if deep.size else NEVER,
        "fund_gone_s": float(time_s[gone[0]]) if gone.size else NEVER,
    }


def _window(look: Look, time_s: Floats) -> NDArray[np.bool_]:
    end = end_of(look, float(time_s[-1])) if time_s.size else 0.0
    return np.asarray((time_s >= look["at"] - 1e-9) & (time_s <= end + 1e-9))


def _exit_cost(look: Look, series: Mapping[str, Floats], _spec: Spec) -> Numbers:
    time_s, mid = series["elapsed_s"], series[f"{look['book']}_mid_usd"]
    during = (time_s >= look["at"] - 1e-9) & (time_s < look["at"] + look["over"] - 1e-9)
    known = mid[during][np.isfinite(mid[during])]
    if not known.size:
        return {}
    return {f"{look['key']}_twin_usd": float(known.mean()), f"{look['key']}_arrival_usd": float(known[0])}


def _recovery(look: Look, series: Mapping[str, Floats], _spec: Spec) -> Numbers:
    if look["of"] == "depth":
        return {}
    time_s = series["elapsed_s"]
    until = time_s <= end_of(look, float(time_s[-1])) + 1e-9
    return {look["key"]: spell(look, time_s[until], series["mark_usd"][until])}


def _liquidation(look: Look, series: Mapping[str, Floats], spec: Spec) -> Numbers:
    mark = series["mark_usd"][_window(look, series["elapsed_s"])]
    if not mark.size:
        return {}
    side, price = LONG if look["side"] == "long" else SHORT, look["liquidation_price"]
    if price is None:
        tiers = tier_table(load_profile(spec.venue).margin_tiers)
        price = liquidation_usd(Held(side, look["notional"], look["leverage"]), float(mark[0]), tiers)
    return {look["key"]: least_room(side, price, mark)}


def _margin_call(look: Look, series: Mapping[str, Floats], spec: Spec) -> Numbers:
    mark = series["mark_usd"][_window(look, series["elapsed_s"])]
    if not mark.size:
        return {}
    tiers = tier_table(load_profile(spec.venue).margin_tiers)
    book = [Held(LONG if p["side"] == "long" else SHORT, p["notional"], p["leverage"]) for p in look["positions"]]
    cross = look["mode"] == "cross"
    return {look["key"]: largest_call(book, mark, tiers, look["margin"] == "initial", cross)}


def _fund(look: Look, series: Mapping[str, Floats], _spec: Spec) -> Numbers:
    fund = series["fund_usd"][_window(look, series["elapsed_s"])]
    return {look["key"]: float(fund.min() / fund[0])} if fund.size and fund[0] > 0.0 else {}


def _bad_debt(look: Look, series: Mapping[str, Floats], _spec: Spec) -> Numbers:
    deficit = series["deficit_usd"][_window(look, series["elapsed_s"])]
    return {look["key"]: float(deficit.max())} if deficit.size else {}


def _nothing(_look: Look, _series: Mapping[str, Floats], _spec: Spec) -> Numbers:
    return {}


_RECORDED: dict[str, Callable[[Look, Mapping[str, Floats], Spec], Numbers]] = {
    "exit_cost": _exit_cost,
    "recovery": _recovery,
    "liquidation": _liquidation,
    "margin_call": _margin_call,
    "fund": _fund,
    "bad_debt": _bad_debt,
}

MEASURE = Measure(columns, make)
