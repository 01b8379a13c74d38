"""Known outcomes of ``amplify``: the table to the bit, what is taken from it, how it is checked and grown."""

import gzip
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from sim.cli.app import app
from sim.errors import DataError, ScenarioError
from sim.experiments import amplify as asking
from sim.experiments import known as knowing
from sim.experiments.amplify import Answer, amplify
from sim.experiments.amplify_tables import critical_frame, settings_frame
from sim.experiments.depth_grid import Cell, Question, Sweeper
from sim.experiments.outcomes import FILE, NUMBERS, SAID, Line, read_table, table_bytes
from sim.report.amplification_page import known_sentences
from tests.experiments.inline import inline
from tests.experiments.planted import Planted

SMALL = ("leveraged.accounts=2000",)
SMALLEST = Question("calm_btc", SMALL, "news", (-0.02, -0.06), (1.0, 0.5), ("all",), 3, 0.0, 0, 60.0, 30.0, 20.0)


def small(out: Path, question: Question = SMALLEST, **how: Any) -> Answer:
    return amplify(question, out, lanes=lambda: [inline()], **how)


def table_of(answer: Answer) -> Path:
    return answer.folder / "amplification" / FILE


def same(a: Answer, b: Answer) -> bool:
    return settings_frame(a).equals(settings_frame(b)) and critical_frame(a).equals(critical_frame(b))


# --- the table


def line(seed: int, **numbers: float | None) -> Line:
    return Line("0123456789abcdef", "all", 0.65, -0.0871, seed, {**dict.fromkeys(NUMBERS), **numbers})


def test_numbers_come_back_to_the_bit_and_the_same_rows_are_the_same_bytes(tmp_path: Path):
    rng = np.random.default_rng(5)
    values = [*rng.standard_normal(200), 5e-324, -0.0, 0.1 + 0.2, 1.7976931348623157e308]
    lines = [line(k + 1, fall=float(v), second_round=float(v) / 3.0) for k, v in enumerate(values)]
    data = table_bytes(lines, {"scenario": "x"})
    assert data == table_bytes(reversed(lines), {"scenario": "x"})
    for name, written in (("packed", data), ("plain", gzip.decompress(data))):
        (tmp_path / name).write_bytes(written)
        head, read = read_table(tmp_path / name)
        assert head == {"scenario": "x"} and [r.number for r in read] == list(range(3, len(values) + 3))
        assert [repr(r._replace(number=0)) for r in read] == [repr(one) for one in lines]


HEAD = '# {"scenario": "x"}'
GOOD = "0123456789abcdef,all,1.0,-0.05,1,0.1,0.1,0.1,0.1,9.0,"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", ":1: this is no table of outcomes"),
        ("layer,depth\nall,1\n", ":1: this is no table of outcomes"),
        (f"{HEAD}\nlayer,depth\n", ":2: expected the columns point, layer"),
        (f"{HEAD}\n{','.join(SAID)}\n{GOOD}\n{GOOD},1\n", ":4: expected 11 cells, got 12"),
        (f"{HEAD}\n{','.join(SAID)}\n{GOOD.replace('9.0', 'nine')}\n", ":3: crowding: expected a number, got 'nine'"),
        (f"{HEAD}\n{','.join(SAID)}\n{GOOD.replace('9.0', 'inf')}\n", ":3: crowding: expected a number"),
        (f"{HEAD}\n{','.join(SAID)}\n{GOOD.replace('0123', 'xyz')}\n", ":3: point: expected 16 hex digits"),
        (f"{HEAD}\n{','.join(SAID)}\n{GOOD.replace(',1,', ',0,')}\n", ":3: seed: expected a whole number"),
        (f"{HEAD}\n{','.join(SAID)}\n{GOOD.replace('1.0', '')}\n", ":3: depth and size: expected numbers"),
        (f"{HEAD}\n{','.join(SAID)}\n{GOOD}\n{GOOD}\n", ":4: the same cell as line 3"),
    ],
)
def test_a_bad_table_is_one_sentence_with_its_line(tmp_path: Path, text: str, said: str):
    file = tmp_path / "bad.csv"
    file.write_text(text)
    with pytest.raises(DataError) as refused:
        read_table(file)
    assert f"{file}{said}" in str(refused.value) and "\n" not in str(refused.value)
    assert "shoal amplify" in str(refused.value)


def test_a_missing_or_damaged_table_is_one_sentence(tmp_path: Path):
    with pytest.raises(DataError, match="none: cannot be read"):
        read_table(tmp_path / "none")
    data = table_bytes([line(k, fall=float(np.sqrt(k))) for k in range(1, 5000)], {})
    for k, damaged in enumerate((data[: len(data) // 2], data[:-4] + b"abcd", data[:20] + b"\xff" * 50 + data[70:])):
        file = tmp_path / f"damaged{k}"
        file.write_bytes(damaged)
        with pytest.raises(DataError, match=rf"damaged{k}:\d+: "):
            read_table(file)


# --- the same answer from what is known


def test_an_answer_from_known_outcomes_is_that_of_the_runs_and_makes_none(tmp_path: Path):
    whole = small(tmp_path / "a")
    table = table_of(whole)
    assert len(read_table(table)[1]) == 12 and whole.taken is None
    unchecked = small(tmp_path / "b", known=table, recheck=0)
    assert unchecked.tally.made == unchecked.tally.total == 0
    assert same(unchecked, whole) and unchecked.folder.name == whole.folder.name
    assert unchecked.taken == knowing.Taken(FILE, 12, 0, 0, 0)
    assert known_sentences(unchecked)[0].startswith("NOT CHECKED: 12 outcomes")
    assert "unchecked" in read_table(table_of(unchecked))[0]
    checked = small(tmp_path / "c", known=table, recheck=3)
    assert checked.tally.total == 3 and same(checked, whole)
    assert table_of(checked).read_bytes() == table.read_bytes()
    assert "3 of those known were run again and are the same to the bit" in known_sentences(checked)[0]
    more = small(tmp_path / "d", replace(SMALLEST, seeds=4), known=table, recheck=2)
    assert more.tally.total == 2 + 4 and len(read_table(table_of(more))[1]) == 16
    assert same(more, small(tmp_path / "a", replace(SMALLEST, seeds=4)))


def test_an_outcome_that_moved_another_question_and_a_wrong_number_are_refused(tmp_path: Path):
    table = table_of(small(tmp_path / "a"))
    head, lines = read_table(table)
    victim = lines[7]
    moved = np.nextafter(victim.numbers["first_round"], 1.0)
    lines[7] = victim._replace(numbers={**victim.numbers, "first_round": float(moved)})
    table.write_bytes(table_bytes(lines, head))
    with pytest.raises(DataError) as refused:
        small(tmp_path / "b", known=table, recheck=100)
    assert f"seed {victim.seed}: first_round is" in str(refused.value) and f":{victim.number}:" in str(refused.value)
    assert "make them again without --known" in str(refused.value)
    other = replace(SMALLEST, changes=("leveraged.accounts=2001",))
    with pytest.raises(DataError, match=r"none of its 12 outcomes \(scenario calm_btc, .*ask without --known"):
        small(tmp_path / "c", other, known=table)
    with pytest.raises(ScenarioError, match="recheck: expected 0 or more"):
        small(tmp_path / "d", known=table, recheck=-1)
    assert not list((tmp_path / "c").rglob("plan.json"))


def test_an_added_seed_is_kept_and_checked_with_what_it_tells(tmp_path: Path):
    sweeper = Sweeper(SMALLEST, tmp_path)
    cell = Cell("all", 0.5, -0.055)
    sweeper.make([([cell], [10_001])], lanes=lambda: [inline()])
    knowing.keep(sweeper, None, last=True)
    (only,) = read_table(sweeper.place / FILE)[1]
    assert only.numbers["fall"] is None and only.numbers["second_round"] is not None
    fresh = Sweeper(SMALLEST, tmp_path / "fresh")
    fresh.settle([cell])
    known = knowing.take(fresh, sweeper.place / FILE, lanes=lambda: [inline()])
    assert known.rechecked == 1 and list(fresh.known) == [(only.point, 10_001)]


def test_the_command_takes_known_outcomes(tmp_path: Path):
    words = ["amplify", "calm_btc", "--set", SMALL[0], "--news", "-2%", "--depths", "1", "--seeds", "2"]
    words += ["--half-width", "0", "--horizon", "60s", "--at", "30s", "--over", "20s", "--workers", "1"]
    first = CliRunner().invoke(app, [*words, "--out", str(tmp_path / "a"), "--json"])
    assert first.exit_code == 0, first.output
    table = Path(json.loads(first.stdout)["folder"]) / FILE
    again = [*words, "--out", str(tmp_path / "b"), "--known", str(table), "--recheck"]
    done = CliRunner().invoke(app, [*again, "1", "--json"])
    told = json.loads(done.stdout)
    assert told["known"] == {"file": FILE, "used": 2, "rechecked": 1, "other": 0, "renamed": 0}
    assert told["settings"] == json.loads(first.stdout)["settings"]
    loud = CliRunner().invoke(app, [*again, "0"])
    assert "NOT CHECKED" in loud.stdout
    missing = CliRunner().invoke(app, [*words, "--out", str(tmp_path / "c"), "--known", str(tmp_path / "none")])
    assert missing.exit_code == 2 and "cannot be read" in missing.stderr and "Traceback" not in missing.output


# --- which are checked


def test_the_sample_is_the_same_each_time_and_has_one_of_each_depth():
    points = {0.2: "a" * 16, 0.5: "b" * 16, 1.0: "c" * 16}
    lines = [
        Line(points[depth], "all", depth, -0.05, seed, {})
        for depth in points
        for seed in range(1, 4 if depth < 1 else 400)
    ]
    chosen = knowing.sample(lines, 6)
    assert len(set((c.point, c.seed) for c in chosen)) == 6 and chosen == knowing.sample(reversed(lines), 6)
    assert {c.depth for c in chosen[:3]} == set(points)
    assert knowing.sample(lines, 0) == [] and len(knowing.sample(lines, 10_000)) == len(lines)


# --- added seeds


@pytest.fixture
def planted(monkeypatch: pytest.MonkeyPatch) -> type[Planted]:
    Planted.made, Planted.ran, Planted.fuelled = [], [], False
    monkeypatch.setattr(asking, "Sweeper", Planted)
    return Planted


def asked(out: Path, **more: Any) -> Answer:
    sizes = (-0.04, -0.06, -0.08, -0.1, -0.13)
    how = {name: more.pop(name) for name in ("known", "recheck") if name in more}
    question = Question("calm_btc", sizes=sizes, depths=(1.5, 1.0, 0.5), seeds=64, **more)
    return amplify(question, out, **how)


def test_going_on_from_known_outcomes_adds_to_them(tmp_path: Path, planted: type[Planted]):
    first = asked(tmp_path / "a", half_width=0.002, most_seeds=192)
    before = {(Cell(one.layer, one.depth, one.size), one.seed) for one in read_table(table_of(first))[1]}
    planted.ran = []
    more = asked(tmp_path / "b", half_width=0.002, most_seeds=1024, known=table_of(first))
    assert planted.ran and not before & set(planted.ran)  # nothing known is run
    assert more.taken is not None and more.taken.used == len(before)
    assert before < {(Cell(one.layer, one.depth, one.size), one.seed) for one in read_table(table_of(more))[1]}
    assert (first.critical_shocks["half_width_pct"] > 0.2).any() and (
        more.critical_shocks["half_width_pct"] <= 0.2
    ).all()
    planted.ran = []
    again = asked(tmp_path / "c", half_width=0.002, most_seeds=1024, known=table_of(more))
    assert same(again, more) and not planted.ran
    assert table_of(again).read_bytes() == table_of(more).read_bytes()


def test_added_seeds_at_sizes_that_the_loop_would_not_ask_take_part(tmp_path: Path, planted: type[Planted]):
    """As after a change of the rule that chooses where seeds are added."""
    grid = asked(tmp_path / "a", half_width=0.0)
    head, lines = read_table(table_of(grid))
    stand_in, cell = Planted(grid.question, tmp_path), Cell("all", 1.0, -0.0777)
    for seed in range(10_065, 10_129):
        row = stand_in.row(cell, seed)
        lines.append(Line(stand_in.point(cell), *cell, seed, {name: row.get(name) for name in NUMBERS}))
    file = tmp_path / "more.csv.gz"
    file.write_bytes(table_bytes(lines, head))
    planted.made = []
    still = asked(tmp_path / "b", half_width=0.0, known=file)
    row = critical_frame(still).set_index("depth").loc[1.0]
    assert row["seeds"] == 128 and [len(seeds) for _, seeds in planted.made] == [64]
    assert row["half_width_pct"] < critical_frame(grid).set_index("depth").loc[1.0, "half_width_pct"]
    planted.made = []
    asked(tmp_path / "c", half_width=1e-6, most_seeds=128, known=file)
    later = [seeds for _, seeds in planted.made][1:]
    assert [s[0] for s in later] == [10_129, 10_193]  # x1 has its 64; the others get blocks that are free


def test_a_block_that_was_begun_is_finished(tmp_path: Path, planted: type[Planted]):
    first = asked(tmp_path / "a", half_width=1e-6, most_seeds=128)
    head, lines = read_table(table_of(first))
    lost = [one for one in lines if 10_100 <= one.seed <= 10_128]
    assert len(lost) == 29
    file = tmp_path / "part.csv.gz"
    file.write_bytes(table_bytes([one for one in lines if one not in lost], head))
    planted.ran = []
    again = asked(tmp_path / "b", half_width=1e-6, most_seeds=128, known=file)
    assert [seed for _, seed in planted.ran] == [one.seed for one in lost]
    assert same(again, first)


def test_a_longer_table_stays_until_the_question_is_answered(tmp_path: Path, planted: type[Planted]):
    answer = asked(tmp_path / "a", half_width=0.0)
    table = table_of(answer)
    whole = table.read_bytes()
    sweeper = Planted(answer.question, tmp_path / "a")
    sweeper.make([([Cell("all", 1.0, -0.04)], [1, 2])])
    as_sweeper: Any = sweeper
    knowing.keep(as_sweeper, None, last=False)
    assert table.read_bytes() == whole
    knowing.keep(as_sweeper, None, last=True)
    assert len(read_table(table)[1]) == 2


def test_points_of_an_older_format_count_where_the_scenario_is_the_same(tmp_path: Path, planted: type[Planted]):
    """A setting that the file does not know has its default; a setting with another value is another scenario."""
    first = asked(tmp_path / "a", half_width=0.0)
    head, lines = read_table(table_of(first))
    older = [one._replace(point=one.point[::-1]) for one in lines]
    del head["base"]["lending"]
    file = tmp_path / "older.csv.gz"
    file.write_bytes(table_bytes(older, head))
    again = asked(tmp_path / "b", half_width=0.0, known=file)
    assert again.taken == knowing.Taken("older.csv.gz", 960, 16, 0, 960) and same(again, first)
    assert table_of(again).read_bytes() == table_of(first).read_bytes()
    assert "960 were made before the format" in known_sentences(again)[0]
    with pytest.raises(DataError, match="none of its 960 outcomes"):  # nothing would be checked
        asked(tmp_path / "c", half_width=0.0, known=file, recheck=0)
    head["base"]["market"]["depth_scale_latent"] = 0.9
    file.write_bytes(table_bytes(older, head))
    with pytest.raises(DataError, match="none of its 960 outcomes"):
        asked(tmp_path / "d", half_width=0.0, known=file)
