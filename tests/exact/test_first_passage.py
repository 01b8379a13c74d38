"""MODEL 6.2.7: chance that the mid's first move is up in a Cont-Stoikov-Talreja market, engine against exact."""

import math

import numpy as np
import pytest
from scipy.sparse import lil_matrix
from scipy.sparse.linalg import spsolve

from tests.exact.poisson_flow import PoissonMarket

LIMITS, CANCELS = (1.85, 1.51, 1.09, 0.88, 0.77), (0.71, 0.81, 0.68, 0.56, 0.47)  # SKY Perfect, MODEL 4.2
MARKET = 0.94
TRIALS = 40_000
# orders at the bid, at the ask, probability of MODEL 6.2.7
TABLE = [(1, 2, 0.335), (1, 3, 0.259), (2, 3, 0.407), (1, 4, 0.216), (3, 3, 0.5)]


def exact_ups(most=40):
    """P(up) by queue lengths 0..most-1: two independent birth-death queues, births off at the upper end (a queue of 40
    dies at 29 a second against 1.85 births, so that end is never felt).
    """
    unknown = [(b, a) for b in range(1, most) for a in range(1, most)]
    row_of = {state: row for row, state in enumerate(unknown)}
    matrix, right = lil_matrix((len(unknown), len(unknown))), np.zeros(len(unknown))
    for (b, a), row in row_of.items():
        moves = [((b - 1, a), MARKET + b * CANCELS[0]), ((b, a - 1), MARKET + a * CANCELS[0])]
        moves += [((b + 1, a), LIMITS[0])] if b + 1 < most else []
        moves += [((b, a + 1), LIMITS[0])] if a + 1 < most else []
        for state, rate in moves:
            matrix[row, row] += rate
            if state in row_of:
                matrix[row, row_of[state]] -= rate
            elif state[1] == 0:
                right[row] += rate
    solved = spsolve(matrix.tocsr(), right)
    return {state: solved[row] for state, row in row_of.items()}


@pytest.fixture(scope="module")
def exact():
    return exact_ups()


@pytest.mark.parametrize(("bids", "asks", "printed"), TABLE)
def test_exact_solution_gives_the_table(exact, bids, asks, printed):
    assert exact[bids, asks] == pytest.approx(printed, abs=5.1e-4)  # three decimals
    assert exact[bids, asks] + exact[asks, bids] == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize(("bids", "asks", "printed"), TABLE)
def test_engine_agrees_to_three_standard_errors(exact, bids, asks, printed):
    share = PoissonMarket(LIMITS, CANCELS, MARKET, seed=100 * bids + asks).ups(TRIALS, bids, asks) / TRIALS
    truth = exact[bids, asks]
    assert abs(share - truth) < 3 * math.sqrt(truth * (1 - truth) / TRIALS)


def test_trials_where_a_side_runs_dry_and_comes_back_leave_a_sound_book():
    from sim.kernels.checks import check_books

    market = PoissonMarket(LIMITS, CANCELS, MARKET, seed=1)
    assert 0 < market.ups(500, 1, 1) < 500
    assert check_books(*market.books) == 0
