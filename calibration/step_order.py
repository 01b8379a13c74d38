"""The order of steps inside a tick and who cascades (MODEL R12): ``python -m calibration.step_order --seeds 64``.

In the model makers quote, takers arrive, and then the engine closes accounts, in each tick. Here the engine and the
fund act first. For ticks of 1 s and 100 ms it prints the share of seeds that cascade under both orders and the paired
change with its 95% interval. A run cascades when its second-round forced trading, what the engine traded less what
the fall of a run without engine would have reached anyway, exceeds ``c`` of the open interest (DECISIONS 20c).
"""

import argparse
import math
from collections.abc import Sequence

import numpy as np

from sim import units
from sim.build import build, contract_of
from sim.market import Market
from sim.population import draw_population
from sim.scenario.load import load_spec
from sim.scenario.spec import Spec
from sim.thresholds import liquidation_share
from sim.venues.profile import load_profile

CUTS = (0.01, 0.02, 0.04)  # c / 2, c, 2 c of DECISIONS 20c
TICKS = ("1s", "100ms")
SHOCK_AT = "10m"


def spec_of(tick: str, move: str, duration: str, **more: object) -> Spec:
    """calm_btc with a news move of a minute."""
    shock = {"kind": "news_move", "at": SHOCK_AT, "over": "60s", "move": move}
    return load_spec("calm_btc", {"tick": tick, "duration": duration, "shocks": [shock], **more})


def finished(spec: Spec, seed: int, engine_first: bool) -> Market:
    """A market run to its end under one order of steps."""
    market = build(spec, seed)
    market.state.clock[0]["engine_first"] = int(engine_first)
    market.run()
    return market


def fall_of(market: Market) -> float:
    """Largest fall of the perp's last price from its start, a fraction."""
    last = market.collect().series["perp_last_ticks"]
    start = market.spec.market.price / market.tick_usd
    return max(0.0, 1.0 - float(last[last > 0].min()) / start)


def reached(spec: Spec, seed: int, fall: float) -> float:
    """Share of the open interest that a fall makes liquidatable by itself: Lambda."""
    venue = load_profile(spec.venue)
    contract, tiers = contract_of(spec, venue), venue.margin_tiers
    oi_lots = units.lots(spec.market.open_interest, contract.lot_coin)
    crowd = draw_population(spec.leveraged, tiers, oi_lots, contract.price_ticks, seed, unit_micro=contract.unit_micro)
    return float(liquidation_share(crowd, tiers, contract.price_ticks, contract.unit_micro, np.array([fall]))[0])


def second_round(spec: Spec, base: Spec, seed: int) -> tuple[float, float]:
    """Second-round forced share of the open interest with the engine last and first."""
    by_itself = reached(spec, seed, fall_of(finished(base, seed, False)))
    shares = []
    for engine_first in (False, True):
        market = finished(spec, seed, engine_first)
        series = market.collect().series
        forced = float(series["forced_sell_lots"].sum() + series["takeover_lots"].sum())
        oi_lots = units.lots(spec.market.open_interest, market.lot_coin)
        shares.append(forced / oi_lots - by_itself)
    return shares[0], shares[1]


def change_of_share(cascades: np.ndarray) -> tuple[float, float]:
    """Mean paired change of bool[n, 2] from last to first, and half its 95% interval."""
    change = cascades[:, 1].astype(float) - cascades[:, 0]
    return float(change.mean()), 1.96 * float(change.std(ddof=1)) / math.sqrt(len(change))


def report(move: str, duration: str, seeds: Sequence[int]) -> None:
    """Print the table."""
    print(f"news {move} in a minute, {len(seeds)} seeds, {duration}; share of seeds that cascade")
    for tick in TICKS:
        spec = spec_of(tick, move, duration)
        off = {"leveraged.enabled": False, "market_maker.withdrawal": False}
        base = spec_of(tick, move, duration, **off)
        rounds = np.array([second_round(spec, base, seed) for seed in seeds])
        for cut in CUTS:
            cascades = rounds > cut
            change, half = change_of_share(cascades)
            last, first = cascades.mean(axis=0)
            shares = f"engine last {last:.3f}  first {first:.3f}"
            print(f"tick {tick:>5}  c {cut:.0%}  {shares}  change {change:+.3f} +- {half:.3f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--move", default="-1.75%")
    parser.add_argument("--duration", default="30m")
    parser.add_argument("--seeds", type=int, default=64)
    chosen = parser.parse_args()
    report(chosen.move, chosen.duration, range(1, chosen.seeds + 1))
