"""What depends on the length of a tick, and how a market changes from ticks of one length to those of another.

All rules are rates and durations; ``write_rates`` is the one place where they become chances and shares of one tick.
A market of two clocks (``clock.slow_tick``) keeps its state and everybody in it when it changes: rates are written
anew, and what is kept by tick (news seen, past marks, quotes) is laid out on the new ticks. Ticks are numbered from
time 0 on either clock, and the key of the draws says which clock it is: each time has its own draws on each.
Source: MODEL 7, R11.
"""

import math
from typing import TYPE_CHECKING

import numpy as np

from sim import units
from sim.behaviours.maker_risk import HEADLINE_S
from sim.errors import ScenarioError
from sim.kernels.recording import QUOTE_RING
from sim.news_path import own_noise
from sim.participants import HAWKES_S, SECONDS_PER_DAY, draws_of, taker_rates
from sim.scenario.spec import Spec
from sim.schema import EVENT_CLOCK
from sim.state import Array, State
from sim.venues.profile import load_profile

if TYPE_CHECKING:
    from sim.market import Market
    from sim.settings.venue import VenueSettings

BAND_EVERY_S = 10.0  # DECISIONS 8
NEVER_US = 1 << 62
SLOW_KEY = np.uint64(1 << 31)  # turned in the second word of each key while ticks are long


def fill_pace(state: State, spec: Spec) -> None:
    """What calls for which clock; a run begins on fine ticks."""
    rules, row = spec.clock, state.pace[0]
    if rules.slow_tick is None:
        return
    row["slow_us"], row["calm_us"] = units.us(rules.slow_tick), units.us(rules.calm_for)
    row["sigma"] = spec.market_maker.reference_volatility * math.sqrt(rules.slow_tick / SECONDS_PER_DAY)
    row["move"], row["fuel"], row["reach"] = rules.live_move, rules.live_fuel, rules.live_reach
    row["busy"] = [rules.live_activity * rate * rules.slow_tick for rate in taker_rates(spec)]
    row["gap_ppm"] = units.ppm(rules.live_gap)
    row["log_mark"] = math.log(int(state.price[0]["mark_half_ticks"]))


def write_rates(state: State, spec: Spec, venue: "VenueSettings", tick: float) -> None:
    """Write every chance and share of one tick; what the past has moved stays.

    Parameters
    ----------
    state : State
        Filled but for these. Changed in place.
    spec : Spec
    venue : VenueSettings
    tick : float
        Seconds.
    """
    state.clock[0]["tick_us"] = units.us(tick)
    state.clock[0]["band_every_us"] = units.us(max(BAND_EVERY_S, tick))
    if spec.clearing.capacity is not None:
        state.rules[0]["most_per_tick"] = max(1, round(spec.clearing.capacity * tick))
    state.engine[0]["unload_share_ppm"] = round(units.PPM * (1.0 - 0.5 ** (tick / venue.fund_unload_half_life)))
    write_background(state, spec, tick)
    write_news(state, spec, tick)
    write_latent(state, spec, tick)
    write_makers(state, spec, tick)
    write_transfers(state, tick / spec.tick)
    write_conduct(state, spec, tick)


def chance_16(exponent: float) -> int:
    """1 - exp(-exponent) in 1/65536, the nearest."""
    return round(65536 * -math.expm1(-exponent))


def write_background(state: State, spec: Spec, tick: float) -> None:
    """Takers and limit rows of the crowd. A long tick draws its takers in several parts."""
    background, is_long = spec.background, tick > spec.tick
    renewals = tick / background.noise_lifetime * spec.market.depth_scale_refill
    for row, rate in zip(state.crowd, taker_rates(spec), strict=True):
        row["base_per_tick"] = rate * tick * (1.0 - background.branching)
        row["kept"] = np.exp(-tick / np.array(HAWKES_S))
        row["gain"] = background.branching / len(HAWKES_S) * (1.0 - row["kept"])
        row["more_draws"] = draws_of(rate, tick) - 1 if is_long else 0
        row["renew_16"] = max(1, chance_16(renewals))


def write_news(state: State, spec: Spec, tick: float) -> None:
    """Noise of the asset's own news, and the factors of activity."""
    news = spec.news
    state.news[0]["noise_per_tick"] = own_noise(spec) * math.sqrt(tick / SECONDS_PER_DAY)
    for mood, half_life in zip(state.moods, (news.activity_fast_half_life, news.activity_slow_half_life), strict=True):
        kept = 0.5 ** (tick / half_life)
        mood["kept"], mood["shock"] = kept, math.sqrt(1.0 - kept * kept)


def write_latent(state: State, spec: Spec, tick: float) -> None:
    """Looks at bins, orders left behind, re-entry."""
    latent = spec.latent
    for layer in state.layers:
        layer["reveal_16"] = max(1, chance_16(tick / latent.reveal_time))
        layer["stale_16"] = max(1, chance_16(latent.stale_rate * tick))
        layer["reenter_share"] = -math.expm1(-tick / latent.reentry_time)
        layer["lag_ticks"] = latent.news_latency / tick


def write_makers(state: State, spec: Spec, tick: float) -> None:
    """Rungs, beliefs, and how headlines fade."""
    settings, quoting, caution = spec.market_maker, state.quoting[0], state.caution[0]
    quoting["add_16"] = max(1, chance_16(settings.add_rate * spec.market.depth_scale_refill * tick))
    quoting["cancel_16"] = chance_16(settings.cancel_rate * tick)
    quoting["anchor_share"] = -math.expm1(-tick / settings.anchor_time)
    age_s = settings.news_latency + 1.0 / settings.cancel_rate + tick  # to decide, to move the quote, to match it
    quoting["quote_age_ticks"] = age_s / tick
    quoting["news_lag_ticks"] = settings.news_latency / tick
    caution["headline_kept"] = 0.5 ** (tick / settings.headline_half_life)
    caution["headline_ticks"] = settings.news_latency / tick + HEADLINE_S / tick


def write_transfers(state: State, fine_ticks: float) -> None:
    """Share of an arbitrage firm's distance to its balances that one tick closes; that of a fine tick is kept."""
    firms = state.arbitrageurs
    is_kept = firms["fine_share"] > 0.0
    fine = np.where(is_kept, firms["fine_share"], firms["transfer_share"])
    is_long = fine_ticks > 1.0
    firms["transfer_share"] = -np.expm1(fine_ticks * np.log1p(-fine)) if is_long else fine
    firms["fine_share"] = fine if is_long else 0.0


def write_conduct(state: State, spec: Spec, tick: float) -> None:
    """Top-ups, and the orders of those who close."""
    rules, conduct = spec.leveraged.conduct, state.conduct[0]
    if rules.top_ups and rules.top_up_hazard > 0.0:
        conduct["top_up_chance"] = -math.expm1(-rules.top_up_hazard * tick)
    tick_us, latency_us = units.us(tick), units.us(rules.close_latency)
    conduct["interval_us"] = (latency_us // tick_us + 1) * tick_us
    conduct["slice_micro"] = units.micro(rules.close_slice * float(conduct["interval_us"]) / units.MICRO)


def seen_ticks(spec: Spec, tick: float) -> int:
    """Ticks of news value kept for slow eyes: the makers' headline window and everybody's latency."""
    longest = max(spec.market_maker.news_latency + HEADLINE_S, spec.latent.news_latency)
    return math.ceil(longest / tick) + 3


def panic_ticks(spec: Spec, tick: float) -> int:
    """Ticks of the window in which a move frightens leveraged accounts."""
    return max(1, round(spec.leveraged.conduct.panic_window / tick))


def slow_tick_of(spec: Spec) -> float:
    """Length of a long tick in seconds.

    Raises
    ------
    ScenarioError
        Where the scenario has none.
    """
    if spec.clock.slow_tick is None:
        raise ScenarioError(f"{spec.name} has one clock: set clock.slow_tick")
    return spec.clock.slow_tick


def change_clock(market: "Market") -> None:
    """Go on with long ticks where they were fine, and with fine ones where they were long.

    Parameters
    ----------
    market : Market
        At a time at which a tick of either clock begins.
    """
    state, spec, pace = market.state, market.spec, market.state.pace[0]
    is_slow = not pace["is_slow"]
    tick = slow_tick_of(spec) if is_slow else spec.tick
    before_us, now_us = int(state.clock[0]["tick_us"]), state.tick * int(state.clock[0]["tick_us"])
    kept = state.crowd["kept"].copy()
    write_rates(state, spec, market.venue or load_profile(spec.venue), tick)
    state.crowd["caused"] = caused_now(
        state.crowd["caused"], kept, state.crowd["kept"], slow_tick_of(spec) / spec.tick, is_slow
    )
    tick_us = int(state.clock[0]["tick_us"])
    begins = now_us // tick_us
    last, now = state.tick - 1, begins - 1
    state.seen = np.roll(rung(np.roll(state.seen, -1), last, before_us, now, tick_us, seen_ticks(spec, tick)), 1)
    marks = rung(state.past_marks.astype(float), last, before_us, now, tick_us, panic_ticks(spec, tick))
    state.past_marks = np.rint(marks).astype(np.int64)
    state.quotes = np.repeat(state.quotes[state.tick % QUOTE_RING : state.tick % QUOTE_RING + 1], QUOTE_RING)
    turn_keys(state)
    market.changes = [change._replace(tick=-(-change.tick * before_us // tick_us)) for change in market.changes]
    state.clock[0]["tick"] = begins
    pace["is_slow"], pace["live_us"] = int(is_slow), now_us
    market.write_event(int(EVENT_CLOCK), -1, 0, int(state.price[0]["mark_half_ticks"]) // 2, 0, at_us=now_us)


def next_shock_us(market: "Market") -> int:
    """Time of the next of the scenario's shocks that begins with the next tick or later; far away without one."""
    if not market.spec.shocks:
        return NEVER_US  # asked before every event of a run
    now_us = market.state.tick * int(market.state.clock[0]["tick_us"])
    times = (units.nearest_us(shock.at) for shock in market.spec.shocks)
    return min((at for at in times if at >= now_us), default=NEVER_US)


def is_shock_near(market: "Market") -> bool:
    """Whether a shock begins within the long tick that runs next: it is for fine ticks."""
    if not market.spec.shocks:
        return False
    end_us = (market.state.tick + 1) * int(market.state.clock[0]["tick_us"])
    return bool(market.state.pace[0]["is_slow"]) and next_shock_us(market) < end_us


def ticks_to_shock(market: "Market") -> int:
    """Long ticks that end before the next shock begins, at least 1; any number on fine ticks."""
    if not market.state.pace[0]["is_slow"]:
        return NEVER_US
    return max(1, next_shock_us(market) // int(market.state.clock[0]["tick_us"]) - market.state.tick)


def caused_now(caused: Array, kept: Array, kept_now: Array, fine_ticks: float, is_slow: bool) -> Array:
    """Background orders that earlier ones cause in the next tick, by time scale, when ticks change their length.

    On long ticks: those of the children still to come whose time falls into the first of them. On fine ticks as many a
    second as so far: what a long tick puts off to the next would otherwise come in one second.

    Parameters
    ----------
    caused, kept, kept_now : float64[..., n]
        Caused in the next tick of the old length; share of that left after one tick of the old and of the new length.
    fine_ticks : float
        Fine ticks in a long one.
    is_slow : bool
        Whether the new ticks are the long ones.
    """
    if not is_slow:
        return caused / fine_ticks
    return np.where(kept < 1.0, caused / np.where(kept < 1.0, 1.0 - kept, 1.0), 0.0) * (1.0 - kept_now)


def turn_keys(state: State) -> None:
    """Take the other clock's draws."""
    state.key[1] ^= SLOW_KEY
    state.news_keys.reshape(-1, 2)[:, 1] ^= SLOW_KEY


def rung(ring: Array, newest: int, before_us: int, newest_now: int, tick_us: int, size: int) -> Array:
    """A ring of values by tick laid out on ticks of another length, linear between those known.

    Parameters
    ----------
    ring : float64[n]
        The value of tick k at ``k % n``, of the last ``n`` ticks.
    newest : int
        Newest tick in it.
    before_us, tick_us : int
        Length of the ticks of ``ring`` and of the new one.
    newest_now, size : int
        Newest tick and length of the new ring.

    Returns
    -------
    float64[size]
    """
    ticks = np.arange(newest - len(ring) + 1, newest + 1)
    out = np.empty(size)
    wanted = np.arange(newest_now - size + 1, newest_now + 1)
    out[wanted % size] = np.interp(wanted * tick_us, ticks * before_us, ring[ticks % len(ring)])
    return out
