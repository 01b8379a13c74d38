"""Random numbers as a pure function of what they are for: Philox4x32-10 (Salmon et al. 2011, Random123).

Key = the run's seed (two 32-bit words); counter = (tick or own event serial, purpose, participant, row). Nobody owns
a stream that advances: an extra draw, another participant or another block size shifts no number. All arithmetic is
exact in uint64, so compiled and interpreted code agree bit for bit. Transcendental functions come from ``math`` in
both worlds; callers quantise their results to ticks, lots or messages.
"""

import math

import numpy as np

from sim.kernels._jit import behaviour, inlined, small

# What a draw is for: the second counter word. A new purpose takes a new number; numbers are never reused.
NEWS = np.int64(1)
TAKER_COUNT = np.int64(2)
TAKER_ORDER = np.int64(3)
NOISE_CLOCK = np.int64(4)
NOISE_PLACE = np.int64(5)
RUNG_CLOCK = np.int64(6)
TIE_BREAK = np.int64(7)
SCAN_RANK = np.int64(8)
ACTIVITY = np.int64(9)
METAORDER = np.int64(10)
LATENT_LOOK = np.int64(11)
COOL_DOWN = np.int64(12)
DIP_SLICE = np.int64(20)
TREND_SLICE = np.int64(21)
TOP_UP = np.int64(22)
PANIC = np.int64(23)

_MASK = np.uint64(0xFFFFFFFF)
_SHIFT = np.uint64(32)
_M0, _M1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_W0, _W1 = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)
_S5, _S6, _S26 = np.uint64(5), np.uint64(6), np.uint64(26)
_TWO_M53 = 1.0 / 9007199254740992.0
_TWO_PI = 2.0 * math.pi
_SIXTEEN, _MASK16 = np.uint64(16), np.uint64(0xFFFF)
_ROUNDS = 10
BLOCKS, _LAST = np.int64(8), np.int64(63)  # drawn together; the last 16 bits in them
KEYS, ROWS, ROOM = (np.int64(n) * BLOCKS for n in range(2, 5))  # of scratch: behind the words, whom they are for; all
_EIGHT = np.int64(3)  # shift to the block of 16 bits
MASK32 = np.int64(0xFFFFFFFF)


@small
def philox(key, c0, c1, c2, c3):
    """Four 32-bit words, as uint64, for a key and a counter.

    Parameters
    ----------
    key : uint64[2]
        Low and high 32 bits of the seed.
    c0, c1, c2, c3 : int64
        Counter words; the lower 32 bits of each count.
    """
    x0, x1 = np.uint64(c0 & MASK32), np.uint64(c1 & MASK32)
    x2, x3 = np.uint64(c2 & MASK32), np.uint64(c3 & MASK32)
    k0, k1 = key[0], key[1]
    for _ in range(_ROUNDS):
        p0 = _M0 * x0
        p1 = _M1 * x2
        x0, x1, x2, x3 = (p1 >> _SHIFT) ^ x1 ^ k0, p1 & _MASK, (p0 >> _SHIFT) ^ x3 ^ k1, p0 & _MASK
        k0 = (k0 + _W0) & _MASK
        k1 = (k1 + _W1) & _MASK
    return x0, x1, x2, x3


@small
def uniform(word_a, word_b):
    """A float in (0, 1) with 53 bits, from two 32-bit words; never 0 and never 1."""
    bits = ((word_a >> _S5) << _S26) | (word_b >> _S6)
    return (np.float64(np.int64(bits)) + 0.5) * _TWO_M53


@small
def normal(word_a, word_b, word_c, word_d):
    """A standard normal float from four words (Box-Muller, the cosine branch)."""
    radius = math.sqrt(-2.0 * math.log(uniform(word_a, word_b)))
    return radius * math.cos(_TWO_PI * uniform(word_c, word_d))


@inlined
def poisson(rate, u, bound):
    """Number of events of a Poisson law by inversion.

    Parameters
    ----------
    rate : float
        Mean, at most 600 (``exp(-rate)`` must be a normal float); ``poisson_bound`` checks it.
    u : float
        Uniform in (0, 1).
    bound : int64
        Largest count returned; taken from ``poisson_bound``, so that it is passed with probability below 1e-15.
    """
    term = math.exp(-rate)
    total = term
    count = np.int64(0)
    while u > total and count < bound:
        count += np.int64(1)
        term = term * rate / np.float64(count)
        total += term
    return count


def poisson_bound(rate: float) -> int:
    """Count passed with probability below 1e-15: ``rate + 9 sqrt(rate) + 30`` (Chernoff bound, checked for rates 0
    to 600).

    Raises
    ------
    ValueError
        When ``rate`` is not in 0 .. 600 events a tick; use a shorter tick.
    """
    if not 0.0 <= rate <= 600.0:
        raise ValueError(f"{rate:g} events in one tick cannot be drawn; use a shorter tick (at most 600 a tick)")
    return math.ceil(rate + 9.0 * math.sqrt(rate) + 30.0)


@behaviour
def draw_blocks(key, c0, c1, c2, first, step, n, draws):
    """Blocks whose last counter words are ``first``, ``first + step``, ...: the four words of block ``i`` in
    ``draws[2 * i]`` and ``draws[2 * i + 1]``, lower 32 bits first.

    Eight are worked out at once in the time of one and a half (AVX-512): ask for BLOCKS even where fewer are needed.

    Parameters
    ----------
    key, c0, c1, c2 : uint64[2], int64
        As for ``philox``.
    first, step, n : int64
    draws : uint64[2 * n] or longer
    """
    for i in range(n):
        w0, w1, w2, w3 = philox(key, c0, c1, c2, first + step * np.int64(i))
        draws[2 * i], draws[2 * i + 1] = w0 | (w1 << _SHIFT), w2 | (w3 << _SHIFT)


@behaviour
def draw_participants(key, c0, c1, participants, c3, draws):
    """As ``draw_blocks`` of as many blocks as there are third counter words: ``participants``, uint64[n]."""
    for i in range(participants.shape[0]):
        w0, w1, w2, w3 = philox(key, c0, c1, np.int64(participants[i]), c3)
        draws[2 * i], draws[2 * i + 1] = w0 | (w1 << _SHIFT), w2 | (w3 << _SHIFT)


@small
def block_words(draws, i):
    """The four words of block ``i`` of ``draw_blocks``, as ``philox`` gives them."""
    low, high = draws[2 * i], draws[2 * i + 1]
    return low & _MASK, low >> _SHIFT, high & _MASK, high >> _SHIFT


@small
def sixteen_bits(draws, k):
    """Of ``draw_blocks`` with BLOCKS the 16 bits number ``k``, 0 to 63: eight in a block, in the order of its words,
    the lower half before the upper; int64.
    """
    return np.int64((draws[k >> 2] >> (_SIXTEEN * np.uint64(k & 3))) & _MASK16)


@small
def next_sixteen(key, c0, c1, c2, k, draws):
    """The 16 bits number ``k`` of a row of any length that is asked for them in turn, from 0: every 64th draws the
    blocks with last counter words ``k / 8`` and after; int64.
    """
    if k & _LAST == 0:
        draw_blocks(key, c0, c1, c2, k >> _EIGHT, np.int64(1), BLOCKS, draws)
    return sixteen_bits(draws, k & _LAST)


def seed_key(seed: int) -> np.ndarray:
    """The Philox key, uint64[2], of a seed in 0 .. 2^64 - 1.

    Raises
    ------
    ValueError
        When the seed is negative or does not fit 64 bits.
    """
    if not 0 <= seed < 1 << 64:
        raise ValueError(f"seed {seed} is outside 0 .. 2^64 - 1; choose a smaller non-negative whole number")
    return np.array([seed & 0xFFFFFFFF, seed >> 32], np.uint64)
