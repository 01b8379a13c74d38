"""What a check leaves behind: tables that read back, JUnit XML, figures and page, the same bytes each time."""

import json
from datetime import date
from pathlib import Path
from xml.etree import ElementTree as Xml

import numpy as np
import pandas as pd
import pytest

from sim.experiments.assumed import assumed
from sim.experiments.check import Checked, judged
from sim.experiments.check_tables import SEEDS, VERDICTS, running
from sim.metrics.sequential import FAIL, PASS, UNDECIDED
from sim.report.assumption_figures import evidence_figure
from sim.report.assumption_page import PAGE, RECORD, evidence_folder, write_evidence
from sim.report.assumption_words import closing, limit_text, lines, measure_text, statement
from sim.report.junit import junit_bytes
from sim.runner import load

DAY = date(2025, 10, 20)
FILE = """extends: calm_btc
name: mine
title: Mine & <yours>
assumptions:
  share_of_seeds: 80%
  tests:
  - {name: fund, kind: fund, at_least: 90%}
  - {name: sale, kind: exit_cost, notional: $20m, at: 1min, over: 1h, at_most: 60bp, note: "desk <A> & B"}
  - {name: spell, kind: recovery, of: price, to: 99%, at: 10min, at_most: 10min}
  - {name: depth, kind: depth, side: bids, within: 1%, at: 1min, over: 5min, at_least: $100m}
  - {name: old, kind: bad_debt, max_age: 1d}
  - {name: broken, kind: adl, side: short, leverage_from: 1, leverage_to: 3}
  - {name: call, kind: margin_call, positions: [{side: long, notional: $1m, leverage: 5}], at_most: $1m}
  - {name: long, kind: liquidation, side: long, leverage: 20, at: 5min, over: 30min}
"""


def row(**numbers: float) -> dict:
    return {
        "status": "ok",
        "error": None,
        "news_left_s": np.nan,
        "fund_gone_s": np.nan,
        "no_floor_s": np.nan,
        **numbers,
    }


@pytest.fixture
def checked(tmp_path: Path, monkeypatch) -> Checked:
    """Numbers of 20 seeds, made up; no market is run."""
    monkeypatch.setattr("sim.experiments.check.FEWEST", 4)
    (tmp_path / "mine.yaml").write_text(FILE)
    scenario = load(tmp_path / "mine.yaml")
    verdicts = []
    for one in assumed(scenario.spec, DAY):
        pairs = []
        for k in range(20):
            numbers = {
                one.key: {"fund": 1.0, "depth": 9e7 + 1e6 * k, "recovery": 700.0 if k in (5, 12) else 60.0}.get(
                    one.test.kind, 0.0
                )
            }
            if one.test.kind == "exit_cost":
                numbers = {f"{one.key}_twin_usd": 100.0, f"{one.key}_arrival_usd": 100.0}
            if one.test.kind == "recovery" and k == 7:
                numbers[one.key] = np.nan
            base = row(**numbers)
            if one.name == "long":
                base["news_left_s"] = 600.0
            if one.name == "broken":
                base |= {"status": "failed", "error": "CapacityError: x"}
            sale = row(**{f"{one.key}_sale_usd": 99.9 - 0.01 * k, f"{one.key}_filled": 1.0}) if one.is_sale else None
            pairs.append((base, sale))
        verdicts.append(judged(one, pairs, scenario.spec.duration))
    return Checked(scenario, tmp_path / "check-mine-0123456789ab", DAY, tuple(verdicts), False, 40)


def test_there_is_every_kind_of_verdict(checked):
    assert {v.name: v.verdict for v in checked.verdicts} == {
        "fund": PASS, "sale": PASS, "spell": UNDECIDED, "depth": FAIL,
        "old": UNDECIDED, "broken": "error", "call": PASS, "long": UNDECIDED,
    }  # fmt: skip
    assert checked.of("long").reason.startswith("in 20 of 20 seeds the model cannot say")


def test_the_tables_read_back_and_have_units(checked):
    place = write_evidence(checked)
    verdicts, seeds = (pd.read_parquet(place / f"{name}.parquet") for name in ("verdicts", "seeds"))
    assert (list(verdicts), list(seeds)) == (list(VERDICTS), list(SEEDS))
    assert len(pd.read_csv(place / "seeds.csv")) == len(seeds) == 20 * 7
    units = pd.read_csv(place / "units.csv")
    assert set(units["column"]) == set(VERDICTS) | set(SEEDS)
    of = seeds[seeds["name"] == "sale"]
    assert of["value"].to_numpy() == pytest.approx(1.0 - (99.9 - 0.01 * np.arange(20)) / 100.0)
    assert (of["read"] == "yes").sum() == checked.of("sale").decision.n
    assert verdicts.loc[verdicts["name"] == "spell", "seeds_within"].item() == 17
    assert np.isinf(seeds.loc[(seeds["name"] == "spell") & (seeds["seed"] == 8), "value"].item())
    assert set(seeds.loc[seeds["name"] == "long", "within"]) == {"open"}


def test_the_band_of_the_table_decides_as_the_verdict_does(checked):
    for v in checked.verdicts:
        share, low, high = running(v) if v.values else (np.empty(0),) * 3
        n = v.decision.n
        if v.verdict == PASS:
            assert low[n - 1] >= v.about.least > low[: n - 1].max(initial=0.0)
        elif v.verdict == FAIL:
            assert high[n - 1] < v.about.least
        assert (low <= share).all() and (share <= high).all()


def test_the_same_check_gives_the_same_bytes_and_another_a_folder_of_its_own(checked):
    place = write_evidence(checked)
    before = {p.name: p.read_bytes() for p in place.iterdir()}
    assert write_evidence(checked) == place
    assert {p.name: p.read_bytes() for p in place.iterdir()} == before
    later = Checked(checked.scenario, checked.folder, date(2025, 10, 21), checked.verdicts, False, 0)
    assert evidence_folder(later) != place
    assert {*VERDICTS} and {f"{v.name}.svg" for v in checked.verdicts if v.values} <= set(before)


def test_the_page_is_self_contained_and_escaped(checked):
    text = (write_evidence(checked) / PAGE).read_text()
    assert "Mine &amp; &lt;yours&gt;" in text and "desk &lt;A&gt; &amp; B" in text
    assert "http" not in text.replace("http-equiv", "") and "<script" not in text
    assert "not a forecast" in text and "2025-10-10" in text
    for v in checked.verdicts:
        assert v.name in text


def test_the_record_says_what_stands_behind(checked):
    found = json.loads((write_evidence(checked) / RECORD).read_text())
    assert found["sources"]["depth"]["as_of"] == "2025-10-10" and found["checked_on"] == "2025-10-20"
    assert len(found["resolved_sha256"]) == len(found["kernel_sha256"]) == 64
    assert [t["name"] for t in found["asked"]["tests"]] == [v.name for v in checked.verdicts]
    assert found["assumptions"][0]["good_until"] == "2026-01-08"
    assert "probability" not in json.dumps(found)


def test_junit_says_what_pipelines_read(checked):
    root = Xml.fromstring(junit_bytes(checked))
    assert root.tag == "testsuites"
    (suite,) = root.findall("testsuite")
    cases = suite.findall("testcase")
    for element in (root, suite):
        counts = {key: int(element.get(key, "")) for key in ("tests", "failures", "errors", "skipped")}
        assert counts == {"tests": 8, "failures": 1, "errors": 1, "skipped": 3}
    assert [c.get("name") for c in cases] == [v.name for v in checked.verdicts]
    found = {c.get("name"): [child.tag for child in c if child.tag != "system-out"] for c in cases}
    assert found == {
        "fund": [], "sale": [], "spell": ["skipped"], "depth": ["failure"],
        "old": ["skipped"], "broken": ["error"], "call": [], "long": ["skipped"],
    }  # fmt: skip
    message = cases[4].find("skipped").get("message")
    assert message == "undecided: stale: the depth data are 10 days old, max_age is 1 days"
    assert junit_bytes(checked) == junit_bytes(checked)


def test_figures_have_axes_with_units(checked):
    for v in checked.verdicts:
        if not v.values:
            continue
        left, right = evidence_figure(v, "0123456789ab").axes
        assert left.get_ylabel().endswith("%") and right.get_ylabel().endswith("%")
        assert right.get_xlabel().rpartition(", ")[2] in ("%", "bp", "min", "s", "million USD", "USD")


def test_words(checked):
    said = {v.name: statement(v.about) for v in checked.verdicts}
    assert said["sale"] == "cost to sell $20m on perp from 1 min over 1 h <= 60 bp in at least 80 % of seeds"
    assert said["depth"] == (
        "perp bids within 1 % of mid, worst from 1 min over 5 min, >= $100m in at least 80 % of seeds"
    )
    assert said["long"] == (
        "room to the liquidation price of a 20x long from 5 min over 30 min >= 0 % in at least 80 % of seeds"
    )
    sale, spell = (checked.of(name).about for name in ("sale", "spell"))
    assert (measure_text(sale, np.inf), measure_text(spell, np.inf)) == ("not filled", "not back")
    assert measure_text(checked.of("fund").about, -np.inf) == "no fund"
    assert limit_text(spell) == "<= 10 min"
    text = "\n".join(lines(checked) + closing(checked))
    assert "8 assumptions: 3 pass, 1 fail, 3 undecided, 1 error" in text
    assert "depth data of 2025-10-10 (10 days before 2025-10-20)" in text
