"""An issuer in a network: its token is priced by the token's own book, and holders leave for that price."""

import pytest

from sim.agents.dollar_token import DollarTokenDesk
from sim.errors import ScenarioError
from sim.network import build_network
from sim.network.saved import resume, take
from tests.network.small import SPOT_ONLY, spec_of

SALE = {"kind": "flow", "at": "1min", "over": "1min", "side": "sell", "notional": "$30m", "book": "spot"}
TOKEN = {
    "asset": "usde", "exchange": "a", "venue": "cex_a_token", "shocks": [SALE],
    **SPOT_ONLY,
    "latent": {"enabled": False}, "trend": {"enabled": False},
    "dip_buyer": {"cash": "$1m", "buyers": 4, "perp_share": 0.0},
    "market": {
        "price": "$1", "perp": False, "spot_daily_volume": "$10m",
        "spot_depth": [{"within": "0.5%", "notional": "$2m"}, {"within": "5%", "notional": "$6m"}],
    },
}  # fmt: skip
LISTINGS = {"btc": {"asset": "btc", "exchange": "a"}, "usde": TOKEN}
ON = {"enabled": True, "other_yield": "0%", "priced_in": "usde"}


def desk_of(network) -> DollarTokenDesk:
    (desk,) = network.markets["btc"].institutions
    assert network.markets["usde"].institutions == []
    return desk


def test_holders_leave_for_the_price_in_the_tokens_own_book(tmp_path):
    """It is sold below a dollar in its book while the issuer has no queue and pays a dollar."""
    network = build_network(spec_of(tmp_path, LISTINGS, dollar_token=ON), 1)
    network.audit = True
    desk = desk_of(network)
    network.run_until(60.0)
    assert desk.supply.burned < 1e-4 * desk.supply.minted and desk.price_usd == pytest.approx(1.0, abs=2e-3)
    network.run_until(180.0)
    mid = network.view("usde").mid("spot")
    assert desk.price_usd == pytest.approx(mid) and mid < 0.999 and desk.nav == 1.0
    kept, burned = take(network), desk.supply.burned
    network.run_until(600.0)
    assert desk.supply.burned > burned
    again = resume(kept)
    again.run_until(600.0)
    assert again.state_hashes() == network.state_hashes() and desk_of(again).entries == desk.entries


def test_a_listing_that_is_none_is_refused(tmp_path):
    with pytest.raises(ScenarioError, match=r"dollar_token\.priced_in: no listing .*usdx"):
        spec_of(tmp_path, LISTINGS, dollar_token=ON | {"priced_in": "usdx"})
