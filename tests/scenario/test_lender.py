"""Lender profiles: shipped and of one's own, every error at its line."""

import json

import pytest
from typer.testing import CliRunner

from sim.cli.app import app
from sim.errors import ScenarioError
from sim.venues.profile import LENDERS, is_lender, is_profile, load_lender, read_lender

FILE = LENDERS / "lender_a.yaml"


def test_the_shipped_profile_is_no_finding_and_gives_the_table_of_the_model():
    lender = load_lender("lender_a")
    assert "no finding about any protocol or firm" in lender.statement
    numbers = {name: (rules.ltv, rules.threshold, rules.bonus) for name, rules in lender.assets.items()}
    assert numbers["weth"] == (0.805, 0.83, 0.05) and numbers["wsteth"] == (0.785, 0.81, 0.06)
    assert numbers["wbtc"] == (0.73, 0.78, 0.05)
    modes = {name: (rules.ltv, rules.threshold, rules.bonus) for name, rules in lender.modes.items()}
    assert modes == {"eth": (0.93, 0.95, 0.01), "susde": (0.9, 0.92, 0.03), "usde": (0.9, 0.93, 0.02)}
    with pytest.raises(ScenarioError, match="no lender profile 'lendr_a' .* did you mean 'lender_a'"):
        load_lender("lendr_a")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("ltv: 80.5%", "ltv: 84%", "must not be above threshold, 0.83, got 0.84"),
        ("threshold: 83%", "threshold: 96%", "threshold x (1 + bonus) is 1.008, above 1"),
        (
            "feed: {kind: hard_coded, to: usdt}",
            "feed: {kind: hard_coded, to: susde}",
            "'susde' has no feed of the market",
        ),
        ("kind: ratio, to: weth", "kind: rato, to: weth", "did you mean 'ratio'?"),
        ("collateral: [weth, wsteth]", "collateral: [weth, steth]", "no asset 'steth' here"),
        ("borrowable: [weth]", "borrowable: [wbtc]", "'wbtc' is no asset with a curve here"),
        ("close_factor: 50% ", "close_factor: 150% ", "must be at most 1, got 1.5"),
        ("least_left: $1000", "least_left: 1000", "give a unit"),
        ("heartbeat: 1h}", "heartbeet: 1h}", "unknown key 'heartbeet'"),
        ("protocol_fee:", "protocol_fe:", "did you mean 'protocol_fee'?"),
    ],
)
def test_a_broken_profile_names_the_line(old, new, said, tmp_path):
    text = FILE.read_text()
    assert old in text
    path = tmp_path / "mine.yaml"
    path.write_text(text.replace(old, new, 1))
    line = text[: text.index(old)].count("\n") + 1
    with pytest.raises(ScenarioError) as caught:
        read_lender(path)
    assert said in str(caught.value)
    assert any(int(problem.split(":")[1]) == line for problem in caught.value.problems)


def test_validate_knows_lender_profiles_also_those_that_extend_one(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("extends: lender_a\ntitle: Mine\nassets: {weth: {bonus: 6%}}\n")
    assert is_lender(path) and not is_profile(path) and not is_lender(tmp_path / "none.yaml")
    assert read_lender(path).assets["weth"].bonus == 0.06 and read_lender(path).assets["weth"].ltv == 0.805
    done = CliRunner().invoke(app, ["validate", str(path), str(FILE)])
    assert done.exit_code == 0 and "mine.yaml: ok: Mine (lender profile)" in done.stdout
    path.write_text("extends: lender_a\nassets: {weth: {bonus: 60%}}\n")
    done = CliRunner().invoke(app, ["validate", str(path), "--json"])
    assert done.exit_code == 2 and "above 1" in json.loads(done.stdout)[0]["problems"][0]
