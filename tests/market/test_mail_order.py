"""The order in which a tick's messages are matched, against the rule: arrival, lot among senders, serial."""

import numpy as np
import pytest

import sim
from sim import rng
from sim.build import build
from sim.kernels.mailbox import FEW, MESSAGE
from tests.market.drivers import philox_words, sorted_mail

START, WIDTH, N = 5_000_000, 1_000_000, 400
HOUR_US = 3_600_000_000


@pytest.fixture(scope="module")
def state():
    return build(sim.load("calm_btc").spec, 1).state


def lot(key, arrival: int, owner_key: int) -> int:
    """What decides between senders of one microsecond (``tie_break`` in sim/kernels/mailbox.py)."""
    words = philox_words(key, np.int64(arrival), rng.TIE_BREAK, np.int64(owner_key), np.int64(arrival >> 32))
    return (int(words[0]) >> 1) * (1 << 31) + (int(words[1]) >> 1)


@pytest.mark.parametrize(
    ("low", "high"),
    [
        (START, START + WIDTH),  # of this tick
        (START, START + 40),  # many of one microsecond
        (START - WIDTH, START + 2 * WIDTH),  # late ones, and some that wait
        (START - 3, START + 3),  # at the start of the tick
        (START + WIDTH - 3, START + WIDTH + 3),  # at its end
        (START - 30 * HOUR_US, START + 20),  # longer in the mailbox than a key tells apart
        (START - 30 * HOUR_US, START - 30 * HOUR_US + 9),
    ],
)
@pytest.mark.parametrize("n", [0, 1, 7, int(FEW), int(FEW) + 1, N])
def test_messages_are_matched_in_order_of_arrival_then_by_lot_then_by_serial(state, low, high, n):
    random = np.random.default_rng([n, abs(low), abs(high)])
    messages, clock = np.zeros(N, MESSAGE), state.clock.copy()
    messages["arrival_us"] = random.integers(low, high, N)
    messages["owner"] = random.choice([0, 1, 6, 7], N)
    messages["serial"] = random.permutation(N)
    clock["n_mail"] = n
    order = np.full(N, -1)
    due = sorted_mail(
        state.accounts, state.rules, state.flows, state.tickets, state.slot_ticket, state.guest_fills, clock,
        messages, order, np.zeros(N, np.int64), state.starts, state.key, np.int64(START), np.int64(START + WIDTH),
    )  # fmt: skip

    def rank(row: int) -> tuple[int, int, int]:
        arrival, owner = int(messages["arrival_us"][row]), int(messages["owner"][row])
        return arrival, lot(state.key, arrival, int(state.accounts["key"][owner])), int(messages["serial"][row])

    wanted = sorted((row for row in range(n) if messages["arrival_us"][row] < START + WIDTH), key=rank)
    assert order[:due].tolist() == wanted
