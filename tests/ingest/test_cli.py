"""``shoal ingest depth`` as a user meets it: report, fragment, exit codes."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from sim.cli.app import app
from sim.scenario.load import load_spec
from sim.settings.reader import read_file
from tests.ingest import books

SHOAL = CliRunner()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return books.long_file(books.record(books.path(30, 100_000.0, 2), 2, 6.0), tmp_path / "book.csv")


def test_a_file_becomes_a_scenario_that_says_where_it_comes_from(file: Path, tmp_path: Path) -> None:
    out = tmp_path / "my_depth.yaml"
    answer = SHOAL.invoke(app, ["ingest", "depth", str(file), "--out", str(out), "--from", "00:02", "--to", "00:10"])
    assert answer.exit_code == 0, answer.output
    assert "findings: none" in answer.output
    assert "17 snapshots" in out.read_text()
    spec = load_spec(out)
    assert spec.name == "my_depth"
    assert spec.market.bid_depth_share == spec.market.ask_depth_share == 1.0
    assert spec.market.perp_bid_depth[-1].within == 0.05
    assert spec.sources.depth is not None
    assert spec.sources.depth.as_of.isoformat() == "2025-10-10"
    assert spec.sources.depth.repairs == "none needed"
    assert len(spec.sources.depth.sha256) == 64
    assert SHOAL.invoke(app, ["validate", str(out)]).exit_code == 0


def test_a_second_file_extends_the_first_and_nothing_is_overwritten(file: Path, tmp_path: Path) -> None:
    out, spot = tmp_path / "my_depth.yaml", tmp_path / "my_spot.yaml"
    assert SHOAL.invoke(app, ["ingest", "depth", str(file), "--out", str(out)]).exit_code == 0
    again = SHOAL.invoke(app, ["ingest", "depth", str(file), "--out", str(out)])
    assert again.exit_code == 2
    assert "--force" in again.output
    assert SHOAL.invoke(app, ["ingest", "depth", str(file), "--out", str(out), "--force"]).exit_code == 0
    arguments = ["ingest", "depth", str(file), "--out", str(spot), "--book", "spot", "--extends", "my_depth"]
    assert SHOAL.invoke(app, arguments).exit_code == 0
    spec = load_spec(spot)
    assert spec.market.perp_bid_depth == load_spec(out).market.perp_bid_depth
    assert spec.market.spot_depth[-1].within == 0.05
    missing = SHOAL.invoke(app, [*arguments[:-1], "nothing", "--force"])
    assert missing.exit_code == 2
    assert "nothing" in missing.output


def test_strict_writes_nothing_on_a_finding_of_the_window(file: Path, tmp_path: Path) -> None:
    lines = file.read_text().splitlines()
    lines[2000] = lines[2000].rsplit(",", 1)[0] + ",-1"  # snapshot 4, at 00:02:00
    file.write_text("\n".join(lines))
    out = tmp_path / "a.yaml"
    assert SHOAL.invoke(app, ["ingest", "depth", str(file), "--out", str(out), "--strict"]).exit_code == 2
    assert not out.exists()
    late = SHOAL.invoke(app, ["ingest", "depth", str(file), "--out", str(out), "--strict", "--from", "00:05"])
    assert late.exit_code == 0
    assert "outside the window (1)" in late.output


def test_json_holds_the_profile_and_every_finding(file: Path, tmp_path: Path) -> None:
    answer = json.loads(SHOAL.invoke(app, ["ingest", "depth", str(file), "--json"]).stdout)
    assert answer["format"] == "L2 snapshots, one row a level"
    assert answer["bid"][-1]["within_fraction"] == 0.05
    assert answer["findings"] == answer["findings_outside_window"] == []
    assert answer["written"] == []


def test_a_price_that_the_venue_cannot_hold_is_refused_with_its_cure(tmp_path: Path) -> None:
    file = books.long_file(books.record(books.path(30, 130_000.0, 2), 2, 6.0), tmp_path / "book.csv")
    out = tmp_path / "a.yaml"
    answer = SHOAL.invoke(app, ["ingest", "depth", str(file), "--out", str(out)])
    assert answer.exit_code == 2
    assert "does not suit the perp book" in answer.output
    assert "nothing was written" in answer.output
    assert list(tmp_path.glob("*.yaml")) == list(tmp_path.glob(".*.yaml")) == []
    assert SHOAL.invoke(app, ["ingest", "depth", str(file), "--out", str(out), "--no-price"]).exit_code == 0


def test_a_figure_is_drawn(file: Path, tmp_path: Path) -> None:
    figure = tmp_path / "f.svg"
    assert SHOAL.invoke(app, ["ingest", "depth", str(file), "--figure", str(figure)]).exit_code == 0
    assert figure.read_text().lstrip().startswith("<?xml")
    wrong = SHOAL.invoke(app, ["ingest", "depth", str(file), "--figure", str(tmp_path / "f.doc")])
    assert wrong.exit_code == 2


def test_hostile_names_stay_comments(file: Path, tmp_path: Path) -> None:
    odd = tmp_path / "a: [b]\n- c #'\".csv"
    odd.write_bytes(file.read_bytes())
    out = tmp_path / "x.yaml"
    assert SHOAL.invoke(app, ["ingest", "depth", str(odd), "--out", str(out)]).exit_code == 0
    assert not read_file(out, "x.yaml").problems
    assert load_spec(out).name == "x"


def test_the_four_fragments_form_one_scenario(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SHOAL_VENUES", raising=False)
    (tmp_path / "oi.csv").write_text(f"timestamp,oi_coins\n{books.START_S},12345\n")
    (tmp_path / "tiers.csv").write_text("up_to,maintenance,max_leverage\n50000,0.4%,125\n,50%,1\n")
    books.mark_file(books.record(books.path(1500, 100_000.0, 2), 2, 0.0), tmp_path / "p.csv")
    for line in (
        "depth book.csv --out d.yaml --no-price",
        "oi oi.csv --out o.yaml --extends d",
        "price p.csv --out p.yaml --extends o --as-news n.csv",
        "tiers tiers.csv --as-of 2025-10-01 --out venues/mine.yaml --scenario t.yaml --extends p",
    ):
        answer = SHOAL.invoke(app, ["ingest", *line.split()])
        assert answer.exit_code == 0, answer.output
    monkeypatch.setenv("SHOAL_VENUES", str(tmp_path / "venues"))
    assert SHOAL.invoke(app, ["validate", "t.yaml", "venues/mine.yaml"]).exit_code == 0
    spec = load_spec("t.yaml")
    assert (spec.venue, spec.market.open_interest, spec.market.perp_bid_depth[-1].within) == ("mine", 12345.0, 0.05)
    assert all((spec.sources.depth, spec.sources.open_interest, spec.sources.price, spec.sources.tiers))
    monkeypatch.delenv("SHOAL_VENUES")
    lost = SHOAL.invoke(app, ["validate", "t.yaml"])
    assert lost.exit_code == 2
    assert "SHOAL_VENUES" in lost.output


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("tiers t.csv --as-of 2025-10-01 --scenario t.yaml", "--scenario needs --out"),
        ("price book.csv --as-news n.csv", "beside --out"),
        ("price book.csv --out a.yaml --as-news ../n.csv", "beside --out"),
        ("depth book.csv --bands 5%,1%", "must rise"),
        ("depth book.csv --bands wide", "--bands"),
        ("depth book.csv --out a.txt", "ends in .yaml"),
        ("depth book.csv --out calm_btc.yaml", "would extend itself"),
    ],
)
def test_options_that_make_no_sense(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, why: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.csv").write_text("up_to,maintenance,max_leverage\n50000,0.4%,125\n")
    answer = SHOAL.invoke(app, ["ingest", *line.split()])
    assert answer.exit_code == 2, answer.output
    assert why in answer.output
