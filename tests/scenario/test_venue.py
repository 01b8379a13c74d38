"""Venue profiles: the margin table of the sources, and a table that cannot be drawn wrong."""

import os

import pytest

from sim.build import build
from sim.errors import ScenarioError
from sim.scenario.load import load_spec
from sim.venues.profile import PROFILES, is_profile, load_profile, profile_names, read_profile


def test_btc_deductions_are_those_of_the_source_exactly():
    # MODEL.md 2.4 and the exchange's own table: cum of each bracket
    assert load_profile("cex_a").deductions_usd[:7] == (0.0, 50.0, 950.0, 11_450.0, 131_450.0, 481_450.0, 2_981_450.0)


def test_maintenance_has_no_step_at_a_bracket_edge():
    venue = load_profile("cex_a")
    for n, (lower, upper) in enumerate(zip(venue.margin_tiers, venue.margin_tiers[1:], strict=False)):
        below = lower.up_to * lower.maintenance - venue.deductions_usd[n]
        above = lower.up_to * upper.maintenance - venue.deductions_usd[n + 1]
        assert below == pytest.approx(above, rel=1e-12)


def test_grid_is_whole_micro_dollars():
    venue = load_profile("cex_a")
    assert (venue.perp.micro_per_tick_lot, venue.spot.micro_per_tick_lot) == (100, 100)


@pytest.mark.parametrize("name", profile_names())
def test_profile_says_that_it_is_no_finding(name):
    assert "no finding about any firm" in load_profile(name).statement


def test_unknown_profile_is_named_with_a_suggestion():
    with pytest.raises(
        ScenarioError, match=r"no venue profile 'cex_aa' \(there is: cex_a, .*\); did you mean 'cex_a'\?"
    ):
        load_profile("cex_aa")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "lot_coin: 0.001 ",
            "lot_coin: 0.0000015 ",
            "must be a whole number of millionths of a dollar, 0.1 x 1.5e-06 gives 0.15",
        ),
        ("up_to: $3m", "up_to: $300k", "tier 2 ends at $300000, not above the end of tier 1 at $600000"),
        ("up_to: $3m", "up_to: null", "only the last tier may have no end: give its upper edge"),
        ("maintenance: 0.65%", "maintenance: 0.5%", "tier 2 must ask more margin and allow less leverage than tier 1"),
        ("maintenance: 0.4%,", "maintenance: 0.9%,", "tier 1 must ask more margin and allow less leverage than tier 0"),
        (
            "max_leverage: 125",
            "max_leverage: 500",
            "would liquidate a position as it opens: maintenance 0.004 is above 1/500",
        ),
        (
            "basis_sample: 5s",
            "basis_sample: 7s",
            "must hold 1 to 10000 whole samples of basis_sample, it holds 21.4286",
        ),
        ("self_trade: cancel_maker", "self_trade: cancel_mker", "did you mean 'cancel_maker'?"),
        ("insurance_fund:", "insurence_fund:", "unknown key 'insurence_fund'; did you mean 'insurance_fund'?"),
        ("scan_every: 1s", "scan_every: 1", "give a unit"),
    ],
)
def test_a_broken_profile_names_the_line(old, new, said, tmp_path):
    text = (PROFILES / "cex_a.yaml").read_text()
    assert old in text
    path = tmp_path / "mine.yaml"
    path.write_text(text.replace(old, new, 1))
    line = text[: text.index(old)].count("\n") + 1
    with pytest.raises(ScenarioError) as caught:
        read_profile(path)
    assert said in str(caught.value)
    lines = [int(problem.split(":")[1]) for problem in caught.value.problems]
    assert any(abs(found - line) <= 1 for found in lines)  # where two lines disagree either may be named


def test_a_profile_of_ones_own_needs_no_code(tmp_path, monkeypatch):
    monkeypatch.setenv("SHOAL_VENUES", str(tmp_path))
    text = (PROFILES / "cex_a.yaml").read_text()
    (tmp_path / "coarse.yaml").write_text(text.replace("tick_usd: 0.1 ", "tick_usd: 1 "))
    spec = load_spec("calm_btc", ["venue=coarse", "market.price=$126k"])
    assert load_profile(spec.venue).perp.tick_usd == 1.0
    (tmp_path / "coarse.yaml").write_text(text)
    assert load_profile("coarse") == load_profile("cex_a")


def test_ones_own_profile_may_not_shadow_a_shipped_one(tmp_path, monkeypatch):
    monkeypatch.setenv("SHOAL_VENUES", str(tmp_path / "gone"))
    with pytest.raises(ScenarioError, match="which is no folder"):
        load_profile("cex_a")
    monkeypatch.setenv("SHOAL_VENUES", str(tmp_path))
    (tmp_path / "cex_a.yaml").write_text("title: x\n")
    with pytest.raises(ScenarioError, match="rename the file"):
        load_profile("cex_a")


def test_a_profile_may_state_an_inverse_contract_and_build_refuses_it_in_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setenv("SHOAL_VENUES", str(tmp_path))
    text = (PROFILES / "cex_a.yaml").read_text()
    (tmp_path / "coin_margined.yaml").write_text(text.replace("contract: linear ", "contract: inverse "))
    assert load_profile("coin_margined").contract == "inverse"
    with pytest.raises(ScenarioError, match="^venue coin_margined: a market of inverse contracts cannot be built"):
        build(load_spec("calm_btc", ["venue=coin_margined"]), seed=1)
    (tmp_path / "coin_margined.yaml").write_text(text.replace("contract: linear ", "contract: quanto "))
    with pytest.raises(ScenarioError, match="contract"):
        load_profile("coin_margined")


START = {"eth": 4100, "sol": 205, "alt": 100, "token": 1, "lst": 4300, "usdt": 1}
"""Prices at the start, USD, of the coins that the shipped profiles are for; BTC's is the scenario's own."""


def _scenario_of(name):
    price = START.get(name.rpartition("_")[2], 116_720)
    market = [f"market.price={price}USD", "market.open_interest=1000"]
    return load_spec("calm_btc", [f"venue={name}", *market, "leveraged.accounts=200", "leveraged.notional_cap=$1m"])


@pytest.mark.parametrize("name", profile_names())
def test_a_market_can_be_built_of_every_shipped_profile_and_nothing_is_lost_in_it(name):
    market = build(_scenario_of(name), seed=1)
    market.audit = True
    market.run_until(30.0)
    assert len(market.collect().series) > 1 and int(market.state.price[0]["mark_half_ticks"]) > 0
    assert 0 < market.state.books.sides[0]["mask"] < 1 << 17


def test_one_profile_serves_coins_of_ten_and_of_a_hundred_dollars():
    for price in (10, 100):
        load_spec("calm_btc", ["venue=cex_a_alt", f"market.price={price}USD"])


def test_a_profile_may_extend_a_shipped_one_or_one_beside_it(tmp_path):
    (tmp_path / "mine.yaml").write_text("extends: cex_a\nperp: {taker_fee: 9bp}\n")
    (tmp_path / "other.yaml").write_text(
        "extends: mine\ninsurance_fund: $5\nmargin_tiers:\n  - {up_to: null, maintenance: 1%, max_leverage: 50}\n"
    )
    shipped, mine, other = (
        load_profile("cex_a"),
        read_profile(tmp_path / "mine.yaml"),
        read_profile(tmp_path / "other.yaml"),
    )
    assert mine == shipped.model_copy(update={"perp": shipped.perp.model_copy(update={"taker_fee": 0.0009})})
    assert other.perp == mine.perp and other.insurance_fund == 5.0 and len(other.margin_tiers) == 1
    assert is_profile(tmp_path / "other.yaml") and not is_profile(tmp_path / "none.yaml")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("extends: cex_aa\n", "mine.yaml:1:1: extends: no venue profile 'cex_aa' is shipped"),
        ("extends: mine\n", "mine.yaml:1:1: extends: goes in a circle: mine.yaml -> mine.yaml"),
        ("extends: ../cex_a\n", "mine.yaml:1:1: extends: '../cex_a' leaves the folder of this file"),
        ("extends: cex_a\nperp:\n  tick_usd: x\n", "mine.yaml:3:3: perp.tick_usd: "),
        ("extends: cex_a\nadl_rank: index\n", "mine.yaml:2:1: adl_rank: unknown key"),
        ("extends: low\n", "low.yaml:2:8: mark.basis_sample: must be at least"),
    ],
)
def test_what_is_wrong_with_an_extending_profile_names_the_file_and_line(text, said, tmp_path):
    (tmp_path / "low.yaml").write_text("extends: cex_a\nmark: {basis_sample: 0s}\n")
    (tmp_path / "mine.yaml").write_text(text)
    with pytest.raises(ScenarioError) as caught:
        read_profile(tmp_path / "mine.yaml")
    assert said in str(caught.value)


def test_a_changed_profile_below_ones_own_is_read_again(tmp_path, monkeypatch):
    monkeypatch.setenv("SHOAL_VENUES", str(tmp_path))
    (tmp_path / "low.yaml").write_text("extends: cex_a\ninsurance_fund: $5\n")
    (tmp_path / "high.yaml").write_text("extends: low\n")
    assert load_profile("high").insurance_fund == 5.0
    (tmp_path / "low.yaml").write_text("extends: cex_a\ninsurance_fund: $77\n")
    os.utime(tmp_path / "low.yaml", ns=(1, 1))
    assert load_profile("high").insurance_fund == 77.0
