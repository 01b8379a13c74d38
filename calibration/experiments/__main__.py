"""The long experiments of docs/validation.md: ``python -m calibration.experiments NAME [--seeds N] [--jobs 2]``.

Each writes one CSV with its settings in the header to ``results/published`` and prints its table. Names: ``calm``
(stylised facts and depth over days), ``impact`` (metaorders), ``clocks`` (long ticks beside fine ones), ``depth``
(depth grid by news), ``channels`` (leverage and withdrawal one at a time), ``flow`` (cost of a sale as depth falls),
``replay`` (counterfactuals of 10 October), ``step`` (tick halved twice), ``amplify`` (critical shock by depth, seeds
added near it), ``amplify_layers``, ``amplify_cash`` and ``amplify_flow`` (what stands beside it),
``impulse_response`` (one order more, paired), ``network`` (every row of the event on the replay over exchanges and
assets), ``network_counterfactuals``, ``leveraged_funds`` (value funds by their greatest leverage, and a leveraged
position on its way out, beside published figures), ``aftermath`` (rows of the six weeks after),
``aftermath_pressures`` (fund outflows, reset leverage and thin books apart). Seeds are 1 to N; nothing is fitted here.
``figures`` draws what the files there hold. The last two keep every finished run in ``results/kept`` and go on where
they were.
"""

import argparse
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from calibration.experiments import amplification, network
from calibration.experiments.aftermath import aftermath, pressures
from calibration.experiments.calm import calm, impact
from calibration.experiments.clocks import clocks
from calibration.experiments.crash import channels, depth, flow, replay, step
from calibration.experiments.figures import draw
from calibration.experiments.impulse import impulse_response
from calibration.experiments.leveraged_funds import leveraged_funds
from sim.runner import warm

EXPERIMENTS: dict[str, tuple[Callable[[ProcessPoolExecutor, int], None], int]] = {
    "calm": (calm, 20),
    "impact": (impact, 30),
    "aftermath": (aftermath, 32),
    "aftermath_pressures": (pressures, 16),
    "clocks": (clocks, 16),
    "depth": (depth, 64),
    "channels": (channels, 32),
    "flow": (flow, 64),
    "replay": (replay, 64),
    "step": (step, 1024),
    "amplify": (amplification.headline, 64),
    "amplify_layers": (amplification.layers, 32),
    "amplify_cash": (amplification.cash, 64),
    "amplify_flow": (amplification.sale, 64),
    "network": (network.network, 64),
    "network_counterfactuals": (network.counterfactuals, 16),
    "impulse_response": (impulse_response, 32),
    "leveraged_funds": (leveraged_funds, 8),
}


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("name", choices=[*sorted(EXPERIMENTS), "figures"])
    parser.add_argument("--seeds", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2)
    args = parser.parse_args()
    if args.name == "figures":
        draw()
        return
    experiment, n = EXPERIMENTS[args.name]
    warm()
    with ProcessPoolExecutor(args.jobs, get_context("spawn")) as pool:
        experiment(pool, args.seeds or n)


if __name__ == "__main__":
    main()
