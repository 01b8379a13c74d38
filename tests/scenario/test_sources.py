"""Provenance of a scenario: read, merged, kept with the results, and no part of what identifies a run."""

from datetime import date

import pytest

from sim.errors import ScenarioError
from sim.results import load_run
from sim.runner import Scenario
from sim.scenario.load import load_spec
from sim.scenario.spec import NOT_READ, Spec
from sim.scenario.write import scenario_hash, spec_to_yaml
from tests.report.conftest import made_run

MINE = """extends: calm_btc
name: mine
sources:
  depth: {as_of: 2026-03-01, origin: my own snapshots, window: 20:00 to 20:49, repairs: 3 gaps, sha256: ""}
"""


def test_a_shipped_scenario_says_how_old_its_depth_is():
    assert load_spec("flash_10_11_btc").sources.depth.as_of == date(2025, 10, 10)


def test_sources_merge_and_read_back(tmp_path):
    (tmp_path / "mine.yaml").write_text(MINE)
    spec = load_spec(tmp_path / "mine.yaml")
    assert (spec.sources.depth.as_of, spec.sources.depth.repairs) == (date(2026, 3, 1), "3 gaps")
    assert spec.sources.open_interest == load_spec("calm_btc").sources.open_interest
    (tmp_path / "again.yaml").write_text(spec_to_yaml(spec))
    assert load_spec(tmp_path / "again.yaml") == spec


def test_sources_are_no_part_of_what_identifies_a_run():
    spec = load_spec("calm_btc")
    bare = Spec.model_validate({**spec.model_dump(mode="json"), "sources": {}})
    assert bare != spec
    assert scenario_hash(bare) == scenario_hash(spec)
    assert Scenario(bare).run_id((1,)) == Scenario(spec).run_id((1,))
    assert not NOT_READ & set(Scenario(spec).resolved["scenario"])
    other = load_spec("calm_btc", {"market.price": "$100k"})
    assert Scenario(other).run_id((1,)) != Scenario(spec).run_id((1,))


def test_a_saved_run_keeps_its_sources(tmp_path):
    run = made_run(1, load_spec("calm_btc", {"duration": "5min"}))
    assert load_run(run.save(tmp_path / "made", report=False)).spec.sources == run.spec.sources


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("as_of: 10/10/2025", "sources.depth.as_of: expected a day such as \"2025-10-10\", got '10/10/2025'"),
        ("as_of: 2025-13-01", "sources.depth.as_of: expected a day such as \"2025-10-10\", got '2025-13-01'"),
        ("as_of: 1999-01-01", "sources.depth.as_of: the year must lie between 2009 and 2100, got 1999"),
        ("as_of: 2025", "sources.depth.as_of: expected a day such as \"2025-10-10\", got '2025'"),
        ("sha256: abc", "sources.depth.sha256: "),
        ("asof: 2025-10-10", "sources.depth.asof: unknown key 'asof'; did you mean 'as_of'?"),
    ],
)
def test_what_is_wrong_is_said_at_its_line(tmp_path, monkeypatch, line, sentence):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.yaml").write_text(f"extends: calm_btc\nsources:\n  depth:\n    {line}\n")
    with pytest.raises(ScenarioError) as caught:
        load_spec("mine.yaml")
    assert any(problem.startswith(f"mine.yaml:4:5: {sentence}") for problem in caught.value.problems)
