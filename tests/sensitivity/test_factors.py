"""Inputs by name and path: what they set, what is refused and how it is said."""

import math

import pytest

from sim.errors import ScenarioError
from sim.experiments.cases import differences
from sim.experiments.shock_axis import lowest_news
from sim.runner import Scenario, load
from sim.sensitivity.factors import applied, depth_usd, factor_of, factors_of
from sim.sensitivity.tables import pin

FLASH = load("flash_10_11_btc").spec


def moved(text: str, value: float) -> dict[str, object]:
    factor = factor_of(FLASH, text)
    changed = applied(FLASH, [factor], [value])
    return {d.path: d.b for d in differences(Scenario(FLASH), Scenario(changed))}


def test_a_path_is_written_with_its_unit():
    assert moved("market.bid_depth_share=30%..80%", 0.4) == {"market.bid_depth_share": 0.4}
    assert moved("latent.renewal_time=1h..2d", 5400.0) == {"latent.renewal_time": 5400.0}
    assert moved("leveraged.notional_cap=$50m..$400m", 1e8) == {"leveraged.notional_cap": 1e8}
    assert moved("leveraged.accounts=1000..2000", 1500.0) == {"leveraged.accounts": 1500}
    profile = moved("market.perp_bid_depth.0.notional=$200m..$400m", 2.5e8)["market.perp_bid_depth"]
    assert '"$250000000", "within": 0.01' in str(profile)


def test_names_move_several_settings():
    depth = moved("depth=0.2..1.5", 0.5)
    assert depth == {f"market.depth_scale_{layer}": 0.5 for layer in ("visible", "latent", "refill")}
    assert moved("leverage=0.5..2", 0.5) == {"leveraged.leverage_median": 1.85, "leveraged.cex_leverage_median": 7.5}
    joint = applied(load("flash_10_11").spec, [factor_of(load("flash_10_11").spec, "leverage=0.5..1")], [0.5])
    assert {p.leverage_median for p in joint.network.portfolios.values()} == {1.85}


def test_depth_multiplies_what_the_scenario_has():
    thin = load("safer_november").spec  # visible depth is at 0.7
    market = applied(thin, [factor_of(thin, "depth=0.2..1")], [0.5]).market
    assert (market.depth_scale_visible, market.depth_scale_latent, market.depth_scale_refill) == (0.35, 0.5, 0.5)


def test_a_shock_is_a_fall_of_the_news_and_none_at_zero():
    factor = factor_of(FLASH, "shock=0%..15%")
    assert lowest_news(applied(FLASH, [factor], [0.07])) == pytest.approx(math.log(0.93))
    assert lowest_news(applied(FLASH, [factor], [0.0])) == 0.0 and factor.now == 0.0


def test_a_sale_is_a_multiple_of_the_depth_that_the_scenario_starts_with():
    factors = factors_of(FLASH, ["sale=0..3", "depth=0.2..1", "shock=2%..9%"])
    assert depth_usd(FLASH) == pytest.approx(305e6 * 0.55)
    thin = applied(FLASH, factors, [2.0, 0.5, 0.05])
    assert thin.shocks[-1].notional == pytest.approx(2.0 * 305e6 * 0.55)  # type: ignore[union-attr]
    assert lowest_news(thin) == pytest.approx(math.log(0.95))
    assert applied(FLASH, factors, [0.0, 0.5, 0.05]).shocks == FLASH.shocks


def test_dollars_are_for_books_of_ones_own():
    with pytest.raises(ScenarioError, match=r"multiples of their depth \(1 is \$168m"):
        factor_of(FLASH, "sale=$5m..$10m")
    sources = FLASH.sources.model_dump(mode="json")
    sources["depth"]["sha256"] = "0" * 64
    own = FLASH.model_validate(FLASH.model_dump(mode="json") | {"sources": sources})
    factor = factor_of(own, "sale=$5m..$10m")
    assert factor.unit == "USD" and applied(own, [factor], [5e6]).shocks[-1].notional == 5e6  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("foo=1..2", "no numeric setting"),
        ("market.spot=0..1", "no numeric setting"),
        ("news.path=1..2", "no numeric setting"),
        ("depth", "give a range, such as depth=0.2..1"),
        ("depth=1", "expected NAME=LOW..HIGH"),
        ("depth=2..1", "must rise"),
        ("shock=0..5% log", "starts above 0"),
        ("shock=2%..95%", "between 0 and -90%"),
        ("leverage=0.1..1", "must be at least 1 x"),
        ("latent.renewal_time=1..2", "give a unit"),
        ("latent.renewal_time=1h..soon", "renewal_time"),
    ],
)
def test_what_makes_no_sense_is_refused(text: str, said: str):
    with pytest.raises(ScenarioError, match=said):
        factor_of(FLASH, text)


def test_nothing_is_moved_twice():
    for texts in (["depth=0.2..1", "market.depth_scale_latent=0.5..1"], ["shock=1%..5%", "news.scale=0..1"]):
        with pytest.raises(ScenarioError, match="moved twice"):
            factors_of(FLASH, texts)
    with pytest.raises(ScenarioError, match="nothing to vary"):
        factors_of(FLASH, [])


def test_ranges_are_walked_in_value_or_logarithm():
    factor = factor_of(FLASH, "depth=0.25..4 log")
    assert [factor.value(s) for s in (0.0, 0.5, 1.0)] == [0.25, 1.0, 4.0]
    assert factor.share(1.0) == pytest.approx(0.5)
    bounds = factor_of(FLASH, "leveraged.cex_share")
    assert (bounds.low, bounds.high) == (0.0, 1.0)


def test_what_pins_an_input():
    def of(text: str) -> tuple[str, str]:
        found = pin(FLASH, factor_of(FLASH, text))
        return found.by, found.rows

    assert of("market.open_interest=100000..200000") == ("data", "P3, P7")
    assert of("leveraged.leverage_sigma=0.4..0.8") == ("source", "")
    assert of("leveraged.cex_share=10%..50%") == ("judgement", "")
    assert of("shock=1%..5%") == ("scenario", "")
