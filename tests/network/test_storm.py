"""Conservation laws C1-C8 and C10 after every event in random networks (QUALITY L4, L5): the listings' own and those
of the whole, money and coins on their way counted. A broken law names the network and the event, which repeat exactly.
"""

import numpy as np
import pytest

from tests.market.storm_books import COUNTS
from tests.network.storm import SEEN, run_network


def many(first: int, n: int, events: int, least: int) -> int:
    """Events that held in ``n`` networks; each kind must have come up."""
    found = [run_network(seed, events) for seed in range(first, first + n)]
    counts, seen = (sum(x) for x in zip(*found, strict=True))
    names = dict(zip((*COUNTS, *SEEN), np.concatenate([counts, seen]).tolist(), strict=True))
    total = int(counts[:12].sum() + counts[19] + seen[0])
    print(f"{total:,} events in {n} networks: {names}")
    assert {name: k for name, k in names.items() if k < least} == {}
    return total


def test_every_law_holds_after_each_event_of_random_networks():
    assert many(0, 25, 1_000, 1) >= 25_000


@pytest.mark.long
def test_every_law_holds_after_each_of_a_million_events_in_two_hundred_networks():
    assert many(1_000, 200, 5_000, 100) >= 1_000_000
