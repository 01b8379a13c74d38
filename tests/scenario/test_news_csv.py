"""A news path from a CSV file: what it means, that it is carried with the scenario, and every way it can be wrong."""

import math

import pytest
import yaml

from sim.errors import ScenarioError
from sim.news_path import path_ramps
from sim.scenario.load import load_spec
from sim.scenario.write import spec_to_yaml
from tests.market.small import BASE, market_of
from tests.scenario.broken import HEAD

VALUES = "# mine\nseconds,value\n0,200\n60,190\n120.5,210\n"
RETURNS = "seconds,return\n0,0\n60,-0.05\n120.5,0.10526315789473684\n"


def spec_with(folder, text, name="my_news.csv"):
    (folder / name).write_text(text)
    (folder / "mine.yaml").write_text(HEAD + f"news: {{path: {name}}}\n")
    return load_spec(folder / "mine.yaml")


@pytest.mark.parametrize("text", [VALUES, RETURNS, "\ufeff" + VALUES.replace("\n", "\r\n")])
def test_values_and_returns_give_the_same_path(tmp_path, text):
    points = spec_with(tmp_path, text).news.path
    assert [point.at for point in points] == [0.0, 60.0, 120.5]
    assert [point.move for point in points] == pytest.approx([0.0, -0.05, 0.05])


def test_a_dumped_scenario_needs_the_file_no_more(tmp_path):
    spec = spec_with(tmp_path, VALUES)
    (tmp_path / "my_news.csv").unlink()
    (tmp_path / "again.yaml").write_text(spec_to_yaml(spec))
    assert load_spec(tmp_path / "again.yaml") == spec


def test_the_value_follows_the_file_and_a_flat_file_changes_nothing(tmp_path):
    quiet = {"noise_per_day": 0.0}
    path = [point.model_dump(mode="json") for point in spec_with(tmp_path, VALUES).news.path]
    market = market_of(news=quiet | {"path": path}, leveraged={"enabled": False})
    market.run_until(130.0)
    value = market.collect().series["value_usd"]
    assert value[61] == pytest.approx(950.0)
    assert value[31] == pytest.approx(1000.0 * math.exp(0.5 * math.log(0.95)))
    assert value[-1] == pytest.approx(1050.0)
    flat = spec_with(tmp_path, "seconds,value\n0,7\n100,7\n")
    assert len(path_ramps(flat.news)) == 0


def test_a_mirrored_file_moves_the_value_the_other_way(tmp_path):
    ends = []
    for end in ("0.95", repr(1 / 0.95)):
        path = [p.model_dump(mode="json") for p in spec_with(tmp_path, f"seconds,value\n0,1\n60,{end}\n").news.path]
        market = market_of(news={"noise_per_day": 0.0, "path": path}, leveraged={"enabled": False})
        market.run_until(61.0)
        ends.append(math.log(market.collect().series["value_usd"][-1] / 1000.0))
    assert ends[0] == pytest.approx(-ends[1])
    assert ends[0] == pytest.approx(math.log(0.95))


def test_an_override_may_name_a_file_and_an_extended_scenario_has_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    spec_with(tmp_path, VALUES)
    assert len(load_spec("calm_btc", ["news.path=my_news.csv"]).news.path) == 3
    below = tmp_path / "below"
    below.mkdir()
    (below / "base.yaml").write_text(yaml.safe_dump(BASE | {"news": {"path": "own.csv"}}))
    (below / "own.csv").write_text("seconds,value\n0,1\n5,1.01\n")
    (tmp_path / "top.yaml").write_text("extends: below/base.yaml\nname: top\n")
    assert [point.at for point in load_spec(tmp_path / "top.yaml").news.path] == [0.0, 5.0]


WRONG = {
    "empty": ("", "must begin with 'seconds,value' or 'seconds,return', got ''"),
    "heading": ("time,price\n0,1\n", "must begin with 'seconds,value' or 'seconds,return', got 'time,price'"),
    "no rows": ("seconds,value\n", "holds 0 rows: give 1 to 10000"),
    "columns": ("seconds,value\n0,1,2\n", "line 2: expected 2 columns, got 3"),
    "word": ("seconds,value\n0,one\n", "line 2: expected a number, got 'one'"),
    "nan": ("seconds,value\n0,nan\n", "line 2: expected a number, got 'nan'"),
    "backwards": ("seconds,value\n5,1\n5,1\n", "line 3: seconds must start at 0 or later and rise, got 5 after 5"),
    "negative": ("seconds,value\n0,1\n1,-1\n", "line 3: value must be above 0, got -1"),
    "too far": ("seconds,return\n0,0\n1,1.5\n", "line 3: moves the value by +150%; allowed is -90% to +100%"),
    "too late": ("seconds,value\n0,1\n9e9,1\n", "must be at most 8640000 s, got 9000000000 s"),
    "too long": ("seconds,value\n" + "#" * 1_000_001, "is larger than 1,000,000 bytes: keep fewer rows"),
}


@pytest.mark.parametrize(("text", "sentence"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_said_at_the_line_of_the_scenario(tmp_path, text, sentence):
    with pytest.raises(ScenarioError) as caught:
        spec_with(tmp_path, text)
    (problem,) = caught.value.problems
    assert sentence in problem
    assert problem.startswith(f"{tmp_path / 'mine.yaml'}:5:8: news.path")


@pytest.mark.parametrize("name", ["nowhere.csv", "../outside.csv", "/etc/outside.csv", "link.csv"])
def test_a_file_elsewhere_is_refused(tmp_path, name):
    (tmp_path / "outside.csv").write_text(VALUES)
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "link.csv").symlink_to(tmp_path / "outside.csv")
    (folder / "mine.yaml").write_text(HEAD + f"news: {{path: {name}}}\n")
    with pytest.raises(ScenarioError, match="no file" if name == "nowhere.csv" else "leaves the folder"):
        load_spec(folder / "mine.yaml")
