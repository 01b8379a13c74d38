"""Facts 10, 11 and 17: metaorders read from the published file of this version alone, forced sizes from a run."""

import json

import numpy as np
import pytest

from sim.metrics.facts import FACTS, Series, stylised_facts
from sim.metrics.metaorders import IMPACT_FACTS, Metaorders, impact_facts
from sim.report import published, stylised
from tests.report.conftest import made_run, made_spec

CALM = [made_run(1, made_spec(duration="20min"))]
SIZES = np.array([60.0, 120.0, 240.0, 480.0, 960.0])


def planted(power=0.5, four=0.9, left=0.6):
    """Impact of Y = 0.8 and any exponent over 1 h, a share of it over 4 h."""
    one = 1e4 * 0.8 * 0.02 * (SIZES / 20_000.0) ** power
    return Metaorders(
        np.repeat([1.0, 4.0], 5), np.tile(SIZES, 2), np.full(10, 30.0), np.concatenate((one, four * one)),
        np.full(10, left), 20_000.0, 0.02,
    )  # fmt: skip


def test_planted_metaorders_are_measured():
    values = [float(j.values[0]) for j in impact_facts(planted(), "")]
    assert values == pytest.approx([0.5, 0.8, 0.9, 0.6, 0.6])
    assert all(j.verdict == "pass" and j.basis == "means of 30 seeds" for j in impact_facts(planted(), ""))
    assert impact_facts(planted(power=0.7), "")[0].verdict == "miss"
    assert impact_facts(planted(four=0.6), "")[2].verdict == "miss"
    assert impact_facts(planted(left=0.3), "")[4].verdict == "miss"


def test_the_size_farthest_off_counts_in_either_direction():
    m = planted(four=1.0)
    impact = m.impact_bp.copy()
    impact[7] *= 1.5
    assert impact_facts(m._replace(impact_bp=impact), "")[2].values[0] == pytest.approx(1.5)
    impact[8] *= 0.4
    assert impact_facts(m._replace(impact_bp=impact), "")[2].values[0] == pytest.approx(0.4)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(published, "published_dir", lambda: tmp_path)
    return tmp_path


def put(folder, **changes):
    head = {"command": "python -m calibration.experiments impact --seeds 30", **published.made_with("calm_btc")}
    rows = [f"{h:g},{q:g},30,{10 * (q / 60) ** 0.5:g},0.6" for h in (1, 4) for q in SIZES]
    lines = [f"# {json.dumps(head | changes)}; not a forecast", "hours,musd,seeds,impact_bp,left_at_2_T", *rows]
    (folder / "impact.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def test_the_file_of_this_version_is_used(folder):
    put(folder)
    found, why_not = published.metaorders()
    assert why_not == "" and found.musd.size == 10 and found.daily_musd == 20_000.0
    judged = {(j.fact.number, j.fact.name): j for j in stylised.facts_of(CALM, experiments=True)}
    assert judged[10, IMPACT_FACTS[0][0]].values[0] == pytest.approx(0.5, abs=1e-4)
    assert 10 not in {j.fact.number for j in stylised.facts_of(CALM)}  # a page shows its own runs alone


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"kernel_sha256": "0" * 12}, "another version"),
        ({"scenario_sha256": "0" * 12}, "another version"),
        ("# {};\nhours,musd,seeds,impact_bp,left_at_2_T\n1,60,30,9,0.6\n", "another version"),
        (None, "needs paired metaorders"),
        ("no head", "not readable"),
        ("", "not readable"),
    ],
)
def test_any_other_file_is_refused_with_the_cure(folder, change, word):
    if isinstance(change, dict):
        put(folder, **change)
    elif change is not None:
        (folder / "impact.csv").write_text(change)
    found, why_not = published.metaorders()
    assert found is None and word in why_not and "python -m calibration.experiments impact" in why_not
    text = "\n".join(stylised.lines(stylised.facts_of(CALM, experiments=True)))
    assert text.count(word) == len(IMPACT_FACTS) and "  17 tail index of coins forced" in text


def test_sizes_forced_out_of_accounts_are_measured_wherever_something_was():
    sizes = 0.1 * (np.random.default_rng(4).pareto(0.75, 20_000) + 1.0)
    series = Series({}, np.empty((0, 60)), forced_btc=0.25 * sizes, taken_btc=0.75 * sizes)
    (fact,) = stylised_facts([series], (17,))
    assert fact.values[0] == pytest.approx(0.75, rel=0.1) and fact.verdict == "pass"
    replayed = stylised.facts_of([made_run(1, made_spec(duration="20min", market={"bid_depth_share": "50%"}))])
    assert [j.fact.number for j in replayed] == [17] and replayed[0].note
    assert {17} < {fact.number for fact in FACTS}
