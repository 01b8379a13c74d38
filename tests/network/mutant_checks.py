"""What a mutant of the compiled code between listings is held against: short runs of the tests of this folder, as plain
Python.
"""

from collections.abc import Callable

import numpy as np

from sim.kernels.rounds import run_rounds
from tests.network import test_due, test_portfolio_engines, test_portfolio_twins, test_twins
from tests.network.storm import run_network


def rooms_are_coupled_as_the_twins_say() -> None:
    test_twins.made_up_arrays(150)


def details_of_the_coupling() -> None:
    test_twins.test_a_component_at_the_deviation_counts_and_one_beyond_does_not()
    test_twins.test_one_far_component_is_left_out_and_of_two_the_median_is_the_index()
    test_twins.test_the_first_listing_may_be_the_rate_and_no_index_is_below_half_a_tick()
    test_twins.test_funds_of_two_moneys_are_levelled_apart()
    test_twins.test_a_firm_waits_while_its_order_may_stand_before_its_book()
    test_twins.test_volatility_is_the_average_of_squared_moves_of_a_second()


def portfolios_are_looked_at_as_the_twin_says() -> None:
    test_portfolio_twins.made_up_portfolios(60)


def portfolios_left_alone_would_not_be_touched() -> None:
    looks, left = test_portfolio_twins.paths(np.random.default_rng(9), 4, 40)
    assert 0.2 * looks < left  # one that is always due is found as well


def details_of_the_looks() -> None:
    for is_deleveraged in (True, False):
        test_portfolio_engines.test_a_hedge_that_lost_a_leg_to_deleveraging_is_called_where_it_would_not_be(
            is_deleveraged
        )
    test_due.test_prices_that_go_back_past_their_reference_find_a_portfolio_due()
    test_due.test_the_least_jump_that_exhausts_a_portfolio_finds_it_due()


def laws_hold_in_random_networks() -> None:
    for seed in range(3):
        run_network(seed, 200)


def every_listing_runs_once_a_tick_and_goes_on_where_it_stopped() -> None:
    """Listings that stop now and then and are asked again: the coupling once a tick, then each listing, in order."""
    called, ends = [], iter(np.random.default_rng(1).integers(0, 4, 10_000).tolist())

    def one(kind):
        def call(*given):
            end = max(0, next(ends) - 2) if kind == "advance" else 0
            called.append((kind, *map(int, given), end))
            return np.int64(end)

        return call

    at, joint, listings = np.zeros(3, np.int64), np.int64(77), [np.int64(k) for k in range(3)]
    target = 0
    for _ in range(300):
        target = min(20, target + (int(at[2]) == 0))
        run_rounds(at, target, np.int64(5), np.int64(3), [one("couple"), one("advance")], joint, listings)
    assert at[1] == 20
    good = [call[:-1] for call in called if call[-1] == 0]
    wanted = [[("couple", 5 * tick, tick, 77), *(("advance", 1, k) for k in range(3))] for tick in range(20)]
    assert good == [call for tick in wanted for call in tick]


COUPLING = (rooms_are_coupled_as_the_twins_say, details_of_the_coupling, laws_hold_in_random_networks)
LOOKS = (
    details_of_the_looks, portfolios_are_looked_at_as_the_twin_says, portfolios_left_alone_would_not_be_touched,
    laws_hold_in_random_networks,
)  # fmt: skip
CHECKS: dict[str, tuple[Callable[[], None], ...]] = {
    "sim.kernels.references": COUPLING,
    "sim.kernels.fund_levels": COUPLING,
    "sim.kernels.transit": COUPLING,
    "sim.behaviours.bridge": COUPLING,
    "sim.kernels.price_moves": LOOKS,
    "sim.kernels.portfolios": LOOKS,
    "sim.kernels.rounds": (every_listing_runs_once_a_tick_and_goes_on_where_it_stopped,),
}
