"""Random numbers: known answers, moments, and the stated bound of the Poisson draw."""

import numpy as np
import pytest

from sim import rng
from tests.market.drivers import (
    below_of,
    drawn_words,
    many_normals,
    many_poisson,
    normal_of,
    philox_words,
    shared_normals,
    sixteenths,
    words_of_pair,
    words_of_participants,
)


def words(seed: int, *counter: int) -> list[str]:
    return [f"{int(w):08x}" for w in philox_words(rng.seed_key(seed), *(np.int64(c) for c in counter))]


def test_known_answers_of_random123():
    assert words(0, 0, 0, 0, 0) == ["6627e8d5", "e169c58d", "bc57ac4c", "9b00dbd8"]
    ones = 0xFFFFFFFF
    assert words(2**64 - 1, ones, ones, ones, ones) == ["408f276d", "41c83b0e", "a20bc7c6", "6d5451fd"]
    pi = (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344)
    assert words(0x299F31D0A4093822, *pi) == ["d16cfe09", "94fdcceb", "5001e420", "24126ea1"]


def test_negative_counters_use_their_low_32_bits():
    assert words(7, -1, 2, 3, 4) == words(7, 0xFFFFFFFF, 2, 3, 4)


def test_blocks_drawn_together_are_those_drawn_alone():
    random = np.random.default_rng(8)
    for _ in range(50):
        seed, counter = int(random.integers(1 << 63)), random.integers(-(1 << 40), 1 << 40, 3)
        first, step = (np.int64(x) for x in random.integers(-(1 << 33), 1 << 33, 2))
        out, draws = np.zeros((8, 4), np.uint64), np.zeros(int(rng.ROOM), np.uint64)
        drawn_words(rng.seed_key(seed), *(np.int64(c) for c in counter), first, step, draws, out)
        for i in range(8):
            assert [f"{w:08x}" for w in out[i]] == words(seed, *counter, first + step * i)


def test_participants_that_draw_together_draw_what_each_would_alone():
    random = np.random.default_rng(9)
    for n in (1, 3, 8):
        seed, participants = int(random.integers(1 << 63)), random.integers(0, 1 << 62, n).astype(np.uint64)
        out, draws = np.zeros((n, 4), np.uint64), np.zeros(2 * n, np.uint64)
        words_of_participants(rng.seed_key(seed), np.int64(5), rng.TOP_UP, participants, np.int64(-3), draws, out)
        for k, participant in enumerate(participants.tolist()):
            assert [f"{w:08x}" for w in out[k]] == words(seed, 5, int(rng.TOP_UP), participant, -3)


def test_a_pair_that_draws_together_draws_what_each_would_alone():
    random = np.random.default_rng(10)
    for step in (1, 256):
        seed, a, b, one, other = (int(x) for x in random.integers(1 << 62, size=5))
        out, draws = np.zeros((8, 4), np.uint64), np.zeros(int(rng.ROOM), np.uint64)
        given = [np.int64(x) for x in (a, b, one % 200, other % 200, step)]
        words_of_pair(rng.seed_key(seed), np.int64(5), rng.RUNG_CLOCK, *given, draws, out)
        for i in range(8):
            who, first = ((a, one % 200), (b, other % 200))[i // 4]
            assert [f"{w:08x}" for w in out[i]] == words(seed, 5, int(rng.RUNG_CLOCK), who, first + step * (i % 4))


def test_below_compares_each_of_four_times_16_bits():
    random = np.random.default_rng(11)
    for most in (0, 1, 2, 218, 11880, 32768, 65535, 65536):
        near = np.clip([most - 1, most, most + 1], 0, 65535).astype(np.uint64)
        for _ in range(200):
            halves = random.choice([*near, *random.integers(0, 65536, 2).astype(np.uint64)], 4)
            four = np.uint64(sum(int(half) << (16 * k) for k, half in enumerate(halves)))
            assert int(below_of(four, np.int64(most))) == sum(int(half < most) << k for k, half in enumerate(halves))


def test_normals_that_are_shared_are_those_of_their_own_block():
    """Whatever was asked for before at the same place: another key, tick, purpose or row."""
    random, seeds = np.random.default_rng(12), (3, 4)
    asked = np.column_stack(
        [random.integers(0, 2, 400), random.integers(1, 3, 400), random.choice([1, 9], 400), random.integers(0, 2, 400)]
    )
    keys, out = np.stack([rng.seed_key(seed) for seed in seeds]), np.empty(400)
    shared_normals(keys, random.integers(6, 8, 400), asked, np.zeros(int(rng.ROOM), np.uint64), out)
    for value, (k, tick, purpose, row) in zip(out, asked, strict=True):
        assert value == normal_of(keys[k], tick, purpose, row)


def test_sixteen_bits_are_the_halves_of_the_known_words_lower_first():
    out = np.empty(8, np.int64)
    sixteenths(rng.seed_key(0), *[np.int64(0)] * 3, np.zeros(int(rng.ROOM), np.uint64), out)
    assert [f"{v:04x}" for v in out] == ["e8d5", "6627", "c58d", "e169", "ac4c", "bc57", "dbd8", "9b00"]


def test_a_row_of_sixteen_bits_goes_on_from_block_to_block():
    out = np.empty(200, np.int64)
    sixteenths(rng.seed_key(5), np.int64(7), np.int64(8), np.int64(9), np.zeros(int(rng.ROOM), np.uint64), out)
    halves = [half for block in range(25) for word in words(5, 7, 8, 9, block) for half in (word[4:], word[:4])]
    assert [f"{v:04x}" for v in out] == halves


def test_normals_have_the_moments_of_a_normal():
    x = np.empty(40_000)
    many_normals(rng.seed_key(11), x)
    # standard errors: mean 0.005, variance 0.007, kurtosis 0.025; five of each
    assert abs(x.mean()) < 0.025
    assert abs(x.var() - 1.0) < 0.036
    assert abs((x**4).mean() - 3.0) < 0.25


@pytest.mark.parametrize("rate", [0.01, 3.7, 226.0, 600.0])
def test_poisson_mean_and_variance(rate):
    n = np.empty(20_000, np.int64)
    many_poisson(rng.seed_key(3), rate, np.int64(rng.poisson_bound(rate)), n)
    assert abs(n.mean() - rate) < 5.0 * np.sqrt(rate / 20_000)
    assert abs(n.var() / rate - 1.0) < 5.0 * np.sqrt((2.0 + 1.0 / rate) / 20_000)
    assert n.max() <= rng.poisson_bound(rate)


@pytest.mark.parametrize("rate", [0.0, 0.5, 20.0, 600.0])
def test_poisson_bound_is_passed_with_less_than_1e_15(rate):
    from scipy.stats import poisson

    assert poisson.sf(rng.poisson_bound(rate), rate) < 1e-15


def test_poisson_refuses_a_rate_it_cannot_draw():
    with pytest.raises(ValueError, match="shorter tick"):
        rng.poisson_bound(601.0)


def test_seed_must_fit_64_bits():
    with pytest.raises(ValueError, match="2\\^64"):
        rng.seed_key(-1)


def test_no_two_purposes_share_a_number():
    known = {name: int(value) for name, value in vars(rng).items() if name.isupper() and type(value) is np.int64}
    purposes = {
        name: value for name, value in known.items() if not name.startswith("_") and name not in {"MASK32", "BLOCKS"}
    }
    assert len(purposes) >= 16
    assert len(set(purposes.values())) == len(purposes)
