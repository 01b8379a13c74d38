"""What ordering by arrival costs: the mailbox against messages handed to the core as they were written."""

import numpy as np

import sim
from sim.kernels._jit import entry
from sim.kernels.ledger import Ledger
from sim.kernels.mailbox import Mail, sort_due
from tests.bench.clock import timed

MESSAGES = 300  # of a tick, as calm_btc has them
TICKS = 2_000


@entry
def sort_many(accounts, rules, flows, tickets, slot_ticket, guest_fills, clock, messages, order, keys, starts, key, n):
    """Sort the same mailbox ``n`` times."""
    ld = Ledger(accounts, rules, flows, tickets, slot_ticket, guest_fills, clock)
    mail = Mail(messages, order, keys, starts)
    due = np.int64(0)
    for _ in range(n):
        due += sort_due(ld, mail, key, np.int64(0), np.int64(1_000_000))
    return due


def ns_per_message() -> float:
    """Median ns a message for bringing a tick's messages into order of arrival; direct submission has none of it."""
    from sim.build import build

    state = build(sim.load("calm_btc").spec, 1).state
    messages = np.zeros(MESSAGES, state.messages.dtype)
    messages["arrival_us"] = np.random.default_rng(1).integers(0, 1_000_000, MESSAGES)
    clock = state.clock.copy()
    clock["n_mail"] = MESSAGES
    rooms = (state.accounts, state.rules, state.flows, state.tickets, state.slot_ticket, state.guest_fills, clock)
    scratch = (messages, np.zeros(MESSAGES, np.int64), np.zeros(MESSAGES, np.int64), state.starts.copy())

    def run(_: None) -> None:
        assert sort_many(*rooms, *scratch, state.key, np.int64(TICKS)) == MESSAGES * TICKS

    run(None)
    return timed(lambda: None, run)[0] / (MESSAGES * TICKS) * 1e9
