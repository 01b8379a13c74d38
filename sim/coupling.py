"""What happens between two ticks of a network, in order: the list of calls in ``couple``.

Each listing runs its tick by itself (``sim.tick``); what couples them acts on the state at the end of the last tick and
is seen in the next one. Nothing trades here: orders go to the listings' mailboxes.
"""

from sim.behaviours.bridge import Bridge, bridge
from sim.behaviours.maker_purse import Purses, share_purses
from sim.kernels._jit import entry, room
from sim.kernels.fund_levels import SharedFunds, level_funds
from sim.kernels.portfolios import Portfolios, check_portfolios
from sim.kernels.references import References, update_references
from sim.kernels.shared import Shared
from sim.kernels.transit import Wallets, move_balances


@entry
def couple(now_us, tick, rooms):
    """One step between ticks; ``rooms`` are those of ``sim.network.network.Couplings``, and what all listings share."""
    s, refs, w, b = room(rooms, Shared), room(rooms, References), room(rooms, Wallets), room(rooms, Bridge)
    funds, portfolios, purses = room(rooms, SharedFunds), room(rooms, Portfolios), room(rooms, Purses)
    update_references(s.listings, s.price, refs, b.assets, now_us)
    level_funds(s, funds)
    move_balances(s, w, b.desk[0]["transfers"], now_us)
    check_portfolios(s, portfolios, tick, now_us)
    bridge(s, refs, w, b, tick, now_us)
    share_purses(s, purses)
