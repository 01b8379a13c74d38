"""What a network that has come to its end leaves for its result; nothing of it holds the network."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sim.network.spool import Spool
from sim.network.watch import Watched

if TYPE_CHECKING:
    from sim.network.network import Network
    from sim.recorder import RunArrays
    from sim.scenario.spec import Spec


@dataclass(frozen=True)
class Ended:
    """The parts of a result of several markets.

    Attributes
    ----------
    spec : Spec
        The scenario with its listings.
    specs : dict
        Name of each listing to its own.
    seed : int
    arrays : dict
        Name of each listing to its ``RunArrays``, as they lie. Whoever makes tables of them takes them out one by one,
        so that rows and tables are not there twice.
    state_hashes : dict
        As ``Network.state_hashes``.
    watched : Watched
    ledgers : dict
        Name of each listing to the rows of its institutions' ledgers.
    spool : Spool
        Where the rows lie.
    """

    spec: "Spec"
    specs: dict[str, "Spec"]
    seed: int
    arrays: dict[str, "RunArrays"]
    state_hashes: dict[str, str]
    watched: Watched
    ledgers: dict[str, dict[str, list[dict[str, Any]]]]
    spool: Spool


def left_by(network: "Network") -> Ended:
    """What a network leaves that will not go on."""
    specs = {name: market.spec for name, market in network.markets.items()}
    return Ended(
        network.spec, specs, network.seed, network.collect(copy=False), network.state_hashes(), network.watched(),
        network.ledgers(), network.spool,
    )  # fmt: skip
