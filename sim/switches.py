"""Settings that change in the middle of a run: what they reach, how they enter, and which of them cannot.

There is no second copy of what a setting means. A state is built with the old settings and one with the new; where the
two differ in a field that ticks only read, the new value is written into the running state, as if a switch were turned
at that time. Where they differ in what the past has moved since (cash, positions, orders), the past stays as it was; a
setting that reaches nothing else is refused, as is one that would change the size of a room.
"""

import re
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from pydantic import ValidationError

from sim.errors import ScenarioError
from sim.kernels.book import Books
from sim.kernels.ledger import FLOW, NOISE, TAKERS
from sim.scenario.spec import INSTITUTIONS, NOT_READ, Spec
from sim.state import ROOMS, Array, State

LABELS = frozenset({"name", "title", "description", "seeds_shown", "evidence", "duration"})
"""Settings that no tick reads."""

OF_A_LISTING = re.compile(r"^listings\.[^.]+\.")
"""Head of the path of a setting of one listing alone; what follows is the path in a market of its own."""

WHOLE = ("knots", "distance", "rung_lots")
"""Arrays that ticks only read."""

READ_ONLY: dict[str, tuple[str, ...]] = {
    "clock": ("engine_on", "most_messages"),
    "rules": ("most_per_tick",),
    "pace": ("calm_us", "sigma", "move", "fuel", "reach", "busy", "gap_ppm"),
    "engine": ("adl_on", "adl_rule", "pace_cap_micro_per_s"),
    "price": ("funding_on", "index_given"),
    "news": ("noise_per_tick", "common_per_tick", "alt_per_tick"),
    "moods": ("kept", "shock", "size"),
    "crowd": (
        "base_per_tick", "gain", "most_takers", "pareto", "longest", "log_median_lots", "sigma", "renew_16", "lots",
    ),
    "layers": (
        "on", "lots_per_unit2", "y_c", "x_r", "renew_per_us", "reveal_16", "stale_16", "reenter_share", "lag_ticks",
        "latency_us",
    ),
    "firms": (
        "limit_lots", "calm_vol", "wide_vol", "pull_vol", "headline_move", "loss_share", "pulls", "one_capital",
        "one_inventory",
    ),
    "caution": (
        "reference", "phi", "least", "headline_kept", "headline_ticks", "headline_near", "headline_far", "cool_down_s",
        "cool_down_sigma", "ramp_us", "psi", "omega", "memory_us", "var_share", "on",
    ),
    "quoting": (
        "add_16", "cancel_16", "response_per_micro", "anchor_share", "quote_age_ticks", "perp_weight", "gamma", "k",
        "growth", "base", "fill_rate", "limit_orders", "news_lag_ticks", "latency_us",
    ),
    "arbitrageurs": ("latency_us", "transfer_share"),
    "arbitrage": (
        "enabled", "transfers_open", "leverage", "risk_multiple", "shadow_price", "smallest_lots", "half_life_s",
    ),
    "dip_buyers": ("threshold_ticks", "delay_us", "pace_micro"),
    "trend_funds": ("period_us", "phase_us"),
    "trend": (
        "enabled", "fast_us", "slow_us", "half_life_us", "sample_every_us", "trade_over_us", "target_per_day",
        "most_leverage",
    ),
    "safeguards": ("band_ppm", "move_ppm", "step_us", "most_looks", "halt_us", "manner"),
    "fund_drop": ("drop_ppm", "part_us"),
    "conduct": (
        "enabled", "top_up_chance", "panic_gap_us", "top_up_share_ppm", "panic_loss_ppm", "panic_move_ppm",
        "slice_micro", "latency_us", "interval_us",
    ),
}  # fmt: skip
"""Fields that ticks only read; shocks may write some of them for a while."""

NEVER_ON = {
    "layers": ("on",),
    "arbitrage": ("enabled",),
    "trend": ("enabled",),
    "conduct": ("enabled", "top_up_chance"),
}
"""Switches of what needs money or a place from the start: from 0 they go nowhere."""

ANY_LENGTH = frozenset({"messages", "order", "keys", "events", "rows", "bands", "slot_ticket", "ramps", "triggers"})
"""Rooms that grow, or whose length the past decided."""

FIXED = {
    "start_utc": "the clock runs from it",
    "tick": "every rate and duration was cut to it",
    "record_every": "the rows recorded so far have it",
    "clock.slow_tick": "rates and rooms were cut to it",
    "venue": "positions, margins and orders so far are those of its rules",
    "market.price": "everything at the start was counted in it",
    "market.perp": "its book is there from the start, or never",
    "market.spot": "its book is there from the start, or never",
    "market_maker.capital_sigma": "the firms have their capital",
    "leveraged.conduct.top_up_below": "each account waits at the price that it gave",
    "asset": "its books were seeded with it",
    "exchange": "its fund, wallets and cross-margin accounts are there",
    "quote": "its cash so far is counted in it",
    "network.record_every": "the rows recorded so far have it",
}


class Reach(NamedTuple):
    """What changed settings do to a state: rooms of another size, fields written anew, switches that cannot go on."""

    sizes: list[str]
    written: list[str]
    stuck: list[str]


def refuse_past(old: Spec, new: Spec, time_s: float) -> None:
    """Refuse settings that would change what has been, at a fork ``time_s`` seconds from the start.

    Raises
    ------
    ScenarioError
        One line for each problem.
    """
    problems = []
    if new.duration < time_s:
        problems.append(f"duration: the run was saved at {time_s:g} s, so it cannot end at {new.duration:g} s")
    for k, shock in enumerate(old.shocks):
        if shock.at <= time_s and new.shocks[k : k + 1] != (shock,):
            problems.append(
                f"shocks.{k}: it began at {shock.at:g} s, before the fork at {time_s:g} s, and stays as it is; "
                "add others after it"
            )
    for k, shock in enumerate(new.shocks):
        if shock.at < time_s and old.shocks[k : k + 1] != (shock,):
            problems.append(f"shocks.{k}: begins at {shock.at:g} s, before the fork at {time_s:g} s; give a later time")
    if problems:
        raise ScenarioError(problems)


def refuse_change[Draft](
    old: Spec, new: Spec, time_s: float, before: Draft, drafted: Callable[[Spec], Draft],
    reached: Callable[[Draft, Draft], Reach],
) -> None:  # fmt: skip
    """Refuse settings that cannot change at a fork.

    Parameters
    ----------
    old, new : Spec
    time_s : float
        Of the fork.
    before
        What the old settings make, before its first tick.
    drafted : callable
        Makes the same of other settings.
    reached : callable
        What differs between two of them.

    Raises
    ------
    ScenarioError
        One line for each setting that a fork cannot change, with the reason.
    """
    paths = differing(old, new)
    if problems := [problem for path in paths for problem in complaints_of_desk(new, path)]:
        raise ScenarioError(problems)
    changed = [path for path in paths if not is_told_apart(path)]
    if not changed:
        return
    tick_us = round(old.tick * 1e6)
    if round(time_s * 1e6) % tick_us:
        raise ScenarioError(
            f"{', '.join(changed)}: settings change between two ticks ({tick_us / 1e6:g} s), "
            f"and the run was saved at {time_s:g} s"
        )
    fixed = {path: why for path in changed if (why := FIXED.get(OF_A_LISTING.sub("", path)))}
    problems = [f"{path}: cannot change at a fork: {why}" for path, why in fixed.items()]
    together: list[str] = []
    for path in (path for path in changed if path not in fixed):
        try:
            alone = with_setting(old, new, path)
        except ValidationError:
            together.append(path)
            continue
        problems += complaints(path, reached(before, drafted(alone)))
    if together and not problems:
        problems += complaints(", ".join(together), reached(before, drafted(new)))
    if problems:
        raise ScenarioError(problems)


def is_told_apart(path: str) -> bool:
    """Whether a setting is no tick's to read, or a shock's, which is judged by its time, or that of a desk."""
    return OF_A_LISTING.sub("", path).split(".")[0] in {*LABELS, *NOT_READ, *INSTITUTIONS, "shocks"}


def complaints_of_desk(new: Spec, path: str) -> list[str]:
    """Why a setting of an institution cannot change at a fork: it acts at the start, or there is no desk to read it."""
    group, _, name = path.partition(".")
    if group not in INSTITUTIONS:
        return []
    name, settings = name.split(".")[0], getattr(new, group)
    if name in settings.at_start:
        return [f"{path}: cannot change at a fork: it acts at the start alone"]
    if name == "enabled" and settings.enabled:
        return [f"{path}: cannot be switched on at a fork: what was off at the start has no money or no place"]
    return []


def turn(state: State, before: State, fresh: State, n_path_ramps: int) -> int:
    """Write changed settings into a running state.

    Parameters
    ----------
    state : State
        Running; changed in place.
    before, fresh : State
        Built with the settings so far and with the new ones, before their first tick.
    n_path_ramps : int
        How many of ``state.ramps`` are the news path.

    Returns
    -------
    int
        Ramps of the news path now.
    """
    write(state, before, fresh)
    deposit(state, before, fresh)
    if before.ramps.tolist() == fresh.ramps.tolist():
        return n_path_ramps
    return splice(state, n_path_ramps, fresh.ramps)


def differing(old: Spec, new: Spec) -> list[str]:
    """Dotted paths of the settings that differ; a list counts as one setting."""
    found: list[str] = []

    def compare(a: Any, b: Any, path: str) -> None:
        if isinstance(a, dict) and isinstance(b, dict):
            for key in sorted({*a, *b}):
                compare(a.get(key), b.get(key), f"{path}.{key}" if path else key)
        elif a != b:
            found.append(path)

    compare(old.model_dump(), new.model_dump(), "")
    return found


def complaints(path: str, reach: Reach) -> list[str]:
    """Why a setting cannot change at a fork, in one sentence; nothing when it can."""
    if reach.sizes:
        return [f"{path}: cannot change at a fork: it decides the size of {', '.join(reach.sizes)}"]
    if reach.stuck:
        return [f"{path}: cannot be switched on at a fork: what was off at the start has no money or no place"]
    if not reach.written:
        return [f"{path}: cannot change at a fork: it acts at the start alone, or not at all in this scenario"]
    return []


def with_setting(old: Spec, new: Spec, path: str) -> Spec:
    """The old scenario with one setting of the new one."""
    data, source = old.model_dump(mode="json"), new.model_dump(mode="json")
    holder = data
    *groups, name = path.split(".")
    for key in groups:
        holder, source = holder[key], source[key]
    if name in source:
        holder[name] = source[name]
    else:
        del holder[name]
    return Spec.model_validate(data)


def reach_of(before: State, after: State) -> Reach:
    """What differs between two states before their first ticks."""
    sizes, written, stuck = [], [], []
    for name, a, b in pairs(before, after):
        if name == "ramps":
            if a.tolist() != b.tolist():
                written.append(name)
        elif name in WHOLE:
            if a.shape != b.shape or (a != b).any():
                written.append(name)
        elif a.shape != b.shape:
            sizes += [] if name in ANY_LENGTH or name.startswith("books.") else [name]
        else:
            for field in READ_ONLY.get(name, ()):
                if (a[field] != b[field]).any():
                    written.append(f"{name}.{field}")
                if field in NEVER_ON.get(name, ()) and ((a[field] == 0) & (b[field] != 0)).any():
                    stuck.append(f"{name}.{field}")
    if before.books.levels.shape != after.books.levels.shape:
        sizes.append("books.levels")
    return Reach(sizes, written, stuck)


def pairs(before: State, after: State) -> list[tuple[str, Array, Array]]:
    """Name and both arrays of every room."""
    out = []
    for room in ROOMS:
        a, b = getattr(before, room), getattr(after, room)
        if isinstance(a, Books):
            out += [(f"books.{name}", x, y) for name, x, y in zip(Books._fields, a, b, strict=True)]
        else:
            out.append((room, a, b))
    return out


def write(state: State, before: State, after: State) -> None:
    """Write each read-only value that differs into the running state."""
    for name in WHOLE:
        a, b = getattr(before, name), getattr(after, name)
        if a.shape != b.shape or (a != b).any():
            setattr(state, name, b.copy())
    for name, columns in READ_ONLY.items():
        room, a, b = getattr(state, name), getattr(before, name), getattr(after, name)
        for column in columns:
            moved = a[column] != b[column]
            room[column] = np.where(moved, b[column], room[column])


def deposit(state: State, before: State, after: State) -> None:
    """Give the background accounts and the makers' working stock what the new settings fund beyond the old ones.

    They trade shocks and volume from more than they can ever need; what they have is never taken from them.
    """
    positions, accounts = state.books.positions, state.accounts
    for owner in (TAKERS, NOISE, FLOW):
        cash = int(after.accounts[owner]["cash_micro"]) - int(before.accounts[owner]["cash_micro"])
        coins = int(after.books.positions[1, owner] - before.books.positions[1, owner])
        accounts[owner]["cash_micro"] += max(0, cash)
        positions[1, owner] += max(0, coins)
        state.clock[0]["cash_micro"] += max(0, cash)
        state.clock[0]["coin_lots"] += max(0, coins)
    more = np.maximum(after.firms["stock_lots"] - before.firms["stock_lots"], 0)
    state.firms["stock_lots"] += more
    positions[1, state.firms["owner"]] += more
    state.clock[0]["coin_lots"] += more.sum()


def splice(state: State, n_path: int, path: Array) -> int:
    """Let the news value go on along another path: moves so far stay, the new path acts from the next tick on."""
    now = state.tick * int(state.clock[0]["tick_us"])
    past = state.ramps[:n_path]
    past = past[past["start_us"] < now].copy()
    past["log_move"] *= (np.minimum(past["end_us"], now) - past["start_us"]) / (past["end_us"] - past["start_us"])
    past["end_us"] = np.minimum(past["end_us"], now)
    to_come = path[path["end_us"] > now].copy()
    begin = np.maximum(to_come["start_us"], now)
    to_come["log_move"] *= (to_come["end_us"] - begin) / (to_come["end_us"] - to_come["start_us"])
    to_come["start_us"] = begin
    state.ramps = np.concatenate([past, to_come, state.ramps[n_path:]])
    return len(past) + len(to_come)
