"""Shoal: an agent-based market stress simulator.

>>> import sim
>>> run = sim.load("flash_10_11_btc").run(seed=1)
>>> run.plot()

Names are imported when they are first used, so that ``import sim`` is quick.
"""

from sim import stopping as _stopping

_stopping.begin()  # before all else: the command can be stopped while it starts

from importlib import import_module  # noqa: E402
from typing import TYPE_CHECKING, Any  # noqa: E402

from sim.kernel_cache import prepare as _prepare  # noqa: E402
from sim.later import postpone as _postpone  # noqa: E402

if TYPE_CHECKING:
    from sim.agents.base import TradingAgent as TradingAgent
    from sim.engine import MatchingEngine as MatchingEngine
    from sim.experiments.amplify import amplify as amplify
    from sim.experiments.check import check as check
    from sim.experiments.compare import Comparison as Comparison
    from sim.experiments.compare import compare as compare
    from sim.experiments.depth_grid import Question as Question
    from sim.experiments.impulse import Impulse as Impulse
    from sim.experiments.impulse import impulse as impulse
    from sim.fork import SavedState as SavedState
    from sim.fork import load_state as load_state
    from sim.results import Ensemble as Ensemble
    from sim.results import Run as Run
    from sim.results import load_run as load_run
    from sim.runner import Scenario as Scenario
    from sim.runner import load as load

__version__ = "0.1.0"

_HOMES = {
    "Comparison": "sim.experiments.compare",
    "Ensemble": "sim.results",
    "Impulse": "sim.experiments.impulse",
    "MatchingEngine": "sim.engine",
    "Question": "sim.experiments.depth_grid",
    "Run": "sim.results",
    "SavedState": "sim.fork",
    "Scenario": "sim.runner",
    "TradingAgent": "sim.agents.base",
    "amplify": "sim.experiments.amplify",
    "check": "sim.experiments.check",
    "compare": "sim.experiments.compare",
    "impulse": "sim.experiments.impulse",
    "load": "sim.runner",
    "load_run": "sim.results",
    "load_state": "sim.fork",
}
__all__ = [
    "Comparison",
    "Ensemble",
    "Impulse",
    "MatchingEngine",
    "Question",
    "Run",
    "SavedState",
    "Scenario",
    "TradingAgent",
    "__version__",
    "amplify",
    "check",
    "compare",
    "impulse",
    "load",
    "load_run",
    "load_state",
]

_prepare()
_postpone()


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'sim' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
