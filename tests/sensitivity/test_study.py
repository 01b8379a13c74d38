"""``shoal sensitivity`` from question to table: toy markets at the seam of runs, a tiny market, and the command."""

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from sim.cli.app import app
from sim.errors import ScenarioError
from sim.sensitivity.study import Question, Study, sensitivity
from tests.sensitivity.toy import answering

VARY = ("market.bid_depth_share=20%..100%", "market.ask_depth_share=20%..100%", "leveraged.cex_share=0..1")
NOISE = 0.3
ASKED = Question("calm_btc", VARY, (), ("drop_from_start",), "emulator", 32, 4)


def toy(scenario: dict[str, Any], seed: int) -> dict[str, float]:
    """Linear in two settings, nothing of the third, with seed noise of a known size."""
    a, b = (scenario["market"][name] for name in ("bid_depth_share", "ask_depth_share"))
    luck = np.random.default_rng([seed, round(1e6 * a)]).standard_normal()
    return {"drop_from_start": -(2.0 * a + b + NOISE * luck), "second_round": 0.1 * (a + b < 1.2)}


@pytest.mark.parametrize(("method", "points"), [("emulator", 48), ("sobol", 32), ("morris", 8)])
def test_a_known_market_is_recovered(method: Any, points: int, tmp_path: Path):
    answer = sensitivity(replace(ASKED, method=method, points=points, seeds=4), tmp_path, lanes=answering(toy))
    rows = answer.table.set_index("factor")
    a, b, c = (rows.loc[text.split("=")[0]] for text in VARY)
    if method == "morris":
        assert a["effect"] == pytest.approx(1.6, abs=0.4) and b["effect"] == pytest.approx(0.8, abs=0.4)
        assert c["effect"] == 0.0 and c["moves"] == "no" and a["moves"] == "yes"
    else:
        left = NOISE**2 / 4.0 / (NOISE**2 / 4.0 + 0.8**2 / 12.0 * 5.0)  # noise that is left in means
        assert a["first"] == pytest.approx(0.8 * (1.0 - (method == "sobol") * left), abs=0.12)
        assert abs(c["first"]) < 0.1 and c["total"] < 0.1 and c["moves"] == "no"
    share = NOISE**2 / (NOISE**2 + 0.8**2 / 12.0 * 5.0)  # seeds against both inputs
    if method == "emulator":
        assert a["noise_share"] == pytest.approx(share, abs=0.1) and a["noise_low"] < share < a["noise_high"]
        assert b["total"] == pytest.approx(0.2, abs=0.08)
    assert c["pinned_by"] == "judgement" and c["open"] == "no" and a["pinned_by"] == "data"


def test_asked_again_it_makes_nothing_and_says_the_same(tmp_path: Path):
    first = sensitivity(ASKED, tmp_path, lanes=answering(toy))
    again = sensitivity(ASKED, tmp_path, lanes=answering(toy))
    assert first.tally.made == 32 * 4 and again.tally.made == 0 and again.folder == first.folder
    assert again.table.equals(first.table)


def test_the_tipping_point_is_moved_by_depth_alone(tmp_path: Path):
    def tips(scenario: dict[str, Any], seed: int) -> dict[str, float]:
        fall = -scenario["shocks"][0]["move"]
        luck = np.random.default_rng([seed, 7]).standard_normal()
        return {"second_round": 0.1 * (fall > 0.06 * scenario["market"]["depth_scale_visible"] + 0.004 * luck)}

    vary = ("shock=1%..12%", "depth=0.5..1.5", "leveraged.cex_share=0..1")
    asked = Question("calm_btc", vary, (), ("s_star", "cascade"), "emulator", 64, 4)
    table = sensitivity(asked, tmp_path, lanes=answering(tips)).table.set_index(["outcome", "factor"])
    assert table.loc[("s_star", "depth"), "total"] == pytest.approx(1.0, abs=0.08)
    assert table.loc[("s_star", "leveraged.cex_share"), "total"] < 0.05
    assert table.loc[("s_star", "depth"), "beyond"] < 0.1 and ("s_star", "shock") not in table.index


def test_a_tiny_market_by_the_command(tmp_path: Path):
    where = f"--out {tmp_path} --workers 1"
    words = (
        f"sensitivity calm_btc --set leveraged.accounts=200 --vary shock=1%..6% --vary depth=0.5..1.5 {where}".split()
    )
    words += (
        "--method morris --points 2 --seeds 2 --horizon 2min --at 20s --over 20s --outcomes drop_from_start".split()
    )
    done = CliRunner().invoke(app, [*words, "--json"])
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    rows = {row["factor"]: row for row in told["rows"]}
    assert rows["shock"]["effect"] > rows["depth"]["effect"] >= 0.0 and rows["shock"]["moves"] == "yes"
    assert {file.name for file in Path(told["folder"]).iterdir()} == {
        "sensitivity.csv", "sensitivity.parquet", "sensitivity.svg", "units.csv",
    }  # fmt: skip
    plain = CliRunner().invoke(app, words)
    assert plain.exit_code == 0 and "of the variance of a run" in plain.output and "Table and figure" in plain.output


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"method": "fourier"}, "expected morris, sobol, emulator"),
        ({"outcomes": ("profit",)}, "there are"),
        ({"outcomes": ("s_star",)}, "s_star wants"),
        ({"seeds": 0}, "expected 1 to"),
        ({"method": "sobol", "points": 48}, "power of two"),
        ({"vary": ()}, "nothing to vary"),
    ],
)
def test_what_cannot_be_asked_is_refused(change: dict[str, Any], said: str, tmp_path: Path):
    with pytest.raises(ScenarioError, match=said):
        Study(replace(ASKED, **change), tmp_path)


def test_outcomes_without_a_value_anywhere(tmp_path: Path):
    with pytest.raises(ScenarioError, match="too few for an emulator"):
        sensitivity(replace(ASKED, outcomes=("fills",)), tmp_path, lanes=answering(toy))
    assert math.isnan(
        sensitivity(replace(ASKED, outcomes=("fills",), method="sobol", points=4), tmp_path, lanes=answering(toy))
        .found["fills"].noise.share
    )  # fmt: skip
