"""Venue profiles: the margin table of the sources, and a table that cannot be drawn wrong."""

import pytest

from sim.build import build
from sim.errors import ScenarioError
from sim.scenario.load import load_spec
from sim.venues.profile import PROFILES, load_profile, profile_names, read_profile


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
    with pytest.raises(ScenarioError, match=r"no venue profile 'cex_aa' \(there is: cex_a\); did you mean 'cex_a'\?"):
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
