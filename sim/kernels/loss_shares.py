"""How a loss is shared out: by layers in a fixed order, or in proportion to weights (sizes, profits).

Pure functions of integers for venues that rank nobody (kernels/socialise.py) and for clearing houses. Every split is
exact: its parts sum to what was split. Source: MODEL 2.7 [S:15]. Slow twin: tests/reference_market/loss_shares.py.
"""

from sim.kernels._jit import behaviour
from sim.kernels.ledger import ONE, ZERO, pro_rata


@behaviour
def split(amount, weights, out):
    """Share ``amount`` out in proportion to ``weights``, those below 0 counting as 0; returns what nobody bears.

    Each part is the difference of two running shares, each rounded down: the parts sum to the amount and none is more
    than the exact share rounded up. A loss beyond the sum of weights is borne up to it: a haircut of all profits, or a
    close of all positions. Amount and sum of weights are below 2^62.
    """
    total = ZERO
    for i in range(weights.shape[0]):
        total += max(ZERO, weights[i])
    borne = min(amount, total)
    weight, given = ZERO, ZERO
    for i in range(weights.shape[0]):
        weight += max(ZERO, weights[i])
        upto = pro_rata(borne, weight, total) if total > ZERO else ZERO
        out[i] = upto - given
        given = upto
    return amount - borne


@behaviour
def split_capped(amount, weights, caps, out):
    """Share ``amount`` out in proportion to ``weights``, none more than its cap; returns what nobody bears.

    The split that makes the sum of part^2 / weight least among those within the caps: every part is the smaller of its
    cap and one level times its weight. Who would bear more than his cap bears the cap, and the rest is shared out anew
    among the others, until nobody does; the last round is exact as in ``split``. Weights and caps below 0 count as 0.
    Amount and sums are below 2^62.
    """
    left = amount
    for i in range(weights.shape[0]):
        out[i] = -ONE if weights[i] > ZERO and caps[i] > ZERO else ZERO
    while True:
        total = ZERO
        for i in range(weights.shape[0]):
            if out[i] < ZERO:
                total += weights[i]
        if total == ZERO:
            return left
        fixed = ZERO
        for i in range(weights.shape[0]):
            if out[i] < ZERO and pro_rata(left, weights[i], total) >= caps[i]:
                out[i] = caps[i]
                fixed += caps[i]
        if fixed == ZERO:
            weight, given = ZERO, ZERO
            for i in range(weights.shape[0]):
                if out[i] < ZERO:
                    weight += weights[i]
                    upto = pro_rata(left, weight, total)
                    out[i] = upto - given
                    given = upto
            return ZERO
        left -= fixed


@behaviour
def use_layers(loss, layers, used):
    """Take a loss from layers in their order, none before the one ahead is empty; returns what is uncovered."""
    left = loss
    for i in range(layers.shape[0]):
        used[i] = min(left, layers[i])
        left -= used[i]
    return left
