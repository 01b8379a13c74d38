"""Loading: defaults, extends, changes, and that what is written out reads back."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from sim.errors import ScenarioError
from sim.scenario.load import load_spec
from sim.scenario.places import recorded_names, scenario_names, scenarios_dir
from sim.scenario.spec import Spec
from sim.scenario.write import SCHEMA_LINE, scenario_hash, spec_to_dict, spec_to_yaml
from sim.settings.reader import read_text
from tests.scenario.broken import HEAD


def _refused(*arguments) -> list[str]:
    with pytest.raises(ScenarioError) as caught:
        load_spec(*arguments)
    return list(caught.value.problems)


def _write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        path = folder / f"{name.replace('__', '/')}.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return folder


@pytest.mark.parametrize("name", scenario_names())
def test_shipped_scenario_loads_and_its_dump_reads_back(name, tmp_path):
    spec = load_spec(name)
    assert spec.name == name
    (tmp_path / "again.yaml").write_text(spec_to_yaml(spec))
    again = load_spec(tmp_path / "again.yaml")
    assert again == spec
    assert scenario_hash(again) == scenario_hash(spec)
    assert Spec.model_validate(spec_to_dict(spec)) == spec


@pytest.mark.parametrize("name", scenario_names())
def test_shipped_scenario_starts_with_the_line_for_editors(name):
    assert (scenarios_dir() / f"{name}.yaml").read_text().startswith(SCHEMA_LINE + "\n")


def test_there_are_the_scenarios_of_this_version():
    assert scenario_names() == (
        "aftermath_10_11",
        "aftermath_credit",
        "aftermath_reset",
        "assets_six_weeks",
        "assumptions_example",
        "calm_btc",
        "dat_stress",
        "etf_bleed",
        "flash_10_11",
        "flash_10_11_adl_haircut",
        "flash_10_11_adl_pro_rata",
        "flash_10_11_btc",
        "flash_10_11_depth_frozen",
        "flash_10_11_fund_x5",
        "flash_10_11_half_leverage",
        "flash_10_11_morning_depth",
        "flash_10_11_no_adl",
        "flash_10_11_pace_cap",
        "flash_10_11_redemption",
        "flash_10_11_transfers_open",
        "loans_called",
        "recovery",
        "safer_november",
        "safer_november_depth",
        "safer_november_leverage",
        "squeeze",
        "usde_run",
    )


def test_calm_is_calm_by_input():
    spec = load_spec("calm_btc")
    assert (spec.duration, spec.shocks, spec.news.path) == (7200.0, (), None)
    assert spec.news.noise_per_day == 0.0188
    assert (spec.market.bid_depth_share, spec.market.ask_depth_share) == (1.0, 1.0)
    assert spec.leveraged.enabled


def test_flash_starts_from_the_recorded_evening():
    spec = load_spec("flash_10_11_btc")
    assert spec.start_utc == datetime(2025, 10, 10, 20, 20, tzinfo=UTC)
    assert spec.start_utc.timestamp() + spec.duration == datetime(2025, 10, 11, 3, tzinfo=UTC).timestamp()
    assert (spec.market.bid_depth_share, spec.market.ask_depth_share) == (0.55, 0.75)
    assert (spec.news.path, spec.news.beta, spec.evidence) == ("qqq_2025_10_10", 1.07, "btc_2025_10_10")
    assert spec.news.path in recorded_names("return_bp")
    assert spec.evidence in recorded_names("close_usd")


def test_a_recorded_path_is_named_by_what_it_holds():
    problems = _refused("calm_btc", ["news.path=btc_2025_10_10", "evidence=qqq_2025_10_10"])
    assert [problem.split(" (")[0] for problem in problems] == [
        "--set evidence=qqq_2025_10_10: evidence: no recorded prices 'qqq_2025_10_10'",
        "--set news.path=btc_2025_10_10: news.path: no recorded index path 'btc_2025_10_10'",
    ]


def test_a_settings_object_cannot_be_changed():
    spec = load_spec("calm_btc")
    with pytest.raises(ValueError, match="frozen"):
        spec.market.price = 5.0  # type: ignore[misc]
    assert hash(spec) == hash(load_spec("calm_btc"))


def test_extends_merges_groups_and_replaces_lists(tmp_path):
    _write(
        tmp_path,
        low=HEAD
        + "market: {price: $100k, open_interest: 5k}\n"
        + "shocks:\n- {kind: news_move, at: 1m, over: 1m, move: 1%}\n- {kind: news_move, at: 2m, over: 1m, move: 1%}\n",
        high="extends: low\nname: high\nmarket: {price: $90k}\n"
        + "shocks:\n- {kind: news_move, at: 3m, over: 1m, move: -1%}\n",
    )
    spec = load_spec(tmp_path / "high.yaml")
    assert (spec.name, spec.market.price, spec.market.open_interest) == ("high", 90_000.0, 5_000.0)
    assert [shock.at for shock in spec.shocks] == [180.0]


def test_an_error_in_an_extended_file_is_reported_there(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    _write(tmp_path, low=HEAD + "market:\n  price: 5\n", high="extends: low\nname: high\nmarket:\n  open_interest: x\n")
    assert [line.split(": ")[0] for line in _refused("high.yaml")] == ["high.yaml:4:3", "low.yaml:6:3"]


def test_an_error_repaired_above_is_no_error(tmp_path):
    _write(tmp_path, low=HEAD + "market:\n  price: 5\n", high="extends: low\nmarket:\n  price: $5k\n")
    assert load_spec(tmp_path / "high.yaml").market.price == 5000.0


def test_extends_reaches_files_below_and_shipped_ones(tmp_path):
    _write(tmp_path, parts__low=HEAD, mine="extends: parts/low\n", theirs="extends: calm_btc\nname: theirs\n")
    assert load_spec(tmp_path / "mine.yaml").name == "x"
    assert load_spec(tmp_path / "theirs.yaml").duration == 7200.0


def test_extends_refuses_a_circle_of_three(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    _write(tmp_path, a="extends: b\n" + HEAD, b="extends: c\n", c="extends: a\n")
    assert _refused("a.yaml") == ["c.yaml:1:1: extends: goes in a circle: a.yaml -> b.yaml -> c.yaml -> a.yaml"]


def test_extends_refuses_a_long_chain(tmp_path):
    _write(tmp_path, **{f"f{i}": f"extends: f{i + 1}\n" for i in range(12)}, f12=HEAD)
    assert "more than 10 files extend one another" in _refused(tmp_path / "f0.yaml")[0]
    assert load_spec(tmp_path / "f3.yaml").name == "x"


def test_extends_refuses_a_link_that_leaves_the_folder(tmp_path):
    inside = tmp_path / "inside"
    _write(tmp_path, secret=HEAD)
    _write(tmp_path, inside__mine="extends: link\n")
    (inside / "link.yaml").symlink_to(tmp_path / "secret.yaml")
    (problem,) = _refused(inside / "mine.yaml")
    assert "'link' is a link that leaves the folder of this file" in problem


ESCAPES = [
    "../x",
    "a/../../x",
    "/etc/passwd",
    "//etc/passwd",
    "..\\x",
    "C:/x",
    "~/x",
    "~root/x",
    "a\\..\\x",
    "file:x",
    "\\\\h\\x",
]


@pytest.mark.parametrize("value", ESCAPES)
def test_extends_never_leaves_the_folder(value, tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(f"extends: {value!r}\n")
    (problem,) = _refused(path)
    assert "leaves the folder of this file" in problem


@pytest.mark.parametrize(
    ("change", "read"),
    [
        ("market.price=$100k", lambda s: s.market.price == 100_000.0),
        ("market.price=100kUSD", lambda s: s.market.price == 100_000.0),
        ("leveraged.enabled=false", lambda s: s.leveraged.enabled is False),
        ("news.path=[{at: 1m, move: -2%}]", lambda s: s.news.path[0].move == -0.02),
        ("news.path=null", lambda s: s.news.path is None),
        ("news.path=", lambda s: s.news.path is None),
        ("shocks.0.notional=$2bn", lambda s: s.shocks[0].notional == 2e9),
        ("shocks=[]", lambda s: s.shocks == ()),
        ("market={price: $3k}", lambda s: (s.market.price, s.market.open_interest) == (3000.0, 7000.0)),
        ("title=a: b", None),
        ("title='a: b = c'", lambda s: s.title == "a: b = c"),
        ("tick=100ms", lambda s: s.tick == 0.1),
        ("start_utc=2025-10-10T22:20:00+02:00", lambda s: s.start_utc.hour == 20),
    ],
)
def test_set_changes_one_setting(change, read, tmp_path):
    path = tmp_path / "f.yaml"
    shock = "shocks:\n- {kind: flow, side: sell, at: 1m, over: 1m, notional: $1bn}\n"
    path.write_text(HEAD + "market: {open_interest: 7k}\n" + shock)
    if read is None:
        assert "expected text" in _refused(path, [change])[0]
    else:
        assert read(load_spec(path, [change]))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("market.pric=$5k", "--set market.pric=$5k: market.pric: unknown key 'pric'; did you mean 'price'?"),
        ("prise", "--set prise: expected path=value, such as market.price=100kUSD"),
        ("=5", "--set =5: expected path=value, such as market.price=100kUSD"),
        ("extends=flash", "--set extends=flash: extends cannot be set: name the other scenario instead"),
        (
            "shocks.0.at=1m",
            "--set shocks.0.at=1m: shocks: is no list in the file, so entry 0 cannot be set: "
            "set the whole list in brackets",
        ),
        ("seeds_shown=*a", "--set seeds_shown=*a: aliases are not read: write the value instead of *a"),
        ("seeds_shown=[1", None),
        ("duration.x=5", "--set duration.x=5: duration: is a single value, so 'x' in it cannot be set"),
        ("market..price=$5k", None),
        (".=5", None),
    ],
)
def test_set_is_checked_like_a_file(change, said):
    (problem,) = _refused("calm_btc", [change])
    assert problem.startswith(f"--set {change}: ") if said is None else problem == said


def test_set_names_the_entry_that_is_missing(tmp_path):
    path = tmp_path / "f.yaml"
    path.write_text(HEAD + "shocks:\n- {kind: news_move, at: 1m, over: 1m, move: 1%}\n")
    assert _refused(path, ["shocks.1.at=1m"]) == [
        "--set shocks.1.at=1m: shocks: has no entry 1: it holds 1, counted from 0"
    ]


def test_the_last_change_wins_and_mappings_work_like_text():
    lines = load_spec("calm_btc", ["market.price=$5k", "market.price=$6k", "leveraged.enabled=false"])
    assert lines == load_spec("calm_btc", {"market.price": "$6k", "leveraged": {"enabled": False}})
    assert lines.market.price == 6000.0
    assert (
        load_spec("calm_btc", {"shocks": ({"kind": "news_move", "at": "1m", "over": "1m", "move": 0.1},)})
        .shocks[0]
        .move
        == 0.1
    )


def test_changes_do_not_leak_into_the_next_load():
    before = load_spec("calm_btc")
    load_spec("calm_btc", ["market.price=$5k"])
    assert load_spec("calm_btc") == before


def test_hash_moves_with_any_setting_and_with_nothing_else():
    base = load_spec("calm_btc")
    assert scenario_hash(load_spec("calm_btc", ["market.price=$116720"])) == scenario_hash(base)
    assert scenario_hash(load_spec("calm_btc", ["news.beta=1.08"])) != scenario_hash(base)
    assert scenario_hash(load_spec("calm_btc", ["news.beta=-0.0"])) == scenario_hash(
        load_spec("calm_btc", ["news.beta=0"])
    )


def test_the_dump_is_plain_yaml_for_any_reader():
    assert yaml.safe_load(spec_to_yaml(load_spec("calm_btc"))) == spec_to_dict(load_spec("calm_btc"))


@given(title=st.text(st.characters(codec="utf-8"), min_size=1, max_size=60), description=st.text(max_size=200))
@example(title="1e3", description="5.")
@example(title="true", description="~")
@example(title="on", description="8:30")
@example(title="# x", description="a: b\n\n  c\n")
def test_any_title_survives_the_dump(title, description):
    try:
        spec = load_spec("calm_btc", {"title": title, "description": description})
    except ScenarioError:
        assert not all(c.isprintable() or c == "\n" for c in title + description)
        return
    document = read_text(spec_to_yaml(spec), "dump")
    assert document.problems == []
    assert Spec.model_validate(document.data) == spec
