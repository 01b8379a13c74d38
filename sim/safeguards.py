"""Price band and circuit breaker of a scenario, as the kernel takes them."""

from sim import units
from sim.kernels.fund_drop import N_PARTS
from sim.kernels.ledger import FUND, HALT_REJECT, HALT_WAIT
from sim.scenario.spec import Spec
from sim.settings.venue import VenueSettings
from sim.state import State


def fill_safeguards(state: State, spec: Spec, venue: VenueSettings) -> None:
    """Price band and circuit breaker of the perp, where the scenario has them; when a fund has dropped."""
    row, rules = state.safeguards[0], spec.clearing
    if rules.price_band is not None:
        row["band_ppm"] = units.ppm(rules.price_band)
    if rules.breaker.move is not None:
        tick_us = int(state.clock[0]["tick_us"])
        step_us = -(-units.MICRO // tick_us) * tick_us
        row["move_ppm"], row["step_us"] = units.ppm(rules.breaker.move), step_us
        row["most_looks"] = 1 + units.us(rules.breaker.within) // step_us
        row["halt_us"] = units.us(rules.breaker.halt)
        row["manner"] = HALT_WAIT if rules.breaker.orders == "wait" else HALT_REJECT
    drop = state.fund_drop[0]
    if venue.engine.adl_drop is not None:
        drop["drop_ppm"] = units.ppm(venue.engine.adl_drop)
        drop["part_us"] = units.us(venue.engine.adl_drop_window) // N_PARTS
        drop["start_micro"] = state.accounts[FUND]["cash_micro"]
