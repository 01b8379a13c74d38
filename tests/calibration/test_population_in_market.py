"""The engine liquidates exactly the accounts whose closed-form liquidation price the mark has passed."""

import numpy as np

import sim
from sim import units
from sim.population import draw_population
from sim.thresholds import liquidation_ticks
from sim.venues.profile import load_profile


def test_a_fall_liquidates_the_accounts_that_the_formula_names_and_no_other():
    fall = {"kind": "news_move", "at": "1m", "over": "2m", "move": "-4%"}
    # without arbitrage: it ties the index to a falling perp, and one account of 19,507 is safe again before it is sold
    off = {
        "arbitrage.enabled": False,
        **{f"leveraged.conduct.{part}": False for part in ("stops", "take_profits", "top_ups", "panic")},
    }
    run = sim.load("calm_btc", duration="8m", shocks=[fall], **off).run(seed=5)
    spec, venue = run.spec, load_profile(run.spec.venue)
    tick_usd, lot_coin = venue.perp.tick_usd, venue.perp.lot_coin
    unit_micro = units.micro_per_tick_lot(tick_usd, lot_coin)
    mark_ticks = units.ticks(spec.market.price, tick_usd)
    oi_lots = units.lots(spec.market.open_interest, lot_coin)
    people = draw_population(spec.leveraged, venue.margin_tiers, oi_lots, mark_ticks, 5, unit_micro=unit_micro)

    at_usd = liquidation_ticks(people, venue.margin_tiers, unit_micro) * tick_usd
    mark = run.series["mark_usd"]
    passed = np.where(people["side"] > 0, at_usd > mark.min(), at_usd < mark.max())
    named = run.constants["first_leveraged"] + np.flatnonzero(passed)

    touched = run.accounts[(run.accounts["forced_btc"] != 0.0) | (run.accounts["taken_btc"] != 0.0)]
    assert passed.sum() > 1000
    assert sorted(touched["account"]) == named.tolist()
