"""What ordering by arrival costs: the mailbox against messages handed to the core as they were written."""

import numpy as np

import sim
from sim.kernels._jit import entry
from sim.kernels.mailbox import Mail, sort_due
from tests.bench.clock import timed

MESSAGES = 300  # of a tick, as calm_btc has them
TICKS = 2_000


@entry
def sort_many(accounts, mail, key, n):
    """Sort the same mailbox ``n`` times."""
    due = np.int64(0)
    for _ in range(n):
        due += sort_due(accounts, mail, np.int64(MESSAGES), key, np.int64(0), np.int64(1_000_000))
    return due


def ns_per_message() -> float:
    """Median ns a message for bringing a tick's messages into order of arrival; direct submission has none of it."""
    from sim.build import build

    state = build(sim.load("calm_btc").spec, 1).state
    messages = np.zeros(MESSAGES, state.messages.dtype)
    messages["arrival_us"] = np.random.default_rng(1).integers(0, 1_000_000, MESSAGES)
    mail = Mail(messages, np.zeros(MESSAGES, np.int64), np.zeros(MESSAGES, np.int64), state.starts.copy())

    def run(_: None) -> None:
        assert sort_many(state.accounts, mail, state.key, np.int64(TICKS)) == MESSAGES * TICKS

    run(None)
    return timed(lambda: None, run)[0] / (MESSAGES * TICKS) * 1e9
