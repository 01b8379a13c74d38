"""`check` and `impulse` on a network: what they ask of the first listing is what they ask of a market of its own, and a
listing that is named is asked itself.
"""

from pathlib import Path

import numpy as np
import pytest

import sim
from sim.errors import ScenarioError
from sim.experiments import impulse, looks
from sim.experiments.assumed import assumed
from sim.experiments.check import check, prepared, with_sale
from sim.metrics.position import LONG, least_room
from sim.runner import Scenario
from tests.experiments.inline import inline
from tests.experiments.test_check import DAY, in_this_process  # noqa: F401  (a fixture)
from tests.network.small import SPOT_ONLY, spec_of

LISTINGS = {
    "m": {"asset": "btc", "exchange": "one"},
    "b": {"asset": "eth", "exchange": "two", "venue": "cex_b_eth", "market": {"price": "$4000", "open_interest": "1m"}},
    "s": {"asset": "tok", "exchange": "three", **SPOT_ONLY, "market": {"price": "$900", "perp": False}},
}
UNTIED = {"bridge": {"enabled": False}}
DROP = [{"kind": "news_move", "at": "60s", "over": "30s", "move": "-4%"}]
KINDS = (
    {"kind": "depth", "side": "bids", "within": "1%", "at": "70s", "over": "60s", "at_least": "$1m"},
    {"kind": "liquidation", "side": "long", "liquidation_price": "$3950", "at": "30s"},
    {"kind": "fund", "at_least": "1%"},
    {"kind": "exit_cost", "notional": "$5m", "at": "60s", "over": "60s", "at_most": "90%"},
    {"kind": "exit_cost", "notional": "$5m", "at": "60s", "over": "60s", "at_most": "-50%"},
    {"kind": "adl", "side": "short", "leverage_from": 0, "leverage_to": 1000, "at_most": 1.0},
)


def scenario(folder: Path, network: bool = True, listing: str | None = None, n: int = 4) -> Scenario:
    tests = [{"name": f"t{k}", **kind, **({"listing": listing} if listing else {})} for k, kind in enumerate(KINDS)]
    asked = {"share_of_seeds": "50%", "seeds": n, "tests": tests}
    more = {"shocks": DROP, "duration": "3min", "assumptions": asked}
    return Scenario(spec_of(folder, LISTINGS if network else {}, UNTIED, **more))


def numbers(of: Scenario, key: str = "") -> dict[str, float]:
    """What one run of seed 2 tells the check: that without a sale, or that with the sale of a key."""
    _, plan, _, _ = prepared(of, DAY)
    case = of
    if key:
        look = next(look for look in plan.measure["looks"] if look["key"] == key)
        whole = of.resolved["scenario"] | with_sale(of.spec, look)
        case = Scenario(type(of.spec).model_validate(whole))
    return looks.make(case, 2, plan.measure)[1]


def test_the_first_listing_is_asked_as_a_market_of_its_own(tmp_path):
    """Named, unnamed, and alone: the same looks, and in a network that nothing ties the same numbers, sale included."""
    alone = scenario(tmp_path, network=False)
    sale = next(one.key for one in assumed(alone.spec, DAY) if one.is_sale)
    for other in (scenario(tmp_path), scenario(tmp_path, listing="m")):
        for key in ("", sale):
            np.testing.assert_equal(numbers(other, key), numbers(alone, key))


def test_a_listing_that_is_named_is_asked_itself(tmp_path):
    of = scenario(tmp_path, listing="b")
    run, found = of.run(2), numbers(of)
    keys = {one.test.kind: one.key for one in assumed(of.spec, DAY)}
    series = run.listings["b"].series
    mark = series["mark_usd"].to_numpy()[series["elapsed_s"].to_numpy() >= 30.0]
    assert found[keys["liquidation"]] == least_room(LONG, 3950.0, mark) < 0.0
    fund = series["fund_usd"].to_numpy()
    assert found[keys["fund"]] == fund.min() / fund[0]
    assert 1e5 < found[keys["depth"]] < 1e8
    assert found["b.no_floor_s"] != found["b.no_floor_s"]  # never
    sold = numbers(of, keys["exit_cost"])
    assert sold[f"{keys['exit_cost']}_filled"] == pytest.approx(1.0, abs=1e-3)
    assert 3000.0 < sold[f"{keys['exit_cost']}_sale_usd"] < 4000.0


def test_verdicts_of_a_listing(tmp_path):
    found = check(scenario(tmp_path, listing="b"), out=tmp_path, workers=1, today=DAY)
    verdicts = {v.name: [w for w in v.within if w is not None] for v in found.verdicts}
    assert all(verdicts["t3"]) and len(verdicts["t3"]) == 4
    assert not any(verdicts["t4"])
    assert not any(verdicts["t1"])
    assert found.runs_made == 8


@pytest.mark.parametrize(
    ("listing", "said"), [("x", "listing 'x' is not in small: it has m, b, s"), ("s", "s has no perp book")]
)
def test_listings_and_books_that_are_not_there_are_refused(tmp_path, listing, said):
    with pytest.raises(ScenarioError, match=said):
        assumed(scenario(tmp_path, listing=listing).spec, DAY)
    with pytest.raises(ScenarioError, match=said):
        impulse.impulse(scenario(tmp_path), (0.5,), 2, at_s=60.0, horizon_s=60.0, listing=listing, out=tmp_path)


def test_an_order_in_a_listing_moves_its_price_and_in_an_untied_network_no_other(tmp_path):
    of = Scenario(spec_of(tmp_path, LISTINGS, UNTIED, duration="3min"))
    asked = {"at_s": 60.0, "horizon_s": 100.0, "with_resilience": True, "lanes": lambda: [inline()]}
    found = impulse.impulse(of, (0.5,), 10, listing="b", out=tmp_path / "b", **asked)
    assert found.curves[0.5].high[0] < 0.0 and found.filled(0.5) == pytest.approx(1.0, abs=1e-3)
    assert found.failed == 0 and found.recovered[3] > 0.0
    assert "perp book of b" in str(found)
    case = impulse._probed(of, 60.0, 1.0, "sell", "perp", 5e6, "b")
    with_it, without = case.run(2), of.run(2)
    assert with_it.series.equals(without.series)
    assert not with_it.listings["b"].series.equals(without.listings["b"].series)
    first = impulse.impulse(of, (0.5,), 2, out=tmp_path / "m", **asked)
    alone = Scenario(spec_of(tmp_path, {}, UNTIED, duration="3min"))
    own = impulse.impulse(alone, (0.5,), 2, out=tmp_path / "alone", **asked)
    assert first.curves[0.5].mean == pytest.approx(own.curves[0.5].mean, abs=0.0)
    assert first.depth_usd == own.depth_usd


def test_scenarios_that_differ_in_a_listing_are_told_apart(tmp_path):
    from sim.experiments.cases import differences

    one = scenario(tmp_path)
    other = sim.load(str(tmp_path / "small.yaml"), set={"listings.b.market.open_interest": "2m"})
    assert [(d.path, d.unit) for d in differences(one, other)] == [("listings.b.market.open_interest", "")]
