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
_SIXTEEN, _MASK16, _SPAN16 = np.uint64(16), np.uint64(0xFFFF), np.int64(1 << 16)
_ONE, _THIRTY, _FOUR = np.uint64(1), np.uint64(30), np.uint64(15)
_PAIR, _EVEN = np.uint64(0x0000000100000001), np.uint64(0x0000FFFF0000FFFF)
_ROUNDS = 10
BLOCKS, _EIGHT, _LAST = np.int64(8), np.int64(8), np.int64(15)  # drawn together; words of half of them; the last word
# Places of scratch: behind the words, whom they are for; normals that are kept; all.
KEYS, ROWS, KEPT, ROOM = (np.int64(n) * BLOCKS for n in (2, 3, 4, 8))
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
    x0, x1, x2, x3 = np.uint64(c0), np.uint64(c1), np.uint64(c2), np.uint64(c3)
    k0, k1 = key[0], key[1]
    for _ in range(_ROUNDS):  # only the lower 32 bits of each word count; what lies above is cut off when it is used
        p0 = _M0 * (x0 & _MASK)
        p1 = _M1 * (x2 & _MASK)
        x0, x1, x2, x3 = (p1 >> _SHIFT) ^ x1 ^ k0, p1, (p0 >> _SHIFT) ^ x3 ^ k1, p0
        k0 += _W0
        k1 += _W1
    return x0 & _MASK, x1 & _MASK, x2 & _MASK, x3 & _MASK


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


@behaviour
def draw_pair(key, c0, c1, a, b, first_a, first_b, step, n, draws):
    """As ``draw_blocks``, four blocks of each of two participants ``a`` and ``b``: eight words of the one, eight of the
    other. ``n`` is BLOCKS: a loop whose length the compiler knew would not be worked out at once.
    """
    for i in range(n):
        other = np.int64(i) >> 2
        last = first_a + (first_b - first_a) * other + step * (np.int64(i) & 3)
        w0, w1, w2, w3 = philox(key, c0, c1, a + (b - a) * other, last)
        draws[2 * i], draws[2 * i + 1] = w0 | (w1 << _SHIFT), w2 | (w3 << _SHIFT)


@small
def four_of_row(key, c0, c1, c2, s, k, draws):
    """Four times 16 bits, number ``4 k`` and after, of a row of any length that is asked for them in turn, from 0:
    eight in a block, in the order of its words, the lower half before the upper; uint64.

    The first eight are those of participant ``s`` (0 or 1) of ``draw_pair`` with blocks 0 to 3; then every 16th draws
    the blocks with last counter words ``k / 2`` and after behind them.
    """
    if k < _EIGHT:
        return draws[_EIGHT * s + k]
    if (k - _EIGHT) & _LAST == 0:
        draw_blocks(key, c0, c1, c2, k >> 1, np.int64(1), BLOCKS, draws[KEYS:])
    return draws[KEYS + ((k - _EIGHT) & _LAST)]


@small
def below(four, most):
    """Which of four times 16 bits are below ``most``, 0 to 65536: bit ``k`` for those from bit ``16 k`` on; uint64.

    Each is added to 65536 - ``most`` in 32 bits of its own: a carry tells that it is not below.
    """
    add = np.uint64(_SPAN16 - most) * _PAIR
    even = (((four & _EVEN) + add) >> _SIXTEEN) & _PAIR
    odd = ((((four >> _SIXTEEN) & _EVEN) + add) >> _SIXTEEN) & _PAIR
    over = even | (odd << _ONE)
    return ((over | (over >> _THIRTY)) & _FOUR) ^ _FOUR


@small
def sixteen_bits(four, k):
    """Of four times 16 bits those number ``k``; int64."""
    return np.int64((four >> (_SIXTEEN * np.uint64(k))) & _MASK16)


@behaviour
def shared_normal(key, c0, c1, c3, place, draws):
    """A standard normal from the block with counter words ``c0``, ``c1``, 0, ``c3``.

    Listings of a network, which have ``draws`` in common, ask for the same ones in turn: each is kept there under its
    ``place``, 0 to 7, with key and counter, and worked out when another was asked for before.
    """
    at = KEPT + place * np.int64(4)
    whose, when, what = key[0] | (key[1] << _SHIFT), np.uint64(c0), (np.uint64(c1) << _SHIFT) | np.uint64(c3)
    value = draws[at + 3 : at + 4].view(np.float64)
    if draws[at] != whose or draws[at + 1] != when or draws[at + 2] != what:
        w0, w1, w2, w3 = philox(key, c0, c1, np.int64(0), c3)
        draws[at], draws[at + 1], draws[at + 2] = whose, when, what
        value[0] = normal(w0, w1, w2, w3)
    return value[0]


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
