"""Which rows of the account table belong to whom, and the random key of each row.

Rows follow one another in the order of ``GROUPS``; the leveraged population comes last, Python agents are appended to
it. The key of an account is its group's base plus its place in the group, so a larger group shifts nobody else's draws.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sim.errors import ScenarioError
from sim.kernels.ledger import FIRST_MAKER
from sim.scenario.spec import Spec

GROUP_KEYS = 1 << 16  # keys reserved for each group; the population has its own, far above
PEOPLE_KEY = 1 << 22
GUEST_KEY = 1 << 26
INSTITUTION_KEY = 1 << 27  # apart from the guests': who is switched off shifts nobody's key
KEYS_OF_AN_INSTITUTION = 1 << 12
ACCOUNTS_PER_ARBITRAGEUR = 3  # in the perp's venue, in the spot venues, elsewhere


@dataclass(frozen=True, slots=True)
class Layout:
    """First row and size of every group that owns more than one account.

    Attributes
    ----------
    groups : dict
        Name to (first row, number of rows): ``makers`` and whoever follows them, ``people`` last.
    """

    groups: dict[str, tuple[int, int]]

    def rows(self, name: str) -> slice:
        """Rows of one group."""
        first, count = self.groups[name]
        return slice(first, first + count)

    @property
    def first_leveraged(self) -> int:
        """First row of the leveraged population; everything from here to ``n_owners`` is watched by the engine."""
        return self.groups["people"][0]

    @property
    def n_owners(self) -> int:
        """Rows of the account table of a built market."""
        first, count = self.groups["people"]
        return first + count

    def keys(self) -> npt.NDArray[np.int64]:
        """Participant word of the random counter for every row."""
        out = np.arange(self.n_owners, dtype=np.int64)
        for k, (name, (first, count)) in enumerate(self.groups.items(), start=1):
            base = PEOPLE_KEY if name == "people" else k * GROUP_KEYS
            out[first : first + count] = base + np.arange(count)
        return out


def layout_of(spec: Spec, n_people: int) -> Layout:
    """Rows of a scenario's participants.

    Parameters
    ----------
    spec : Spec
    n_people : int
        Leveraged accounts.

    Raises
    ------
    ScenarioError
        When a group is larger than the keys reserved for it.
    """
    counts = (
        ("makers", spec.market_maker.firms),
        ("latent", 2),
        ("arbitrage", ACCOUNTS_PER_ARBITRAGEUR * spec.arbitrage.firms),
        ("dip_buyers", spec.dip_buyer.buyers),
        ("trend", spec.trend.funds),
        ("people", n_people),
    )
    groups, first = {}, int(FIRST_MAKER)
    for name, count in counts:
        if count > (GUEST_KEY - PEOPLE_KEY if name == "people" else GROUP_KEYS):
            raise ScenarioError(f"{count} accounts of {name} are more than the model can name; use fewer")
        groups[name] = (first, count)
        first += count
    return Layout(groups)
