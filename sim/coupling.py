"""What happens between two ticks of a network, in order: the list of calls in ``couple``.

Each listing runs its tick by itself (``sim.tick``); what couples them acts on the state at the end of the last tick and
is seen in the next one. Nothing trades here: orders go to the listings' mailboxes.
"""

from sim.behaviours.bridge import Bridge, bridge
from sim.behaviours.maker_purse import Purses, share_purses
from sim.kernels._jit import entry, unpacked
from sim.kernels.fund_levels import level_funds
from sim.kernels.portfolios import Portfolios, check_portfolios
from sim.kernels.references import References, update_references
from sim.kernels.shared import Shared
from sim.kernels.transit import Wallets, move_balances


@entry
def couple(now_us, tick, rooms):
    """One step between ticks; ``rooms`` are the arrays of ``sim.network.links.Links``, room by room."""
    (
        listings, price, clock, rules, sides, levels, words, accounts, positions, inbox, makers,
        weights, others, rates, nano, part,
        firms, seats, rows, halts, is_open, over, net,
        desk, assets, stock,
        shared_fund,
        portfolios, blocks, legs, collateral, tiers, tier0, moved, seen, owed_micro, leg_of,
        purse_of, loadings, parts, purses, held, limits,
    ) = unpacked(rooms)  # fmt: skip
    s = Shared(listings, price, clock, rules, sides, levels, words, accounts, positions, inbox, makers)
    refs = References(weights, others, rates, nano, part)
    w = Wallets(firms, seats, rows, halts, is_open, over, net)
    b = Bridge(desk, assets, stock)
    update_references(listings, price, refs, assets, now_us)
    level_funds(s, shared_fund)
    move_balances(s, w, desk[0]["transfers"], now_us)
    check_portfolios(
        s, Portfolios(portfolios, blocks, legs, collateral, tiers, tier0, moved, seen, owed_micro, leg_of), tick, now_us
    )
    bridge(s, refs, w, b, tick, now_us)
    share_purses(s, Purses(purse_of, loadings, parts, purses, held, limits))
