"""The benchmarks call kernels and watch them from outside, where nothing else would see that arguments have changed."""

import pytest

from sim.kernels._jit import JIT_OFF
from tests.bench import mail, scale


def test_messages_are_counted_as_matching_takes_them():
    """Most messages of a calm market change orders that are there; a few are new."""
    assert 0.9 < scale.cancel_share() < 1.0


@pytest.mark.skipif(JIT_OFF, reason="speed means nothing with the JIT off")
def test_a_mailbox_is_sorted_whole(monkeypatch):
    """It asserts itself that all messages were sorted."""
    monkeypatch.setattr(mail, "TICKS", 2)
    assert mail.ns_per_message() > 0.0
