"""New leverage: what a half-life brings back, on accounts of their own that the engine watches."""

import math
from typing import Any

import pytest

from sim.agents.new_leverage import NewLeverageDesk
from sim.layout import KEYS_OF_AN_INSTITUTION
from sim.settings.new_leverage import MOST_OPENINGS
from sim.snapshot import resume, take
from tests.market.small import PASSIVE, market_of, merged, spec_of

ON: dict[str, Any] = {
    "duration": "2h",
    "new_leverage": {
        "enabled": True,
        "half_life": "2h",
        "every": "10min",
        "after": "10min",
        "target": 1.5,
        "order_bound": "5%",
    },
}


def desk_of(market) -> NewLeverageDesk:
    (desk,) = market.institutions
    assert isinstance(desk, NewLeverageDesk)
    return desk


@pytest.fixture(scope="module")
def whole():
    """A run, with what was missing at each opening."""
    missing, bring = [], NewLeverageDesk.bring

    def watched(desk):
        coming = sum(order.coming_lots for order in desk.orders.values() if order.side == 0)
        missing.append(int(1.5 * desk.start_lots) - desk.open_interest_lots - coming)
        bring(desk)

    patch = pytest.MonkeyPatch()
    patch.setattr(NewLeverageDesk, "bring", watched)
    market = market_of(**ON)
    market.audit = True
    market.run()
    patch.undo()
    return market, missing


def test_an_opening_is_its_share_of_what_is_missing(whole):
    """1 - 2^(-10 min / 2 h) of it bought, 55% of that sold, each rounded down to a lot."""
    market, missing = whole
    desk = desk_of(market)
    opened = {row["who"]: abs(row["lots"]) + round(row["coins_not_opened"] / market.lot_coin) for row in desk.entries}
    share = 1.0 - 2.0 ** (-1.0 / 12.0)
    assert len(opened) == 22
    for k in range(11):
        assert opened[f"long {k}"] == int(share * missing[k])
        assert opened[f"short {k}"] == int(0.55 * opened[f"long {k}"])


def test_open_interest_goes_up_and_books_agree(whole):
    """Positions are those of the ledger; the audit held; money is a deposit at the leverage that was drawn."""
    market, _ = whole
    desk = desk_of(market)
    assert desk.open_interest_lots > 1.15 * desk.start_lots
    for row in desk.entries:
        account = desk.accounts[row["who"]]
        assert desk.drift(account) == (0, 0, 0)
        assert int(market.state.books.positions[0, account.owner]) == row["lots"] == account.perp_lots
        sign = 1 if row["lots"] > 0 else -1
        put_in = account.cash_micro + sign * row["micro"] + account.fees_micro
        assert row["micro"] / put_in == pytest.approx(row["leverage"], rel=0.03)


def test_who_loses_is_liquidated_as_everybody():
    """At 25x shorts are squeezed as openings push the price; what was opened is held or was closed by the engine."""
    people = {"leverage_median": 25.0, "leverage_sigma": 0.1, "cex_share": 0.0, **PASSIVE}
    market = market_of(**merged(ON, {"leveraged": people}))
    market.audit = True
    market.run()
    rows = market.state.accounts
    forced = [a for a in desk_of(market).accounts.values() if rows[a.owner]["first_forced_us"] >= 0]
    assert forced
    for account in forced:
        closed = int(rows[account.owner]["forced_lots"]) + int(rows[account.owner]["taken_lots"])
        opened = [row["lots"] for row in desk_of(market).entries if row["who"] == account.name]
        held = int(market.state.books.positions[0, account.owner])
        assert closed > 0 and abs(sum(opened)) == closed + abs(held)


def test_a_fork_goes_on_as_the_unbroken_run(whole):
    first = market_of(**ON)
    first.audit = True
    first.run_until(1500.0)
    assert desk_of(first).orders
    later = resume(take(first), first.spec)
    later.run()
    assert later.state_hash() == whole[0].state_hash() and desk_of(later).entries == desk_of(whole[0]).entries


def test_off_is_the_default_and_before_the_first_opening_nothing_moves():
    off, on = market_of(**merged(ON, {"new_leverage": {"enabled": False}})), market_of(**ON)
    for market in (off, on):
        market.run_until(599.0)
    assert not off.institutions and off.state_hash() == on.state_hash() and not spec_of().new_leverage.enabled


def test_more_openings_than_keys_are_refused():
    assert 2 * MOST_OPENINGS <= KEYS_OF_AN_INSTITUTION
    with pytest.raises(ValueError, match="at most 2000: raise it"):
        spec_of(duration="100d", record_every="60s", new_leverage={"enabled": True, "every": "1h"})
    assert math.isclose(spec_of().new_leverage.half_life, 60 * 86_400)
