"""Stops and take-profits at time 0, and the parameters of what leveraged accounts do of their own accord."""

import math

import numpy as np

from sim import units
from sim.behaviours.leveraged import STOP, TAKE_PROFIT
from sim.errors import ScenarioError
from sim.kernels.account_triggers import ACCOUNT_TRIGGER, FALLING, N_LADDERS, ON_LAST, ON_MARK, RISING
from sim.layout import Layout
from sim.pace import panic_ticks
from sim.participants import SECONDS_PER_DAY, Contract
from sim.scenario.spec import Spec
from sim.settings.leveraged_conduct import LeveragedConduct
from sim.state import Array, State

DRAW_CONDUCT = 21  # first word of the spawn key of the generators below
HAS, DISTANCE, ROUND, REFERENCE, AGE = 0, 1, 2, 3, 4  # purposes
FARTHEST = 1 << 40  # half ticks; beyond every price of a book


def fill_conduct(state: State, spec: Spec, contract: Contract, layout: Layout, crowd: Array, seed: int) -> None:
    """Parameters, triggers and their empty ladders.

    Raises
    ------
    ScenarioError
        When equity over maintenance would not be monotone in the mark at the stated multiple.
    """
    rules, conduct, n = spec.leveraged.conduct, state.conduct[0], len(crowd)
    conduct["enabled"], conduct["first"], conduct["n"] = spec.leveraged.enabled, layout.first_leveraged, n
    if rules.top_ups and rules.top_up_hazard > 0.0:
        steepest = max(int(tier["maintenance_ppm"]) for tier in state.tiers) / units.PPM
        if rules.top_up_below * steepest >= 1.0:
            raise ScenarioError(
                f"leveraged.conduct.top_up_below x the highest maintenance rate ({steepest:g}) must be below 1, "
                f"got {rules.top_up_below:g}"
            )
        state.engine[0]["alert_ppm"] = units.ppm(rules.top_up_below)
    if rules.panic and rules.panic_hazard > 0.0 and n:
        conduct["panic_gap_us"] = units.MICRO / (n * rules.panic_hazard)
    conduct["top_up_share_ppm"] = units.ppm(rules.top_up_share)
    conduct["panic_loss_ppm"], conduct["panic_move_ppm"] = units.ppm(rules.panic_loss), units.ppm(rules.panic_move)
    conduct["latency_us"] = units.us(rules.close_latency)
    state.past_marks = np.full(panic_ticks(spec, spec.tick), 2 * contract.price_ticks, np.int64)
    state.triggers = draw_triggers(rules, contract, crowd, layout.first_leveraged, seed)
    n_buckets = state.heads.shape[1]
    conduct["bucket_shift"] = state.engine[0]["bucket_shift"]
    state.trigger_heads = np.zeros((N_LADDERS, n_buckets), np.int32)
    conduct["reach"] = [-1 if k % 2 == FALLING else n_buckets for k in range(N_LADDERS)]


def draw_triggers(rules: LeveragedConduct, contract: Contract, crowd: Array, first: int, seed: int) -> Array:
    """Every stop and take-profit that has not fired at the start.

    Parameters
    ----------
    rules : LeveragedConduct
    contract : Contract
    crowd : ACCOUNT_DRAW[n]
    first : int
        Account row of the first of the crowd.
    seed : int

    Returns
    -------
    ACCOUNT_TRIGGER[m]
        Stops by account, then take-profits.
    """
    parts = []
    for cause, is_on, share, mean in (
        (int(STOP), rules.stops, rules.stop_share, rules.stop_distance),
        (int(TAKE_PROFIT), rules.take_profits, rules.profit_share, rules.profit_distance),
    ):
        if is_on:
            parts.append(triggers_of(rules, contract, crowd, first, seed, cause=cause, share=share, mean=mean))
    return np.concatenate(parts) if parts else np.zeros(0, ACCOUNT_TRIGGER)


def triggers_of(
    rules: LeveragedConduct, contract: Contract, crowd: Array, first: int, seed: int, *, cause: int, share: float,
    mean: float,
) -> Array:  # fmt: skip
    """Triggers of one cause: a long's stop and a short's take-profit fire when the price falls to them."""

    def draw(purpose: int) -> Array:
        words = np.random.SeedSequence(seed, spawn_key=(DRAW_CONDUCT, cause, purpose))
        return np.random.Generator(np.random.PCG64(words)).random(len(crowd))

    falls = (crowd["side"] > 0) == (cause == STOP)
    distance = -mean * np.log1p(-draw(DISTANCE))
    usd = crowd["entry_ticks"] * contract.tick_usd * np.exp(np.where(falls, -distance, distance))
    if cause == STOP:
        step = rules.stop_round_step
        rounded = np.where(falls, np.floor(usd / step), np.ceil(usd / step)) * step
        usd = np.where(draw(ROUND) < rules.stop_round_share, rounded, usd)
    half_ticks = np.rint(2.0 * usd / contract.tick_usd)
    start = 2 * contract.price_ticks
    spread = rules.age_volatility * math.sqrt(2.0 * rules.trigger_age / SECONDS_PER_DAY)
    waits = np.where(falls, (half_ticks > 0) & (half_ticks < start), half_ticks > start)
    rows = np.flatnonzero((draw(HAS) < share) & waits & (half_ticks < FARTHEST))
    far = np.abs(np.log(half_ticks[rows] / start))
    survival = np.array([math.erf(x / spread) if spread > 0.0 else 1.0 for x in far])
    rows = rows[draw(AGE)[rows] < survival]
    out = np.zeros(len(rows), ACCOUNT_TRIGGER)
    out["price_half_ticks"], out["account"], out["cause"] = half_ticks[rows], first + rows, cause
    reference = np.where(draw(REFERENCE)[rows] < rules.mark_share, ON_MARK, ON_LAST)
    out["ladder"] = 2 * reference + np.where(falls[rows], FALLING, RISING)
    return out
